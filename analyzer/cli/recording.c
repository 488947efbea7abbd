#include "cli/recording.h"

#include "cli/window.h"
#include "cli/worker.h"
#include "ingest/ingest.h"
#include "model/fact_finder.h"
#include "store/builder.h"
#include "store/key.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void on_progress(void *user, double share)
{
    struct ct_activity *activity = user;

    if (activity)
        activity->share_read = share;
}

static int in_memory(int fd)
{
    return fd >= 0 ? fd : memfd_create("index", MFD_CLOEXEC);
}

/* What a reading of the trace fills. */
struct filled {
    struct ct_model *model;     /* borrowed */
    const struct ct_sink *sink; /* borrowed; or NULL */
    int fd;                     /* borrowed, as is the next; of the store */
    int aside_fd;
};

/* The store is whole: is it worth keeping? What is damaged may be read better another time; and a
 * recording may go on. `key` NULL: it has none. */
static gboolean is_to_keep(const char *directory, const struct ct_model *model, const uint8_t *key)
{
    uint8_t later[CT_STORE_KEY_SIZE];

    return key && !model->capture.damage && ct_store_key(directory, later) &&
           memcmp(key, later, sizeof(later)) == 0;
}

/* `is_answered`: whatever becomes of the store, the model and the sink have all. */
static gboolean read_once(const char *directory, struct ct_activity *activity,
                          const struct filled *filled, gboolean *is_answered, GError **error)
{
    static const struct ct_sink nobody = {0};
    g_autoptr(ct_store_builder) builder = ct_store_builder_new(filled->fd, filled->aside_fd);
    const struct ct_sink sinks[] = {{.user = activity, .on_progress = on_progress},
                                    ct_store_builder_sink(builder),
                                    ct_fact_finder_sink(filled->model->facts),
                                    filled->sink ? *filled->sink : nobody};
    uint8_t key[CT_STORE_KEY_SIZE] = {0};
    gboolean has_key = ct_store_key(directory, key);

    *is_answered = ct_ingest(directory, filled->model, sinks, G_N_ELEMENTS(sinks), error);
    if (!*is_answered || !ct_store_builder_finish(builder, filled->model, key, error))
        return FALSE;
    if (activity && filled->fd == activity->new_index_fd)
        activity->is_index_new = is_to_keep(directory, filled->model, has_key ? key : NULL);
    return TRUE;
}

/* Reads the trace; what it says then is in the file `fd`. */
static gboolean build(const char *directory, struct ct_activity *activity, int fd, int aside_fd,
                      GError **error)
{
    g_autoptr(ct_model) model = ct_model_new();
    const struct filled filled = {.model = model, .fd = fd, .aside_fd = aside_fd};
    gboolean is_answered;

    model->directory = g_strdup(directory);
    model->activity = activity;
    return read_once(directory, activity, &filled, &is_answered, error);
}

/* A descriptor of what this reading has found, to be closed by who has no activity; -1: an error.
 */
static int read_trace(const char *directory, struct ct_activity *activity, GError **error)
{
    g_autoptr(GError) failure = NULL;
    int fd = in_memory(activity ? activity->new_index_fd : -1);
    int aside_fd = in_memory(activity ? activity->index_aside_fd : -1);
    gboolean is_read = build(directory, activity, fd, aside_fd, &failure);

    /* No room for it is no reason not to answer. */
    if (!is_read && failure->domain == G_FILE_ERROR && activity && activity->new_index_fd >= 0) {
        g_clear_error(&failure);
        close(fd);
        close(aside_fd);
        activity->new_index_fd = -1;
        fd = in_memory(-1);
        aside_fd = in_memory(-1);
        is_read = build(directory, activity, fd, aside_fd, &failure);
    }
    close(aside_fd);
    if (is_read)
        return fd;
    close(fd);
    g_propagate_error(error, g_steal_pointer(&failure));
    return -1;
}

/* What an earlier reading has found; NULL: it is to be read. */
static struct ct_store *open_earlier(const char *directory, struct ct_activity *activity,
                                     struct ct_model *model)
{
    uint8_t key[CT_STORE_KEY_SIZE];
    struct ct_store *store = NULL;

    if (!activity || activity->index_fd < 0 || activity->has_read)
        return NULL;
    activity->is_index_read = TRUE;
    if (ct_store_key(directory, key))
        store = ct_store_open(activity->index_fd, key, model, NULL);
    if (!store)
        ct_worker_refuse_index(activity);
    return store;
}

/* Of this reading. `own_fd` is the caller's then, unless it is -1. */
static struct ct_store *open_store(const char *directory, struct ct_activity *activity,
                                   struct ct_model *model, int *own_fd, GError **error)
{
    int fd = activity && activity->has_read ? activity->index_fd
                                            : read_trace(directory, activity, error);

    if (fd < 0)
        return NULL;
    if (activity) {
        activity->index_fd = fd;
        activity->has_read = TRUE;
    } else {
        *own_fd = fd;
    }
    return ct_store_open(fd, NULL, model, error);
}

/* Tells the sink all while the trace is read. A store is kept of that, where there is room. */
static gboolean answer_early(const char *directory, struct ct_activity *activity,
                             struct ct_model *model, const struct ct_sink *sink, GError **error)
{
    const struct filled filled = {model, sink, activity->new_index_fd, activity->index_aside_fd};
    g_autoptr(GError) failure = NULL;
    gboolean is_answered;

    if (read_once(directory, activity, &filled, &is_answered, &failure)) {
        activity->index_fd = filled.fd;
        activity->has_read = TRUE;
        return TRUE;
    }
    activity->new_index_fd = -1;
    if (!is_answered)
        g_propagate_error(error, g_steal_pointer(&failure));
    return is_answered;
}

static gboolean may_answer_early(const struct ct_activity *activity,
                                 const struct ct_store_scope *scope, const struct ct_sink *sink)
{
    gboolean is_everything =
        !scope || (!scope->window && !scope->filter &&
                   (!scope->selection || ct_selection_is_all(scope->selection)));

    return sink && sink->is_early && is_everything && activity && !activity->has_read &&
           activity->new_index_fd >= 0;
}

/* `store` is taken over; NULL: it is made, unless this reading has done so. */
static gboolean ask(const char *directory, struct ct_activity *activity, struct ct_model *model,
                    struct ct_store *store, ct_recording_question *question, void *user,
                    GError **error)
{
    int own_fd = -1;

    if (!store)
        store = open_store(directory, activity, model, &own_fd, error);
    gboolean is_answered = store && question(user, store, error);

    ct_store_free(store);
    if (own_fd >= 0)
        close(own_fd);
    return is_answered;
}

static void begin(const char *directory, struct ct_activity *activity, struct ct_model *model)
{
    g_free(model->directory);
    model->directory = g_strdup(directory);
    model->activity = activity;
    ct_worker_begin_reading(activity);
}

static gboolean end(struct ct_activity *activity, gboolean is_answered)
{
    if (!is_answered && activity && activity->is_index_read)
        ct_worker_refuse_index(activity);
    ct_worker_end_reading(activity);
    return is_answered;
}

gboolean ct_recording_ask(const char *directory, struct ct_activity *activity,
                          struct ct_model *model, ct_recording_question *question, void *user,
                          GError **error)
{
    begin(directory, activity, model);
    struct ct_store *earlier = open_earlier(directory, activity, model);

    return end(activity, ask(directory, activity, model, earlier, question, user, error));
}

/* What is to be handed on, and to whom. */
struct replay {
    const struct ct_store_scope *scope;
    const struct ct_sink *sink;
};

static gboolean replay_store(void *user, struct ct_store *store, GError **error)
{
    static const struct ct_store_scope everything = {0};
    const struct replay *replay = user;

    return !replay->sink ||
           ct_store_replay(store, replay->scope ? replay->scope : &everything, replay->sink, error);
}

gboolean ct_recording_read(const char *directory, struct ct_activity *activity,
                           struct ct_model *model, const struct ct_store_scope *scope,
                           const struct ct_sink *sink, GError **error)
{
    struct replay replay = {scope, sink};

    begin(directory, activity, model);
    struct ct_store *earlier = open_earlier(directory, activity, model);

    if (!earlier && may_answer_early(activity, scope, sink))
        return end(activity, answer_early(directory, activity, model, sink, error));
    return end(activity, ask(directory, activity, model, earlier, replay_store, &replay, error));
}

struct ct_window ct_recording_extent(const struct ct_model *model)
{
    return (struct ct_window){model->begin_ns, MAX(model->begin_ns, model->end_ns)};
}

gboolean ct_recording_find_window(const char *directory, struct ct_activity *activity,
                                  const struct ct_scope *scope, struct ct_window *window,
                                  GError **error)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct ct_moment from, to;

    if ((scope->from && !ct_moment_parse(scope->from, &from, error)) ||
        (scope->to && !ct_moment_parse(scope->to, &to, error)) ||
        !ct_recording_read(directory, activity, model, NULL, NULL, error))
        return FALSE;
    const struct ct_recorded_time recorded = {ct_recording_extent(model), model->epoch_offset_ns};

    return ct_window_resolve(scope->from ? &from : NULL, scope->to ? &to : NULL, &recorded, window,
                             error);
}
