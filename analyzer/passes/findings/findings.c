#include "passes/findings/findings.h"

#include "model/format.h"
#include "passes/findings/holders.h"
#include "passes/findings/rules.h"

#include <string.h>

static const struct {
    const char *name; /* as the manual has it */
    ct_findings_rule *look;
} rules[] = {
    {"hang", ct_findings_hang},
    {"lock", ct_findings_lock},
    {"run queue", ct_findings_run_queue},
    {"quota", ct_findings_quota},
    {"peer", ct_findings_peer},
    {"unanswered", ct_findings_unanswered},
    {"file", ct_findings_file},
    {"child", ct_findings_child},
    {"polling", ct_findings_polling},
    {"slow thread", ct_findings_slow_thread},
    {"barrier", ct_findings_barrier},
    {"thundering herd", ct_findings_herd},
    {"lock order", ct_findings_lock_order},
    {"slow turn", ct_findings_slow_turn},
    {"critical path", ct_findings_critical_path}, /* the last one: it looks what others say */
};

/* What costs less is none: a hundredth of the time, but no less than this. */
#define LEAST_SHARE 100
#define LEAST_NS    UINT64_C(1000000)

/* A program of which so little runs, of one CPU's time, is idle. */
#define IDLE_SHARE 0.1

static void finding_free(void *data)
{
    struct ct_finding *finding = data;

    g_free(finding->text);
    if (finding->whom)
        g_ptr_array_unref(finding->whom);
    g_free(finding->what_if);
    g_ptr_array_unref(finding->threads);
    if (finding->locks)
        g_array_unref(finding->locks);
    g_free(finding);
}

static int compare(const void *a, const void *b)
{
    const struct ct_finding *first = *(struct ct_finding *const *)a;
    const struct ct_finding *second = *(struct ct_finding *const *)b;

    if (first->is_end != second->is_end)
        return first->is_end ? -1 : 1;
    if (first->cost_ns != second->cost_ns)
        return first->cost_ns < second->cost_ns ? 1 : -1;
    return strcmp(first->text, second->text);
}

static void drop_small(GPtrArray *list, uint64_t length_ns)
{
    uint64_t least_ns = MAX(length_ns / LEAST_SHARE, LEAST_NS);

    for (guint i = list->len; i > 0; i--) {
        const struct ct_finding *finding = list->pdata[i - 1];

        if (!finding->is_end && !finding->is_risk && finding->cost_ns < least_ns)
            g_ptr_array_remove_index(list, i - 1);
    }
}

/* ---- Nothing ---- */

static uint64_t sum_idle(const struct ct_findings_case *a_case)
{
    const GPtrArray *waits = a_case->input->evidence->waits;
    double idle_ns = 0;

    for (guint i = 0; i < waits->len; i++) {
        const struct ct_evidence_wait *wait = waits->pdata[i];

        if (ct_cause_of(a_case->causes, wait) == CT_CAUSE_IDLE)
            idle_ns += wait->total_ns;
    }
    return ct_rounded(idle_ns);
}

static uint64_t sum_running(const GArray *lives)
{
    uint64_t ran_ns = 0;

    for (guint i = 0; i < lives->len; i++)
        ran_ns =
            ct_add_u64(ran_ns, g_array_index(lives, struct ct_life, i).class_ns[CT_CLASS_RUNNING]);
    return ran_ns;
}

/* Of a process that ctrace is not in, the kernel tells no connection's turns: whose events its
 * loops waited for is not known. */
static uint64_t sum_unseen_loops(const struct ct_findings_case *a_case)
{
    const GPtrArray *waits = a_case->input->evidence->waits;
    double unseen_ns = 0;

    for (guint i = 0; i < waits->len; i++) {
        const struct ct_evidence_wait *wait = waits->pdata[i];

        if (wait->thread->process->is_unpreloaded && ct_op_is_of_set(wait->op) &&
            ct_cause_of(a_case->causes, wait) == CT_CAUSE_IDLE)
            unseen_ns += wait->total_ns;
    }
    return ct_rounded(unseen_ns);
}

/* `ran` NULL: that is not known. */
static char *describe_unseen(uint64_t unseen_ns, const char *length, const char *ran)
{
    g_autofree char *unseen = ct_format_duration(unseen_ns);
    g_autofree char *beside =
        ran ? g_strdup_printf("of %s it ran for %s, and ", length, ran) : g_strdup("");

    return g_strdup_printf(
        "No wait is known to have held the program up, but much cannot be seen: %sits threads "
        "waited in event loops for %s. Whether that was for work, or for what "
        "they had asked of others, is seen from inside a program only, and this was recorded from "
        "outside: ctrace record PROGRAM starts one so.",
        beside, unseen);
}

static char *describe_nothing(const struct ct_findings_case *a_case)
{
    uint64_t length_ns = a_case->input->length_ns;
    uint64_t ran_ns = sum_running(a_case->input->lives);
    g_autofree char *ran = ct_format_duration(ran_ns);
    g_autofree char *length = ct_format_duration(length_ns);
    g_autofree char *idle = ct_format_duration(sum_idle(a_case));

    uint64_t unseen_ns = sum_unseen_loops(a_case);

    if (unseen_ns > 0)
        return describe_unseen(unseen_ns, length, a_case->input->has_all_waits ? ran : NULL);
    if (!a_case->input->has_all_waits)
        return g_strdup_printf("None of these waits held the program up; %s of them was for work.",
                               idle);
    if ((double)ran_ns < IDLE_SHARE * (double)length_ns)
        return g_strdup_printf("The program was idle: of %s it ran for %s, and its threads waited "
                               "for work for %s.",
                               length, ran, idle);
    return g_strdup_printf("Nothing held the program up: in %s its threads ran for %s, and waited "
                           "for work for %s.",
                           length, ran, idle);
}

/* ---- All ---- */

struct ct_findings *ct_findings_new(const struct ct_findings_input *input)
{
    struct ct_findings *findings = g_new0(struct ct_findings, 1);
    g_autoptr(ct_causes) causes = ct_causes_new(input);
    const struct ct_findings_case a_case = {input, causes};

    findings->list = g_ptr_array_new_with_free_func(finding_free);
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        rules[i].look(&a_case, rules[i].name, findings->list);
    drop_small(findings->list, input->length_ns);
    g_ptr_array_sort(findings->list, compare);
    if (findings->list->len > CT_FINDINGS_MAX)
        g_ptr_array_set_size(findings->list, CT_FINDINGS_MAX);
    if (input->model->capture.has_kernel && input->length_ns > 0)
        findings->busy_cpus = (double)sum_running(input->lives) / (double)input->length_ns;
    if (findings->list->len == 0)
        findings->nothing = describe_nothing(&a_case);
    return findings;
}

GArray *ct_findings_locks(const struct ct_findings *findings)
{
    GArray *locks = g_array_new(FALSE, FALSE, sizeof(struct ct_lock_key));

    for (guint i = 0; i < findings->list->len; i++) {
        const struct ct_finding *finding = findings->list->pdata[i];

        if (finding->locks)
            g_array_append_vals(locks, finding->locks->data, finding->locks->len);
    }
    return locks;
}

void ct_findings_add_holders(struct ct_findings *findings, const struct ct_findings_input *input,
                             const GPtrArray *holdings)
{
    for (guint i = 0; i < findings->list->len; i++) {
        struct ct_finding *finding = findings->list->pdata[i];

        if (!finding->locks)
            continue;
        g_autofree char *holders = ct_words_holders(input, finding->locks, holdings);
        g_autofree char *inversion = ct_words_inversion(finding->locks, holdings);
        char *text = g_strconcat(finding->text, holders, inversion, NULL);

        if (inversion)
            finding->rule = CT_FINDINGS_INVERSION;
        g_free(finding->text);
        finding->text = text;
    }
}

/* ---- CPUs ---- */

static void tell_cpu_use(struct ct_finding *finding, guint cpus)
{
    if (finding->cpus_used < 0)
        return;
    g_autofree char *told =
        g_strdup_printf(" Meanwhile the program used %.2f of the %u CPUs that it ran on.",
                        finding->cpus_used, cpus);
    char *text = g_strconcat(finding->text, told, NULL);

    g_free(finding->text);
    finding->text = text;
}

/* Of one CPU there is nothing to be told: it was used, or nobody could run. */
void ct_findings_add_cpu_use(struct ct_findings *findings, const struct ct_cpu_use *use)
{
    findings->cpus = use ? ct_cpu_use_cpus(use) : 0;
    for (guint i = 0; i < findings->list->len; i++) {
        struct ct_finding *finding = findings->list->pdata[i];

        finding->cpus_used =
            findings->cpus > 0 ? MIN(finding->cpus_used, findings->cpus) : CT_FINDING_UNKNOWN;
        if (findings->cpus > 1)
            tell_cpu_use(finding, findings->cpus);
    }
}

void ct_findings_free(struct ct_findings *findings)
{
    if (!findings)
        return;
    g_ptr_array_unref(findings->list);
    g_free(findings->nothing);
    g_free(findings);
}
