/* What held the program up: in words above the chart, and marked in the rows. */
#include "scene/steps.h"

#include <string.h>

enum {
    TEXT_PX = 18, /* of a finding: its line, and below it a line for its time */
    EXTENT_PX = 8,
    GAP_PX = 8,
    BADGE_PX = 12,
    BADGE_GAP_PX = 6,
    BADGES_MAX = 2, /* in the margin beside a row */
    LEAST_ROW_PX = 10,
    LEAST_WAIT_PX = 4,
};

double ct_layout_findings_height_px(const struct ct_scene_request *request)
{
    return request->findings && request->findings->len > 0
               ? request->findings->len * (TEXT_PX + EXTENT_PX) + GAP_PX
               : 0;
}

static void add_mark(struct ct_scene *scene, enum ct_scene_mark_kind kind, double x_px, double y_px,
                     double width_px, double height_px)
{
    const struct ct_scene_mark mark = {kind, {x_px, y_px, width_px, height_px}};

    g_array_append_val(scene->marks, mark);
}

static void add_badge(struct ct_scene *scene, guint number, double centre_x_px, double centre_y_px)
{
    add_mark(scene, CT_MARK_BADGE, centre_x_px - BADGE_PX / 2.0, centre_y_px - BADGE_PX / 2.0,
             BADGE_PX, BADGE_PX);
    ct_scene_add_text(scene, (struct ct_scene_text){.text = g_strdup_printf("%u", number),
                                                    .style = CT_STYLE_BADGE,
                                                    .align = CT_ALIGN_CENTRE,
                                                    .x_px = centre_x_px,
                                                    .centre_y_px = centre_y_px,
                                                    .width_px = BADGE_PX,
                                                    .row = -1});
}

/* As many whole sentences as there is room for; the first one, if need be, is shortened. */
static char *first_sentences(const struct ct_scene_request *request, const char *text,
                             double width_px)
{
    char *fitting = NULL;

    for (const char *end = strstr(text, ". "); end; end = strstr(end + 1, ". ")) {
        char *part = g_strndup(text, (gsize)(end + 1 - text));

        if (fitting && ct_scene_measure(request, CT_STYLE_FINDING, part) > width_px) {
            g_free(part);
            return fitting;
        }
        g_free(fitting);
        fitting = part;
    }
    if (fitting && ct_scene_measure(request, CT_STYLE_FINDING, text) > width_px)
        return fitting;
    g_free(fitting);
    return g_strdup(text);
}

static gboolean is_there(const struct ct_window *when, const struct ct_window *window)
{
    return when->begin_ns < when->end_ns && when->begin_ns < window->end_ns &&
           when->end_ns > window->begin_ns;
}

static void place_finding(struct ct_scene *scene, const struct ct_scene_request *request,
                          guint number, double y_px)
{
    const struct ct_scene_finding *finding =
        &g_array_index(request->findings, struct ct_scene_finding, number - 1);
    double x_px = CT_MARGIN + (finding->is_none ? 0 : BADGE_PX + BADGE_GAP_PX);
    double width_px = scene->width_px - CT_MARGIN - x_px;

    if (!finding->is_none)
        add_badge(scene, number, CT_MARGIN + BADGE_PX / 2.0, y_px + TEXT_PX / 2.0);
    ct_scene_add_text(
        scene, (struct ct_scene_text){.text = first_sentences(request, finding->text, width_px),
                                      .style = CT_STYLE_FINDING,
                                      .x_px = x_px,
                                      .centre_y_px = y_px + TEXT_PX / 2.0,
                                      .width_px = width_px,
                                      .row = -1});
    if (!is_there(&finding->when, &request->window))
        return;
    double begin_px = ct_scene_x_px(scene, &request->window, finding->when.begin_ns);
    double end_px = ct_scene_x_px(scene, &request->window, finding->when.end_ns);
    add_mark(scene, CT_MARK_EXTENT, begin_px, y_px + TEXT_PX, MAX(end_px - begin_px, 1),
             EXTENT_PX / 2.0);
}

double ct_layout_place_findings(struct ct_scene *scene, const struct ct_scene_request *request,
                                double y_px)
{
    for (guint i = 0; request->findings && i < request->findings->len; i++)
        place_finding(scene, request, i + 1, y_px + i * (TEXT_PX + EXTENT_PX));
    return y_px + ct_layout_findings_height_px(request);
}

static const struct ct_placed_lane *find_lane(const GArray *placed, int32_t tid)
{
    for (guint i = 0; i < placed->len; i++) {
        const struct ct_placed_lane *at = &g_array_index(placed, struct ct_placed_lane, i);
        if (at->lane->thread->tid == tid)
            return at;
    }
    return NULL;
}

static void frame_longest(struct ct_scene *scene, const struct ct_scene_request *request,
                          const GArray *placed, guint number)
{
    const struct ct_scene_finding *finding =
        &g_array_index(request->findings, struct ct_scene_finding, number - 1);
    const struct ct_placed_lane *at = find_lane(placed, finding->longest_tid);

    if (!at || !is_there(&finding->longest, &request->window))
        return;
    const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, at->row);
    double begin_px = ct_scene_x_px(scene, &request->window, finding->longest.begin_ns);
    double end_px = ct_scene_x_px(scene, &request->window, finding->longest.end_ns);

    add_mark(scene, CT_MARK_WAIT, begin_px, row->bar_y_px, MAX(end_px - begin_px, LEAST_WAIT_PX),
             row->bar_height_px);
    add_badge(scene, number, begin_px, row->bar_y_px);
}

static gboolean is_about(const struct ct_scene_finding *finding, int32_t tid)
{
    for (guint i = 0; i < finding->tids->len; i++)
        if (g_array_index(finding->tids, int32_t, i) == tid)
            return TRUE;
    return FALSE;
}

static void mark_row(struct ct_scene *scene, const struct ct_scene_request *request,
                     const struct ct_placed_lane *at)
{
    const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, at->row);
    double x_px = scene->plot.x_px + scene->plot.width_px + BADGE_PX / 2.0;
    guint count = 0;

    for (guint i = 0; i < request->findings->len && count < BADGES_MAX; i++) {
        if (!is_about(&g_array_index(request->findings, struct ct_scene_finding, i),
                      at->lane->thread->tid))
            continue;
        add_badge(scene, i + 1, x_px + count * BADGE_PX, row->bar_y_px + row->bar_height_px / 2);
        count++;
    }
}

void ct_layout_mark_findings(struct ct_scene *scene, const struct ct_scene_request *request,
                             const GArray *placed)
{
    if (!request->findings)
        return;
    for (guint i = 0; i < placed->len; i++) {
        const struct ct_placed_lane *at = &g_array_index(placed, struct ct_placed_lane, i);
        if (g_array_index(scene->rows, struct ct_scene_row, at->row).height_px >= LEAST_ROW_PX)
            mark_row(scene, request, at);
    }
    for (guint i = 0; i < request->findings->len; i++)
        frame_longest(scene, request, placed, i + 1);
}
