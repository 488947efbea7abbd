#include "cli/recording.h"

#include "cli/window.h"
#include "ingest/ingest.h"
#include "ingest/progress.h"

gboolean ct_recording_read(const char *directory, struct ct_model *model,
                           const struct ct_sink *sink, GError **error)
{
    struct ct_progress progress;
    struct ct_sink sinks[] = {ct_progress_sink(&progress), {0}};

    if (sink)
        sinks[1] = *sink;
    g_free(model->directory);
    model->directory = g_strdup(directory);
    ct_progress_begin(&progress);
    gboolean is_read = ct_ingest(directory, model, sinks, G_N_ELEMENTS(sinks), error);
    ct_progress_end(&progress);
    return is_read;
}

struct ct_window ct_recording_extent(const struct ct_model *model)
{
    return (struct ct_window){model->begin_ns, MAX(model->begin_ns, model->end_ns)};
}

gboolean ct_recording_find_window(const char *directory, const struct ct_part *part,
                                  struct ct_window *window, GError **error)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct ct_moment from, to;

    if ((part->from && !ct_moment_parse(part->from, &from, error)) ||
        (part->to && !ct_moment_parse(part->to, &to, error)) ||
        !ct_recording_read(directory, model, NULL, error))
        return FALSE;
    struct ct_window extent = ct_recording_extent(model);

    return ct_window_resolve(part->from ? &from : NULL, part->to ? &to : NULL, &extent, window,
                             error);
}
