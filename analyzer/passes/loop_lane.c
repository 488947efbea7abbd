#include "passes/loop_lane.h"

#include "model/format.h"

/* Of a thread that did more in the window, nothing is told. */
#define TURNS_MAX (1U << 16)
#define WAITS_MAX (1U << 17)

void ct_loop_lane_free(struct ct_loop_lane *lane)
{
    if (!lane)
        return;
    g_array_unref(lane->turns);
    g_array_unref(lane->steps);
    g_array_unref(lane->waits);
    g_string_chunk_free(lane->texts);
    g_free(lane);
}

/* ---- What there is ---- */

static void add_step(struct ct_loop_lane *lane, enum ct_loop_step_kind kind, uint64_t time_ns,
                     uint32_t round)
{
    const struct ct_loop_step step = {.time_ns = time_ns,
                                      .round = round,
                                      .kind = kind,
                                      .turn = lane->turns->len - 1,
                                      .owner = CT_LOOP_NOBODY};

    g_array_append_val(lane->steps, step);
}

static void add_turn(struct ct_loop_lane *lane, const struct ct_turn *turn)
{
    const struct ct_loop_turn added = {
        .kind = turn->kind,
        .begin_ns = turn->begin_ns,
        .end_ns = turn->end_ns,
        .fd_number = turn->fd_number,
        .weight = turn->weight,
        .peer = g_string_chunk_insert_const(lane->texts, turn->fd ? turn->fd->peer : ""),
        .request = CT_LOOP_NOBODY,
    };
    gboolean is_call = turn->kind == CT_TURN_CALL;

    g_array_append_val(lane->turns, added);
    lane->is_sampled |= turn->weight > 1;
    if (turn->begin_thread == turn->thread) {
        if (is_call && turn->lead_ns > 0)
            add_step(lane, CT_LOOP_CALL_OPENED, turn->begin_ns - turn->lead_ns, turn->lead_round);
        add_step(lane, is_call ? CT_LOOP_CALL_ASKED : CT_LOOP_REQUEST_READ, turn->begin_ns,
                 turn->begin_round);
    }
    add_step(lane, is_call ? CT_LOOP_CALL_ANSWERED : CT_LOOP_REQUEST_ANSWERED, turn->end_ns,
             turn->end_round);
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_steps(const void *a, const void *b)
{
    const struct ct_loop_step *first = a, *second = b;
    int order = COMPARE(first->time_ns, second->time_ns);

    if (order == 0)
        order = COMPARE(first->turn, second->turn);
    return order != 0 ? order : COMPARE(first->kind, second->kind);
}

static gboolean read_turns(struct ct_loop_lane *lane, struct ct_store *store,
                           const struct ct_thread *thread, const struct ct_window *window,
                           GError **error)
{
    g_autoptr(ct_store_cursor) cursor = ct_store_turns(store, thread, window);
    struct ct_store_event event;
    g_autoptr(GError) failure = NULL;

    while (lane->is_complete && ct_store_cursor_next(cursor, &event, &failure)) {
        if (lane->turns->len >= TURNS_MAX)
            lane->is_complete = FALSE;
        else
            add_turn(lane, &event.turn);
    }
    g_array_sort(lane->steps, compare_steps);
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    return !failure;
}

static void add_wait(struct ct_loop_lane *lane, const struct ct_interval *interval)
{
    g_autofree char *object = ct_format_object(interval);
    const char *peer = ct_interval_peer(interval);
    gboolean is_of_set = ct_op_is_of_set(interval->op);
    const struct ct_loop_wait wait = {
        .begin_ns = interval->begin_ns,
        .end_ns = interval->end_ns,
        .is_round = is_of_set && interval->class != CT_CLASS_RUNNABLE,
        .round_end_ns = is_of_set && !interval->is_open ? interval->wait_end_ns : 0,
        .class = interval->class,
        .op = interval->op,
        .object = g_string_chunk_insert_const(lane->texts, object),
        .peer = g_string_chunk_insert_const(lane->texts, peer ? peer : ""),
        .object_id = interval->object,
        .stack_id = interval->stack_id,
    };

    g_array_append_val(lane->waits, wait);
}

static gboolean read_waits(struct ct_loop_lane *lane, struct ct_store *store,
                           const struct ct_thread *thread, const struct ct_window *window,
                           GError **error)
{
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(store, thread, window);
    struct ct_store_event event;
    g_autoptr(GError) failure = NULL;

    while (lane->is_complete && ct_store_cursor_next(cursor, &event, &failure)) {
        if (lane->waits->len >= WAITS_MAX)
            lane->is_complete = FALSE;
        else
            add_wait(lane, &event.interval);
    }
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    return !failure;
}

/* ---- For whom ---- */

struct work {
    int owner;
    uint32_t round;
    gboolean has_acted;    /* for the owner, in a way that is seen */
    gboolean has_answered; /* what it writes then may be of the next one */
    gboolean is_ambiguous; /* it had read another one in the round, and has not acted for that */
};

static void go_on_to(struct work *work, int request)
{
    if (work->owner != CT_LOOP_NOBODY && work->owner != request && !work->has_acted)
        work->is_ambiguous = TRUE;
    work->owner = request;
    work->has_acted = FALSE;
    work->has_answered = FALSE;
}

static void ask(struct work *work, struct ct_loop_turn *call)
{
    if (call->request == CT_LOOP_NOBODY && !work->is_ambiguous && !work->has_answered)
        call->request = work->owner;
    work->has_acted = TRUE;
}

static void take_step(struct ct_loop_lane *lane, struct work *work, const struct ct_loop_step *step)
{
    struct ct_loop_turn *turn = &g_array_index(lane->turns, struct ct_loop_turn, step->turn);

    switch (step->kind) {
    case CT_LOOP_REQUEST_READ:
        go_on_to(work, (int)step->turn);
        break;
    case CT_LOOP_REQUEST_ANSWERED:
        work->owner = (int)step->turn;
        work->has_acted = TRUE;
        work->has_answered = TRUE;
        break;
    case CT_LOOP_CALL_OPENED:
        ask(work, turn);
        break;
    case CT_LOOP_CALL_ASKED: /* a connection that it may write to now has its turn, or who asks */
        if (turn->request != CT_LOOP_NOBODY)
            go_on_to(work, turn->request);
        ask(work, turn);
        break;
    case CT_LOOP_CALL_ANSWERED:
        go_on_to(work, turn->request);
        break;
    }
}

/* A loop may work on each when it has read it, and write the answers later; or read several first,
 * and then work on each until it writes its answer. What it does between the last that it read and
 * an answer to another one, or between two answers, is then for either. */
static gboolean is_for_either(const struct work *work, const struct ct_loop_step *step,
                              const struct ct_loop_step *next)
{
    if (!next || next->round != step->round)
        return work->is_ambiguous;
    switch (next->kind) {
    case CT_LOOP_REQUEST_ANSWERED:
        return step->kind == CT_LOOP_REQUEST_ANSWERED || (int)next->turn != work->owner;
    case CT_LOOP_CALL_OPENED:
    case CT_LOOP_CALL_ASKED:
        return work->is_ambiguous;
    default:
        return FALSE;
    }
}

static void find_owners(struct ct_loop_lane *lane)
{
    struct work work = {.owner = CT_LOOP_NOBODY};

    for (guint i = 0; i < lane->steps->len; i++) {
        struct ct_loop_step *step = &g_array_index(lane->steps, struct ct_loop_step, i);
        const struct ct_loop_step *next = i + 1 < lane->steps->len ? step + 1 : NULL;

        if (step->round != work.round)
            work = (struct work){.owner = CT_LOOP_NOBODY, .round = step->round};
        take_step(lane, &work, step);
        step->owner = work.owner != CT_LOOP_NOBODY && is_for_either(&work, step, next)
                          ? CT_LOOP_SEVERAL
                          : work.owner;
    }
}

/* Those of a recording that tells of them are numbered from 1. */
static gboolean has_rounds(const struct ct_loop_lane *lane)
{
    gboolean has_waited = FALSE;

    for (guint i = 0; i < lane->steps->len; i++)
        if (g_array_index(lane->steps, struct ct_loop_step, i).round != 0)
            return TRUE;
    for (guint i = 0; i < lane->waits->len && !has_waited; i++)
        has_waited = g_array_index(lane->waits, struct ct_loop_wait, i).is_round;
    return !has_waited;
}

struct ct_loop_lane *ct_loop_lane_new(struct ct_store *store, const struct ct_thread *thread,
                                      const struct ct_window *window, GError **error)
{
    g_autoptr(ct_loop_lane) lane = g_new0(struct ct_loop_lane, 1);

    lane->turns = g_array_new(FALSE, FALSE, sizeof(struct ct_loop_turn));
    lane->steps = g_array_new(FALSE, FALSE, sizeof(struct ct_loop_step));
    lane->waits = g_array_new(FALSE, FALSE, sizeof(struct ct_loop_wait));
    lane->texts = g_string_chunk_new(4096);
    lane->is_complete = TRUE;
    if (!read_turns(lane, store, thread, window, error) ||
        !read_waits(lane, store, thread, window, error))
        return NULL;
    lane->is_complete = lane->is_complete && has_rounds(lane);
    find_owners(lane);
    return g_steal_pointer(&lane);
}
