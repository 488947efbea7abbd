#include "passes/findings/words.h"

#include "model/alike.h"
#include "model/format.h"
#include "symbols/object_name.h"
#include "symbols/stack_text.h"

#include <string.h>

char *ct_words_lock(const struct ct_findings_input *input, const struct ct_process *process,
                    enum ct_op op, uint64_t object, uint64_t time_ns)
{
    struct ct_thread member = {.process = (struct ct_process *)process};
    const struct ct_interval wait = {.thread = &member, .op = op, .object = object};
    const char *variable =
        ct_object_find_name(input->symbolizer, process, ct_op_object(op), object, time_ns);

    return variable ? g_strdup_printf("%s %s", ct_object_name(ct_op_object(op)), variable)
                    : ct_format_object(&wait);
}

char *ct_words_name(const GPtrArray *threads)
{
    char *name = g_strdup(((const struct ct_thread *)threads->pdata[0])->name);

    for (guint i = 1; i < threads->len; i++) {
        const struct ct_thread *thread = threads->pdata[i];

        if (!ct_names_are_alike(name, thread->name)) {
            g_free(name);
            return NULL;
        }
        char *merged = ct_names_merge(name, thread->name);

        g_free(name);
        name = merged;
    }
    return name;
}

char *ct_words_kind(const struct ct_thread *thread)
{
    GString *kind = g_string_new(thread->process->exe);

    g_string_append_c(kind, ' ');
    for (const char *name = thread->name; *name; name++) {
        if (!g_ascii_isdigit(*name))
            g_string_append_c(kind, *name);
    }
    return g_string_free(kind, FALSE);
}

/* One by another name, if there is one. */
static const struct ct_thread *other_than(const GPtrArray *threads, const struct ct_thread *first)
{
    for (guint i = 1; i < threads->len; i++) {
        const struct ct_thread *thread = threads->pdata[i];

        if (strcmp(thread->name, first->name) != 0)
            return thread;
    }
    return threads->pdata[1];
}

char *ct_words_threads(const GPtrArray *threads)
{
    const struct ct_thread *first = threads->pdata[0];
    g_autofree char *common = ct_words_name(threads);

    if (threads->len == 1)
        return g_strdup_printf("thread %s (%d)", first->name, first->tid);
    if (common)
        return g_strdup_printf("%u threads%s %s", threads->len,
                               strchr(common, '*') ? "" : " called", common);
    const struct ct_thread *second = other_than(threads, first);

    if (threads->len == 2)
        return g_strdup_printf("2 threads (%s and %s)", first->name, second->name);
    return g_strdup_printf("%u threads (%s, %s and %u more)", threads->len, first->name,
                           second->name, threads->len - 2);
}

char *ct_words_time(double time_ns)
{
    return ct_format_duration(ct_rounded(time_ns));
}

char *ct_words_time_of(const struct ct_findings_case *a_case, const struct ct_gathering *gathering)
{
    g_autofree char *time = ct_words_time(gathering->total_ns);
    double alive_ns = ct_causes_sum_lives(a_case->causes, gathering->threads).alive_ns;

    if (alive_ns <= 0)
        return g_steal_pointer(&time);
    return g_strdup_printf("%s (%.0f %% of %s time)", time,
                           MIN(100 * gathering->total_ns / alive_ns, 100),
                           gathering->threads->len == 1 ? "its" : "their");
}

char *ct_words_count(const struct ct_gathering *gathering)
{
    uint64_t count = ct_rounded(gathering->count);
    g_autofree char *number = ct_format_count(count);
    g_autofree char *mean = ct_words_time(gathering->total_ns / MAX(gathering->count, 1));
    g_autofree char *longest = ct_format_duration(gathering->longest_ns);

    if (count <= 1)
        return g_strdup("once");
    return g_strdup_printf("%s times, %s each and %s at most", number, mean, longest);
}

char *ct_words_where(const struct ct_gathering *gathering)
{
    if (!gathering->place)
        return g_strdup("");
    g_autofree char *place = ct_stack_place_text(gathering->place);

    return g_strdup_printf("%s in %s", g_hash_table_size(gathering->places) > 1 ? ", mostly" : ",",
                           place);
}

struct ct_finding *ct_finding_add(GPtrArray *findings, const char *rule,
                                  const struct ct_gathering *gathering, char *text,
                                  const char *command, const GPtrArray *whom)
{
    struct ct_finding *finding = g_new0(struct ct_finding, 1);

    *text = g_ascii_toupper(*text);
    finding->rule = rule;
    finding->cost_ns = ct_rounded(gathering->total_ns);
    finding->text = text;
    finding->command = command;
    for (guint i = 0; whom && i < whom->len; i++) {
        if (!finding->whom)
            finding->whom = g_ptr_array_new();
        g_ptr_array_add(finding->whom, whom->pdata[i]);
    }
    finding->threads = g_ptr_array_new();
    if (gathering->threads)
        g_ptr_array_extend(finding->threads, gathering->threads, NULL, NULL);
    finding->when = gathering->when;
    finding->longest = gathering->longest;
    finding->longest_ns = gathering->longest_ns;
    finding->longest_of = gathering->longest_of;
    finding->place = gathering->place;
    finding->cpus_used = gathering->first && gathering->total_ns > 0
                             ? gathering->used_ns / gathering->total_ns
                             : CT_FINDING_UNKNOWN;
    g_ptr_array_add(findings, finding);
    return finding;
}
