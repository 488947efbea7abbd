/*
 * What a thread did at a moment, and where to go from there. Parameters: lane, at. The answer:
 *
 *   lane, name, state, from, to, text
 *   op, wait_from, wait_to (of the whole wait), object {text, lane}, stack[], result, is_open,
 *   is_idle, weight, owner_tid, preempted_by      where it was in a call
 *   waker           lane, name, at, op, stack[]: what it did is asked by its lane and at - 1
 *   holders[]       from, to, lane, name, op, stack[], is_hand_off: together the interval;
 *                   holder_count, where there are more
 *   wakes[]         at, lane, name, from, to: whom it let go on meanwhile
 *   previous, next, same_object {previous, next}, same_place {previous, next}: lane, at
 */
#include "export/json_document.h"
#include "model/holders.h"
#include "view/reader/reader.h"

#define WAKES_MAX 100
#define HOLDS_MAX 200

/* Intervals that are looked at for the next one at the same place. */
#define PLACES_MAX 50000

/* A member that is another interval. */
static void add_reference(const struct ct_view_reader *reader, JsonBuilder *json, const char *name,
                          const struct ct_store_id *id)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_object(json);
    ct_view_add_lane(json, "lane", CT_VIEW_LANE_THREAD, id->thread->number);
    ct_view_add_moment(reader, json, "at", id->begin_ns);
    json_builder_end_object(json);
}

/* ---- Who held, who woke ---- */

struct holding {
    const struct ct_view_reader *reader;
    JsonBuilder *json;
    guint count;
};

static void add_hold(void *user, const struct ct_hold *hold)
{
    struct holding *holding = user;
    JsonBuilder *json = holding->json;

    if (holding->count++ >= HOLDS_MAX)
        return;
    json_builder_begin_object(json);
    ct_view_add_moment(holding->reader, json, "from", hold->begin_ns);
    ct_view_add_moment(holding->reader, json, "to", hold->end_ns);
    if (hold->is_released)
        ct_json_add_boolean(json, "is_hand_off", TRUE);
    if (hold->holder) {
        ct_view_add_lane(json, "lane", CT_VIEW_LANE_THREAD, hold->holder->number);
        ct_json_add_string(json, "name", hold->holder->name);
        ct_view_add_stack(holding->reader, json, "stack", hold->holder->process, hold->stack_id);
    }
    if (hold->op != CT_OP_NONE)
        ct_json_add_string(json, "op", ct_op_name(hold->op));
    json_builder_end_object(json);
}

static void add_holders(const struct ct_view_reader *reader, JsonBuilder *json,
                        const struct ct_interval *interval)
{
    struct holding holding = {reader, json, 0};

    if (!interval->is_for_lock)
        return;
    json_builder_set_member_name(json, "holders");
    json_builder_begin_array(json);
    ct_interval_visit_holds(interval, add_hold, &holding);
    json_builder_end_array(json);
    if (holding.count > HOLDS_MAX)
        ct_json_add_number(json, "holder_count", holding.count);
}

static void add_waker(const struct ct_view_reader *reader, JsonBuilder *json,
                      const struct ct_interval *interval)
{
    const struct ct_thread *waker = interval->waker;

    if (!waker)
        return;
    json_builder_set_member_name(json, "waker");
    json_builder_begin_object(json);
    ct_view_add_lane(json, "lane", CT_VIEW_LANE_THREAD, waker->number);
    ct_json_add_string(json, "name", waker->name);
    ct_view_add_moment(reader, json, "at", interval->wake_ns);
    if (interval->waker_op != CT_OP_NONE)
        ct_json_add_string(json, "op", ct_op_name(interval->waker_op));
    ct_view_add_stack(reader, json, "stack", waker->process, interval->waker_stack_id);
    json_builder_end_object(json);
}

/* ---- The interval ---- */

static void add_object(const struct ct_view_reader *reader, JsonBuilder *json,
                       const struct ct_interval *interval)
{
    g_autofree char *text = ct_event_object(reader->texts, interval);
    guint number;

    if (!*text)
        return;
    json_builder_set_member_name(json, "object");
    json_builder_begin_object(json);
    ct_json_add_string(json, "text", text);
    if (ct_view_find_object(reader, interval, &number))
        ct_view_add_lane(json, "lane", CT_VIEW_LANE_OBJECT, number);
    json_builder_end_object(json);
}

static void add_interval(const struct ct_view_reader *reader, JsonBuilder *json,
                         const struct ct_interval *interval)
{
    g_autofree char *text = ct_view_interval_text(reader, interval);

    ct_json_add_string(json, "text", text);
    if (interval->op != CT_OP_NONE) {
        ct_json_add_string(json, "op", ct_view_interval_op(interval));
        ct_view_add_moment(reader, json, "wait_from", interval->wait_begin_ns);
        ct_view_add_moment(reader, json, "wait_to", interval->wait_end_ns);
        add_object(reader, json, interval);
        if (interval->result != CT_RESULT_UNKNOWN)
            ct_json_add_signed(json, "result", interval->result);
    }
    ct_view_add_stack(reader, json, "stack", interval->thread->process, interval->stack_id);
    if (interval->is_open)
        ct_json_add_boolean(json, "is_open", TRUE);
    if (ct_idle_has(reader->idle, interval))
        ct_json_add_boolean(json, "is_idle", TRUE);
    json_builder_set_member_name(json, "weight");
    json_builder_add_double_value(json, interval->weight);
    if (interval->owner_tid != 0)
        ct_json_add_signed(json, "owner_tid", interval->owner_tid);
    if (interval->preempted_by)
        ct_json_add_string(json, "preempted_by", interval->preempted_by);
    add_holders(reader, json, interval);
    add_waker(reader, json, interval);
}

/* ---- Where to go from there: `error` is somewhere, and is looked at ---- */

static void add_wakes(const struct ct_view_reader *reader, JsonBuilder *json,
                      const struct ct_thread *thread, const struct ct_window *window,
                      GError **error)
{
    g_autoptr(ct_store_cursor) wakes = ct_store_wakes(reader->store, thread, window);
    struct ct_store_event wake, woken;
    guint count = 0;

    json_builder_set_member_name(json, "wakes");
    json_builder_begin_array(json);
    while (!*error && count < WAKES_MAX && ct_store_cursor_next(wakes, &wake, error)) {
        if (wake.begin_ns >= window->end_ns)
            continue;
        g_autoptr(ct_store_cursor) found = ct_store_find(reader->store, &wake.id, &woken, error);

        if (!found)
            continue;
        json_builder_begin_object(json);
        ct_view_add_moment(reader, json, "at", wake.begin_ns);
        ct_view_add_lane(json, "lane", CT_VIEW_LANE_THREAD, wake.id.thread->number);
        ct_json_add_string(json, "name", wake.id.thread->name);
        ct_view_add_moment(reader, json, "from", woken.begin_ns);
        ct_view_add_moment(reader, json, "to", woken.end_ns);
        json_builder_end_object(json);
        count++;
    }
    json_builder_end_array(json);
}

/* The first that begins at `from_ns` or later. FALSE: there is none, or with an error. */
static gboolean find_next(struct ct_store_cursor *cursor, uint64_t from_ns, struct ct_store_id *id,
                          GError **error)
{
    struct ct_store_event event;

    while (ct_store_cursor_next(cursor, &event, error)) {
        *id = event.id;
        if (event.begin_ns >= from_ns)
            return TRUE;
    }
    return FALSE;
}

static void add_neighbours(const struct ct_view_reader *reader, JsonBuilder *json,
                           struct ct_thread *thread, const struct ct_window *window, GError **error)
{
    const struct ct_window after = {window->end_ns, UINT64_MAX};
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(reader->store, thread, &after);
    struct ct_store_id id;

    if (ct_store_interval_before(reader->store, thread, window->begin_ns, &id, error))
        add_reference(reader, json, "previous", &id);
    if (!*error && find_next(cursor, MAX(window->end_ns, window->begin_ns + 1), &id, error))
        add_reference(reader, json, "next", &id);
}

/* Waits of others for the same thing, by when they began. */
static void add_same_object(const struct ct_view_reader *reader, JsonBuilder *json, guint object,
                            uint64_t begin_ns, GError **error)
{
    const struct ct_window after = {begin_ns + 1, UINT64_MAX};
    g_autoptr(ct_store_cursor) cursor = ct_store_object_waits(reader->store, object, &after);
    struct ct_store_id id;

    json_builder_set_member_name(json, "same_object");
    json_builder_begin_object(json);
    if (ct_store_object_wait_before(reader->store, object, begin_ns, &id, error))
        add_reference(reader, json, "previous", &id);
    if (!*error && find_next(cursor, after.begin_ns, &id, error))
        add_reference(reader, json, "next", &id);
    json_builder_end_object(json);
}

/* Of those in the window that have the stack, the first or the last. FALSE: none, or an error. */
static gboolean find_place(const struct ct_view_reader *reader, const struct ct_store_id *of,
                           uint32_t stack_id, const struct ct_window *window, gboolean is_last,
                           guint *left, struct ct_store_id *id)
{
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(reader->store, of->thread, window);
    struct ct_store_event event;
    gboolean is_found = FALSE;

    while ((is_last || !is_found) && *left > 0 && ct_store_cursor_next(cursor, &event, NULL)) {
        --*left;
        if (event.interval.stack_id != stack_id || event.begin_ns < window->begin_ns ||
            event.begin_ns >= window->end_ns)
            continue;
        *id = event.id;
        is_found = TRUE;
    }
    return is_found;
}

/* Back by stretches that double, so that no more is looked at than must be. */
static gboolean find_place_before(const struct ct_view_reader *reader, const struct ct_store_id *of,
                                  uint32_t stack_id, struct ct_store_id *id)
{
    uint64_t length_ns = 1 << 16;
    struct ct_window window = {of->begin_ns, of->begin_ns};
    guint left = PLACES_MAX;

    while (window.begin_ns > of->thread->start_ns && left > 0) {
        window.end_ns = window.begin_ns;
        window.begin_ns -= MIN(window.begin_ns - of->thread->start_ns, length_ns);
        if (find_place(reader, of, stack_id, &window, TRUE, &left, id) && left > 0)
            return TRUE;
        length_ns *= 2;
    }
    return FALSE;
}

static void add_same_place(const struct ct_view_reader *reader, JsonBuilder *json,
                           const struct ct_store_id *of, uint32_t stack_id)
{
    const struct ct_window after = {of->begin_ns + 1, UINT64_MAX};
    guint left = PLACES_MAX;
    struct ct_store_id id;

    json_builder_set_member_name(json, "same_place");
    json_builder_begin_object(json);
    if (find_place_before(reader, of, stack_id, &id))
        add_reference(reader, json, "previous", &id);
    if (find_place(reader, of, stack_id, &after, FALSE, &left, &id))
        add_reference(reader, json, "next", &id);
    json_builder_end_object(json);
}

/* ---- The question ---- */

/* An interval that has that time, or that takes none and is then. FALSE: there is no such one, or
 * with an error. */
static gboolean find_interval(struct ct_store_cursor *cursor, uint64_t time_ns, gboolean takes_time,
                              struct ct_store_event *event, GError **error)
{
    while (ct_store_cursor_next(cursor, event, error)) {
        gboolean has_it = takes_time ? event->begin_ns <= time_ns && time_ns < event->end_ns
                                     : event->begin_ns == time_ns && event->end_ns == time_ns;

        if (has_it)
            return TRUE;
    }
    return FALSE;
}

/* A cursor on it; NULL: the thread was in none, or with an error. */
static struct ct_store_cursor *find_at(const struct ct_view_reader *reader,
                                       const struct ct_thread *thread, uint64_t time_ns,
                                       struct ct_store_event *event, GError **error)
{
    const struct ct_window moment = {time_ns, time_ns};

    for (int takes_time = TRUE; takes_time >= FALSE && !*error; takes_time--) {
        g_autoptr(ct_store_cursor) cursor = ct_store_intervals(reader->store, thread, &moment);

        if (find_interval(cursor, time_ns, takes_time, event, error))
            return g_steal_pointer(&cursor);
    }
    return NULL;
}

/* Between two of its intervals. */
static struct ct_window gap_at(const struct ct_view_reader *reader, struct ct_thread *thread,
                               uint64_t time_ns, GError **error)
{
    const struct ct_window after = {time_ns + 1, UINT64_MAX};
    struct ct_window gap = {thread->start_ns, thread->end_ns};
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(reader->store, thread, &after);
    struct ct_store_event event;
    struct ct_store_id id;

    if (ct_store_interval_before(reader->store, thread, time_ns + 1, &id, error)) {
        g_autoptr(ct_store_cursor) found = ct_store_find(reader->store, &id, &event, error);

        if (found)
            gap.begin_ns = MAX(gap.begin_ns, MIN(event.end_ns, time_ns));
    }
    if (!*error && find_next(cursor, after.begin_ns, &id, error))
        gap.end_ns = MIN(gap.end_ns, id.begin_ns);
    return gap;
}

static void add_head(const struct ct_view_reader *reader, JsonBuilder *json,
                     const struct ct_thread *thread, enum ct_class class,
                     const struct ct_window *window)
{
    ct_view_add_lane(json, "lane", CT_VIEW_LANE_THREAD, thread->number);
    ct_json_add_string(json, "name", thread->name);
    ct_json_add_signed(json, "state", class);
    ct_view_add_moment(reader, json, "from", window->begin_ns);
    ct_view_add_moment(reader, json, "to", window->end_ns);
}

/* What there is to say of an interval beside what is said of every time. */
static void add_known(const struct ct_view_reader *reader, JsonBuilder *json,
                      const struct ct_store_event *event, GError **error)
{
    uint32_t stack_id = event->interval.stack_id;
    guint object;

    add_interval(reader, json, &event->interval);
    if (ct_view_find_object(reader, &event->interval, &object))
        add_same_object(reader, json, object, event->id.begin_ns, error);
    if (stack_id != 0 && !*error)
        add_same_place(reader, json, &event->id, stack_id);
}

static gboolean answer_at(const struct ct_view_reader *reader, JsonBuilder *json,
                          struct ct_thread *thread, uint64_t time_ns, GError **error)
{
    struct ct_store_event event;
    g_autoptr(GError) failure = NULL;
    g_autoptr(ct_store_cursor) cursor = find_at(reader, thread, time_ns, &event, &failure);
    struct ct_window window = {0};

    if (cursor) {
        window = (struct ct_window){event.begin_ns, event.end_ns};
        add_head(reader, json, thread, event.interval.class, &window);
        add_known(reader, json, &event, &failure);
    } else if (!failure) {
        window = gap_at(reader, thread, time_ns, &failure);
        add_head(reader, json, thread, CT_CLASS_RUNNING, &window);
        ct_json_add_string(json, "text", ct_class_name(CT_CLASS_RUNNING));
    }
    if (!failure)
        add_neighbours(reader, json, thread, &window, &failure);
    if (!failure)
        add_wakes(reader, json, thread, &window, &failure);
    if (!failure)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean ct_view_interval(struct ct_view_reader *reader, GHashTable *params,
                          struct ct_view_answer *answer, GError **error)
{
    const char *text = g_hash_table_lookup(params, "lane");
    g_autoptr(GArray) lanes = ct_view_lanes_parse(text ? text : "", 1, error);
    struct ct_thread *thread;
    uint64_t moment;

    if (!lanes || !ct_view_param_number(params, "at", 0, CT_VIEW_MOMENT_MAX, &moment, error))
        return FALSE;
    const struct ct_view_lane *lane = &g_array_index(lanes, struct ct_view_lane, 0);

    if (lane->kind != CT_VIEW_LANE_THREAD) {
        g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG, "lane must be a thread's");
        return FALSE;
    }
    thread = ct_view_find_thread(reader, lane->number, error);
    if (!thread)
        return FALSE;
    uint64_t time_ns = ct_view_time(reader, moment);

    if (time_ns < thread->start_ns || time_ns > thread->end_ns) {
        g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_NOBODY, "t%u did not live then",
                    lane->number);
        return FALSE;
    }
    json_builder_begin_object(answer->json);
    gboolean is_whole = answer_at(reader, answer->json, thread, time_ns, error);

    json_builder_end_object(answer->json);
    return is_whole;
}
