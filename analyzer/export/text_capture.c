/* What was recorded, and what was not. */
#include "export/text_sections.h"

#include "model/capture_notes.h"
#include "model/format.h"
#include "symbols/go_stack.h"

#include <signal.h>
#include <string.h>

static char *format_when(const struct ct_model *model)
{
    const int64_t second_ns = 1000000000;
    int64_t begin_s = (int64_t)(model->begin_ns / (uint64_t)second_ns);
    g_autoptr(GDateTime) when =
        g_date_time_new_from_unix_utc(begin_s + model->epoch_offset_ns / second_ns);

    return when ? g_date_time_format(when, "%Y-%m-%d %H:%M:%S UTC") : g_strdup("unknown");
}

/* Signals that end no program unless it says so itself; a shell never tells of them. */
static gboolean is_harmless(int32_t number)
{
    static const int harmless[] = {SIGCHLD, SIGCONT, SIGURG,  SIGWINCH,
                                   SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};

    for (size_t i = 0; i < G_N_ELEMENTS(harmless); i++) {
        if (harmless[i] == number)
            return TRUE;
    }
    return FALSE;
}

/* A trace has the status as a shell gives it: 128 + n may also be the program's own. */
static void add_exit(GString *line, int32_t status)
{
    const char *signal_name = status > 128 ? sigabbrev_np(status - 128) : NULL;

    if (signal_name && !is_harmless(status - 128))
        g_string_append_printf(line, "  (exit status %d, as a shell says it: SIG%s)", status,
                               signal_name);
    else if (status >= 0)
        g_string_append_printf(line, "  (exit status %d)", status);
}

static void write_losses(const struct ct_text_out *out)
{
    const struct ct_capture *capture = &out->report->model->capture;
    const char *lost_waits = ct_capture_lost_waits(capture);
    g_autofree char *losses = ct_capture_losses(capture);
    g_autofree char *unseen = ct_capture_unseen(capture);
    g_autofree char *foreign = ct_capture_foreign(capture);

    if (lost_waits[0])
        ct_text_out_field(out, "! LOST", "waits: %s", lost_waits);
    if (losses[0])
        ct_text_out_field(out, "! LOST", "%s: times and counts below are too low", losses);
    if (capture->records_dropped > 0) {
        g_autofree char *count = ct_format_count(capture->records_dropped);

        ct_text_out_field(out, "! LEFT OUT", "%s records, beyond what this program holds", count);
    }
    if (foreign[0])
        ct_text_out_field(out, "! LEFT OUT", "%s", foreign);
    if (unseen[0])
        ct_text_out_field(out, ct_capture_lacks_processes(capture) ? "! UNSEEN" : "unseen", "%s",
                          unseen);
    if (!losses[0] && !lost_waits[0] && capture->records_dropped == 0 && !foreign[0] &&
        !ct_capture_lacks_processes(capture))
        ct_text_out_field(out, "losses", capture->is_complete ? "none" : "none known");
    if (capture->unknown_events > 0) {
        g_autofree char *count = ct_format_count(capture->unknown_events);

        ct_text_out_field(out, "! skipped", "%s event%s that this version does not know", count,
                          capture->unknown_events == 1 ? "" : "s");
    }
}

/* What was asked for, where that is not everything. */
static void write_scope(const struct ct_text_out *out)
{
    const struct ct_report_scope *scope = &out->report->scope;
    const struct ct_model *model = out->report->model;
    g_autofree char *only = ct_selection_describe(&scope->selection);

    if (!scope->is_whole_time) {
        g_autofree char *from = ct_format_duration(scope->window.begin_ns - model->begin_ns);
        g_autofree char *to = ct_format_duration(scope->window.end_ns - model->begin_ns);
        g_autofree char *length = ct_format_duration(scope->window.end_ns - scope->window.begin_ns);

        ct_text_out_field(out, "from", "%s to %s after the start: %s", from, to, length);
    }
    if (only[0])
        ct_text_out_field(out, "only", "%s", only);
    if (!ct_selection_is_all_waits(&scope->selection))
        ct_text_out_field(out, "not shown", "running time, calls and switches");
    else if (!scope->is_whole_time)
        ct_text_out_field(out, "not shown",
                          "calls and switches, which are counted for the whole time");
    else if (!ct_report_has_calls(out->report))
        ct_text_out_field(out, "not shown", "calls, which are counted for whole processes");
}

void ct_text_section_capture(const struct ct_text_out *out)
{
    const struct ct_model *model = out->report->model;
    const struct ct_capture *capture = &model->capture;
    g_autofree char *when = format_when(model);
    g_autofree char *length = ct_format_duration(model->end_ns - model->begin_ns);
    g_autofree char *events = ct_format_count(capture->event_count);
    g_autofree char *missing = ct_capture_missing_layers(capture);
    g_autofree char *dropped = ct_capture_dropped(capture);
    g_autofree char *held_up = ct_capture_held_up(capture);
    g_autofree char *estimates = ct_capture_estimates(capture);
    g_autofree char *approximations = ct_capture_approximations(capture);
    g_autofree char *samples = ct_capture_samples(capture);
    g_autoptr(GString) command = g_string_new(capture->command);

    add_exit(command, capture->exit_status);
    ct_text_out_heading(out, "Recording");
    if (command->len > 0)
        ct_text_out_field(out, "command", "%s", command->str);
    ct_text_out_field(out, "when", "%s, for %s", when, length);
    if (dropped[0])
        ct_text_out_field(out, "dropped", "%s; what follows is of the last %s", dropped, length);
    if (capture->layers[0])
        ct_text_out_field(out, "layers", "%s", capture->layers);
    if (samples[0])
        ct_text_out_field(out, "samples", "%s", samples);
    if (missing[0])
        ct_text_out_field(out, "missing", "%s", missing);
    if (held_up[0])
        ct_text_out_field(out, "held up", "%s", held_up);
    if (estimates[0])
        ct_text_out_field(out, "estimated", "%s", estimates);
    if (approximations[0])
        ct_text_out_field(out, "stacks", "%s", approximations);
    if (ct_go_is_in(out->report->symbolizer, model))
        ct_text_out_field(out, "Go", "%s", CT_GO_NOTE);
    if (capture->layers[0] && capture->rate_ns > 0) {
        g_autofree char *rate = ct_format_duration(capture->rate_ns);

        ct_text_out_field(out, "rate", "every wait of %s or more; shorter ones sampled", rate);
    } else if (capture->layers[0]) {
        ct_text_out_field(out, "rate", "every wait");
    }
    ct_text_out_field(out, "events", "%s", events);
    write_losses(out);
    if (capture->damage)
        ct_text_out_field(out, "! DAMAGED", "part of the trace cannot be read: %s",
                          capture->damage);
    else if (!capture->is_complete)
        ct_text_out_field(out, "! PARTIAL",
                          "the trace has no end: 'ctrace recover' may complete it");
    write_scope(out);
}
