/* Short sleeps, again and again: whoever does so waits for something that could have woken it. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

static char *key_of(const struct ct_findings_case *a_case, const struct ct_evidence_wait *wait)
{
    const char *exe = wait->thread->process->exe;
    g_autofree char *place = ct_gathering_place_of(a_case, wait);

    return g_strdup_printf("%s %s", exe ? exe : "", place);
}

void ct_findings_polling(const struct ct_findings_case *a_case, const char *name,
                         GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings = ct_gather(a_case, CT_CAUSE_POLLING, key_of);

    for (guint i = 0; i < gatherings->len; i++) {
        const struct ct_gathering *gathering = gatherings->pdata[i];
        g_autofree char *who = ct_words_threads(gathering->threads);
        g_autofree char *time = ct_words_time_of(a_case, gathering);
        g_autofree char *count = ct_words_count(gathering);
        g_autofree char *where = ct_words_where(gathering);
        g_autofree char *options = ct_words_options(gathering->threads);

        ct_finding_add(
            findings, name, gathering,
            g_strdup_printf("%s slept %s in short sleeps: %s%s.", who, time, count, where),
            g_strdup_printf("report waits%s", options));
    }
}
