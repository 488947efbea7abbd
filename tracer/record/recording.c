#include "recording_state.h"

#include "files/tree.h"
#include "libraries.h"
#include "moment.h"
#include "newest.h"
#include "schema/capture_words.h"
#include "text/figures.h"

#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

/* What the engine is to be told. */
static struct ct_engine_settings engine_settings(const struct ct_recording *recording,
                                                 const struct ct_record_options *options,
                                                 const char *command)
{
    struct ct_engine_settings settings = {
        .rate_ns = options->rate_ns,
        .follows_children = !options->no_follow,
        .is_lossless = options->lossless,
        .classes = options->classes,
        .stack_frames = options->stack_frames,
        .heap_rate = options->heap_rate,
        .heap_has_maps = options->heap_has_maps,
        .kernel = options->kernel,
        .place = recording->place,
        .output = recording->path,
        .command = command,
    };

    settings.kernel.follows_children = settings.follows_children;
    settings.kernel.rate_ns = settings.rate_ns;
    return settings;
}

/* Which one of them; NULL: none. */
static const char *heap_library(const struct ct_engine_settings *settings)
{
    if (settings->heap_rate == CT_HEAP_OFF)
        return NULL;
    return settings->heap_has_maps ? CT_HEAP_MAPS_LIBRARY : CT_HEAP_LIBRARY;
}

static gboolean set_up(struct ct_recording *recording, const struct ct_output *output,
                       const struct ct_engine_settings *settings, const gint *ended_by,
                       GError **error)
{
    recording->preload = ct_preload_find(heap_library(settings), error);
    if (recording->preload == NULL)
        return FALSE;
    recording->engine = ct_engine_new(settings, error);
    if (recording->engine == NULL)
        return FALSE;
    recording->trace = ct_trace_new(output, recording->engine->directory->path);
    if (!ct_trace_start(recording->trace, ended_by, error) ||
        !ct_engine_load_writer(recording->engine, error))
        return FALSE;
    ct_engine_start(recording->engine, ct_trace_is_taken, recording->trace);
    return TRUE;
}

static struct ct_recording *recording_new(const struct ct_output *output)
{
    struct ct_recording *recording = g_new0(struct ct_recording, 1);

    recording->path = g_strdup(output->path);
    recording->place = g_strdup(output->place);
    recording->missing = g_string_new(NULL);
    return recording;
}

struct ct_recording *ct_recording_new(const struct ct_record_options *options, const char *command,
                                      const struct ct_output *output,
                                      const struct ct_launch *launch, GError **error)
{
    struct ct_recording *recording = recording_new(output);

    const struct ct_engine_settings settings = engine_settings(recording, options, command);

    if (!options->kernel.sched)
        g_string_append(recording->missing, CT_LAYER_KERNEL CT_NOTE_COLON CT_WHY_OFF);
    recording->room = (struct ct_room){.path = recording->path,
                                       .place = recording->place,
                                       .max_size = options->keeps_newest ? 0 : options->max_size};
    if (set_up(recording, output, &settings, &launch->ended_by, error) &&
        (!options->keeps_newest || ct_newest_begin(recording, options, error))) {
        recording->engine->closing.deaths = launch->deaths;
        ct_deaths_watch(launch->deaths, recording->engine->directory->path);
        ct_engine_note_alive(recording->engine);
        return recording;
    }
    ct_recording_free(recording);
    return NULL;
}

static gboolean adopt(struct ct_recording *recording, GError **error)
{
    if (!ct_trace_adopt(recording->trace, error) ||
        !ct_engine_load_writer(recording->engine, error))
        return FALSE;
    /* The other recorder's end brought out buffers. */
    recording->engine->closing.writer->go_on_from_now();
    return TRUE;
}

static struct ct_recording *adopted_new(const struct ct_output *output,
                                        struct ct_session_directory *directory,
                                        gboolean is_snapshot, GError **error)
{
    struct ct_recording *recording = recording_new(output);
    struct ct_engine *engine = ct_engine_adopt(output->place, directory);

    recording->engine = engine;
    recording->trace = ct_trace_new(output, directory->path);
    recording->was_cut = !directory->control->is_recording;
    engine->closing.watched_until_ns = directory->control->alive_ns;
    if (!recording->was_cut) /* until it would have looked again */
        engine->closing.watched_until_ns += NS_PER_S;
    recording->is_adopted = TRUE;
    recording->is_snapshot = is_snapshot;
    engine->closing.has_parts =
        directory->control->parts[1].begin_ns != 0 || directory->control->dropped > 0;
    recording->is_unfinished = TRUE; /* whatever fails: it can be tried again */
    if (adopt(recording, error))
        return recording;
    ct_recording_free(recording);
    return NULL;
}

struct ct_recording *ct_recording_adopt(const struct ct_output *output,
                                        struct ct_session_directory *directory, GError **error)
{
    return adopted_new(output, directory, FALSE, error);
}

static void tell_losses(struct ct_engine *engine, const struct ct_moment *moment)
{
    for (guint i = 0; i < CT_REFUSAL_COUNT; i++)
        ct_boards_add_refused(engine->boards, (enum ct_refusal)i, moment->refused[i]);
    for (guint i = 0; i < moment->damaged->len; i++)
        ct_boards_note_damaged(engine->boards, g_array_index(moment->damaged, int32_t, i));
    for (guint i = 0; i < moment->images->len; i++) {
        const struct ct_image_key *image = &g_array_index(moment->images, struct ct_image_key, i);
        ct_boards_add_image(engine->boards, image->pid, image->start_ns);
    }
    ct_unpreloaded_load(engine->closing.unpreloaded, moment->unpreloaded);
    ct_shared_memory_store(engine->directory->doorbell, offsetof(struct ct_doorbell, deserted),
                           moment->deserted);
}

struct ct_recording *ct_recording_new_snapshot(const struct ct_output *output,
                                               struct ct_session_directory *directory,
                                               const struct ct_moment *moment, GError **error)
{
    struct ct_recording *recording = adopted_new(output, directory, TRUE, error);

    if (recording == NULL)
        return NULL;
    recording->has_calls = moment->has_calls;
    g_string_assign(recording->missing, moment->missing);
    recording->engine->closing.are_copies = TRUE;
    recording->engine->closing.totals = moment->totals;
    tell_losses(recording->engine, moment);
    return recording;
}

const struct ct_session_directory *ct_recording_directory(const struct ct_recording *recording)
{
    return recording->engine->directory;
}

const char *ct_recording_path(const struct ct_recording *recording)
{
    return recording->path;
}

const char *ct_recording_preload(const struct ct_recording *recording)
{
    return recording->preload;
}

pid_t ct_recording_daemon_group(const struct ct_recording *recording)
{
    return ct_trace_daemon_group(recording->trace);
}

const char *ct_recording_attach(struct ct_recording *recording, pid_t pid)
{
    if (recording->engine->kernel == NULL)
        return NULL;
    ct_kernel_capture_attach(recording->engine->kernel, pid);
    return ct_kernel_capture_missing(recording->engine->kernel);
}

void ct_recording_describe(struct ct_recording *recording, pid_t pid, const char *name,
                           enum ct_obstacle obstacle)
{
    if (obstacle != CT_OBSTACLE_NONE)
        ct_unpreloaded_add(recording->engine->closing.unpreloaded, name, obstacle, 1);
    if (recording->engine->kernel != NULL)
        ct_kernel_capture_describe(recording->engine->kernel, pid);
}

gboolean ct_recording_attach_running(struct ct_recording *recording, struct ct_running *running,
                                     const char **missing)
{
    gboolean is_live = ct_kernel_capture_attach_running(recording->engine->kernel, running);

    recording->attached = running;
    *missing = ct_kernel_capture_missing(recording->engine->kernel);
    return is_live;
}

const char *ct_recording_why_no_samples(const struct ct_recording *recording)
{
    return recording->engine->kernel != NULL
               ? ct_kernel_capture_why_no_samples(recording->engine->kernel)
               : NULL;
}

void ct_recording_begin(struct ct_recording *recording)
{
    ct_engine_begin(recording->engine);
}

void ct_recording_stop(struct ct_recording *recording)
{
    ct_engine_stop(recording->engine);
}

void ct_recording_follow_folder(struct ct_recording *recording)
{
    struct ct_control *control = ct_recording_control(recording);
    g_autofree char *present = ct_output_find(recording->place, recording->path);

    recording->is_removed = present == NULL;
    if (present == NULL || strcmp(present, recording->path) == 0)
        return;
    if (recording->moved_from == NULL)
        recording->moved_from = g_strdup(recording->path);
    g_free(recording->path);
    recording->path = g_strdup(present);
    recording->room.path = recording->path;
    ct_trace_move(recording->trace, present);
    /* Whoever finishes it, should we be killed, finds it by that. */
    g_strlcpy(control->output, present, sizeof(control->output));
    ct_session_directory_publish(recording->engine->directory);
}

const char *ct_recording_check_room(struct ct_recording *recording)
{
    uint64_t begin_ns = ct_recording_control(recording)->begin_ns;
    ct_recording_follow_folder(recording);
    if (recording->keeps_newest && !recording->is_removed && !ct_newest_trim(recording))
        recording->room.max_size = recording->keeping.max_size; /* then it ends there */
    g_autofree char *why = recording->is_removed
                               ? g_strdup_printf("%s was removed", recording->path)
                               : ct_room_check(&recording->room);

    if (why == NULL || begin_ns == 0)
        return NULL;
    g_autofree char *duration = ct_format_duration(ct_engine_now_ns(recording->engine) - begin_ns);
    recording->stopped = g_strdup_printf("what came after %s is not recorded: %s", duration, why);
    return recording->stopped;
}

void ct_recording_tend(struct ct_recording *recording)
{
    struct ct_engine *engine = recording->engine;

    ct_session_directory_calibrate(engine->directory);
    ct_engine_note_alive(engine);
    gboolean is_live = ct_trace_is_live(recording->trace);
    if (!is_live && recording->lost_ns == 0)
        recording->lost_ns = ct_engine_now_ns(engine);
    ct_engine_tend(engine, is_live, recording->lost_ns);
}

void ct_recording_look_at_heaps(struct ct_recording *recording)
{
    ct_engine_look_at_heaps(recording->engine);
}

void ct_recording_close_ended(struct ct_recording *recording)
{
    ct_engine_close_ended(recording->engine);
}

char *ct_recording_take_advice(struct ct_recording *recording)
{
    return g_steal_pointer(&recording->advice);
}

gboolean ct_recording_is_unfinished(const struct ct_recording *recording)
{
    return recording->is_unfinished;
}

void ct_recording_summary(const struct ct_recording *recording,
                          struct ct_recording_summary *summary)
{
    const struct ct_control *control = ct_recording_control(recording);
    uint64_t begin_ns = control->begin_ns;
    struct ct_closing_totals totals;

    ct_newest_totals(recording, &totals);
    *summary = (struct ct_recording_summary){
        .path = recording->path,
        .moved_from = recording->moved_from,
        .is_removed = recording->is_removed,
        .is_snapshot = recording->is_snapshot,
        .attached = control->root_pid == 0 ? control->command : NULL,
        .has_begun = recording->has_begun,
        .duration_ns = recording->end_ns > begin_ns ? recording->end_ns - begin_ns : 0,
        .bytes = ct_tree_size(recording->place),
        .events_lost = recording->events_lost + totals.events_lost,
        .kernel = recording->kernel_totals,
        .lacks_kernel = recording->engine->kernel != NULL && recording->kernel_totals.events == 0 &&
                        ct_kernel_capture_is_wanted(recording->engine->kernel),
        .lacks_samples = recording->lacks_samples,
        .totals = totals,
        .foreign_images = ct_drain_foreign_images(recording->engine->drain),
        .refused = ct_boards_refused(recording->engine->boards),
        .damaged = ct_boards_damaged(recording->engine->boards),
        .unpreloaded = recording->engine->closing.unpreloaded != NULL
                           ? ct_unpreloaded_list(recording->engine->closing.unpreloaded)
                           : NULL,
        .has_calls = recording->has_calls,
        .was_dropped = control->dropped > 0,
        .dropped_ns = control->dropped > 0 ? begin_ns - control->recording_begin_ns : 0,
        .dropped_bytes = control->parts[0].bytes_before,
        .exceeded_bytes = ct_newest_exceeds(recording) ? control->max_size : 0,
        .has_no_waits = control->dropped > 0 && !recording->keeps_newest,
        .was_stopped = recording->stopped != NULL,
    };
    if (recording->has_begun) {
        summary->totals.processes -= summary->totals.early_processes;
        summary->totals.threads -= summary->totals.early_threads;
    }
}

void ct_recording_free(struct ct_recording *recording)
{
    ct_engine_free(recording->engine, recording->is_unfinished && !recording->is_snapshot);
    ct_trace_free(recording->trace);
    g_strfreev(recording->kernel_totals.unpreloaded_names);
    g_free(recording->preload);
    g_string_free(recording->missing, TRUE);
    g_free(recording->stopped);
    g_free(recording->advice);
    ct_keeping_clear(&recording->keeping);
    g_free(recording->place);
    g_free(recording->moved_from);
    g_free(recording->path);
    g_free(recording);
}
