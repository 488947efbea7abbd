#include "passes/request_loop.h"

#include "passes/loop_lane.h"

/* Where short turns may be missing, those may have had a part of what took less. All turns that
 * took longer are recorded, but with rates above 10 us. */
#define SURE_NS 10000000

/* A request's time, as it is told piece by piece. */
struct telling {
    const struct ct_loop_lane *lane;
    const struct ct_thread *thread; /* whose it is */
    struct ct_request_account account;
    int request;          /* its place in the lane; or NOBODY */
    int call;             /* of the request, the first that is open; or NOBODY */
    guint next_wait;      /* of the lane: those before it are over */
    struct ct_window all; /* what is told of */
};

/* A time in which the thread read and wrote no connection. */
struct stretch {
    uint64_t begin_ns;
    uint64_t end_ns;
    int owner;       /* up to the first round in it */
    uint32_t rounds; /* in it */
};

static const struct ct_loop_turn *turn_at(const struct ct_loop_lane *lane, int place)
{
    return &g_array_index(lane->turns, struct ct_loop_turn, place);
}

static const struct ct_loop_step *step_at(const struct ct_loop_lane *lane, guint place)
{
    return place < lane->steps->len ? &g_array_index(lane->steps, struct ct_loop_step, place)
                                    : NULL;
}

static const struct ct_loop_wait *wait_at(const struct ct_loop_lane *lane, guint place)
{
    return place < lane->waits->len ? &g_array_index(lane->waits, struct ct_loop_wait, place)
                                    : NULL;
}

/* ---- A piece ---- */

/* The thread works on the request itself. */
static void tell_own(const struct telling *telling, const struct ct_loop_wait *wait, uint64_t ns)
{
    if (!wait) {
        ct_request_tell_state(&telling->account, CT_REQUEST_RUNNING, telling->thread, ns);
        return;
    }
    const struct ct_request_stretch stretch = {
        .what = {.class = wait->class, .op = wait->op, .object = (char *)wait->object, .ns = ns},
        .thread = telling->thread,
        .object = wait->object_id,
        .stack_id = wait->stack_id,
        .peer = (char *)wait->peer,
    };

    ct_request_tell_wait(&telling->account, &stretch);
}

static void tell_piece(const struct telling *telling, int owner, const struct ct_loop_wait *wait,
                       uint64_t ns)
{
    struct ct_request_stretch stretch = {
        .what = {.state = CT_REQUEST_UNKNOWN, .object = (char *)"", .ns = ns},
        .thread = telling->thread,
        .peer = (char *)"",
    };

    if (owner != CT_LOOP_NOBODY && owner == telling->request) {
        tell_own(telling, wait, ns);
        return;
    }
    if (telling->call != CT_LOOP_NOBODY) {
        stretch.what.state = CT_REQUEST_CALLING;
        stretch.what.object = stretch.peer = (char *)turn_at(telling->lane, telling->call)->peer;
    } else if (wait && wait->is_round) {
        tell_own(telling, wait, ns);
        return;
    } else if (owner != CT_LOOP_NOBODY) {
        gboolean is_either = owner == CT_LOOP_SEVERAL && telling->request != CT_LOOP_NOBODY;

        stretch.what.state = is_either ? CT_REQUEST_EITHER : CT_REQUEST_QUEUED;
        if (owner != CT_LOOP_SEVERAL)
            stretch.what.object = (char *)turn_at(telling->lane, owner)->peer;
        stretch.what.class = wait ? wait->class : CT_CLASS_RUNNING;
        stretch.what.op = wait ? wait->op : CT_OP_NONE;
    }
    ct_request_tell(&telling->account, &stretch);
}

/* ---- A stretch ---- */

/* Were all rounds in it recorded? Else there was one at a time that is not known. */
static gboolean are_rounds_known(const struct telling *telling, const struct stretch *stretch)
{
    const struct ct_loop_wait *wait;
    uint64_t last_ns = 0;
    uint32_t known = 0;

    /* Where the kernel tells more of a wait, that has several pieces. */
    for (guint i = telling->next_wait;
         (wait = wait_at(telling->lane, i)) && wait->begin_ns < stretch->end_ns; i++) {
        if (wait->round_end_ns <= stretch->begin_ns || wait->round_end_ns > stretch->end_ns ||
            wait->round_end_ns == last_ns)
            continue;
        last_ns = wait->round_end_ns;
        known++;
    }
    return known == stretch->rounds;
}

static void tell_stretch(struct telling *telling, const struct stretch *stretch)
{
    int owner = stretch->rounds > 0 && !are_rounds_known(telling, stretch) ? CT_LOOP_NOBODY
                                                                           : stretch->owner;
    uint64_t told_ns = stretch->begin_ns;
    const struct ct_loop_wait *wait;

    while ((wait = wait_at(telling->lane, telling->next_wait)) &&
           wait->begin_ns < stretch->end_ns) {
        uint64_t from_ns = MAX(wait->begin_ns, told_ns), to_ns = MIN(wait->end_ns, stretch->end_ns);

        if (from_ns < to_ns) {
            tell_piece(telling, owner, NULL, from_ns - told_ns);
            if (wait->is_round)
                owner = CT_LOOP_NOBODY;
            tell_piece(telling, owner, wait, to_ns - from_ns);
            told_ns = to_ns;
        }
        if (wait->end_ns > stretch->end_ns)
            break;
        telling->next_wait++;
    }
    tell_piece(telling, owner, NULL, stretch->end_ns - told_ns);
}

/* ---- The whole ---- */

static int owner_after(const struct ct_loop_lane *lane, const struct ct_loop_step *step,
                       uint64_t ns)
{
    gboolean is_sure = !lane->is_sampled || (step->kind == CT_LOOP_REQUEST_READ && ns >= SURE_NS);

    return is_sure ? step->owner : CT_LOOP_NOBODY;
}

/* Its call begins or ends with the step. */
static void follow_calls(struct telling *telling, const struct ct_loop_step *step)
{
    gboolean is_begin = step->kind == CT_LOOP_CALL_OPENED || step->kind == CT_LOOP_CALL_ASKED;

    if (telling->request == CT_LOOP_NOBODY ||
        turn_at(telling->lane, (int)step->turn)->request != telling->request)
        return;
    if (is_begin && telling->call == CT_LOOP_NOBODY)
        telling->call = (int)step->turn;
    else if (step->kind == CT_LOOP_CALL_ANSWERED && telling->call == (int)step->turn)
        telling->call = CT_LOOP_NOBODY;
}

static void tell_all(struct telling *telling)
{
    const struct ct_loop_step *step;
    struct stretch stretch = {telling->all.begin_ns, 0, CT_LOOP_NOBODY, 0};

    for (guint i = 0; (step = step_at(telling->lane, i)) && stretch.begin_ns < telling->all.end_ns;
         i++) {
        const struct ct_loop_step *next = step_at(telling->lane, i + 1);
        uint64_t end_ns = next ? MIN(next->time_ns, telling->all.end_ns) : telling->all.end_ns;

        if (step->time_ns > stretch.begin_ns) {
            stretch.end_ns = MIN(step->time_ns, telling->all.end_ns);
            tell_stretch(telling, &stretch);
            stretch.begin_ns = stretch.end_ns;
        }
        follow_calls(telling, step);
        stretch.owner = owner_after(telling->lane, step,
                                    end_ns - MIN(MAX(step->time_ns, stretch.begin_ns), end_ns));
        stretch.rounds = next ? next->round - step->round : 0;
    }
    stretch.end_ns = telling->all.end_ns;
    if (stretch.begin_ns < stretch.end_ns)
        tell_stretch(telling, &stretch);
}

static int find_itself(const struct ct_loop_lane *lane, const struct ct_request *request)
{
    for (guint i = 0; i < lane->turns->len; i++) {
        const struct ct_loop_turn *turn = turn_at(lane, (int)i);

        if (turn->kind == CT_TURN_REQUEST && turn->begin_ns == request->begin_ns &&
            turn->end_ns == request->end_ns && turn->fd_number == request->fd_number)
            return (int)i;
    }
    return CT_LOOP_NOBODY;
}

gboolean ct_request_take_apart_in_loop(struct ct_request *request, struct ct_store *store,
                                       GError **error)
{
    const struct ct_window window = {request->begin_ns, request->end_ns};
    g_autoptr(ct_loop_lane) lane = ct_loop_lane_new(store, request->writer, &window, error);

    if (!lane)
        return FALSE;
    struct telling telling = {.lane = lane,
                              .thread = request->writer,
                              .account = ct_request_account(request),
                              .request = find_itself(lane, request),
                              .call = CT_LOOP_NOBODY,
                              .all = window};

    if (!lane->is_complete || telling.request == CT_LOOP_NOBODY)
        return TRUE;
    request->link = CT_REQUEST_IN_LOOP;
    g_array_set_size(request->calls, 0);
    for (guint i = 0; i < lane->turns->len; i++) {
        const struct ct_loop_turn *turn = turn_at(lane, (int)i);

        if (turn->kind == CT_TURN_CALL && turn->request == telling.request &&
            turn->end_ns <= request->end_ns)
            ct_request_add_call(request, turn->peer, turn->weight, turn->end_ns - turn->begin_ns);
    }
    tell_all(&telling);
    return TRUE;
}

gboolean ct_request_tell_unread(struct ct_request *request, struct ct_store *store, GError **error)
{
    const struct ct_window window = {request->begin_ns - request->unread_ns, request->begin_ns};
    g_autoptr(ct_loop_lane) lane = ct_loop_lane_new(
        store, request->reader ? request->reader : request->writer, &window, error);

    if (!lane)
        return FALSE;
    struct telling telling = {.lane = lane,
                              .account = {.parts = request->unread_parts},
                              .request = CT_LOOP_NOBODY,
                              .call = CT_LOOP_NOBODY,
                              .all = window};

    if (lane->is_complete)
        tell_all(&telling);
    else
        ct_request_tell_state(&telling.account, CT_REQUEST_UNKNOWN, NULL, request->unread_ns);
    return TRUE;
}
