/* The critical path: a line along the bars of the threads that it is on. */
#include "scene/steps.h"

static GHashTable *rows_by_thread(const GArray *placed)
{
    GHashTable *rows = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < placed->len; i++) {
        const struct ct_placed_lane *at = &g_array_index(placed, struct ct_placed_lane, i);

        g_hash_table_insert(rows, (gpointer)at->lane->thread, GINT_TO_POINTER(at->row + 1));
    }
    return rows;
}

void ct_layout_place_path(struct ct_scene *scene, const struct ct_scene_request *request,
                          const GArray *placed)
{
    g_autoptr(GHashTable) rows = rows_by_thread(placed);

    for (guint i = 0; request->path && i < request->path->len; i++) {
        const struct ct_scene_path_step *step =
            &g_array_index(request->path, struct ct_scene_path_step, i);
        int row = GPOINTER_TO_INT(g_hash_table_lookup(rows, step->thread)) - 1;

        if (!step->thread || row < 0)
            continue;
        const struct ct_scene_path_line line = {
            .row = row,
            .begin_x_px = ct_scene_x_px(scene, &request->window, step->begin_ns),
            .end_x_px = ct_scene_x_px(scene, &request->window, step->end_ns),
            .y_px = g_array_index(scene->rows, struct ct_scene_row, row).bar_y_px,
        };

        g_array_append_val(scene->path, line);
    }
}
