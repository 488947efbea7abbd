/* The end of a recording: what is still missing is written, and all is brought to disk. */
#include "capture_event.h"
#include "jit_maps.h"
#include "leftover.h"
#include "newest.h"
#include "output.h"
#include "record/layers/finish.h"
#include "recording_state.h"
#include "schema/capture_words.h"
#include "system/procfs.h"
#include "text/figures.h"

/* Once all boards are there. What a killed recorder has seen, nobody knows. */
static void settle_unpreloaded(struct ct_recording *recording)
{
    struct ct_unpreloaded *unpreloaded = recording->engine->closing.unpreloaded;
    const GArray *images = ct_boards_images(recording->engine->boards);
    char *const *told = recording->kernel_totals.unpreloaded_names;

    if (recording->is_settled || ct_recording_control(recording)->root_pid == 0)
        return;
    recording->is_settled = TRUE;
    ct_closing_find_unpreloaded(&recording->engine->closing);
    if (recording->is_adopted && !recording->is_snapshot)
        images = NULL;
    ct_unpreloaded_note_deserted(unpreloaded,
                                 ct_shared_memory_deserted(recording->engine->directory->doorbell));
    ct_unpreloaded_settle(unpreloaded, images, told, recording->end_ns);
}

/* What made us lose waits, or NULL. */
static const char *find_fault(const struct ct_recording *recording)
{
    if (recording->is_snapshot)
        return NULL;
    if (!recording->is_adopted)
        return ct_trace_find_fault(recording->trace);
    return recording->was_cut
               ? "the recording ended, but could not be finished then; some waits may be lost"
               : "the recorder was killed while recording; some waits may be lost";
}

static gboolean write_closing(struct ct_recording *recording, int exit_status, const char *fault,
                              GError **error)
{
    struct ct_engine *engine = recording->engine;

    if (!ct_trace_await_writer(engine->closing.writer, error))
        return FALSE;
    ct_drain_hold(engine->drain, FALSE);
    ct_drain_now(engine->drain);
    settle_unpreloaded(recording);
    ct_closing_write_all(&engine->closing);
    ct_capture_event_write_unpreloaded(recording);
    ct_drain_now(engine->drain); /* waits that ended meanwhile are counted already */
    ct_capture_event_write(recording, exit_status, fault);
    return ct_trace_finish(recording->trace, recording->end_ns, error);
}

/* *fault may be found only now. */
static gboolean close_trace(struct ct_recording *recording, int exit_status, const char **fault,
                            GError **error)
{
    const struct ct_closing_totals ended = recording->engine->closing.totals;

    if (*fault == NULL && !recording->is_snapshot) {
        if (write_closing(recording, exit_status, NULL, NULL))
            return TRUE;
        *fault = find_fault(recording);
        if (*fault == NULL)
            *fault = "LTTng failed while the recording was finished; its last waits may be lost";
        recording->engine->closing.totals = ended;
    }
    if (ct_trace_replace(recording->trace, recording->engine->closing.writer, error) &&
        write_closing(recording, exit_status, *fault, error))
        return TRUE;
    recording->engine->closing.totals = ended;
    recording->engine->closing.writer = NULL;
    ct_closing_write_all(&recording->engine->closing); /* only counts */
    return FALSE;
}

/* While those that live are there to be asked. */
static void keep_jit_maps(const struct ct_recording *recording)
{
    g_autoptr(GArray) images = ct_engine_find_preloaded(recording->engine);
    gboolean follows = ct_recording_control(recording)->follows_children != 0;

    for (guint i = 0; i < images->len; i++) {
        const struct ct_image_key *image = &g_array_index(images, struct ct_image_key, i);
        ct_jit_maps_keep(recording->place, image->pid, image->start_ns);
    }
    if (recording->attached == NULL)
        return;
    g_autoptr(GArray) tree = ct_running_list(recording->attached, follows);
    for (guint i = 0; i < tree->len; i++) {
        pid_t pid = g_array_index(tree, pid_t, i);
        struct ct_proc_stat stat;
        if (ct_proc_read_stat(pid, pid, &stat))
            ct_jit_maps_keep(recording->place, pid, stat.start_ns);
    }
}

/* One layer more, or a part of one, that is not there; NULL: all is. */
static void miss(struct ct_recording *recording, const char *note)
{
    if (note == NULL)
        return;
    if (recording->missing->len > 0)
        g_string_append(recording->missing, CT_NOTE_SEPARATOR);
    g_string_append(recording->missing, note);
}

/* What was in the kernel's buffers, and ours, is gone. */
static void note_killed(struct ct_recording *recording)
{
    const uint64_t until_ns = recording->kernel_totals.told_until_ns;

    if (!recording->is_adopted || recording->was_cut || until_ns == 0 ||
        until_ns >= recording->end_ns)
        return;
    g_autofree char *rest = ct_format_duration(recording->end_ns - until_ns);
    g_autofree char *note = g_strdup_printf(
        CT_LAYER_KERNEL CT_NOTE_COLON "nothing of the last %s: the recorder was killed", rest);
    miss(recording, note);
}

/* A program that waits most of its time may not run for as long as one takes to come. */
static void note_no_samples(struct ct_recording *recording)
{
    const struct ct_kernel_totals *told = &recording->kernel_totals;

    recording->lacks_samples = recording->engine->kernel != NULL &&
                               ct_kernel_capture_takes_samples(recording->engine->kernel) &&
                               told->samples == 0 && told->samples_lost == 0;
    if (recording->lacks_samples)
        miss(recording, CT_LAYER_CPU CT_NOTE_COLON CT_WHY_NO_SAMPLE
             ": what was recorded did not run for long enough");
}

/* The kernel's part. Whatever is wrong with it is said, and is no fault of the rest. */
static void close_kernel(struct ct_recording *recording)
{
    const struct ct_control *control = ct_recording_control(recording);
    const struct ct_kernel_scope scope = {
        .root_pid = control->root_pid,
        .follows_children = control->follows_children != 0,
        .stack_frames = control->stack_frames,
        .deserted_until_ns =
            recording->is_adopted && !recording->is_snapshot ? recording->end_ns : 0,
        .begin_ns = control->dropped > 0 ? control->begin_ns : 0,
    };
    g_autoptr(GArray) preloaded = ct_engine_find_preloaded(recording->engine);
    g_autoptr(GError) error = NULL;

    if (recording->engine->kernel != NULL) {
        ct_kernel_capture_end(recording->engine->kernel);
        miss(recording, ct_kernel_capture_missing(recording->engine->kernel));
        recording->has_calls = ct_kernel_capture_has_calls(recording->engine->kernel);
    }
    if (!ct_kernel_finish(recording->place, &scope, preloaded, &recording->kernel_totals, &error)) {
        g_autofree char *note = g_strconcat(CT_LAYER_KERNEL CT_NOTE_COLON, error->message, NULL);

        g_string_truncate(recording->missing, 0);
        miss(recording, note);
    }
    note_killed(recording);
    note_no_samples(recording);
    if (recording->engine->kernel != NULL)
        ct_kernel_capture_release(recording->engine->kernel);
}

/* What another process recorded ended when that did, or, if it was killed, with the program. */
static uint64_t find_end_ns(struct ct_recording *recording)
{
    const struct ct_control *control = ct_recording_control(recording);

    if (!recording->is_adopted)
        return ct_engine_now_ns(recording->engine);
    if (recording->was_cut)
        return control->alive_ns;
    uint64_t end_ns = ct_closing_find_end_ns(&recording->engine->closing);
    return end_ns != 0 ? end_ns : control->alive_ns;
}

/* Nothing is written any more: it would have to be to another folder of that name. */
static gboolean end_removed(struct ct_recording *recording, GError **error)
{
    if (recording->engine->kernel != NULL)
        ct_kernel_capture_end(recording->engine->kernel);
    ct_drain_stop(recording->engine->drain);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "somebody removed %s while it was written",
                recording->path);
    return FALSE;
}

gboolean ct_recording_cut(struct ct_recording *recording, int exit_status, GError **error)
{
    const char *fault = find_fault(recording);
    g_autoptr(GError) cause = NULL;

    ct_recording_follow_folder(recording);
    ct_engine_stop(recording->engine);
    recording->end_ns = find_end_ns(recording);
    ct_recording_control(recording)->alive_ns = recording->end_ns;
    recording->engine->closing.cut_ns = recording->end_ns;
    recording->has_begun = ct_recording_control(recording)->begin_ns != 0;
    if (!recording->has_begun)
        ct_recording_control(recording)->begin_ns = recording->end_ns;
    ct_session_directory_publish(recording->engine->directory);
    if (recording->is_removed)
        return end_removed(recording, error);
    if (recording->is_adopted)
        ct_leftover_trim(recording);
    keep_jit_maps(recording);
    close_kernel(recording);
    ct_drain_stop(recording->engine->drain);
    ct_output_release(recording->place);
    recording->is_unfinished = !close_trace(recording, exit_status, &fault, &cause);
    recording->events_lost = ct_trace_events_lost(recording->trace);
    if (ct_trace_repair(recording->trace) > 0 && fault == NULL)
        fault = recording->stopped != NULL
                    ? recording->stopped
                    : "the disk was full at the end; the last waits are lost";
    if (fault == NULL)
        fault = recording->stopped;
    if (!ct_newest_close_up(recording) && fault == NULL)
        fault = "what is left of its older parts could not be taken away: is the disk full?";
    if (fault == NULL)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s%s%s", fault,
                cause != NULL ? "; and it could not be finished: " : "",
                cause != NULL ? cause->message : "");
    return FALSE;
}
