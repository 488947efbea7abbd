#include "passes/findings/command.h"

#include "passes/findings/words.h"
#include "text/shell_word.h"

/* So many threads are named by their numbers. */
#define NUMBERED_MAX 8

static void append(GString *command, const char *words)
{
    if (words && words[0])
        g_string_append_printf(command, " %s", words);
}

static const struct ct_process *common_process(const GPtrArray *threads)
{
    const struct ct_thread *first = threads->pdata[0];

    for (guint i = 1; i < threads->len; i++) {
        if (((const struct ct_thread *)threads->pdata[i])->process != first->process)
            return NULL;
    }
    return first->process;
}

/* Whoever it is, whether or not it is one of those that were asked for: as who ended their waits.
 */
static void append_numbers(GString *command, const GPtrArray *threads)
{
    for (guint i = 0; i < threads->len; i++)
        g_string_append_printf(command, " --thread=%d",
                               ((const struct ct_thread *)threads->pdata[i])->tid);
}

static void append_asked(GString *command, const struct ct_finding_context *context)
{
    append(command, context->processes);
    append(command, context->threads);
}

/* By what they have in common, or else all of their process: of many it is everybody. */
static void append_names(GString *command, const GPtrArray *threads)
{
    const struct ct_process *process = common_process(threads);
    g_autofree char *name = ct_words_name(threads);
    g_autofree char *word = name ? ct_shell_word(name) : NULL;

    if (word)
        g_string_append_printf(command, " --thread=%s", word);
    else if (process)
        g_string_append_printf(command, " --process=%d", process->pid);
}

static gboolean has_asked(const struct ct_finding_context *context)
{
    return (context->processes && context->processes[0]) ||
           (context->threads && context->threads[0]);
}

static void append_whom(GString *command, const GPtrArray *whom,
                        const struct ct_finding_context *context)
{
    if (whom && !has_asked(context))
        append_names(command, whom);
    else if (whom && whom->len <= NUMBERED_MAX)
        append_numbers(command, whom);
    else
        append_asked(command, context);
}

static char *finish(GString *command, const struct ct_finding_context *context)
{
    g_autofree char *directory = context->directory ? ct_shell_path(context->directory) : NULL;

    append(command, context->times);
    append(command, directory);
    return g_string_free(command, FALSE);
}

char *ct_finding_command(const struct ct_finding *finding, const struct ct_finding_context *context)
{
    GString *command = g_string_new("ctrace");

    append(command, finding->command);
    append_whom(command, finding->whom, context);
    append(command, context->waits);
    return finish(command, context);
}

char *ct_finding_what_if(const struct ct_finding *finding, const struct ct_finding_context *context)
{
    if (!finding->what_if)
        return NULL;
    GString *command = g_string_new("ctrace");

    append(command, finding->what_if);
    append_asked(command, context);
    return finish(command, context);
}
