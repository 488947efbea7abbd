/* What stands in the boxes of long waits. */
#include "scene/steps.h"

#include "model/format.h"

#include <inttypes.h>
#include <string.h>

enum {
    LABEL_LIMIT = 200, /* a picture with more is not read, only larger */
    LABEL_PADDING_PX = 5,
    LEAST_WIDTH_PX = 34,
    LEAST_BAR_PX = 14,
};

/* What is no wider does not part a wait in two. */
static const double narrow_px = 1.5;

struct label_place {
    const struct ct_timeline_wait *wait; /* borrowed */
    const struct ct_process *process;    /* borrowed */
    const char *variable;                /* borrowed; that it waits on, or NULL */
    int row;
    double x_px;
    double width_px;
};

static int compare_width(gconstpointer a, gconstpointer b)
{
    const struct label_place *left = a, *right = b;
    if (left->width_px != right->width_px)
        return left->width_px > right->width_px ? -1 : 1;
    if (left->row != right->row)
        return left->row - right->row;
    return (left->x_px > right->x_px) - (left->x_px < right->x_px);
}

static gboolean is_same_wait(const struct ct_timeline_wait *a, const struct ct_timeline_wait *b)
{
    return a->class == b->class && a->op == b->op && a->object == b->object &&
           a->whole.begin_ns == b->whole.begin_ns && a->whole.end_ns == b->whole.end_ns;
}

/* The last part of the wait at `index`, to who looks at it: a thread that was woken in vain goes on
 * waiting. Of parts that are too short to be kept, nothing is known but that they are in between.
 */
static uint32_t last_part(const struct ct_scene *scene, const struct ct_window *window,
                          const struct ct_timeline_thread *waited, uint32_t index)
{
    const struct ct_timeline_wait *wait = &waited->waits[index];
    uint32_t last = index;

    for (uint32_t i = index + 1; i < waited->wait_count; i++) {
        const struct ct_timeline_wait *next = &waited->waits[i];
        double width_px = ct_scene_x_px(scene, window, next->end_ns) -
                          ct_scene_x_px(scene, window, next->begin_ns);

        if (is_same_wait(wait, next))
            last = i;
        else if (width_px > narrow_px || next->begin_ns >= wait->whole.end_ns)
            break;
    }
    return last;
}

static GArray *find_places(const struct ct_scene *scene, const struct ct_window *window,
                           const GArray *placed)
{
    GArray *places = g_array_new(FALSE, FALSE, sizeof(struct label_place));
    for (guint i = 0; i < placed->len; i++) {
        const struct ct_placed_lane *at = &g_array_index(placed, struct ct_placed_lane, i);
        for (uint32_t j = 0; at->lane->waited && j < at->lane->waited->wait_count; j++) {
            const struct ct_timeline_wait *wait = &at->lane->waited->waits[j];
            double x_px = ct_scene_x_px(scene, window, wait->begin_ns);
            j = last_part(scene, window, at->lane->waited, j);
            double width_px =
                ct_scene_x_px(scene, window, at->lane->waited->waits[j].end_ns) - x_px;
            struct ct_window open;
            if (wait->is_open && ct_lane_find_open(at->lane, window, &open)) {
                double open_px = ct_scene_x_px(scene, window, open.end_ns) - CT_OPEN_END_PX;
                width_px = MIN(width_px, open_px - x_px);
            }
            struct label_place place = {wait,    at->lane->thread->process, NULL, at->row, x_px,
                                        width_px};
            if (width_px >= LEAST_WIDTH_PX)
                g_array_append_val(places, place);
        }
    }
    g_array_sort(places, compare_width);
    return places;
}

/* How much is said of what a wait is on; from the most telling to the shortest. */
enum wording { WORDING_NAME, WORDING_TAIL, WORDING_NUMBER, WORDING_NOTHING, WORDING_COUNT };

/* " /var/log/messages", " …/messages", " fd 7" */
static char *descriptor_text(const struct ct_timeline_wait *wait, enum wording wording,
                             gboolean is_numbered)
{
    const char *slash = wait->place ? strrchr(wait->place, '/') : NULL;

    if (wait->place && wording == WORDING_NAME)
        return g_strdup_printf(" %s", wait->place);
    if (slash && slash[1] && wording == WORDING_TAIL)
        return g_strdup_printf(" …%s", slash);
    return is_numbered ? g_strdup_printf(" fd %" PRId32, (int32_t)wait->object) : g_strdup("");
}

/* Its name, where it has one of its own. */
static char *thread_text(const struct ct_timeline_wait *wait, const struct ct_process *process,
                         enum wording wording)
{
    if (wait->object == 0 || wait->object > INT32_MAX)
        return g_strdup("");
    const struct ct_thread *thread =
        g_hash_table_lookup(process->threads, GINT_TO_POINTER((int32_t)wait->object));
    if (wording == WORDING_NAME && thread && strcmp(thread->name, process->name) != 0)
        return g_strdup_printf(" %s", thread->name);
    return g_strdup_printf(" %" PRIu64, wait->object);
}

/* Of an address without a name, the last digits tell the objects of one program apart. */
static char *object_text(const struct label_place *place, enum wording wording)
{
    const struct ct_timeline_wait *wait = place->wait;
    enum ct_object kind = ct_op_object(wait->op);

    if (wording == WORDING_NOTHING || (place->variable && wording != WORDING_NAME))
        return g_strdup("");
    if (place->variable)
        return g_strdup_printf(" %s", place->variable);
    if (ct_object_is_address(kind))
        return wait->object ? g_strdup_printf(" …%04" PRIx64, wait->object & 0xffff) : g_strdup("");
    switch (kind) {
    case CT_OBJECT_THREAD:
        return thread_text(wait, place->process, wording);
    case CT_OBJECT_PROCESS:
        return wait->object > 0 && wait->object <= INT32_MAX
                   ? g_strdup_printf(" %" PRIu64, wait->object)
                   : g_strdup("");
    case CT_OBJECT_FD:
        return descriptor_text(wait, wording, TRUE);
    case CT_OBJECT_NONE:
        return descriptor_text(wait, wording, FALSE); /* what was opened */
    case CT_OBJECT_FD_SET:
        if (wait->place && wording == WORDING_NAME)
            return descriptor_text(wait, wording, FALSE); /* what ended it */
        return g_strdup_printf(" %" PRIu64 " fds", wait->object);
    default:
        return g_strdup("");
    }
}

const char *ct_wait_full_name(const struct ct_timeline_wait *wait)
{
    return wait->op == CT_OP_NONE ? ct_class_name(wait->class) : ct_op_name(wait->op);
}

const char *ct_wait_short_name(const struct ct_timeline_wait *wait)
{
    const char *name = wait->call_name ? wait->call_name : ct_wait_full_name(wait);
    return g_str_has_prefix(name, "pthread_") ? name + strlen("pthread_") : name;
}

/* Who had the CPU meanwhile says more than what the thread was runnable after. */
static char *preemption_text(const struct ct_timeline_wait *wait, enum wording wording)
{
    switch (wording) {
    case WORDING_NAME:
        return g_strdup_printf("%s ran instead", wait->preempted_by);
    case WORDING_TAIL:
        return g_strdup_printf("%s ran", wait->preempted_by);
    default:
        return g_strdup(ct_class_name(wait->class));
    }
}

static char *label_text(const struct label_place *place, enum wording wording)
{
    if (place->wait->preempted_by)
        return preemption_text(place->wait, wording);
    g_autofree char *object = object_text(place, wording);
    return g_strconcat(ct_wait_short_name(place->wait), object, NULL);
}

static char *fitting_text(const struct ct_scene_request *request, const struct label_place *place,
                          double width_px)
{
    for (enum wording wording = WORDING_NAME; wording < WORDING_COUNT; wording++) {
        char *text = label_text(place, wording);
        if (ct_scene_measure(request, CT_STYLE_BOX, text) <= width_px)
            return text;
        g_free(text);
    }
    return NULL;
}

/* A stretch of a row, in px. */
struct stretch {
    double begin_px;
    double end_px;
};

/* Where the arrow lies on the row's bar; FALSE if it does not, or but touches its edge. */
static gboolean crosses(const struct ct_scene_arrow *arrow, const struct ct_scene_row *row,
                        int index, struct stretch *crossing)
{
    if (index < MIN(arrow->from_row, arrow->to_row) ||
        index > MAX(arrow->from_row, arrow->to_row) || index == arrow->to_row)
        return FALSE;
    double per_px = (arrow->to_x_px - arrow->from_x_px) / (arrow->to_y_px - arrow->from_y_px);
    double top_px = arrow->from_x_px + (row->bar_y_px - arrow->from_y_px) * per_px;
    double bottom_px = top_px + row->bar_height_px * per_px;
    *crossing = (struct stretch){MIN(top_px, bottom_px), MAX(top_px, bottom_px)};
    return TRUE;
}

static int compare_stretch(gconstpointer a, gconstpointer b)
{
    const struct stretch *left = a, *right = b;
    return (left->begin_px > right->begin_px) - (left->begin_px < right->begin_px);
}

/* The first part of a box that no arrow crosses and that is wide enough, else the widest. */
static struct stretch free_stretch(const struct ct_scene *scene, const struct label_place *place,
                                   double enough_px)
{
    const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, place->row);
    g_autoptr(GArray) crossings = g_array_new(FALSE, FALSE, sizeof(struct stretch));
    for (guint i = 0; i < scene->arrows->len; i++) {
        struct stretch crossing;
        if (crosses(&g_array_index(scene->arrows, struct ct_scene_arrow, i), row, place->row,
                    &crossing))
            g_array_append_val(crossings, crossing);
    }
    struct stretch end = {place->x_px + place->width_px, place->x_px + place->width_px};
    g_array_append_val(crossings, end);
    g_array_sort(crossings, compare_stretch);

    struct stretch widest = {place->x_px, place->x_px};
    double begin_px = place->x_px;
    for (guint i = 0; i < crossings->len && begin_px < end.end_px; i++) {
        const struct stretch *crossing = &g_array_index(crossings, struct stretch, i);
        double end_px = MIN(crossing->begin_px, end.end_px);
        if (end_px - begin_px > widest.end_px - widest.begin_px)
            widest = (struct stretch){begin_px, end_px};
        if (end_px - begin_px >= enough_px)
            break;
        begin_px = MAX(begin_px, crossing->end_px);
    }
    return widest;
}

static void place_label(struct ct_scene *scene, const struct ct_scene_request *request,
                        struct label_place *place)
{
    const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, place->row);
    if (row->bar_height_px < LEAST_BAR_PX)
        return;
    place->variable = ct_wait_find_variable(request, row->process, place->wait);
    g_autofree char *longest = label_text(place, WORDING_NAME);
    double longest_px = ct_scene_measure(request, CT_STYLE_BOX, longest);
    struct stretch stretch = free_stretch(scene, place, longest_px + 2 * LABEL_PADDING_PX);
    double width_px = stretch.end_px - stretch.begin_px - 2 * LABEL_PADDING_PX;
    char *text = fitting_text(request, place, width_px);
    if (!text)
        return;
    ct_scene_add_text(scene, (struct ct_scene_text){
                                 .text = text,
                                 .style = CT_STYLE_BOX,
                                 .x_px = stretch.begin_px + LABEL_PADDING_PX,
                                 .centre_y_px = row->bar_y_px + row->bar_height_px / 2,
                                 .width_px = width_px,
                                 .row = place->row,
                                 .class = place->wait->class,
                             });
}

const char *ct_wait_find_variable(const struct ct_scene_request *request,
                                  const struct ct_process *process,
                                  const struct ct_timeline_wait *wait)
{
    const struct ct_scene_names *names = request->names;
    if (!names || !wait->object || !ct_object_is_address(ct_op_object(wait->op)))
        return NULL;
    return names->find_variable(names->user, process, wait);
}

void ct_layout_place_labels(struct ct_scene *scene, const struct ct_scene_request *request,
                            const GArray *placed)
{
    g_autoptr(GArray) places = find_places(scene, &request->window, placed);
    for (guint i = 0; i < MIN(places->len, LABEL_LIMIT); i++)
        place_label(scene, request, &g_array_index(places, struct label_place, i));
}
