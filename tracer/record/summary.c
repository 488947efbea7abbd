#include "summary.h"

#include "messages.h"
#include "schema/capture_words.h"
#include "text/figures.h"
#include "text/safe_text.h"

#include <string.h>

/* "12,345 waits" */
static void append_count(GString *line, uint64_t count, const char *one, const char *many)
{
    g_autofree char *digits = ct_format_count(count);

    g_string_append_printf(line, "%s %s", digits, count == 1 ? one : many);
}

static void append_size(GString *line, uint64_t bytes)
{
    g_autofree char *size = ct_format_size(bytes);

    g_string_append(line, size);
}

static void append_duration(GString *line, uint64_t duration_ns)
{
    g_autofree char *duration = ct_format_duration(duration_ns);

    g_string_append(line, duration);
}

static gboolean has_refused(const struct ct_recording_summary *summary)
{
    for (guint i = 0; i < CT_REFUSAL_COUNT; i++)
        if (summary->refused[i] > 0)
            return TRUE;
    return FALSE;
}

static uint64_t count_unpreloaded(const struct ct_recording_summary *summary)
{
    uint64_t count = 0;

    for (guint i = 0; summary->unpreloaded != NULL && i < summary->unpreloaded->len; i++)
        count += g_array_index(summary->unpreloaded, struct ct_unpreloaded_images, i).count;
    return count;
}

/* There are images that nobody told of. */
static gboolean has_unrecorded(const struct ct_recording_summary *summary)
{
    return count_unpreloaded(summary) > 0 && !summary->has_calls;
}

/* So many names are said. */
#define MAX_NAMES 8

static void append_unpreloaded(GString *line, const struct ct_recording_summary *summary)
{
    uint64_t count = count_unpreloaded(summary);

    if (count == 0)
        return;
    g_string_append(line, "\nctrace: ");
    append_count(line, count, "process", "processes");
    g_string_append(line, " did not load ctrace's library: ");
    for (guint i = 0; i < MIN(summary->unpreloaded->len, MAX_NAMES); i++) {
        const struct ct_unpreloaded_images *images =
            &g_array_index(summary->unpreloaded, struct ct_unpreloaded_images, i);
        g_string_append(line, i > 0 ? ", " : "");
        if (images->count > 1)
            g_string_append_printf(line, "%u x ", images->count);
        g_autofree char *name = ct_safe_line(images->name);
        g_string_append_printf(line, "%s (%s)", name, ct_obstacle_words(images->obstacle));
    }
    if (summary->unpreloaded->len > MAX_NAMES)
        g_string_append(line, " ...");
    g_string_append(line,
                    summary->has_calls
                        ? "; recorded through the kernel"
                        : "; what they waited for is NOT recorded (--kernel=syscalls, as root, "
                          "records it)");
}

/* `has_end`: the trace has its closing events, and so the counts that waits are held against. */
static void append_losses(GString *line, const struct ct_recording_summary *summary,
                          gboolean is_complete, gboolean has_end)
{
    const struct {
        uint64_t count;
        const char *one;
        const char *many;
        const char *consequence;
    } losses[] = {
        {summary->events_lost, "event for lack of buffer space", "events for lack of buffer space",
         "totals are too low"},
        {summary->kernel.lost, "kernel event for lack of buffer space",
         "kernel events for lack of buffer space", "some time has no known state"},
        {summary->kernel.samples_lost, "CPU sample for lack of buffer space",
         "CPU samples for lack of buffer space", "CPU times are too low"},
        {summary->totals.threads_lost, "thread for lack of room on a board",
         "threads for lack of room on a board", "totals are too low"},
        {summary->totals.stacks_lost, "stack for lack of room on a board",
         "stacks for lack of room on a board", "their waits have none"},
        {summary->totals.modules_lost, "module for lack of room on a board",
         "modules for lack of room on a board", "their functions have no names"},
        {summary->foreign_images, "process that says it has another format",
         "processes that say they have another format", "ctrace report names them"},
    };
    gboolean is_any = FALSE;

    for (size_t i = 0; i < G_N_ELEMENTS(losses); i++) {
        if (losses[i].count == 0)
            continue;
        g_string_append(line, "\nctrace: LOST ");
        append_count(line, losses[i].count, losses[i].one, losses[i].many);
        g_string_append_printf(line, ": %s", losses[i].consequence);
        is_any = TRUE;
    }
    if (summary->was_stopped) /* which was said before */
        return;
    if (!is_complete)
        g_string_append(line, has_end
                                  ? "\nctrace: where waits are LOST, totals are too low: ctrace "
                                    "report says how many"
                                  : "\nctrace: where waits are LOST, totals are too low");
    else if (!is_any && !has_refused(summary) && !has_unrecorded(summary) &&
             summary->damaged->len == 0)
        g_string_append(line, ", nothing lost");
}

/* What is not there any more, as was asked. */
static void append_dropped(GString *line, const struct ct_recording_summary *summary)
{
    if (!summary->was_dropped)
        return;
    g_string_append(line, "\nctrace: dropped what was older, as --keep asks");
    if (summary->dropped_ns == 0)
        return;
    g_string_append(line, ": the first ");
    append_duration(line, summary->dropped_ns);
    g_string_append(line, ", of ");
    append_size(line, summary->dropped_bytes);
}

/* What came last is not dropped, however much it is. */
static void append_exceeded(GString *line, const struct ct_recording_summary *summary)
{
    if (summary->exceeded_bytes == 0)
        return;
    g_string_append(line, "\nctrace: it has more than --max-size, ");
    append_size(line, summary->exceeded_bytes);
    g_string_append(line, ", and a part of it: its newest part is kept whole, and so is what was "
                          "still on the boards of threads");
}

/* What --lossless cost the program. */
static void append_held_up(GString *line, const struct ct_recording_summary *summary)
{
    if (summary->totals.held_up_ns == 0)
        return;
    g_string_append(line, "\nctrace: --lossless held the program's threads up for ");
    append_duration(line, summary->totals.held_up_ns);
    g_string_append(line, " in all");
}

/* Processes that the library had to leave alone. */
static void append_refused(GString *line, const struct ct_recording_summary *summary)
{
    for (guint i = 0; i < CT_REFUSAL_COUNT; i++) {
        if (summary->refused[i] == 0)
            continue;
        g_string_append(line, "\nctrace: LOST the waits of ");
        append_count(line, summary->refused[i], "process", "processes");
        g_string_append_printf(line, ", which had no room for the preload: %s",
                               ct_refusal_reason(i));
    }
}

/* Processes whose boards say what cannot be. */
static void append_damaged(GString *line, const struct ct_recording_summary *summary)
{
    for (guint i = 0; i < MIN(summary->damaged->len, MAX_NAMES); i++)
        g_string_append_printf(
            line, "\nctrace: the board of process %d is damaged; its counters are left out",
            g_array_index(summary->damaged, int32_t, i));
    if (summary->damaged->len > MAX_NAMES)
        g_string_append_printf(line, "\nctrace: so are those of %u more",
                               summary->damaged->len - MAX_NAMES);
}

/* How many stacks do not reach to the first function. */
static void append_partial(GString *line, const struct ct_kernel_totals *kernel)
{
    double percent = 100.0 * (double)kernel->samples_partial / (double)kernel->samples;

    if (kernel->samples_partial > 0)
        g_string_append_printf(line, " (%.*f%% with a part of their stack)", percent < 10 ? 1 : 0,
                               percent);
}

static void append_launched(GString *line, const struct ct_recording_summary *summary)
{
    append_count(line, summary->totals.processes + summary->kernel.unpreloaded_processes, "process",
                 "processes");
    g_string_append(line, ", ");
    append_count(line, summary->totals.threads + summary->kernel.unpreloaded_threads, "thread",
                 "threads");
    /* How many more the kernel told of, only the analysis knows. */
    gboolean are_all = !summary->has_calls && summary->kernel.reasons == 0;
    uint64_t waits = summary->totals.waits + summary->totals.waits_at_end;
    if (summary->totals.processes > 0 && !summary->has_no_waits &&
        (waits > 0 || !summary->has_calls)) {
        g_string_append(line, are_all ? " and " : " and at least ");
        append_count(line, waits, "wait", "waits");
    }
    if (summary->kernel.events > 0) {
        g_string_append(line, ", ");
        append_count(line, summary->kernel.events, "kernel event", "kernel events");
    }
    if (summary->kernel.samples > 0) {
        g_string_append(line, ", ");
        append_count(line, summary->kernel.samples, "CPU sample", "CPU samples");
        append_partial(line, &summary->kernel);
    }
}

static void append_attached(GString *line, const struct ct_recording_summary *summary)
{
    g_autofree char *attached = ct_safe_line(summary->attached);

    append_count(line, summary->kernel.events, "kernel event", "kernel events");
    g_string_append_printf(line, " of %s", attached);
}

void ct_summary_print(const struct ct_recording *recording, gboolean is_complete)
{
    struct ct_recording_summary summary;
    g_autoptr(GString) line = g_string_new("ctrace: recorded ");

    ct_recording_summary(recording, &summary);
    if (summary.attached != NULL)
        append_attached(line, &summary);
    else
        append_launched(line, &summary);
    g_autofree char *path = ct_safe_line(summary.path);
    g_string_append(line, " in ");
    append_duration(line, summary.duration_ns);
    g_string_append(line, summary.is_snapshot ? " so far" : "");
    g_string_append_printf(line, "\nctrace: wrote %s (", path);
    append_size(line, summary.bytes);
    g_string_append(line, ")");
    if (summary.moved_from != NULL) {
        g_autofree char *moved_from = ct_safe_line(summary.moved_from);
        g_string_append_printf(line, ", where somebody moved it from %s", moved_from);
    }
    append_losses(line, &summary, is_complete, !ct_recording_is_unfinished(recording));
    append_dropped(line, &summary);
    append_exceeded(line, &summary);
    append_held_up(line, &summary);
    append_refused(line, &summary);
    append_damaged(line, &summary);
    append_unpreloaded(line, &summary);
    if (summary.lacks_kernel)
        g_string_append(line, "\nctrace: nothing from the kernel: 'ctrace report' says why");
    if (summary.lacks_samples)
        g_string_append(line, "\nctrace: --cpu: " CT_WHY_NO_SAMPLE
                              ": what was recorded did not run for long enough");
    g_printerr("%s\n", line->str);
}

gboolean ct_summary_finish(struct ct_recording *recording, int exit_status)
{
    g_autoptr(GError) error = NULL;
    struct ct_recording_summary summary;

    gboolean is_complete = ct_recording_cut(recording, exit_status, &error);
    ct_recording_summary(recording, &summary);
    if (summary.is_removed) {
        ct_message("ctrace: there is no recording: %s", error->message);
        return FALSE;
    }
    if (!is_complete)
        ct_message("ctrace: the recording is not complete: %s", error->message);
    if (ct_recording_is_unfinished(recording) && summary.totals.processes > 0)
        ct_message("ctrace: its stacks and open waits are kept in memory until the machine "
                   "restarts; add them with: ctrace recover %s",
                   summary.path);
    if (summary.totals.processes == 0 && summary.kernel.unpreloaded_processes == 0 &&
        summary.attached == NULL) {
        g_autoptr(GString) line = g_string_new("ctrace: nothing was recorded");

        append_refused(line, &summary);
        append_damaged(line, &summary);
        append_unpreloaded(line, &summary);
        g_printerr("%s\n", line->str);
        return FALSE;
    }
    if (!summary.has_begun) {
        ct_message("ctrace: nothing was recorded: " CT_RECORDING_NOT_BEGUN);
        return FALSE;
    }
    ct_summary_print(recording, is_complete);
    return TRUE;
}
