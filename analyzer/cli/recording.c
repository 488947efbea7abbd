#include "cli/recording.h"

#include "cli/window.h"
#include "cli/worker.h"
#include "ingest/ingest.h"

static void on_progress(void *user, double share)
{
    struct ct_activity *activity = user;

    if (activity)
        activity->share_read = share;
}

gboolean ct_recording_read(const char *directory, struct ct_activity *activity,
                           struct ct_model *model, const struct ct_sink *sink, GError **error)
{
    struct ct_sink sinks[] = {{.user = activity, .on_progress = on_progress}, {0}};

    if (sink)
        sinks[1] = *sink;
    g_free(model->directory);
    model->directory = g_strdup(directory);
    model->activity = activity;
    ct_worker_begin_reading(activity);
    gboolean is_read = ct_ingest(directory, model, sinks, G_N_ELEMENTS(sinks), error);
    ct_worker_end_reading(activity);
    return is_read;
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
        !ct_recording_read(directory, activity, model, NULL, error))
        return FALSE;
    struct ct_window extent = ct_recording_extent(model);

    return ct_window_resolve(scope->from ? &from : NULL, scope->to ? &to : NULL, &extent, window,
                             error);
}
