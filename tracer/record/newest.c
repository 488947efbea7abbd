#include "newest.h"

#include "files/hole.h"
#include "files/tree.h"
#include "old_packets.h"
#include "spool/spool.h"
#include "text/figures.h"

#include <errno.h>

gboolean ct_newest_begin(struct ct_recording *recording, const struct ct_record_options *options,
                         GError **error)
{
    if (!ct_hole_is_possible(recording->place)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "--keep: the file system of %s cannot give back the beginning of a "
                    "file: %s; record to another one, as with -o /var/tmp/ctrace.data",
                    recording->path, g_strerror(errno));
        return FALSE;
    }
    recording->keeps_newest = TRUE;
    ct_recording_control(recording)->max_size = options->max_size;
    ct_keeping_init(&recording->keeping, options->max_size, options->keep_ns);
    ct_drain_expect_parts(recording->engine->drain);
    return TRUE;
}

static uint64_t size_of(const struct ct_recording *recording, const char *part)
{
    g_autofree char *path = g_build_filename(recording->place, part, NULL);

    return ct_tree_room(path);
}

uint64_t ct_newest_size(const struct ct_recording *recording)
{
    return size_of(recording, "ust") + size_of(recording, CT_SPOOL_FOLDER);
}

gboolean ct_newest_exceeds(const struct ct_recording *recording)
{
    const uint64_t max_size = ct_recording_control(recording)->max_size;
    uint64_t size =
        size_of(recording, "ust") + size_of(recording, "closing") + size_of(recording, "kernel");

    return max_size != 0 && size > max_size + ct_keeping_part_size(max_size);
}

gboolean ct_recording_wants_part(const struct ct_recording *recording)
{
    return recording->keeps_newest && ct_recording_control(recording)->begin_ns != 0 &&
           recording->lost_ns == 0 &&
           (ct_keeping_wants_part(&recording->keeping, ct_newest_size(recording)) ||
            ct_keeping_is_due(&recording->keeping, ct_recording_control(recording)->begin_ns,
                              ct_engine_now_ns(recording->engine)));
}

/* For whoever finishes what we leave: with that, the oldest one tells what is there. */
static void publish_parts(const struct ct_recording *recording)
{
    struct ct_control *control = ct_recording_control(recording);
    const GArray *parts = recording->keeping.parts;

    for (guint i = 0; i < CT_CONTROL_PARTS; i++) {
        control->parts[i] = (struct ct_control_part){0};
        if (i >= parts->len)
            continue;
        const struct ct_kept_part *part = &g_array_index(parts, struct ct_kept_part, i);
        control->parts[i] = (struct ct_control_part){
            .begin_ns = part->number > 0 ? part->begin_ns : control->recording_begin_ns,
            .bytes_before = part->bytes_before,
            .forgets_fds = part->before.forgets_fds != 0,
        };
    }
    control->dropped = ct_keeping_oldest(&recording->keeping)->number;
    control->begin_ns = control->parts[0].begin_ns;
    ct_session_directory_publish(recording->engine->directory);
}

/* Once, where it does. */
static void tell_that_it_is_too_small(struct ct_recording *recording)
{
    const struct ct_keeping *keeping = &recording->keeping;

    if (recording->is_told_too_small || !ct_keeping_is_too_small(keeping))
        return;
    recording->is_told_too_small = TRUE;
    g_autofree char *restated = ct_format_size(ct_keeping_newest(keeping)->before.restated_bytes);
    g_autofree char *size = ct_format_size(keeping->max_size);
    recording->advice =
        g_strdup_printf("--max-size is too small for so many threads and descriptors: to say which "
                        "there are takes %s of %s, in each part; little more than the last moment "
                        "is kept",
                        restated, size);
}

static gboolean end_packets(void *user)
{
    const struct ct_recording *recording = user;

    return ct_trace_end_packets(recording->trace, NULL);
}

/* What was in buffers is a part of it by now. */
static uint64_t bytes_before(void *user)
{
    const struct ct_recording *recording = user;

    return recording->keeping.bytes_dropped + ct_newest_size(recording) - recording->bytes_unasked;
}

/* is_first: what was recorded before was not asked for. */
static void begin_part(struct ct_recording *recording, gboolean is_first)
{
    struct ct_keeping *keeping = &recording->keeping;
    const struct ct_kept_part *newest = ct_keeping_newest(keeping);
    struct ct_control *control = ct_recording_control(recording);
    struct ct_kept_part part = {.number = newest->number + 1};
    if (newest->number == 0)
        control->recording_begin_ns = control->begin_ns;
    const struct ct_part_output output = {
        .end_packets = end_packets, .bytes_before = bytes_before, .user = recording};
    struct ct_event_part event = {.number = part.number,
                                  .recording_begin_ns = is_first ? 0 : control->recording_begin_ns};

    if (!ct_trace_is_live(recording->trace) ||
        !ct_engine_begin_part(recording->engine, &output, &event, &part.before))
        return;
    part.begin_ns = event.begin_ns;
    part.bytes_before = event.bytes_before + recording->bytes_unasked;
    ct_keeping_add(keeping, &part);
    publish_parts(recording);
    if (is_first) {
        recording->bytes_unasked = part.bytes_before;
        control->recording_begin_ns = part.begin_ns;
    }
    tell_that_it_is_too_small(recording);
}

void ct_recording_begin_part(struct ct_recording *recording)
{
    begin_part(recording, FALSE);
}

void ct_newest_begin_first(struct ct_recording *recording)
{
    begin_part(recording, TRUE);
}

static gboolean drop_before(struct ct_recording *recording, const struct ct_kept_part *kept)
{
    g_autofree char *ust = g_build_filename(recording->place, "ust", NULL);

    ct_drain_lock(recording->engine->drain);
    ct_written_forget(ct_drain_written(recording->engine->drain), kept->begin_ns);
    ct_drain_unlock(recording->engine->drain);
    return ct_old_packets_drop(ust, kept->begin_ns) &&
           (recording->engine->kernel == NULL ||
            ct_kernel_capture_drop_parts(recording->engine->kernel, kept->number));
}

static gboolean drop(struct ct_recording *recording, guint count)
{
    struct ct_keeping *keeping = &recording->keeping;

    ct_keeping_drop(keeping, count);
    publish_parts(recording); /* first, whoever finishes what we leave is told */
    gboolean is_dropped = drop_before(recording, ct_keeping_oldest(keeping));
    ct_keeping_shrink(keeping, ct_newest_size(recording));
    return is_dropped;
}

gboolean ct_newest_trim(struct ct_recording *recording)
{
    struct ct_keeping *keeping = &recording->keeping;

    ct_keeping_look(keeping, ct_newest_size(recording));
    guint count = MAX(ct_keeping_excess(keeping),
                      ct_keeping_outlived(keeping, ct_engine_now_ns(recording->engine)));

    return count > 0 ? drop(recording, count) : !ct_keeping_has_failed(keeping);
}

gboolean ct_newest_drop_older(struct ct_recording *recording)
{
    struct ct_keeping *keeping = &recording->keeping;

    ct_keeping_look(keeping, ct_newest_size(recording));
    return drop(recording, keeping->parts->len - 1);
}

static void subtract(struct ct_closing_totals *totals, const struct ct_closing_totals *before)
{
    totals->processes -= MIN(before->processes, totals->processes);
    totals->threads -= MIN(before->threads, totals->threads);
    totals->early_processes -= MIN(before->early_processes, totals->early_processes);
    totals->early_threads -= MIN(before->early_threads, totals->early_threads);
    totals->events_lost -= MIN(before->events_lost, totals->events_lost);
    totals->stacks_lost -= MIN(before->stacks_lost, totals->stacks_lost);
    totals->threads_lost -= MIN(before->threads_lost, totals->threads_lost);
    totals->modules_lost -= MIN(before->modules_lost, totals->modules_lost);
    totals->held_up_ns -= MIN(before->held_up_ns, totals->held_up_ns);
}

/* A killed recorder has taken with it what it had written. */
void ct_newest_totals(const struct ct_recording *recording, struct ct_closing_totals *totals)
{
    *totals = recording->engine->closing.totals;
    if (ct_recording_control(recording)->dropped == 0)
        return;
    totals->waits = 0;
    if (!recording->keeps_newest)
        return;
    const struct ct_written *written = ct_drain_written(recording->engine->drain);
    const struct ct_kept_part *oldest = ct_keeping_oldest(&recording->keeping);
    struct ct_closing_totals before = oldest->before.totals;
    struct ct_written_counts counts;

    ct_written_before(written, oldest->begin_ns, &counts);
    before.threads = before.unexited_threads + counts.ended_threads;
    subtract(totals, &before);
    totals->waits = ct_written_all(written)->waits - counts.waits;
    totals->waits_at_end -= MIN(counts.open_waits, totals->waits_at_end);
}

gboolean ct_newest_close_up(const struct ct_recording *recording)
{
    const struct ct_control *control = ct_recording_control(recording);
    g_autofree char *ust = g_build_filename(recording->place, "ust", NULL);

    return control->dropped == 0 || ct_old_packets_close_up(ust, control->begin_ns);
}
