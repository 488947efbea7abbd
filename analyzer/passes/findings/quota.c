/* Threads that had no CPU since their cgroup had used up its quota of CPU time. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

/* By the cgroup and its quota, where these are known: they are the text of what was waited for. */
static char *key_of(const struct ct_findings_case *a_case, const struct ct_evidence_wait *wait)
{
    (void)a_case;
    return g_strdup(wait->local ? wait->local : "");
}

void ct_findings_quota(const struct ct_findings_case *a_case, const char *name, GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings = ct_gather(a_case, CT_CAUSE_QUOTA, key_of);

    for (guint i = 0; i < gatherings->len; i++) {
        const struct ct_gathering *gathering = gatherings->pdata[i];
        const char *local = gathering->first->local;
        g_autofree char *who = ct_words_threads(gathering->threads);
        g_autofree char *time = ct_words_time_of(a_case, gathering);
        g_autofree char *count = ct_words_count(gathering);
        g_autofree char *where = ct_words_where(gathering);

        ct_finding_add(findings, name, gathering,
                       g_strdup_printf("%s stood still for %s, as %s had used up its quota of CPU "
                                       "time: %s%s.",
                                       who, time, local && *local ? local : "the cgroup", count,
                                       where),
                       "report waits", gathering->threads);
    }
}
