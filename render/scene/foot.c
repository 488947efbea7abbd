/* The lines below the plot: what the picture does not show. */
#include "scene/steps.h"

#include "model/capture_notes.h"
#include "model/format.h"

#include <stddef.h>
#include <string.h>

/* What a count of the capture report means for the picture. */
static const struct loss {
    size_t offset;
    const char *one;
    const char *many;
} losses[] = {
    {offsetof(struct ct_capture, waits_lost), "wait was lost", "waits were lost"},
    {offsetof(struct ct_capture, events_lost), "event was lost for lack of buffer space",
     "events were lost for lack of buffer space"},
    {offsetof(struct ct_capture, kernel_events_lost),
     "kernel event was lost for lack of buffer space",
     "kernel events were lost for lack of buffer space"},
    {offsetof(struct ct_capture, packets_lost), "packet of events was lost",
     "packets of events were lost"},
    {offsetof(struct ct_capture, threads_lost), "thread was not recorded",
     "threads were not recorded"},
    {offsetof(struct ct_capture, stacks_lost), "stack was lost", "stacks were lost"},
    {offsetof(struct ct_capture, modules_lost), "module was lost", "modules were lost"},
    {offsetof(struct ct_capture, unknown_events), "event is of an unknown kind",
     "events are of an unknown kind"},
    {offsetof(struct ct_capture, records_dropped), "record is beyond what ctrace reads",
     "records are beyond what ctrace reads"},
};

/* Where the foot's next line goes. */
struct foot {
    struct ct_scene *scene;
    const struct ct_scene_request *request;
    double y_px;
};

static void place_line(struct foot *foot, enum ct_scene_style style, const char *text, gsize length)
{
    ct_scene_add_text(foot->scene,
                      (struct ct_scene_text){.text = g_strndup(text, length),
                                             .style = style,
                                             .x_px = CT_MARGIN,
                                             .centre_y_px = foot->y_px + CT_LINE_HEIGHT / 2.0,
                                             .width_px = foot->scene->width_px - 2 * CT_MARGIN,
                                             .row = -1});
    foot->y_px += CT_LINE_HEIGHT;
}

/* How much of the text fits on a line: whole words, and at least one. */
static gsize fitting_length(const struct foot *foot, enum ct_scene_style style, const char *text)
{
    double width_px = foot->scene->width_px - 2 * CT_MARGIN;
    gsize length = 0;

    for (const char *end = text; *end;) {
        end += strspn(end, " ");
        end += strcspn(end, " ");
        g_autofree char *words = g_strndup(text, (gsize)(end - text));
        if (length > 0 && ct_scene_measure(foot->request, style, words) > width_px)
            break;
        length = (gsize)(end - text);
    }
    return length;
}

/* Takes the text. */
static void place_text(struct foot *foot, enum ct_scene_style style, char *text)
{
    for (const char *rest = text; *rest; rest += strspn(rest, " ")) {
        gsize length = fitting_length(foot, style, rest);

        place_line(foot, style, rest, length);
        rest += length;
    }
    g_free(text);
}

static void place_warnings(struct foot *foot, const struct ct_capture *capture)
{
    const char *lost_waits = ct_capture_lost_waits(capture);
    if (lost_waits[0])
        place_text(foot, CT_STYLE_WARNING, g_strdup_printf("Waits were lost: %s", lost_waits));
    if (capture->damage)
        place_text(foot, CT_STYLE_WARNING, g_strdup_printf("Damaged: %s", capture->damage));
    else if (!capture->is_complete)
        place_text(foot, CT_STYLE_WARNING,
                   g_strdup("The recording was cut off: its last part is missing."));
    for (size_t i = 0; i < G_N_ELEMENTS(losses); i++) {
        uint64_t count = G_STRUCT_MEMBER(uint64_t, capture, losses[i].offset);
        if (count == 0)
            continue;
        g_autofree char *number = ct_format_count(count);
        place_text(foot, CT_STYLE_WARNING,
                   g_strdup_printf("%s %s.", number, count == 1 ? losses[i].one : losses[i].many));
    }
}

/* A vector file that draws every column of a busy recording is too large to look at. */
static void place_folding(struct foot *foot)
{
    double widest_px = MAX(foot->scene->column_px, foot->scene->lane_column_px);

    if (widest_px > 1)
        place_text(foot, CT_STYLE_NOTE,
                   g_strdup_printf("What happens within %.0f pixels is drawn as one, to keep the "
                                   "file small; a PNG, or a part (--from, --to), shows more.",
                                   widest_px));
    if (foot->scene->tips_left_out > 0)
        place_text(foot, CT_STYLE_NOTE,
                   g_strdup("Only what is wide tells more when it is pointed at, to keep the file "
                            "small; a part (--from, --to) tells more."));
}

double ct_layout_place_foot(struct ct_scene *scene, const struct ct_scene_request *request,
                            double y_px)
{
    const struct ct_capture *capture = &request->model->capture;
    struct foot foot = {.scene = scene, .request = request, .y_px = y_px};

    if (scene->folded_threads > 0) {
        g_autofree char *number = ct_format_count(scene->folded_threads);
        place_text(&foot, CT_STYLE_NOTE,
                   g_strdup_printf("… and %s more %s, less busy (--threads=all)", number,
                                   scene->folded_threads == 1 ? "thread" : "threads"));
    }
    place_folding(&foot);
    if (request->model->threads->len == 0)
        place_text(&foot, CT_STYLE_NOTE, g_strdup("No thread was recorded."));
    place_warnings(&foot, capture);
    g_autofree char *missing = ct_capture_missing_layers(capture);
    if (missing[0])
        place_text(&foot, CT_STYLE_NOTE, g_strdup_printf("Not recorded: %s", missing));
    g_autofree char *unseen = ct_capture_unseen(capture);
    if (unseen[0])
        place_text(&foot, CT_STYLE_NOTE, g_strdup_printf("Note: %s", unseen));
    g_autofree char *estimates = ct_capture_estimates(capture);
    if (estimates[0])
        place_text(&foot, CT_STYLE_NOTE, g_strdup_printf("Note: %s", estimates));
    if (capture->rate_ns > 0) {
        g_autofree char *rate = ct_format_duration(capture->rate_ns);
        place_text(
            &foot, CT_STYLE_NOTE,
            g_strdup_printf("Waits shorter than %s are sampled; their share is estimated.", rate));
    }
    return foot.y_px;
}
