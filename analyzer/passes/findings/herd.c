/* Many threads are woken, and all but one find nothing to do. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

#include "model/format.h"

/* Fewer are no herd, nor is who is woken so in vain seldom. */
#define THREADS_MIN 3
#define VAIN_MIN    20
#define VAIN_SHARE  0.5

static char *key_of(const struct ct_findings_case *a_case, const struct ct_evidence_wait *wait)
{
    return wait->broadcast_count > 0 ? ct_gathering_key_of_place(a_case, wait) : NULL;
}

void ct_findings_herd(const struct ct_findings_case *a_case, const char *name, GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings = ct_gather_all(a_case, key_of);

    for (guint i = 0; i < gatherings->len; i++) {
        struct ct_gathering *gathering = gatherings->pdata[i];
        double woken = gathering->broadcast_count;
        double vain = gathering->vain_count;

        if (gathering->threads->len < THREADS_MIN || vain < VAIN_MIN || vain < VAIN_SHARE * woken)
            continue;
        g_autofree char *who = ct_words_threads(gathering->threads);
        g_autofree char *time = ct_words_time(gathering->vain_ns);
        g_autofree char *woken_count = ct_format_count(ct_rounded(woken));
        g_autofree char *vain_count = ct_format_count(ct_rounded(vain));
        g_autofree char *where = ct_words_where(gathering);

        gathering->total_ns = gathering->vain_ns;
        gathering->first = NULL; /* what its waits have in common is not of these times */
        ct_finding_add(findings, name, gathering,
                       g_strdup_printf("%s were woken by broadcasts %s times, and %s times (%.0f "
                                       "%%) found nothing to do: that took them %s, until they "
                                       "waited again%s.",
                                       who, woken_count, vain_count, 100 * vain / woken, time,
                                       where),
                       "report waits", gathering->threads);
    }
}
