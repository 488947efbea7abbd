/* The end of a recording: what is still missing is written, and all is brought to disk. */
#include "recording_state.h"

#include "files/tree.h"
#include "jit_maps.h"
#include "output.h"
#include "streams.h"
#include "system/procfs.h"

#include <string.h>

/* How long LTTng may take to know our provider; it sleeps 5 s if it just misses a new daemon. */
#define WRITER_TIMEOUT_US (20 * G_USEC_PER_SEC)
#define WRITER_POLL_US    200

/* Until a session has enabled our events, or until the last one that did is gone. */
static gboolean await_writer(const struct ct_recording *recording, gboolean is_enabled)
{
    gint64 deadline = g_get_monotonic_time() + WRITER_TIMEOUT_US;

    while (g_get_monotonic_time() < deadline) {
        if (recording->closing.writer->is_enabled() == is_enabled)
            return TRUE;
        g_usleep(WRITER_POLL_US);
    }
    return FALSE;
}

/* A daemon that takes a new session, after what became of the last one. */
static gboolean renew_daemon(struct ct_recording *recording, enum ct_session_state state,
                             GError **error)
{
    if (state == CT_SESSION_NO_CONSUMER)
        return ct_sessiond_restart(recording->sessiond, error);
    return state != CT_SESSION_NO_DAEMON || ct_sessiond_renew(recording->sessiond, error);
}

/* The session is lost to a full disk or with its daemon: another one takes the closing events. */
static gboolean replace_session(struct ct_recording *recording, GError **error)
{
    g_autofree char *path = g_build_filename(recording->path, "closing", NULL);
    g_autofree char *own_name = ct_session_name(recording->directory->path);
    g_autofree char *name = g_strconcat(own_name, CT_SESSION_CLOSING, NULL);
    enum ct_session_state state = ct_session_check(recording->session);

    ct_session_finish(recording->session, NULL);
    recording->events_lost += ct_session_events_lost(recording->session);
    if (!ct_session_has_metadata(recording->session)) /* so there are no events either */
        ct_tree_remove(recording->trace_path);
    ct_session_free(recording->session);
    recording->session = NULL;
    if (!renew_daemon(recording, state, error))
        return FALSE;
    /* What is written meanwhile would go to the old buffers. */
    await_writer(recording, FALSE);
    recording->session = ct_session_new(name, path, error);
    g_free(recording->trace_path);
    recording->trace_path = g_build_filename(recording->place, "closing", NULL);
    if (recording->session == NULL || !ct_session_start(recording->session, error))
        return FALSE;
    /* Events are enabled a moment before they are taken: when they are, there is metadata. */
    if (await_writer(recording, TRUE))
        ct_session_await_metadata(recording->session);
    recording->closing.writer->go_on_from_now();
    return TRUE;
}

static G_GNUC_PRINTF(2, 3) void append_part(GString *parts, const char *format, ...)
{
    va_list arguments;

    if (parts->len > 0)
        g_string_append(parts, "; ");
    va_start(arguments, format);
    g_string_append_vprintf(parts, format, arguments);
    va_end(arguments);
}

/* Images that could not have a board. */
static void describe_refused(const struct ct_recording *recording, GString *missing)
{
    const uint64_t *refused = ct_boards_refused(recording->boards);

    for (guint i = 0; i < CT_REFUSAL_COUNT; i++) {
        if (refused[i] > 0)
            append_part(missing, "preload: not in %" G_GUINT64_FORMAT " process%s: %s", refused[i],
                        refused[i] == 1 ? "" : "es", ct_refusal_reason(i));
    }
}

/* So many of them are named. */
#define MAX_DAMAGED 8

/* Processes that wrote what cannot be. */
static void describe_damaged(const struct ct_recording *recording, GString *missing)
{
    const GArray *damaged = ct_boards_damaged(recording->boards);

    for (guint i = 0; i < MIN(damaged->len, MAX_DAMAGED); i++)
        append_part(missing,
                    "preload: the board of process %d is damaged; its counters are left out",
                    g_array_index(damaged, int32_t, i));
    if (damaged->len > MAX_DAMAGED)
        append_part(missing, "preload: the boards of %u more processes are damaged",
                    damaged->len - MAX_DAMAGED);
}

/* What was not recorded, and why, as the capture event says it. Caller frees. */
static char *describe_missing(const struct ct_recording *recording, const char *fault)
{
    static const struct {
        enum ct_class class;
        const char *name;
    } choices[] = {{CT_CLASS_NET, "net"},
                   {CT_CLASS_SYNC, "sync"},
                   {CT_CLASS_SYSCALL, "syscall"},
                   {CT_CLASS_SLEEP, "sleep"}};
    g_autoptr(GString) chosen = g_string_new(NULL);
    g_autoptr(GString) others = g_string_new(NULL);
    GString *missing = g_string_new(recording->missing != NULL ? recording->missing : "");

    for (size_t i = 0; i < G_N_ELEMENTS(choices); i++) {
        if (recording->directory->control->recorded_classes >> choices[i].class & 1)
            g_string_append_printf(chosen, " --%s", choices[i].name);
        else
            g_string_append_printf(others, "%s%s", others->len > 0 ? ", " : "", choices[i].name);
    }
    if (others->len > 0)
        append_part(missing, "%s: only counted, by%s", others->str, chosen->str);
    if (!recording->has_begun)
        append_part(missing, "the recording itself: " CT_RECORDING_NOT_BEGUN);
    describe_refused(recording, missing);
    describe_damaged(recording, missing);
    if (fault != NULL || recording->stopped != NULL)
        append_part(missing, "waits: %s", fault != NULL ? fault : recording->stopped);
    return g_string_free(missing, FALSE);
}

/* Caller frees. */
static char *list_layers(const struct ct_recording *recording)
{
    const struct {
        const char *name;
        gboolean is_live;
    } layers[] = {{"preload", recording->closing.totals.processes > 0},
                  {"kernel", recording->kernel_totals.events > 0},
                  {"cpu", recording->kernel_totals.samples > 0}};
    GString *list = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(layers); i++) {
        if (layers[i].is_live)
            g_string_append_printf(list, "%s%s", list->len > 0 ? "," : "", layers[i].name);
    }
    return g_string_free(list, FALSE);
}

/* Once all boards are there. What a killed recorder has seen, nobody knows. */
static void settle_unpreloaded(struct ct_recording *recording)
{
    struct ct_unpreloaded *unpreloaded = recording->closing.unpreloaded;
    const GArray *images = ct_boards_images(recording->boards);
    char *const *told = recording->kernel_totals.unpreloaded_names;

    if (recording->is_settled || recording->directory->control->root_pid == 0)
        return;
    recording->is_settled = TRUE;
    ct_closing_find_unpreloaded(&recording->closing);
    if (recording->is_adopted)
        images = NULL;
    ct_unpreloaded_settle(unpreloaded, images, told, recording->end_ns);
}

static void write_unpreloaded(const struct ct_recording *recording)
{
    const GArray *list = ct_unpreloaded_list(recording->closing.unpreloaded);

    for (guint i = 0; i < list->len; i++) {
        const struct ct_unpreloaded_images *images =
            &g_array_index(list, struct ct_unpreloaded_images, i);
        struct ct_event_unseen event = {
            .count = images->count,
            .name = images->name,
            .why = ct_obstacle_words(images->obstacle),
            .is_recorded = recording->has_calls,
        };
        recording->closing.writer->unseen(&event);
    }
}

static void write_capture(struct ct_recording *recording, int exit_status, const char *fault)
{
    const struct ct_closing_totals *totals = &recording->closing.totals;
    const struct ct_control *control = recording->directory->control;
    g_autofree char *missing = describe_missing(recording, fault);
    g_autofree char *layers = list_layers(recording);
    struct ct_event_capture event = {
        .schema_version = CT_SCHEMA_VERSION,
        .ctrace_version = CTRACE_VERSION,
        .command = control->command,
        .layers = layers,
        .missing = missing,
        .begin_ns = control->begin_ns,
        .end_ns = recording->end_ns,
        .rate_ns = control->rate_ns,
        .exit_status = exit_status,
        .process_count = (uint32_t)totals->processes,
        .waits_recorded = totals->waits,
        .stacks_lost = totals->stacks_lost,
        .threads_lost = totals->threads_lost,
        .modules_lost = totals->modules_lost,
        .events_lost = totals->events_lost,
    };

    recording->closing.writer->capture(&event);
}

/* What made us lose waits, or NULL. */
static const char *find_fault(struct ct_recording *recording)
{
    static const char *const faults[] = {
        [CT_SESSION_OK] = NULL,
        [CT_SESSION_NO_DAEMON] = "LTTng's session daemon was killed while recording; later waits, "
                                 "and those still in its buffers, are lost",
        [CT_SESSION_UNKNOWN] = "LTTng's session daemon was replaced while recording; later waits, "
                               "and those still in its buffers, are lost",
        [CT_SESSION_NO_CONSUMER] = "LTTng's consumer daemon was killed while recording; later "
                                   "waits, and those still in its buffers, are lost",
    };

    recording->was_full = recording->was_full || ct_room_is_none(recording->place);
    if (recording->is_adopted)
        return recording->was_cut
                   ? "the recording ended, but could not be finished then; some waits may be lost"
                   : "the recorder was killed while recording; some waits may be lost";
    const char *fault = faults[ct_session_check(recording->session)];
    return fault == NULL && recording->was_full ? "the disk was full; later waits are lost" : fault;
}

/* TRUE if all is on disk, by what is there and not only by LTTng's word. */
static gboolean write_closing(struct ct_recording *recording, int exit_status, const char *fault,
                              GError **error)
{
    if (!await_writer(recording, TRUE)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "LTTng does not take the closing events");
        return FALSE;
    }
    ct_drain_hold(recording->drain, FALSE);
    ct_drain_now(recording->drain);
    settle_unpreloaded(recording);
    ct_closing_write_all(&recording->closing);
    write_unpreloaded(recording);
    ct_drain_now(recording->drain); /* waits that ended meanwhile are counted already */
    write_capture(recording, exit_status, fault);
    ct_session_await_metadata(recording->session);
    if (!ct_session_finish(recording->session, error))
        return FALSE;
    if (ct_streams_state_end_ns(recording->trace_path) >= recording->end_ns)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "LTTng did not write the closing events to %s", recording->path);
    return FALSE;
}

/* *fault may be found only now. */
static gboolean close_trace(struct ct_recording *recording, int exit_status, const char **fault,
                            GError **error)
{
    const struct ct_closing_totals ended = recording->closing.totals;

    if (*fault == NULL) {
        if (write_closing(recording, exit_status, NULL, NULL))
            return TRUE;
        *fault = find_fault(recording);
        if (*fault == NULL)
            *fault = "LTTng failed while the recording was finished; its last waits may be lost";
        recording->closing.totals = ended;
    }
    if (replace_session(recording, error) && write_closing(recording, exit_status, *fault, error))
        return TRUE;
    recording->closing.totals = ended;
    recording->closing.writer = NULL;
    ct_closing_write_all(&recording->closing); /* only counts */
    return FALSE;
}

/* Which process images the preload tells of: struct ct_image_key. */
static GArray *find_preloaded(const struct ct_recording *recording)
{
    ct_drain_lock(recording->drain);
    ct_boards_look_again(recording->boards);
    ct_boards_update(recording->boards);
    const GArray *images = ct_boards_images(recording->boards);
    GArray *preloaded = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));
    g_array_append_vals(preloaded, images->data, images->len);
    ct_drain_unlock(recording->drain);
    return preloaded;
}

/* While those that live are there to be asked. */
static void keep_jit_maps(const struct ct_recording *recording)
{
    g_autoptr(GArray) images = find_preloaded(recording);
    gboolean follows = recording->directory->control->follows_children != 0;

    for (guint i = 0; i < images->len; i++) {
        const struct ct_image_key *image = &g_array_index(images, struct ct_image_key, i);
        ct_jit_maps_keep(recording->place, image->pid, image->start_ns);
    }
    if (recording->attached == NULL)
        return;
    g_autoptr(GArray) tree = ct_proc_list_tree(recording->attached, follows);
    for (guint i = 0; i < tree->len; i++) {
        pid_t pid = g_array_index(tree, pid_t, i);
        struct ct_proc_stat stat;
        if (ct_proc_read_stat(pid, pid, &stat))
            ct_jit_maps_keep(recording->place, pid, stat.start_ns);
    }
}

/* One layer more, or a part of one, that is not there; NULL: all is. */
static void miss(struct ct_recording *recording, const char *what)
{
    char *missing = recording->missing;

    if (what == NULL)
        return;
    recording->missing = missing != NULL ? g_strconcat(missing, "; ", what, NULL) : g_strdup(what);
    g_free(missing);
}

/* The kernel's part. Whatever is wrong with it is said, and is no fault of the rest. */
static void close_kernel(struct ct_recording *recording)
{
    const struct ct_control *control = recording->directory->control;
    const struct ct_kernel_scope scope = {
        .root_pid = control->root_pid,
        .follows_children = control->follows_children != 0,
        .stack_frames = control->stack_frames,
        .deserted_until_ns = recording->is_adopted ? recording->end_ns : 0,
    };
    g_autoptr(GArray) preloaded = find_preloaded(recording);
    g_autoptr(GError) error = NULL;

    if (recording->kernel != NULL) {
        ct_kernel_capture_end(recording->kernel);
        miss(recording, ct_kernel_capture_missing(recording->kernel));
        recording->has_calls = ct_kernel_capture_has_calls(recording->kernel);
    }
    if (!ct_kernel_finish(recording->place, &scope, preloaded, &recording->kernel_totals, &error)) {
        g_autofree char *what = g_strdup_printf("kernel: %s", error->message);

        g_clear_pointer(&recording->missing, g_free);
        miss(recording, what);
    }
    if (recording->kernel != NULL)
        ct_kernel_capture_release(recording->kernel);
}

/* Of LTTng's streams; the kernel's are not written like those. */
static uint64_t repair_streams(const struct ct_recording *recording)
{
    g_autofree char *ust = g_build_filename(recording->place, "ust", NULL);
    g_autofree char *closing = g_build_filename(recording->place, "closing", NULL);

    return ct_streams_repair(ust) + ct_streams_repair(closing);
}

/* What another process recorded ended when that did, or, if it was killed, with the program. */
static uint64_t find_end_ns(struct ct_recording *recording)
{
    const struct ct_control *control = recording->directory->control;

    if (!recording->is_adopted)
        return ct_recording_now_ns(recording);
    if (recording->was_cut)
        return control->alive_ns;
    uint64_t end_ns = ct_closing_find_end_ns(&recording->closing);
    return end_ns != 0 ? end_ns : control->alive_ns;
}

gboolean ct_recording_cut(struct ct_recording *recording, int exit_status, GError **error)
{
    const char *fault = find_fault(recording);
    g_autoptr(GError) cause = NULL;

    ct_session_directory_calibrate(recording->directory);
    recording->directory->control->is_recording = 0;
    ct_session_directory_publish(recording->directory);
    ct_boards_add_refused(recording->boards, CT_REFUSAL_HANDOUT,
                          ct_handout_stop(g_steal_pointer(&recording->handout)));
    recording->end_ns = find_end_ns(recording);
    recording->directory->control->alive_ns = recording->end_ns;
    recording->closing.cut_ns = recording->end_ns;
    recording->has_begun = recording->directory->control->begin_ns != 0;
    if (!recording->has_begun)
        recording->directory->control->begin_ns = recording->end_ns;
    ct_session_directory_publish(recording->directory);
    keep_jit_maps(recording);
    close_kernel(recording);
    ct_drain_stop(recording->drain);
    ct_output_release(recording->place);
    recording->is_unfinished = !close_trace(recording, exit_status, &fault, &cause);
    if (recording->session != NULL)
        recording->events_lost += ct_session_events_lost(recording->session);
    if (repair_streams(recording) > 0 && fault == NULL)
        fault = "the disk was full at the end; the last waits are lost";
    if (fault == NULL)
        fault = recording->stopped;
    if (fault == NULL)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s%s%s", fault,
                cause != NULL ? "; and it could not be finished: " : "",
                cause != NULL ? cause->message : "");
    return FALSE;
}
