/* Which threads have a row, and in which order. */
#include "scene/steps.h"

#include "model/capture_notes.h"
#include "model/life.h"
#include "model/selection.h"

#include <string.h>

enum { MOST_SINGLE_HEADERS = 8 };

/* Less than that of a thread's life is not seen. */
static const double least_lost_share = 0.01;

static gboolean is_wanted(const struct ct_scene_filter *filter, const struct ct_thread *thread)
{
    const struct ct_selection selection = {.processes = filter->process_globs,
                                           .threads = filter->thread_globs};

    return ct_selection_has_thread(&selection, thread);
}

static gboolean is_alive(const struct ct_lane *lane, const struct ct_scene_request *request)
{
    return lane->alive.begin_ns < lane->alive.end_ns || lane->waited ||
           request->window.begin_ns == request->window.end_ns;
}

static gboolean may_lack_waits(const struct ct_capture *capture)
{
    return capture->waits_lost > 0 || capture->events_lost > 0 || capture->packets_lost > 0 ||
           ct_capture_lost_waits(capture)[0];
}

/* The trace's totals have waits that are lost, too. */
static gboolean has_losses(const struct ct_lane *lane, const struct ct_capture *capture)
{
    uint64_t missing_ns = 0;

    for (int class = 0; class < CT_CLASS_COUNT && may_lack_waits(capture); class ++) {
        uint64_t told_ns = lane->waited ? lane->waited->wait_ns[class] : 0;

        if (class != CT_CLASS_RUNNING && lane->class_ns[class] > told_ns)
            missing_ns = ct_add_u64(missing_ns, lane->class_ns[class] - told_ns);
    }
    return (double)missing_ns >
           least_lost_share * (double)(lane->alive.end_ns - lane->alive.begin_ns);
}

/* What is no wait is running; the trace's own totals are exact where they cover the window. */
static void sum_classes(struct ct_lane *lane, const struct ct_scene_request *request)
{
    gboolean is_of_some = request->only && request->only[0];

    if (request->is_whole && lane->thread->has_totals && !is_of_some) {
        memcpy(lane->class_ns, lane->thread->class_ns, sizeof(lane->class_ns));
        lane->has_losses = has_losses(lane, &request->model->capture);
        return;
    }
    struct ct_life life =
        ct_life_inside(lane->thread, &request->window, lane->waited ? lane->waited->wait_ns : NULL);
    if (is_of_some)
        life.class_ns[CT_CLASS_RUNNING] = 0;
    memcpy(lane->class_ns, life.class_ns, sizeof(lane->class_ns));
}

static gboolean make_lane(const struct ct_scene_request *request, const struct ct_thread *thread,
                          struct ct_lane *lane)
{
    const struct ct_window *window = &request->window;
    *lane = (struct ct_lane){
        .thread = thread,
        .waited = ct_timeline_find(request->timeline, thread),
        .alive = {MAX(thread->start_ns, window->begin_ns), MIN(thread->end_ns, window->end_ns)},
    };
    lane->alive.end_ns = MAX(lane->alive.end_ns, lane->alive.begin_ns);
    if (!is_wanted(&request->filter, thread) || !is_alive(lane, request))
        return FALSE;
    sum_classes(lane, request);
    return TRUE;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static uint64_t lane_time_ns(const struct ct_lane *lane)
{
    uint64_t time_ns = 0;
    for (int class = 0; class < CT_CLASS_COUNT; class ++)
        time_ns += lane->class_ns[class];
    return time_ns;
}

/* Sleep last: of two threads that live as long, the one that does or awaits something counts. */
static uint64_t busy_ns(const struct ct_lane *lane)
{
    return lane_time_ns(lane) - lane->class_ns[CT_CLASS_SLEEP];
}

static int compare_busy(gconstpointer a, gconstpointer b)
{
    const struct ct_lane *left = *(const struct ct_lane *const *)a;
    const struct ct_lane *right = *(const struct ct_lane *const *)b;
    int order = compare(busy_ns(right), busy_ns(left));
    if (!order)
        order = compare(lane_time_ns(right), lane_time_ns(left));
    return order ? order : ct_lane_compare_start(left, right);
}

/* One would save nothing, and all would leave an empty picture. */
static void fold_idle(GArray *lanes, GHashTable *idle)
{
    guint count = 0;

    for (guint i = 0; idle && i < lanes->len; i++)
        count += g_hash_table_contains(idle, g_array_index(lanes, struct ct_lane, i).thread);
    for (guint i = 0; count > 1 && count < lanes->len && i < lanes->len; i++) {
        struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);

        lane->is_folded = lane->is_idle = g_hash_table_contains(idle, lane->thread);
    }
}

uint32_t ct_lanes_count_idle(const GArray *lanes)
{
    uint32_t count = 0;

    for (guint i = 0; i < lanes->len; i++)
        count += g_array_index(lanes, struct ct_lane, i).is_idle;
    return count;
}

/* As it was before it was written for a shell. */
static char *unquote(const char *title)
{
    size_t length = strlen(title);
    gboolean is_quoted =
        length > 2 && title[0] == '\'' && strchr(title + 1, '\'') == title + length - 1;

    return g_strstrip(is_quoted ? g_strndup(title + 1, length - 2) : g_strdup(title));
}

char *ct_lane_name(const struct ct_thread *thread)
{
    const struct ct_process *process = thread->process;

    if (!process->title || !process->title[0] || g_hash_table_size(process->threads) > 1)
        return g_strdup(thread->name);
    return unquote(process->title);
}

static void fold_least_busy(GArray *lanes, guint row_limit)
{
    g_autoptr(GPtrArray) by_busy = g_ptr_array_new();

    for (guint i = 0; i < lanes->len; i++) {
        struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, i);

        if (!lane->is_folded)
            g_ptr_array_add(by_busy, lane);
    }
    if (by_busy->len <= row_limit)
        return;
    g_ptr_array_sort(by_busy, compare_busy);
    for (guint i = row_limit; i < by_busy->len; i++)
        ((struct ct_lane *)by_busy->pdata[i])->is_folded = TRUE;
}

/* One past the last lane of the process that `begin` belongs to, and how many have a row. */
static guint end_of_process(const GArray *lanes, guint begin, guint *shown)
{
    const struct ct_process *process = g_array_index(lanes, struct ct_lane, begin).thread->process;
    guint end = begin;
    *shown = 0;
    for (; end < lanes->len; end++) {
        const struct ct_lane *lane = &g_array_index(lanes, struct ct_lane, end);
        if (lane->thread->process != process)
            break;
        *shown += !lane->is_folded;
    }
    return end;
}

/* A shell script starts hundreds of processes with one thread each: then a row must do for both. */
static void choose_headers(GArray *lanes)
{
    guint shown, single_count = 0;
    for (guint begin = 0; begin < lanes->len;) {
        begin = end_of_process(lanes, begin, &shown);
        single_count += shown == 1;
    }
    for (guint begin = 0; begin < lanes->len;) {
        guint end = end_of_process(lanes, begin, &shown);
        for (; begin < end; begin++)
            g_array_index(lanes, struct ct_lane, begin).has_header =
                shown > 1 || single_count <= MOST_SINGLE_HEADERS;
    }
}

GArray *ct_lanes_choose(const struct ct_scene_request *request)
{
    const GPtrArray *threads = request->model->threads;
    GArray *lanes = g_array_sized_new(FALSE, FALSE, sizeof(struct ct_lane), threads->len);
    for (guint i = 0; i < threads->len; i++) {
        struct ct_lane lane;
        if (make_lane(request, threads->pdata[i], &lane))
            g_array_append_val(lanes, lane);
    }
    ct_lanes_sort(lanes, request->sort);
    fold_idle(lanes, request->idle);
    fold_least_busy(lanes, request->filter.row_limit);
    choose_headers(lanes);
    return lanes;
}

gboolean ct_lane_find_open(const struct ct_lane *lane, const struct ct_window *window,
                           struct ct_window *open)
{
    if (!lane->waited)
        return FALSE;
    *open = lane->waited->open;
    open->begin_ns = MAX(open->begin_ns, window->begin_ns);
    return open->begin_ns < open->end_ns && open->end_ns <= window->end_ns;
}
