/* Child processes, which ran meanwhile. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

#include "model/format.h"

#include <string.h>

static char *key_of(const struct ct_findings_case *a_case, const struct ct_evidence_wait *wait)
{
    const char *exe = wait->thread->process->exe;
    g_autofree char *place = ct_gathering_place_of(a_case, wait);

    return g_strdup_printf("%s %s", exe ? exe : "", place);
}

/* "; of 300, the first of which was cc1, and which ran for 95 % of their lives" */
static char *describe_children(const struct ct_findings_case *a_case,
                               const struct ct_gathering *gathering)
{
    const struct ct_process *parent = gathering->first->thread->process;
    const GPtrArray *children = ct_causes_children(a_case->causes, parent);

    if (!children)
        return g_strdup(" They are not recorded.");
    const struct ct_process *last = children->pdata[children->len - 1];
    double share = 100 * ct_causes_busy_share(a_case->causes, children);
    g_autofree char *count = ct_format_count(children->len);

    if (children->len == 1)
        return g_strdup_printf(" It was %s (%d), which ran for %.0f %% of its life.", last->name,
                               last->pid, share);
    return g_strdup_printf(" %s programs were run in them, %s the last; they ran for %.0f %% of "
                           "their lives.",
                           count, last->name, share);
}

void ct_findings_child(const struct ct_findings_case *a_case, const char *name, GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings = ct_gather(a_case, CT_CAUSE_CHILD, key_of);

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
                       g_strdup("report threads"));
    }
}
