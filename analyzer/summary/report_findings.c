/* What held the program up, as a report has it. */
#include "summary/report.h"

/* Whom it is about, struct ct_life; owned by the caller. */
static GArray *list_lives(const struct ct_report *report)
{
    GArray *lives = g_array_new(FALSE, FALSE, sizeof(struct ct_life));

    for (guint i = 0; i < report->threads->len; i++) {
        const struct ct_report_thread *row =
            &g_array_index(report->threads, struct ct_report_thread, i);

        g_array_append_val(lives, row->life);
    }
    return lives;
}

static struct ct_findings_input findings_input(const struct ct_report *report, const GArray *lives)
{
    const struct ct_window whole = ct_lives_extent(report->model);
    const struct ct_window *window = report->scope.is_whole_time ? &whole : &report->scope.window;

    return (struct ct_findings_input){
        .model = report->model,
        .symbolizer = report->symbolizer,
        .idle = report->idle,
        .evidence = report->evidence,
        .lives = lives,
        .hangs = report->hangs,
        .has_all_waits = ct_report_has_all_waits(report),
        .peers = report->peers,
        .path = report->whole_path,
        .inversions = report->inversions,
        .length_ns = window->end_ns - window->begin_ns,
    };
}

void ct_report_find_inversions(struct ct_report *report)
{
    if (ct_report_is_whole(report) && !report->inversions)
        report->inversions = ct_inversions_find(report->model, report->hangs);
}

void ct_report_look(struct ct_report *report)
{
    g_autoptr(GArray) lives = list_lives(report);
    const struct ct_findings_input input = findings_input(report, lives);

    ct_findings_free(report->findings);
    report->findings = ct_findings_new(&input);
}

void ct_report_add_holders(struct ct_report *report, const GPtrArray *holdings)
{
    g_autoptr(GArray) lives = list_lives(report);
    const struct ct_findings_input input = findings_input(report, lives);

    ct_findings_add_holders(report->findings, &input, holdings);
}

void ct_report_add_cpu_use(struct ct_report *report)
{
    ct_findings_add_cpu_use(report->findings, report->evidence->cpu_use);
}

void ct_report_set_cpu_use(struct ct_report *report, const struct ct_cpu_use *use)
{
    report->evidence->cpu_use = use && ct_cpu_use_cpus(use) > 0 ? use : NULL;
}
