/* The row that all threads share that did nothing but wait for work. */
#include "scene/steps.h"

#include "model/alike.h"
#include "model/format.h"

#include <string.h>

enum {
    HEIGHT_PX = 24,
    GAP_PX = 10,
    KINDS_MAX = 40, /* nobody reads more of them */
};

/* Threads whose names differ in numbers only. */
struct kind {
    char *name; /* owned */
    guint count;
};

static void clear_kind(void *data)
{
    g_free(((struct kind *)data)->name);
}

/* FALSE: there is no room for its kind. */
static gboolean count(GArray *kinds, const char *name)
{
    for (guint i = 0; i < kinds->len; i++) {
        struct kind *kind = &g_array_index(kinds, struct kind, i);
        char *merged;

        if (!ct_names_are_alike(kind->name, name))
            continue;
        merged = ct_names_merge(kind->name, name);
        g_free(kind->name);
        kind->name = merged;
        kind->count++;
        return TRUE;
    }
    if (kinds->len == KINDS_MAX)
        return FALSE;
    struct kind kind = {g_strdup(name), 1};
    g_array_append_val(kinds, kind);
    return TRUE;
}

/* "4 threads waited throughout: bio_* (3), jemalloc_bg_thd" */
static char *text_of(const GArray *lanes)
{
    g_autoptr(GArray) kinds = g_array_new(FALSE, FALSE, sizeof(struct kind));
    g_autofree char *number = ct_format_count(ct_lanes_count_idle(lanes));
    GString *text = g_string_new(NULL);
    guint uncounted = 0;

    g_array_set_clear_func(kinds, clear_kind);
    for (guint i = 0; i < lanes->len; i++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);

        if (!lane->is_idle)
            continue;
        g_autofree char *name = ct_lane_name(lane->thread);
        uncounted += !count(kinds, name);
    }
    g_string_append_printf(text, "%s threads waited throughout: ", number);
    for (guint i = 0; i < kinds->len; i++) {
        const struct kind *kind = &g_array_index(kinds, struct kind, i);

        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", kind->name);
        if (kind->count > 1)
            g_string_append_printf(text, " (%u)", kind->count);
    }
    if (uncounted > 0)
        g_string_append_printf(text, " and %u more", uncounted);
    return g_string_free(text, FALSE);
}

double ct_layout_idle_height_px(const GArray *lanes)
{
    return ct_lanes_count_idle(lanes) > 0 ? GAP_PX + HEIGHT_PX : 0;
}

double ct_layout_place_idle(struct ct_scene *scene, const GArray *lanes, double y_px)
{
    struct ct_scene_row row = {.is_idle = TRUE, .y_px = y_px + GAP_PX, .height_px = HEIGHT_PX};

    if (ct_lanes_count_idle(lanes) == 0)
        return y_px;
    g_array_append_val(scene->rows, row);
    ct_scene_add_text(scene, (struct ct_scene_text){
                                 .text = text_of(lanes),
                                 .style = CT_STYLE_PROCESS_DETAIL,
                                 .x_px = CT_MARGIN + 6,
                                 .centre_y_px = row.y_px + HEIGHT_PX / 2.0,
                                 .width_px = scene->width_px - 2 * (CT_MARGIN + 6),
                                 .row = (int)scene->rows->len - 1,
                             });
    return row.y_px + HEIGHT_PX;
}
