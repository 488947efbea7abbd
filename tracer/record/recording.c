#include "recording.h"

#include "drain.h"
#include "handout.h"
#include "jit_maps.h"
#include "kernel/capture.h"
#include "libraries.h"
#include "output.h"
#include "procfs.h"
#include "program.h"
#include "session.h"
#include "sessiond.h"
#include "streams.h"
#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* How long LTTng may take to know our provider; it sleeps 5 s if it just misses a new daemon. */
#define WRITER_TIMEOUT_US (20 * G_USEC_PER_SEC)
#define WRITER_POLL_US    200

#define NS_PER_S UINT64_C(1000000000)

struct ct_recording {
    char *path;                             /* owned; absolute; for people and other processes */
    char *place;                            /* owned; the same for us, see struct ct_output */
    char *trace_path;                       /* owned; where the session writes, below `place` */
    char *missing;                          /* owned; layers that are not there */
    char *preload;                          /* owned */
    struct ct_sessiond *sessiond;           /* owned */
    struct ct_session *session;             /* owned */
    struct ct_session_directory *directory; /* owned */
    struct ct_boards *boards;               /* owned */
    struct ct_drain *drain;                 /* owned */
    struct ct_handout *handout;             /* owned; until it is cut, or NULL */
    struct ct_kernel_capture *kernel;       /* owned; NULL: it is not wanted, or not ours */
    struct ct_kernel_totals kernel_totals;
    GArray *attached;    /* owned; pid_t; NULL: none */
    guint noted;         /* so many images with a preload are noted for its end */
    gboolean has_calls;  /* the kernel told of system calls */
    gboolean is_settled; /* which images are unseen */
    struct ct_closing closing;
    gboolean is_adopted; /* another process began it */
    gboolean was_cut;    /* and ended it, but could not finish it */
    uint64_t end_ns;
    gboolean has_begun; /* when it was cut: the delay was over */
    uint64_t events_lost;
    gboolean was_full;      /* the disk, at some time */
    gboolean is_unfinished; /* its boards are kept */
};

static uint64_t now_ns(const struct ct_recording *recording)
{
    uint64_t ticks, ns;

    ct_clock_read(recording->directory->control, &ticks, &ns);
    return ns;
}

static void note_alive(const struct ct_recording *recording)
{
    recording->directory->control->alive_ns = now_ns(recording);
}

/* As the session directory is called: by that, the sessions of dead recorders are known. */
static char *session_name(const struct ct_recording *recording)
{
    return g_path_get_basename(recording->directory->path);
}

/* Events that went to disk before it would be lost with the daemon. */
static gboolean is_metadata_there(void *session)
{
    return ct_session_await_metadata(session);
}

/* And what writes with it. */
static gboolean load_writer(struct ct_recording *recording, GError **error)
{
    struct ct_session_directory *directory = recording->directory;

    recording->closing.writer = ct_writer_load(error);
    if (recording->closing.writer == NULL)
        return FALSE;
    recording->boards = ct_boards_new(directory->path);
    recording->closing.unseen = ct_unseen_new();
    recording->drain = ct_drain_new(directory, recording->boards, recording->closing.writer);
    recording->closing.directory = directory;
    recording->closing.cut_ns = UINT64_MAX;
    recording->closing.boards = recording->boards;
    return TRUE;
}

/* A daemon that was about to end still answers whoever asks whether it is there. */
static gboolean make_session(struct ct_recording *recording, GError **error)
{
    g_autofree char *name = session_name(recording);
    g_autoptr(GError) refusal = NULL;

    recording->sessiond = ct_sessiond_acquire(error);
    if (recording->sessiond == NULL)
        return FALSE;
    ct_sessions_sweep();
    recording->session = ct_session_new(name, recording->path, &refusal);
    if (recording->session == NULL) {
        if (!g_error_matches(refusal, G_FILE_ERROR, G_FILE_ERROR_PIPE)) {
            g_propagate_error(error, g_steal_pointer(&refusal));
            return FALSE;
        }
        if (!ct_sessiond_renew(recording->sessiond, error))
            return FALSE;
        recording->session = ct_session_new(name, recording->path, error);
    }
    return recording->session != NULL;
}

static gboolean set_up(struct ct_recording *recording, const struct ct_record_options *options,
                       const char *command, GError **error)
{
    struct ct_kernel_wishes wishes = options->kernel;

    recording->preload = ct_preload_find(error);
    if (recording->preload == NULL)
        return FALSE;
    wishes.follows_children = !options->no_follow;
    if (wishes.sched || wishes.cpu_hz > 0)
        recording->kernel = ct_kernel_capture_new(recording->place, &wishes);
    recording->directory = ct_session_directory_new(options->rate_ns, !options->no_follow, error);
    if (recording->directory == NULL)
        return FALSE;
    struct ct_control *control = recording->directory->control;
    control->recorded_classes = options->classes;
    control->stack_frames = options->stack_frames;
    ct_own_loader(control->loader, sizeof(control->loader));
    g_strlcpy(control->output, recording->path, sizeof(control->output));
    g_strlcpy(control->command, command, sizeof(control->command));
    if (!make_session(recording, error) || !ct_session_start(recording->session, error) ||
        !load_writer(recording, error))
        return FALSE;
    ct_drain_start(recording->drain, is_metadata_there, recording->session);
    recording->handout = ct_handout_start(recording->directory);
    return TRUE;
}

static struct ct_recording *recording_new(const struct ct_output *output)
{
    struct ct_recording *recording = g_new0(struct ct_recording, 1);

    recording->path = g_strdup(output->path);
    recording->place = g_strdup(output->place);
    recording->trace_path = g_build_filename(output->place, "ust", NULL);
    return recording;
}

struct ct_recording *ct_recording_new(const struct ct_record_options *options, const char *command,
                                      const struct ct_output *output, struct ct_deaths *deaths,
                                      GError **error)
{
    struct ct_recording *recording = recording_new(output);

    if (!options->kernel.sched)
        recording->missing = g_strdup("kernel: turned off");
    recording->closing.deaths = deaths;
    if (set_up(recording, options, command, error)) {
        ct_deaths_watch(deaths, recording->directory->path);
        note_alive(recording);
        return recording;
    }
    ct_recording_free(recording);
    return NULL;
}

static gboolean adopt(struct ct_recording *recording, GError **error)
{
    recording->sessiond = ct_sessiond_acquire(error);
    if (recording->sessiond == NULL)
        return FALSE;
    g_autofree char *name = session_name(recording);
    recording->session = ct_session_attach(name, recording->path);
    if (!load_writer(recording, error))
        return FALSE;
    recording->closing.writer->go_on_from_now(); /* the other recorder's end brought out buffers */
    return TRUE;
}

struct ct_recording *ct_recording_adopt(const struct ct_output *output,
                                        struct ct_session_directory *directory, GError **error)
{
    struct ct_recording *recording = recording_new(output);

    recording->directory = directory;
    recording->was_cut = !directory->control->is_recording;
    recording->closing.watched_until_ns = directory->control->alive_ns;
    if (!recording->was_cut) /* until it would have looked again */
        recording->closing.watched_until_ns += NS_PER_S;
    recording->is_adopted = TRUE;
    recording->is_unfinished = TRUE; /* whatever fails: it can be tried again */
    if (adopt(recording, error))
        return recording;
    ct_recording_free(recording);
    return NULL;
}

const struct ct_session_directory *ct_recording_directory(const struct ct_recording *recording)
{
    return recording->directory;
}

const char *ct_recording_preload(const struct ct_recording *recording)
{
    return recording->preload;
}

pid_t ct_recording_daemon_group(const struct ct_recording *recording)
{
    return ct_sessiond_group(recording->sessiond);
}

const char *ct_recording_attach(struct ct_recording *recording, pid_t pid)
{
    if (recording->kernel == NULL)
        return NULL;
    ct_kernel_capture_attach(recording->kernel, pid);
    return ct_kernel_capture_missing(recording->kernel);
}

void ct_recording_describe(struct ct_recording *recording, pid_t pid, const char *name,
                           enum ct_obstacle obstacle)
{
    if (obstacle != CT_OBSTACLE_NONE)
        ct_unseen_add(recording->closing.unseen, name, obstacle, 1);
    if (recording->kernel != NULL)
        ct_kernel_capture_describe(recording->kernel, pid);
}

gboolean ct_recording_attach_running(struct ct_recording *recording, GArray *pids,
                                     const char **missing)
{
    gboolean is_live = ct_kernel_capture_attach_running(recording->kernel, pids);

    recording->attached = g_array_ref(pids);

    *missing = ct_kernel_capture_missing(recording->kernel);
    return is_live;
}

const char *ct_recording_why_no_samples(const struct ct_recording *recording)
{
    return recording->kernel != NULL ? ct_kernel_capture_why_no_samples(recording->kernel) : NULL;
}

void ct_recording_begin(struct ct_recording *recording)
{
    struct ct_control *control = recording->directory->control;
    uint64_t begin_ticks;

    ct_session_directory_calibrate(recording->directory);
    ct_clock_read(control, &begin_ticks, &control->begin_ns);
    control->begin_ticks = begin_ticks;
    if (recording->kernel != NULL)
        ct_kernel_capture_begin(recording->kernel);
}

/* Their boards go when they end: whoever finishes a killed recorder's work will not see those. */
static void note_preloaded(struct ct_recording *recording)
{
    const GArray *images = ct_boards_images(recording->boards);

    if (recording->kernel == NULL || images->len == recording->noted)
        return;
    recording->noted = images->len;
    ct_kernel_note_preloaded(recording->place, images);
}

void ct_recording_tend(struct ct_recording *recording)
{
    ct_session_directory_calibrate(recording->directory);
    note_alive(recording);
    recording->was_full = recording->was_full || ct_output_is_full(recording->place);
    gboolean is_taken = !recording->was_full &&
                        ct_session_check(recording->session) == CT_SESSION_OK &&
                        recording->closing.writer->is_enabled();
    ct_drain_lock(recording->drain);
    ct_drain_hold(recording->drain, !is_taken);
    if (ct_drain_now(recording->drain))
        ct_closing_write_ended(&recording->closing);
    ct_boards_read_titles(recording->boards);
    note_preloaded(recording);
    ct_drain_unlock(recording->drain);
}

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
    g_autofree char *own_name = session_name(recording);
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
    if (fault != NULL)
        append_part(missing, "waits: %s", fault);
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
static void settle_unseen(struct ct_recording *recording)
{
    struct ct_unseen *unseen = recording->closing.unseen;
    const GArray *images = ct_boards_images(recording->boards);
    char *const *told = recording->kernel_totals.hidden_names;

    if (recording->is_settled || recording->directory->control->root_pid == 0)
        return;
    recording->is_settled = TRUE;
    ct_closing_find_unseen(&recording->closing);
    if (recording->is_adopted)
        images = NULL;
    ct_unseen_settle(unseen, images, told, recording->end_ns);
}

static void write_unseen(const struct ct_recording *recording)
{
    const GArray *list = ct_unseen_list(recording->closing.unseen);

    for (guint i = 0; i < list->len; i++) {
        const struct ct_unseen_images *images = &g_array_index(list, struct ct_unseen_images, i);
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

    recording->was_full = recording->was_full || ct_output_is_full(recording->place);
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
    settle_unseen(recording);
    ct_closing_write_all(&recording->closing);
    write_unseen(recording);
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
        return now_ns(recording);
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
    ct_handout_stop(g_steal_pointer(&recording->handout));
    recording->end_ns = find_end_ns(recording);
    recording->directory->control->alive_ns = recording->end_ns;
    recording->closing.cut_ns = recording->end_ns;
    recording->has_begun = recording->directory->control->begin_ns != 0;
    if (!recording->has_begun)
        recording->directory->control->begin_ns = recording->end_ns;
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
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s%s%s", fault,
                cause != NULL ? "; and it could not be finished: " : "",
                cause != NULL ? cause->message : "");
    return FALSE;
}

gboolean ct_recording_is_unfinished(const struct ct_recording *recording)
{
    return recording->is_unfinished;
}

void ct_recording_summary(const struct ct_recording *recording,
                          struct ct_recording_summary *summary)
{
    const struct ct_control *control = recording->directory->control;
    uint64_t begin_ns = control->begin_ns;

    *summary = (struct ct_recording_summary){
        .path = recording->path,
        .attached = control->root_pid == 0 ? control->command : NULL,
        .has_begun = recording->has_begun,
        .duration_ns = recording->end_ns > begin_ns ? recording->end_ns - begin_ns : 0,
        .bytes = ct_tree_size(recording->place),
        .events_lost = recording->events_lost + recording->closing.totals.events_lost,
        .kernel = recording->kernel_totals,
        .lacks_kernel = recording->kernel != NULL && recording->kernel_totals.events == 0 &&
                        ct_kernel_capture_is_wanted(recording->kernel),
        .totals = recording->closing.totals,
        .refused = ct_boards_refused(recording->boards),
        .unseen =
            recording->closing.unseen != NULL ? ct_unseen_list(recording->closing.unseen) : NULL,
        .has_calls = recording->has_calls,
    };
    if (recording->has_begun) {
        summary->totals.processes -= summary->totals.early_processes;
        summary->totals.threads -= summary->totals.early_threads;
    }
}

void ct_recording_free(struct ct_recording *recording)
{
    ct_kernel_capture_free(recording->kernel);
    ct_handout_stop(recording->handout);
    ct_drain_free(recording->drain);
    ct_boards_free(recording->boards);
    ct_unseen_free(recording->closing.unseen);
    g_strfreev(recording->kernel_totals.hidden_names);
    ct_session_free(recording->session);
    ct_sessiond_release(recording->sessiond);
    if (recording->is_unfinished)
        ct_session_directory_keep(recording->directory);
    else
        ct_session_directory_free(recording->directory);
    g_free(recording->preload);
    g_free(recording->missing);
    g_clear_pointer(&recording->attached, g_array_unref);
    g_free(recording->trace_path);
    g_free(recording->place);
    g_free(recording->path);
    g_free(recording);
}
