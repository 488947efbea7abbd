/* Another thread that was at work: a slow stage of a pipeline. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

/* A stage of a pipeline waits for each piece; who waits seldom has other reasons. */
#define WAITS_MIN 10

/* Threads of one kind, wherever they are waited for: before and behind a stage it is one stage. */
static char *key_of(const struct ct_findings_case *a_case, const struct ct_evidence_wait *wait)
{
    (void)a_case;
    return ct_words_kind(wait->waker);
}

void ct_findings_slow_thread(const struct ct_findings_case *a_case, const char *name,
                             GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings = ct_gather(a_case, CT_CAUSE_SLOW_THREAD, key_of);

    for (guint i = 0; i < gatherings->len; i++) {
        const struct ct_gathering *gathering = gatherings->pdata[i];

        if (gathering->count < WAITS_MIN)
            continue;
        g_autofree char *who = ct_words_threads(gathering->threads);
        g_autofree char *time = ct_words_time_of(a_case, gathering);
        g_autofree char *slow = ct_words_threads(gathering->wakers);
        g_autofree char *count = ct_words_count(gathering);
        g_autofree char *where = ct_words_where(gathering);

        ct_finding_add(
            findings, name, gathering,
            g_strdup_printf("%s waited %s for %s: %s%s. What was waited for ran for "
                            "%.0f %% of its life.",
                            who, time, slow, count, where,
                            100 * ct_causes_busy_share(a_case->causes, gathering->wakers)),
            "report threads", gathering->wakers);
    }
}
