/* Files and the disks that they are on. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

static char *key_of(const struct ct_findings_case *a_case, const struct ct_evidence_wait *wait)
{
    g_autofree char *place = ct_gathering_key_of_place(a_case, wait);

    return g_strdup_printf("%d %s", (int)wait->op, place);
}

static char *name_files(const struct ct_gathering *gathering)
{
    if (gathering->targets->len == 0)
        return g_strdup("");
    if (gathering->targets->len == 1)
        return g_strdup_printf(" on %s", (const char *)gathering->targets->pdata[0]);
    return g_strdup_printf(" on %u files", gathering->targets->len);
}

void ct_findings_file(const struct ct_findings_case *a_case, const char *name, GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings = ct_gather(a_case, CT_CAUSE_FILE, key_of);

    for (guint i = 0; i < gatherings->len; i++) {
        const struct ct_gathering *gathering = gatherings->pdata[i];
        g_autofree char *who = ct_words_threads(gathering->threads);
        g_autofree char *time = ct_words_time_of(a_case, gathering);
        g_autofree char *files = name_files(gathering);
        g_autofree char *count = ct_words_count(gathering);
        g_autofree char *where = ct_words_where(gathering);

        ct_finding_add(findings, name, gathering,
                       g_strdup_printf("%s waited %s in %s%s: %s%s.", who, time,
                                       ct_op_name(gathering->first->op), files, count, where),
                       "report waits", gathering->threads);
    }
}
