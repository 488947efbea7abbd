/* Waits that cannot end: what hangs tells, in one sentence. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"
#include "passes/hangs.h"

#include "symbols/stack_text.h"

static const struct ct_hang_wait *wait_of(const struct ct_hang *hang, guint index)
{
    return &g_array_index(hang->waits, struct ct_hang_wait, index);
}

static const struct ct_symbol_frame *place_of(const struct ct_findings_case *a_case,
                                              const struct ct_hang_wait *wait)
{
    return ct_stack_place(a_case->input->symbolizer, wait->interval.thread->process,
                          wait->interval.stack_id);
}

/* "a (1) for mutex journal in transfer (bank.c:12), b (2) for mutex accounts in audit (bank.c:30)"
 */
static char *list_waits(const struct ct_findings_case *a_case, const struct ct_hang *hang)
{
    GString *list = g_string_new(NULL);
    guint shown = MIN(hang->waits->len, 3);

    for (guint i = 0; i < shown; i++) {
        const struct ct_thread *thread = wait_of(hang, i)->interval.thread;
        const struct ct_symbol_frame *place = place_of(a_case, wait_of(hang, i));
        g_autofree char *text = place ? ct_stack_place_text(place) : NULL;

        const struct ct_interval *interval = &wait_of(hang, i)->interval;
        g_autofree char *object = ct_words_lock(a_case->input, thread->process, interval->op,
                                                interval->object, interval->wait_begin_ns);

        g_string_append_printf(list, "%s%s (%d) for %s%s%s", i > 0 ? ", " : "", thread->name,
                               thread->tid, object, text ? " in " : "", text ? text : "");
    }
    if (shown < hang->waits->len)
        g_string_append_printf(list, " and %u more", hang->waits->len - shown);
    return g_string_free(list, FALSE);
}

static char *describe(const struct ct_findings_case *a_case, const struct ct_hang *hang)
{
    g_autofree char *list = list_waits(a_case, hang);
    g_autofree char *behind =
        hang->behind > 0 ? g_strdup_printf(" %u more %s behind.", hang->behind,
                                           hang->behind == 1 ? "thread waits" : "threads wait")
                         : g_strdup("");

    switch (hang->kind) {
    case CT_HANG_DEADLOCK:
        return g_strdup_printf("Deadlock: %u threads wait for each other for ever: %s.%s",
                               hang->waits->len, list, behind);
    case CT_HANG_SELF:
        return g_strdup_printf("Deadlock: a thread waits for a lock that it holds itself: %s.%s",
                               list, behind);
    case CT_HANG_LOST_WAKE:
        return g_strdup_printf("Probably a lost wake-up: all %u threads of the process wait, and "
                               "none is left to end these waits: %s.%s",
                               hang->waits->len + hang->behind, list, behind);
    default:
        return g_strdup_printf("Abandoned lock: it is waited for, and its holder has exited: "
                               "%s.%s",
                               list, behind);
    }
}

static void add_waits(struct ct_finding *finding, const struct ct_hang *hang)
{
    finding->threads = g_ptr_array_new();
    for (guint i = 0; i < hang->waits->len; i++) {
        const struct ct_interval *wait = &wait_of(hang, i)->interval;

        finding->cost_ns = ct_add_u64(finding->cost_ns, ct_interval_wait_ns(wait));
        g_ptr_array_add(finding->threads, wait->thread);
        ct_window_stretch(&finding->when, wait->wait_begin_ns, wait->wait_end_ns);
    }
}

void ct_findings_hang(const struct ct_findings_case *a_case, const char *name, GPtrArray *findings)
{
    const GPtrArray *hangs = a_case->input->hangs;

    for (guint i = 0; hangs && i < hangs->len; i++) {
        const struct ct_hang *hang = hangs->pdata[i];
        struct ct_finding *finding = g_new0(struct ct_finding, 1);

        add_waits(finding, hang);
        finding->rule = name;
        finding->cpus_used = CT_FINDING_UNKNOWN;
        finding->text = describe(a_case, hang);
        finding->command = "report hangs";
        finding->place = place_of(a_case, wait_of(hang, 0));
        finding->is_end = TRUE;
        g_ptr_array_add(findings, finding);
    }
}
