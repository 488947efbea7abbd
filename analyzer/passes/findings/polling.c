/* Short sleeps, again and again: whoever does so waits for something that could have woken it. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

void ct_findings_polling(const struct ct_findings_case *a_case, const char *name,
                         GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings =
        ct_gather(a_case, CT_CAUSE_POLLING, ct_gathering_key_of_place);

    for (guint i = 0; i < gatherings->len; i++) {
        const struct ct_gathering *gathering = gatherings->pdata[i];
        g_autofree char *who = ct_words_threads(gathering->threads);
        g_autofree char *time = ct_words_time_of(a_case, gathering);
        g_autofree char *count = ct_words_count(gathering);
        g_autofree char *where = ct_words_where(gathering);

        ct_finding_add(
            findings, name, gathering,
            g_strdup_printf("%s slept %s in short sleeps: %s%s.", who, time, count, where),
            "report waits", gathering->threads);
    }
}
