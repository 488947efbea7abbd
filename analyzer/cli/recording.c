#include "cli/recording.h"

#include "cli/window.h"
#include "cli/worker.h"
#include "ingest/ingest.h"
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

/* Reads the trace; what it says then is in the file `fd`. */
static gboolean build(const char *directory, struct ct_activity *activity, int fd, int aside_fd,
                      GError **error)
{
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_store_builder) builder = ct_store_builder_new(fd, aside_fd);
    const struct ct_sink sinks[] = {{.user = activity, .on_progress = on_progress},
                                    ct_store_builder_sink(builder)};
    uint8_t key[CT_STORE_KEY_SIZE] = {0}, later[CT_STORE_KEY_SIZE] = {0};
    gboolean has_key = ct_store_key(directory, key);

    model->directory = g_strdup(directory);
    model->activity = activity;
    if (!ct_ingest(directory, model, sinks, G_N_ELEMENTS(sinks), error) ||
        !ct_store_builder_finish(builder, model, key, error))
        return FALSE;
    /* What is damaged may be read better another time; and a recording may go on. */
    if (activity && fd == activity->new_index_fd)
        activity->is_index_new = has_key && !model->capture.damage &&
                                 ct_store_key(directory, later) &&
                                 memcmp(key, later, sizeof(key)) == 0;
    return TRUE;
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

/* `own_fd` is the caller's then, unless it is -1. */
static struct ct_store *open_store(const char *directory, struct ct_activity *activity,
                                   struct ct_model *model, int *own_fd, GError **error)
{
    struct ct_store *store = open_earlier(directory, activity, model);

    if (store)
        return store;
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

gboolean ct_recording_ask(const char *directory, struct ct_activity *activity,
                          struct ct_model *model,
                          gboolean (*ask)(void *user, struct ct_store *store, GError **error),
                          void *user, GError **error)
{
    int own_fd = -1;

    g_free(model->directory);
    model->directory = g_strdup(directory);
    model->activity = activity;
    ct_worker_begin_reading(activity);
    g_autoptr(ct_store) store = open_store(directory, activity, model, &own_fd, error);
    gboolean is_answered = store && ask(user, store, error);

    if (!is_answered && activity && activity->is_index_read)
        ct_worker_refuse_index(activity);
    ct_worker_end_reading(activity);
    if (own_fd >= 0)
        close(own_fd);
    return is_answered;
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

    return ct_recording_ask(directory, activity, model, replay_store, &replay, error);
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
    struct ct_window extent = ct_recording_extent(model);

    return ct_window_resolve(scope->from ? &from : NULL, scope->to ? &to : NULL, &extent, window,
                             error);
}
