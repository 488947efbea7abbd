#include "assemble/image.h"

#include <string.h>

void ct_assign_string(char **owned, const char *value)
{
    char *valid = g_utf8_make_valid(value, -1); /* `value` may be a part of what is owned */

    g_free(*owned);
    *owned = valid;
}

/* The first word of what was typed, without quotes; "" if there is none. *is_all: there is no
 * other.
 */
static char *first_word(const char *args, gboolean *is_all)
{
    GString *word = g_string_new(NULL);
    char quote = '\0';

    for (; *args && (quote || *args != ' '); args++) {
        if (quote ? *args == quote : *args == '\'' || *args == '"')
            quote = quote ? '\0' : *args;
        else if (*args == '\\' && quote != '\'' && args[1])
            g_string_append_c(word, *++args);
        else
            g_string_append_c(word, *args);
    }
    *is_all = !*args;
    return g_string_free(word, FALSE);
}

/*
 * As whoever started it called it: one file may have many names. A login shell's has a dash. A
 * child of who has set a title, such as "nginx: master process /usr/sbin/nginx", has that; some
 * titles begin with the name alone, "redis-server *:6379".
 */
static char *name_of(const char *args, const char *exe)
{
    gboolean is_all;
    g_autofree char *word = first_word(args, &is_all);
    const char *typed = word[0] == '-' && word[1] ? word + 1 : word;
    const char *colon = strstr(typed, ": ");

    if (colon && colon > typed && !memchr(typed, '/', (size_t)(colon - typed)))
        return g_strndup(typed, (size_t)(colon - typed));
    g_autofree char *program = g_path_get_basename(exe);
    const char *space = strchr(typed, ' ');

    if (is_all && space && !memchr(typed, '/', (size_t)(space - typed)) &&
        strcmp(typed, program) != 0)
        return g_strndup(typed, (size_t)(space - typed));
    return g_path_get_basename(typed[0] ? typed : exe);
}

void ct_image_describe(struct ct_image *image, const char *exe, const char *args, const char *cwd)
{
    struct ct_process *process = &image->process;

    ct_assign_string(&process->exe, exe);
    ct_assign_string(&process->args, args);
    ct_assign_string(&process->cwd, cwd);
    if (process->args[0] || process->exe[0]) {
        g_free(process->name);
        process->name = name_of(process->args, process->exe);
    }
}

void ct_image_describe_end(struct ct_image *image, const char *exe, const char *args,
                           const char *cwd)
{
    struct ct_process *process = &image->process;
    g_autofree char *first = g_strdup(process->args);
    gboolean is_new = first[0] && args[0] && strcmp(first, args) != 0;

    ct_image_describe(image, exe, args, cwd); /* named as it was called last */
    if (!is_new)
        return;
    g_free(process->title);
    process->title = g_steal_pointer(&process->args);
    process->args = g_steal_pointer(&first);
}

void ct_image_begin_exec(struct ct_image *image, uint64_t time_ns)
{
    image->has_exec = TRUE;
    image->exec_ns = time_ns;
}

void ct_image_end(struct ct_image *image, uint64_t end_ns)
{
    if (image->has_ended)
        return;
    image->has_ended = TRUE;
    image->process.end_ns = end_ns;
}

/* An exec that took longer was of a program that we do not see. */
#define EXEC_TIME_NS UINT64_C(1000000000)

/* An image that execs lives until the next one does, however long that takes: under a debugger,
 * long. Its own word is when it began to. */
void ct_image_end_exec(struct ct_image *image, uint64_t next_start_ns)
{
    gboolean is_next =
        next_start_ns > image->exec_ns && next_start_ns - image->exec_ns < EXEC_TIME_NS;

    image->has_ended = TRUE;
    image->process.end_ns = is_next ? next_start_ns : image->exec_ns;
}
