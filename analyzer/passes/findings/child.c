/* Child processes, which ran meanwhile. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

#include "model/format.h"

/* Of all processes that waited. */
static struct ct_idle_children sum_children(const struct ct_findings_case *a_case,
                                            const struct ct_gathering *gathering)
{
    g_autoptr(GHashTable) parents = g_hash_table_new(NULL, NULL);
    struct ct_idle_children sum = {0};

    for (guint i = 0; i < gathering->threads->len; i++) {
        const struct ct_thread *thread = gathering->threads->pdata[i];
        const struct ct_idle_children *children =
            ct_idle_children(a_case->input->idle, thread->process);

        if (!children || !g_hash_table_add(parents, GINT_TO_POINTER(thread->process->pid)))
            continue;
        sum.count += children->count;
        sum.alive_ns += children->alive_ns;
        sum.able_ns += children->able_ns;
        if (!sum.last || children->last->start_ns >= sum.last->start_ns)
            sum.last = children->last;
    }
    return sum;
}

/* "It was cc1 (12), which ran ...", "There were 300, as the last ld (12); they ran ..." */
static char *describe_children(const struct ct_findings_case *a_case,
                               const struct ct_gathering *gathering)
{
    const struct ct_idle_children children = sum_children(a_case, gathering);

    if (children.count == 0)
        return g_strdup(" They are not recorded.");
    double share = children.alive_ns > 0 ? 100 * children.able_ns / children.alive_ns : 0;
    g_autofree char *count = ct_format_count(children.count);

    if (children.count == 1)
        return g_strdup_printf(" It was %s (%d), which ran for %.0f %% of its life.",
                               children.last->name, children.last->pid, share);
    return g_strdup_printf(" There were %s, the last one %s (%d); they ran for %.0f %% of their "
                           "lives.",
                           count, children.last->name, children.last->pid, share);
}

void ct_findings_child(const struct ct_findings_case *a_case, const char *name, GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings = ct_gather(a_case, CT_CAUSE_CHILD, ct_gathering_key_of_place);

    for (guint i = 0; i < gatherings->len; i++) {
        const struct ct_gathering *gathering = gatherings->pdata[i];
        g_autofree char *who = ct_words_threads(gathering->threads);
        g_autofree char *time = ct_words_time_of(a_case, gathering);
        g_autofree char *count = ct_words_count(gathering);
        g_autofree char *where = ct_words_where(gathering);
        g_autofree char *children = describe_children(a_case, gathering);

        ct_finding_add(findings, name, gathering,
                       g_strdup_printf("%s waited %s for child processes to end: %s%s.%s", who,
                                       time, count, where, children),
                       "report threads", NULL);
    }
}
