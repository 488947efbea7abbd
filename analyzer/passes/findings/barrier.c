/* Threads that come early to a barrier, and wait for the last one. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

/* Of the time that was waited, what is put down to one thread that came last: it is named. */
#define NAMED_SHARE 0.5

static char *describe_last(const struct ct_findings_case *a_case,
                           const struct ct_gathering *gathering)
{
    const struct ct_thread *last = gathering->first_waker;
    double share = gathering->total_ns > 0 ? gathering->first_waker_ns / gathering->total_ns : 0;

    if (!last || share < NAMED_SHARE)
        return g_strdup(" No thread was the last one most of the time.");
    g_autoptr(GPtrArray) alone = g_ptr_array_new();

    g_ptr_array_add(alone, (void *)last);
    return g_strdup_printf(" For %.0f %% of that, the last one was %s (%d), which ran for %.0f %% "
                           "of its life.",
                           100 * share, last->name, last->tid,
                           100 * ct_causes_busy_share(a_case->causes, alone));
}

void ct_findings_barrier(const struct ct_findings_case *a_case, const char *name,
                         GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings =
        ct_gather(a_case, CT_CAUSE_BARRIER, ct_gathering_key_of_place);

    for (guint i = 0; i < gatherings->len; i++) {
        const struct ct_gathering *gathering = gatherings->pdata[i];
        g_autofree char *who = ct_words_threads(gathering->threads);
        g_autofree char *time = ct_words_time_of(a_case, gathering);
        g_autofree char *count = ct_words_count(gathering);
        g_autofree char *where = ct_words_where(gathering);
        g_autofree char *last = describe_last(a_case, gathering);

        ct_finding_add(findings, name, gathering,
                       g_strdup_printf("%s waited %s at a barrier for the last one to come: "
                                       "%s%s.%s",
                                       who, time, count, where, last),
                       "report threads", gathering->threads);
    }
}
