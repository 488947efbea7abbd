#include "recording_state.h"

#include "files/tree.h"
#include "libraries.h"
#include "program.h"

#include <string.h>

/* Boards that wait for LTTng to take events again, of some 60 KB each. */
#define BOARDS_KEPT 1000

static void note_alive(const struct ct_recording *recording)
{
    recording->directory->control->alive_ns = ct_recording_now_ns(recording);
    ct_session_directory_publish(recording->directory);
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
    recording->closing.unpreloaded = ct_unpreloaded_new();
    recording->drain = ct_drain_new(directory, recording->boards, recording->closing.writer);
    recording->closing.directory = directory;
    recording->closing.cut_ns = UINT64_MAX;
    recording->closing.boards = recording->boards;
    return TRUE;
}

/* A daemon that was about to end still answers whoever asks whether it is there. */
static gboolean make_session(struct ct_recording *recording, GError **error)
{
    g_autofree char *name = ct_session_name(recording->directory->path);
    g_autoptr(GError) refusal = NULL;

    recording->sessiond = ct_sessiond_acquire(recording->ended_by, error);
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
    ct_session_directory_publish(recording->directory);
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
                                      const struct ct_output *output,
                                      const struct ct_launch *launch, GError **error)
{
    struct ct_recording *recording = recording_new(output);

    if (!options->kernel.sched)
        recording->missing = g_strdup("kernel: turned off");
    recording->room = (struct ct_room){
        .path = recording->path, .place = recording->place, .max_size = options->max_size};
    recording->closing.deaths = launch->deaths;
    recording->ended_by = &launch->ended_by;
    if (set_up(recording, options, command, error)) {
        ct_deaths_watch(launch->deaths, recording->directory->path);
        note_alive(recording);
        return recording;
    }
    ct_recording_free(recording);
    return NULL;
}

static gboolean adopt(struct ct_recording *recording, GError **error)
{
    recording->sessiond = ct_sessiond_acquire(recording->ended_by, error);
    if (recording->sessiond == NULL)
        return FALSE;
    g_autofree char *name = ct_session_name(recording->directory->path);
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
        recording->closing.watched_until_ns += CT_NS_PER_S;
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
        ct_unpreloaded_add(recording->closing.unpreloaded, name, obstacle, 1);
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
    ct_session_directory_publish(recording->directory);
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

const char *ct_recording_check_room(struct ct_recording *recording)
{
    uint64_t begin_ns = recording->directory->control->begin_ns;
    g_autofree char *why = ct_room_check(&recording->room);

    if (why == NULL || begin_ns == 0)
        return NULL;
    recording->stopped =
        g_strdup_printf("what came after %.2f s is not recorded: %s",
                        (double)(ct_recording_now_ns(recording) - begin_ns) / 1e9, why);
    return recording->stopped;
}

void ct_recording_tend(struct ct_recording *recording)
{
    ct_session_directory_calibrate(recording->directory);
    note_alive(recording);
    recording->was_full = recording->was_full || ct_room_is_none(recording->place);
    gboolean is_live =
        !recording->was_full && ct_session_check(recording->session) == CT_SESSION_OK;
    gboolean is_taken = is_live && recording->closing.writer->is_enabled();
    if (!is_live && recording->lost_ns == 0)
        recording->lost_ns = ct_recording_now_ns(recording);
    ct_drain_lock(recording->drain);
    ct_drain_hold(recording->drain, !is_taken);
    if (ct_drain_now(recording->drain))
        ct_closing_write_ended(&recording->closing);
    else
        ct_closing_drop_ended(&recording->closing,
                              recording->lost_ns != 0 ? recording->lost_ns : UINT64_MAX,
                              BOARDS_KEPT);
    ct_boards_read_titles(recording->boards);
    note_preloaded(recording);
    ct_drain_unlock(recording->drain);
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
        .foreign_images = ct_drain_foreign_images(recording->drain),
        .refused = ct_boards_refused(recording->boards),
        .damaged = ct_boards_damaged(recording->boards),
        .unpreloaded = recording->closing.unpreloaded != NULL
                           ? ct_unpreloaded_list(recording->closing.unpreloaded)
                           : NULL,
        .has_calls = recording->has_calls,
        .was_stopped = recording->stopped != NULL,
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
    ct_unpreloaded_free(recording->closing.unpreloaded);
    g_strfreev(recording->kernel_totals.unpreloaded_names);
    ct_session_free(recording->session);
    ct_sessiond_release(recording->sessiond);
    if (recording->is_unfinished)
        ct_session_directory_keep(recording->directory);
    else
        ct_session_directory_free(recording->directory);
    g_free(recording->preload);
    g_free(recording->missing);
    g_free(recording->stopped);
    g_clear_pointer(&recording->attached, g_array_unref);
    g_free(recording->trace_path);
    g_free(recording->place);
    g_free(recording->path);
    g_free(recording);
}
