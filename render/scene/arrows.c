/* Who woke whom: as many arrows as can be told apart. */
#include "scene/steps.h"

#include <math.h>

/* Closer together, or to waits shorter than this, arrows hide what they should explain. */
static const double least_wait_px = 6;
static const double least_distance_px = 13;
enum { ARROW_LIMIT = 300 };

struct candidate {
    struct ct_scene_arrow arrow;
    uint64_t wait_ns;
};

/* Long waits first; the rest only makes the order definite. */
static int compare_candidates(gconstpointer a, gconstpointer b)
{
    const struct candidate *left = a, *right = b;
    if (left->wait_ns != right->wait_ns)
        return left->wait_ns > right->wait_ns ? -1 : 1;
    if (left->arrow.to_row != right->arrow.to_row)
        return left->arrow.to_row - right->arrow.to_row;
    return (left->arrow.to_x_px > right->arrow.to_x_px) -
           (left->arrow.to_x_px < right->arrow.to_x_px);
}

static GHashTable *rows_by_thread(const GArray *placed)
{
    GHashTable *rows = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < placed->len; i++) {
        const struct ct_placed_lane *at = &g_array_index(placed, struct ct_placed_lane, i);
        g_hash_table_insert(rows, (gpointer)at->lane->thread, GINT_TO_POINTER(at->row + 1));
    }
    return rows;
}

/* From the middle of the waker's bar to the near edge of the waiter's. */
static struct ct_scene_arrow arrow_between(const struct ct_scene *scene, int from_row, int to_row)
{
    const struct ct_scene_row *from = &g_array_index(scene->rows, struct ct_scene_row, from_row);
    const struct ct_scene_row *to = &g_array_index(scene->rows, struct ct_scene_row, to_row);
    return (struct ct_scene_arrow){
        .from_row = from_row,
        .to_row = to_row,
        .from_y_px = from->bar_y_px + from->bar_height_px / 2,
        .to_y_px = to_row > from_row ? to->bar_y_px : to->bar_y_px + to->bar_height_px,
    };
}

/* An arrow needs both its ends in the picture. */
static gboolean ends_inside(const struct ct_timeline_wait *wait, const struct ct_window *window)
{
    return wait->whole.end_ns <= window->end_ns && wait->wake_ns >= window->begin_ns &&
           wait->wake_ns <= wait->end_ns;
}

static void add_candidates(const struct ct_scene *scene, const struct ct_window *window,
                           const struct ct_placed_lane *waiter, GHashTable *rows,
                           GArray *candidates)
{
    const struct ct_timeline_thread *waited = waiter->lane->waited;
    for (uint32_t i = 0; waited && i < waited->wait_count; i++) {
        const struct ct_timeline_wait *wait = &waited->waits[i];
        int from_row = GPOINTER_TO_INT(g_hash_table_lookup(rows, wait->waker)) - 1;
        if (!wait->waker || from_row < 0 || from_row == waiter->row || !ends_inside(wait, window))
            continue;
        double begin_px = ct_scene_x_px(scene, window, wait->begin_ns);
        struct candidate candidate = {arrow_between(scene, from_row, waiter->row),
                                      wait->end_ns - wait->begin_ns};
        candidate.arrow.from_x_px = ct_scene_x_px(scene, window, wait->wake_ns);
        candidate.arrow.to_x_px = ct_scene_x_px(scene, window, wait->end_ns);
        if (candidate.arrow.to_x_px - begin_px >= least_wait_px)
            g_array_append_val(candidates, candidate);
    }
}

static gboolean do_collide(const struct ct_scene_arrow *a, const struct ct_scene_arrow *b)
{
    /* One thread that wakes several at once: a line with several heads. */
    if (a->from_row == b->from_row && a->to_row != b->to_row &&
        fabs(a->from_x_px - b->from_x_px) < 2.5 && fabs(a->to_x_px - b->to_x_px) < 4)
        return FALSE;
    int a_top = MIN(a->from_row, a->to_row), a_bottom = MAX(a->from_row, a->to_row);
    int b_top = MIN(b->from_row, b->to_row), b_bottom = MAX(b->from_row, b->to_row);
    if (a_top > b_bottom || b_top > a_bottom)
        return FALSE;
    /* The longer an arrow, the harder it is to follow among others. */
    double distance_px = least_distance_px + MAX(a_bottom - a_top, b_bottom - b_top);
    double a_left = MIN(a->from_x_px, a->to_x_px), a_right = MAX(a->from_x_px, a->to_x_px);
    double b_left = MIN(b->from_x_px, b->to_x_px), b_right = MAX(b->from_x_px, b->to_x_px);
    return a_left < b_right + distance_px && b_left < a_right + distance_px;
}

static gboolean has_room(const GArray *arrows, const struct ct_scene_arrow *arrow)
{
    for (guint i = 0; i < arrows->len; i++)
        if (do_collide(&g_array_index(arrows, struct ct_scene_arrow, i), arrow))
            return FALSE;
    return TRUE;
}

static int compare_place(gconstpointer a, gconstpointer b)
{
    const struct ct_scene_arrow *left = a, *right = b;
    if (left->from_x_px != right->from_x_px)
        return left->from_x_px < right->from_x_px ? -1 : 1;
    return left->to_row - right->to_row;
}

void ct_layout_place_arrows(struct ct_scene *scene, const struct ct_scene_request *request,
                            const GArray *placed)
{
    g_autoptr(GHashTable) rows = rows_by_thread(placed);
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));
    for (guint i = 0; i < placed->len; i++)
        add_candidates(scene, &request->window, &g_array_index(placed, struct ct_placed_lane, i),
                       rows, candidates);
    g_array_sort(candidates, compare_candidates);

    for (guint i = 0; i < candidates->len && scene->arrows->len < ARROW_LIMIT; i++) {
        const struct candidate *candidate = &g_array_index(candidates, struct candidate, i);
        if (has_room(scene->arrows, &candidate->arrow))
            g_array_append_val(scene->arrows, candidate->arrow);
    }
    g_array_sort(scene->arrows, compare_place);
}
