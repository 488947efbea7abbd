#include "passes/replay.h"

#include "passes/path_links.h"
#include "passes/replay_runner.h"

#include <math.h>

/* A wake may be told so much after what it ended. */
#define SLACK_NS 1000

/* Whoever watches is told after so many steps that it gets on. */
#define STEPS_TOLD 1024

struct replay {
    const struct ct_path_question *question; /* borrowed, as is the next */
    const struct ct_replay_change *change;
    struct ct_path_links *links; /* owned */
    GPtrArray
        *runners;     /* owned; struct ct_replay_runner *, owned; by the thread's number, or NULL */
    GSequence *ready; /* owned; struct ct_replay_runner *, by where they are */
    GError *failure;  /* owned; or NULL */
    uint64_t steps;
};

static struct ct_replay_runner *runner_of(const struct replay *replay,
                                          const struct ct_thread *thread)
{
    return thread && thread->number < replay->runners->len ? replay->runners->pdata[thread->number]
                                                           : NULL;
}

static void make_ready(struct replay *replay, struct ct_replay_runner *runner)
{
    runner->state = CT_REPLAY_READY;
    g_sequence_insert_sorted(replay->ready, runner, ct_replay_compare_places, NULL);
}

/* ---- Letting others go on ---- */

static void wake(struct replay *replay, struct ct_replay_runner *runner, int64_t now_ns)
{
    struct ct_replay_runner *woken = runner_of(replay, runner->woken.thread);
    const struct ct_replay_arrival arrival = {runner->wake_ns, now_ns};

    if (!woken || woken->state == CT_REPLAY_DONE ||
        ct_add_u64(arrival.then_ns, SLACK_NS) < woken->then_ns)
        return;
    g_array_append_val(woken->arrivals, arrival);
    if (woken->state == CT_REPLAY_BLOCKED && !woken->awaited)
        make_ready(replay, woken);
}

static void begin_children(struct replay *replay, struct ct_replay_runner *runner,
                           uint64_t up_to_ns, uint64_t from_ns, double factor)
{
    while (runner->children->len > 0) {
        struct ct_replay_runner *child = runner->children->pdata[runner->children->len - 1];

        if (child->then_ns > up_to_ns)
            return;
        g_ptr_array_set_size(runner->children, (int)runner->children->len - 1);
        if (child->state != CT_REPLAY_UNBORN)
            continue;
        child->now_ns = runner->now_ns +
                        llround((double)(child->then_ns - MIN(from_ns, child->then_ns)) * factor);
        make_ready(replay, child);
    }
}

/* Whom it makes and lets go on up to that time, while it does one thing that takes so many times as
 * long. */
static void let_go(struct replay *replay, struct ct_replay_runner *runner, uint64_t up_to_ns,
                   double factor)
{
    begin_children(replay, runner, up_to_ns, runner->then_ns, factor);
    while (runner->wake_ns < up_to_ns && !replay->failure) {
        uint64_t after_ns = runner->wake_ns - MIN(runner->then_ns, runner->wake_ns);

        wake(replay, runner, runner->now_ns + llround((double)after_ns * factor));
        ct_replay_runner_read_wake(runner, &replay->failure);
    }
}

static void pass(struct replay *replay, struct ct_replay_runner *runner, uint64_t up_to_ns,
                 double factor)
{
    if (up_to_ns <= runner->then_ns)
        return;
    let_go(replay, runner, up_to_ns, factor);
    runner->now_ns += llround((double)(up_to_ns - runner->then_ns) * factor);
    runner->then_ns = up_to_ns;
}

/* ---- Running ---- */

static struct ct_replay_event event_of(const struct ct_replay_runner *runner,
                                       const struct ct_interval *woken)
{
    if (woken->waker != runner->thread)
        return (struct ct_replay_event){.is_wake = TRUE};
    return (struct ct_replay_event){woken->waker_op, woken->waker_stack_id, woken->object, TRUE};
}

/* Most often, who is let go on waits for it already, in this replay, too. */
static struct ct_replay_event wake_event(struct replay *replay,
                                         const struct ct_replay_runner *runner)
{
    const struct ct_replay_runner *other = runner_of(replay, runner->woken.thread);
    struct ct_store_event event;

    if (other && other->interval.thread && other->interval.begin_ns == runner->woken.begin_ns &&
        other->interval.wake_ns == runner->wake_ns)
        return event_of(runner, &other->interval);
    g_autoptr(ct_store_cursor) cursor =
        ct_store_find(replay->question->store, &runner->woken, &event, &replay->failure);

    return cursor ? event_of(runner, &event.interval) : (struct ct_replay_event){.is_wake = TRUE};
}

static void run_piece(struct replay *replay, struct ct_replay_runner *runner, uint64_t up_to_ns,
                      const struct ct_replay_event *end)
{
    const struct ct_replay_run run = {runner->thread, runner->then_ns, up_to_ns, runner->last,
                                      *end};
    double factor = 1;

    if (replay->change->scale_run && run.begin_ns < run.end_ns)
        factor = replay->change->scale_run(replay->change->user, &run);
    pass(replay, runner, up_to_ns, factor);
    runner->last = *end;
}

/* Up to the next wake that it gives, where what runs is told in pieces. FALSE: there is none before
 * that time. */
static gboolean run_to_wake(struct replay *replay, struct ct_replay_runner *runner,
                            uint64_t up_to_ns)
{
    if (!replay->change->has_pieces || runner->wake_ns >= up_to_ns)
        return FALSE;
    const struct ct_replay_event event = wake_event(replay, runner);

    if (runner->wake_ns > runner->then_ns)
        run_piece(replay, runner, runner->wake_ns, &event);
    wake(replay, runner, runner->now_ns);
    ct_replay_runner_read_wake(runner, &replay->failure);
    return TRUE;
}

static void run_to(struct replay *replay, struct ct_replay_runner *runner, uint64_t up_to_ns,
                   const struct ct_replay_event *end)
{
    if (up_to_ns > runner->then_ns)
        run_piece(replay, runner, up_to_ns, end);
}

/* ---- Waiting ---- */

/* It was let go on at `then_ns`, which is now `now_ns`: before that, it waited as long as it takes.
 */
static void go_on(struct replay *replay, struct ct_replay_runner *runner, uint64_t then_ns,
                  int64_t now_ns)
{
    int64_t here_ns = runner->now_ns;

    pass(replay, runner, then_ns, 1);
    runner->now_ns = MAX(here_ns, now_ns);
}

/* FALSE: that has not happened yet. */
static gboolean wait_for_wake(struct replay *replay, struct ct_replay_runner *runner,
                              const struct ct_interval *wait)
{
    uint64_t sync_ns = MIN(wait->wake_ns, wait->end_ns);
    int64_t now_ns;

    if (sync_ns <= runner->then_ns || !runner_of(replay, wait->waker) || runner->is_forced)
        return TRUE;
    if (!ct_replay_runner_take(runner, wait->wake_ns, &now_ns)) {
        let_go(replay, runner, sync_ns, 1);
        runner->awaited = NULL;
        return FALSE;
    }
    go_on(replay, runner, sync_ns, now_ns - (int64_t)(wait->wake_ns - sync_ns));
    return TRUE;
}

static gboolean wait_for_end(struct replay *replay, struct ct_replay_runner *runner,
                             const struct ct_interval *wait)
{
    struct ct_replay_runner *other =
        runner_of(replay, ct_path_links_ended(replay->links, wait, wait->end_ns));

    if (!other || other == runner || wait->is_open || wait->class == CT_CLASS_RUNNABLE ||
        other->thread->end_ns <= runner->then_ns || runner->is_forced)
        return TRUE;
    if (other->state != CT_REPLAY_DONE) {
        let_go(replay, runner, other->thread->end_ns, 1);
        runner->awaited = other;
        return FALSE;
    }
    go_on(replay, runner, other->thread->end_ns, other->now_ns);
    return TRUE;
}

/* FALSE: it is blocked. */
static gboolean wait_through(struct replay *replay, struct ct_replay_runner *runner)
{
    const struct ct_interval *wait = &runner->interval;
    uint64_t end_ns = MIN(wait->end_ns, runner->end_ns);
    gboolean is_ended = ct_path_is_woken(wait) && wait->wake_ns <= replay->question->window.end_ns;
    double factor =
        replay->change->scale_wait ? replay->change->scale_wait(replay->change->user, wait) : 1;

    if (factor > 0 && is_ended) {
        if (!wait_for_wake(replay, runner, wait))
            return FALSE;
        factor = 1;
    } else if (factor > 0) {
        uint64_t before_ns = runner->then_ns;

        if (!wait_for_end(replay, runner, wait))
            return FALSE;
        factor = runner->then_ns > before_ns ? 1 : factor;
    }
    pass(replay, runner, end_ns, factor);
    runner->is_forced = FALSE;
    return TRUE;
}

/* ---- All of them ---- */

static void end_runner(struct replay *replay, struct ct_replay_runner *runner)
{
    runner->state = CT_REPLAY_DONE;
    while (runner->wake_ns != UINT64_MAX && !replay->failure) { /* its end lets others go on */
        wake(replay, runner,
             runner->now_ns + (int64_t)(runner->wake_ns - MIN(runner->then_ns, runner->wake_ns)));
        ct_replay_runner_read_wake(runner, &replay->failure);
    }
    begin_children(replay, runner, UINT64_MAX, runner->then_ns, 1);
    for (guint i = 0; i < replay->runners->len; i++) {
        struct ct_replay_runner *other = replay->runners->pdata[i];

        if (other && other->state == CT_REPLAY_BLOCKED && other->awaited == runner)
            make_ready(replay, other);
    }
}

/* Through its next interval, if nobody else has to come first; but no further than to its next
 * wake: whoever that lets go on may be the first then. */
static void step(struct replay *replay, struct ct_replay_runner *runner)
{
    const struct ct_interval *wait = &runner->interval;
    gboolean is_last = !wait->thread || wait->begin_ns >= runner->end_ns;
    struct ct_replay_event event = {0};

    if (run_to_wake(replay, runner, is_last ? runner->end_ns : wait->begin_ns)) {
        make_ready(replay, runner);
        return;
    }
    if (is_last) {
        run_to(replay, runner, runner->end_ns, &event);
        end_runner(replay, runner);
        return;
    }
    if (wait->op != CT_OP_NONE || wait->stack_id != 0)
        event = (struct ct_replay_event){wait->op, wait->stack_id, wait->object, FALSE};
    else
        event = runner->last;
    run_to(replay, runner, wait->begin_ns, &event);
    if (!wait_through(replay, runner)) {
        runner->state = CT_REPLAY_BLOCKED;
        return;
    }
    runner->last = event;
    ct_replay_runner_read_interval(runner, &replay->failure);
    make_ready(replay, runner);
}

/* Where a recording contradicts itself, somebody waits for what never comes: the first one goes on.
 */
static gboolean force(struct replay *replay)
{
    struct ct_replay_runner *first = NULL;

    for (guint i = 0; i < replay->runners->len; i++) {
        struct ct_replay_runner *runner = replay->runners->pdata[i];

        if (runner && (runner->state == CT_REPLAY_BLOCKED || runner->state == CT_REPLAY_UNBORN) &&
            (!first || ct_replay_compare_places(runner, first, NULL) < 0))
            first = runner;
    }
    if (!first)
        return FALSE;
    first->is_forced = first->state == CT_REPLAY_BLOCKED;
    make_ready(replay, first);
    return TRUE;
}

static void add_runner(struct replay *replay, struct ct_thread *thread)
{
    const struct ct_window *window = &replay->question->window;
    struct ct_replay_runner *runner;

    if (thread->start_ns >= window->end_ns || thread->end_ns <= window->begin_ns)
        return;
    runner = ct_replay_runner_new(replay->question->store, thread, window);
    replay->runners->pdata[thread->number] = runner;
    ct_replay_runner_read_interval(runner, &replay->failure);
    ct_replay_runner_read_wake(runner, &replay->failure);
}

static int compare_begins(const void *a, const void *b)
{
    const struct ct_replay_runner *first = *(struct ct_replay_runner *const *)a;
    const struct ct_replay_runner *second = *(struct ct_replay_runner *const *)b;

    return ct_replay_compare_places(second, first, NULL);
}

/* Who began before the window, or was made by nobody who is recorded, is there. */
static void place_runner(struct replay *replay, struct ct_replay_runner *runner)
{
    enum ct_path_via via;
    struct ct_replay_runner *creator = NULL;

    if (runner->thread->start_ns > replay->question->window.begin_ns)
        creator = runner_of(replay, ct_path_links_creator(replay->links, runner->thread, &via));
    if (creator && creator != runner)
        g_ptr_array_add(creator->children, runner);
    else
        make_ready(replay, runner);
}

static void place_runners(struct replay *replay)
{
    const GPtrArray *threads = replay->question->model->all_threads;

    g_ptr_array_set_size(replay->runners, (int)threads->len);
    for (guint i = 0; i < threads->len && !replay->failure; i++) {
        if (threads->pdata[i])
            add_runner(replay, threads->pdata[i]);
    }
    for (guint i = 0; i < replay->runners->len; i++) {
        if (replay->runners->pdata[i])
            place_runner(replay, replay->runners->pdata[i]);
    }
    for (guint i = 0; i < replay->runners->len; i++) {
        struct ct_replay_runner *runner = replay->runners->pdata[i];

        if (runner)
            g_ptr_array_sort(runner->children, compare_begins);
    }
}

/* Until the thread that is asked for is at its end. */
static void run_all(struct replay *replay, const struct ct_replay_runner *last)
{
    while (last->state != CT_REPLAY_DONE && !replay->failure) {
        if (g_sequence_is_empty(replay->ready) && !force(replay))
            return;
        GSequenceIter *first = g_sequence_get_begin_iter(replay->ready);
        struct ct_replay_runner *runner = g_sequence_get(first);

        g_sequence_remove(first);
        step(replay, runner);
        if (++replay->steps % STEPS_TOLD == 0)
            ct_activity_step(replay->question->model->activity);
    }
}

gboolean ct_replay(const struct ct_path_question *question, const struct ct_replay_change *change,
                   uint64_t *length_ns, GError **error)
{
    struct replay replay = {
        .question = question,
        .change = change,
        .links = ct_path_links_new(question->model),
        .runners = g_ptr_array_new_with_free_func(ct_replay_runner_free),
        .ready = g_sequence_new(NULL),
    };

    place_runners(&replay);
    const struct ct_replay_runner *last = runner_of(&replay, question->thread);
    int64_t begin_ns = (int64_t)question->window.begin_ns;

    *length_ns = question->window.end_ns - question->window.begin_ns;
    if (last)
        run_all(&replay, last);
    if (last && last->now_ns >= begin_ns)
        *length_ns = (uint64_t)(last->now_ns - begin_ns);
    g_sequence_free(replay.ready);
    g_ptr_array_unref(replay.runners);
    ct_path_links_free(replay.links);
    if (!replay.failure)
        return TRUE;
    g_propagate_error(error, replay.failure);
    return FALSE;
}
