/* Where rows are too low for names of their own: threads next to each other whose names differ in
 * numbers only have one name. */
#include "scene/steps.h"

#include "model/alike.h"

enum { LINE_PX = 11 };

static void clear_group(void *data)
{
    g_free(((struct ct_lane_group *)data)->name);
}

static void name_group(struct ct_lane_group *group)
{
    g_autofree char *name = group->name;

    group->name =
        group->count > 1 ? g_strdup_printf("%s (%u)", name, group->count) : g_strdup(name);
}

GArray *ct_lanes_group(const GArray *lanes)
{
    GArray *groups = g_array_new(FALSE, FALSE, sizeof(struct ct_lane_group));
    struct ct_lane_group *last = NULL;

    g_array_set_clear_func(groups, clear_group);
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_thread *thread = g_array_index(lanes, struct ct_lane, i).thread;

        if (g_array_index(lanes, struct ct_lane, i).is_folded)
            continue;
        if (last && last->first->process == thread->process &&
            ct_names_are_alike(last->name, thread->name)) {
            char *merged = ct_names_merge(last->name, thread->name);
            g_free(last->name);
            last->name = merged;
            last->count++;
            continue;
        }
        struct ct_lane_group group = {g_strdup(thread->name), thread, 1};
        g_array_append_val(groups, group);
        last = &g_array_index(groups, struct ct_lane_group, groups->len - 1);
    }
    for (guint i = 0; i < groups->len; i++)
        name_group(&g_array_index(groups, struct ct_lane_group, i));
    return groups;
}

/* Where the group's rows end. */
static double end_px(const struct ct_scene *scene, guint row, guint count)
{
    const struct ct_scene_row *last =
        &g_array_index(scene->rows, struct ct_scene_row, MIN(row + count, scene->rows->len) - 1);

    return last->y_px + last->height_px;
}

/* Beside the first of its rows where no other name is; one for which there is no room is left out.
 */
void ct_layout_place_groups(struct ct_scene *scene, const GArray *groups, double width_px)
{
    double free_px = 0;
    guint next = 0;

    for (guint i = 0; i < scene->rows->len && next < groups->len; i++) {
        const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, i);
        const struct ct_lane_group *group = &g_array_index(groups, struct ct_lane_group, next);

        if (row->thread != group->first)
            continue;
        next++;
        double y_px = MAX(row->y_px, free_px);
        if (y_px > row->y_px && y_px + LINE_PX > end_px(scene, i, group->count))
            continue;
        free_px = y_px + LINE_PX;
        ct_scene_add_text(scene, (struct ct_scene_text){.text = g_strdup(group->name),
                                                        .style = CT_STYLE_THREAD_SMALL,
                                                        .x_px = CT_MARGIN + 6,
                                                        .centre_y_px = y_px + LINE_PX / 2.0,
                                                        .width_px = width_px,
                                                        .row = (int)i});
    }
}
