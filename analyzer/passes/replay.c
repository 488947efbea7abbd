#include "passes/replay.h"

#include "passes/path_links.h"

#include <errno.h>
#include <math.h>

/* A wake may be told so much after what it ended. */
#define SLACK_NS 1000

enum state { UNBORN, READY, BLOCKED, DONE };

/* A wake that has come, or a thread that is to begin, in the old time and the new. */
struct arrival {
    uint64_t then_ns;
    int64_t now_ns;
};

/* A thread on its way. */
struct runner {
    struct ct_thread *thread; /* borrowed */
    enum state state;
    uint64_t then_ns;                  /* where it is: in the old time */
    int64_t now_ns;                    /* and in the new one */
    uint64_t end_ns;                   /* in the old */
    struct ct_store_cursor *intervals; /* owned; NULL: there are no more, as with the next */
    struct ct_store_cursor *wakes;
    struct ct_interval interval; /* that comes next; no thread: none */
    uint64_t wake_ns;            /* when it lets another go on next; UINT64_MAX: not any more */
    struct ct_store_id woken;
    struct ct_replay_event last;
    GArray *arrivals;       /* owned; struct arrival: wakes that have come for it */
    GPtrArray *children;    /* owned; struct runner *, borrowed: by their begin, the last first */
    struct runner *awaited; /* borrowed; BLOCKED: whose end it waits for; NULL: a wake */
    gboolean is_forced;     /* what it waits for does not come */
};

struct replay {
    const struct ct_path_question *question; /* borrowed, as is the next */
    const struct ct_replay_change *change;
    struct ct_path_links *links; /* owned */
    GPtrArray *runners; /* owned; struct runner *, owned; by the thread's number, or NULL */
    GSequence *ready;   /* owned; struct runner *, by where they are */
    GError *failure;    /* owned; or NULL */
};

static void runner_free(void *data)
{
    struct runner *runner = data;

    if (!runner)
        return;
    ct_store_cursor_free(runner->intervals);
    ct_store_cursor_free(runner->wakes);
    g_array_unref(runner->arrivals);
    g_ptr_array_unref(runner->children);
    g_free(runner);
}

static struct runner *runner_of(const struct replay *replay, const struct ct_thread *thread)
{
    return thread && thread->number < replay->runners->len ? replay->runners->pdata[thread->number]
                                                           : NULL;
}

static int compare_places(const void *a, const void *b, void *unused)
{
    const struct runner *first = a, *second = b;

    (void)unused;
    if (first->then_ns != second->then_ns)
        return first->then_ns < second->then_ns ? -1 : 1;
    return first->thread->number < second->thread->number
               ? -1
               : first->thread->number > second->thread->number;
}

static void make_ready(struct replay *replay, struct runner *runner)
{
    runner->state = READY;
    g_sequence_insert_sorted(replay->ready, runner, compare_places, NULL);
}

/* ---- What comes next ---- */

static void read_interval(struct replay *replay, struct runner *runner)
{
    struct ct_store_event event;

    runner->interval.thread = NULL;
    if (!runner->intervals)
        return;
    if (ct_store_cursor_next(runner->intervals, &event, &replay->failure)) {
        runner->interval = event.interval;
        runner->interval.fd = NULL;
        runner->interval.releases = NULL;
        runner->interval.release_count = 0;
    } else {
        g_clear_pointer(&runner->intervals, ct_store_cursor_free);
    }
}

static void read_wake(struct replay *replay, struct runner *runner)
{
    struct ct_store_event event;

    runner->wake_ns = UINT64_MAX;
    while (runner->wakes && runner->wake_ns == UINT64_MAX) {
        if (!ct_store_cursor_next(runner->wakes, &event, &replay->failure)) {
            g_clear_pointer(&runner->wakes, ct_store_cursor_free);
        } else if (event.begin_ns >= runner->then_ns) {
            runner->wake_ns = event.begin_ns;
            runner->woken = event.id;
        }
    }
}

/* ---- Letting others go on ---- */

static void wake(struct replay *replay, struct runner *runner, int64_t now_ns)
{
    struct runner *woken = runner_of(replay, runner->woken.thread);
    const struct arrival arrival = {runner->wake_ns, now_ns};

    if (!woken || woken->state == DONE || ct_add_u64(arrival.then_ns, SLACK_NS) < woken->then_ns)
        return;
    g_array_append_val(woken->arrivals, arrival);
    if (woken->state == BLOCKED && !woken->awaited)
        make_ready(replay, woken);
}

static void begin_children(struct replay *replay, struct runner *runner, uint64_t up_to_ns,
                           uint64_t from_ns, double factor)
{
    while (runner->children->len > 0) {
        struct runner *child = runner->children->pdata[runner->children->len - 1];

        if (child->then_ns > up_to_ns)
            return;
        g_ptr_array_set_size(runner->children, (int)runner->children->len - 1);
        if (child->state != UNBORN)
            continue;
        child->now_ns = runner->now_ns +
                        llround((double)(child->then_ns - MIN(from_ns, child->then_ns)) * factor);
        make_ready(replay, child);
    }
}

/* Up to that time it does one thing, which takes so many times as long; it lets others go on. */
static void pass(struct replay *replay, struct runner *runner, uint64_t up_to_ns, double factor)
{
    int64_t begin_ns = runner->now_ns;
    uint64_t from_ns = runner->then_ns;

    if (up_to_ns <= from_ns)
        return;
    begin_children(replay, runner, up_to_ns, from_ns, factor);
    while (runner->wake_ns < up_to_ns && !replay->failure) {
        uint64_t after_ns = runner->wake_ns - MIN(from_ns, runner->wake_ns);

        wake(replay, runner, begin_ns + llround((double)after_ns * factor));
        read_wake(replay, runner);
    }
    runner->now_ns = begin_ns + llround((double)(up_to_ns - from_ns) * factor);
    runner->then_ns = up_to_ns;
}

/* ---- Running ---- */

static struct ct_replay_event wake_event(struct replay *replay, const struct runner *runner)
{
    struct ct_store_event event;
    g_autoptr(ct_store_cursor) cursor =
        ct_store_find(replay->question->store, &runner->woken, &event, &replay->failure);

    if (!cursor || event.interval.waker != runner->thread)
        return (struct ct_replay_event){.is_wake = TRUE};
    return (struct ct_replay_event){event.interval.waker_op, event.interval.waker_stack_id,
                                    event.interval.object, TRUE};
}

static void run_piece(struct replay *replay, struct runner *runner, uint64_t up_to_ns,
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

/* In pieces, from one wake that it gives to the next; without anybody to ask what they take, at
 * once. */
static void run_to(struct replay *replay, struct runner *runner, uint64_t up_to_ns,
                   const struct ct_replay_event *end)
{
    while (replay->change->scale_run && runner->wake_ns < up_to_ns && !replay->failure) {
        const struct ct_replay_event event = wake_event(replay, runner);

        if (runner->wake_ns > runner->then_ns)
            run_piece(replay, runner, runner->wake_ns, &event);
        wake(replay, runner, runner->now_ns);
        read_wake(replay, runner);
    }
    if (up_to_ns > runner->then_ns)
        run_piece(replay, runner, up_to_ns, end);
}

/* ---- Waiting ---- */

static gboolean is_woken(const struct ct_interval *wait)
{
    gboolean is_poll =
        wait->op == CT_OP_POLL || wait->op == CT_OP_SELECT || wait->op == CT_OP_EPOLL_WAIT;
    gboolean has_timed_out = is_poll ? wait->result == 0 : wait->result == -ETIMEDOUT;

    return wait->waker && wait->waker != wait->thread && wait->wake_ns >= wait->wait_begin_ns &&
           !(has_timed_out && wait->waker_op != CT_OP_NONE);
}

static gboolean take_arrival(struct runner *runner, uint64_t then_ns, int64_t *now_ns)
{
    gboolean has_come = FALSE;
    guint kept = 0;

    for (guint i = 0; i < runner->arrivals->len; i++) {
        const struct arrival arrival = g_array_index(runner->arrivals, struct arrival, i);

        if (arrival.then_ns == then_ns) {
            *now_ns = arrival.now_ns;
            has_come = TRUE;
        }
        if (arrival.then_ns > then_ns)
            g_array_index(runner->arrivals, struct arrival, kept++) = arrival;
    }
    if (has_come)
        g_array_set_size(runner->arrivals, kept);
    return has_come;
}

/* It was let go on at `then_ns`, which is now `now_ns`: before that, it waited as long as it takes.
 */
static void go_on(struct replay *replay, struct runner *runner, uint64_t then_ns, int64_t now_ns)
{
    int64_t here_ns = runner->now_ns;

    pass(replay, runner, then_ns, 1);
    runner->now_ns = MAX(here_ns, now_ns);
}

/* FALSE: that has not happened yet. */
static gboolean wait_for_wake(struct replay *replay, struct runner *runner,
                              const struct ct_interval *wait)
{
    uint64_t sync_ns = MIN(wait->wake_ns, wait->end_ns);
    int64_t now_ns;

    if (sync_ns <= runner->then_ns || !runner_of(replay, wait->waker) || runner->is_forced)
        return TRUE;
    if (!take_arrival(runner, wait->wake_ns, &now_ns)) {
        runner->awaited = NULL;
        return FALSE;
    }
    go_on(replay, runner, sync_ns, now_ns - (int64_t)(wait->wake_ns - sync_ns));
    return TRUE;
}

static gboolean wait_for_end(struct replay *replay, struct runner *runner,
                             const struct ct_interval *wait)
{
    struct runner *other =
        runner_of(replay, ct_path_links_ended(replay->links, wait, wait->end_ns));

    if (!other || other == runner || wait->is_open || wait->class == CT_CLASS_RUNNABLE ||
        other->thread->end_ns <= runner->then_ns || runner->is_forced)
        return TRUE;
    if (other->state != DONE) {
        runner->awaited = other;
        return FALSE;
    }
    go_on(replay, runner, other->thread->end_ns, other->now_ns);
    return TRUE;
}

/* FALSE: it is blocked. */
static gboolean wait_through(struct replay *replay, struct runner *runner)
{
    const struct ct_interval *wait = &runner->interval;
    uint64_t end_ns = MIN(wait->end_ns, runner->end_ns);
    gboolean is_ended = is_woken(wait) && wait->wake_ns <= replay->question->window.end_ns;
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

static void end_runner(struct replay *replay, struct runner *runner)
{
    runner->state = DONE;
    while (runner->wake_ns != UINT64_MAX && !replay->failure) { /* its end lets others go on */
        wake(replay, runner,
             runner->now_ns + (int64_t)(runner->wake_ns - MIN(runner->then_ns, runner->wake_ns)));
        read_wake(replay, runner);
    }
    begin_children(replay, runner, UINT64_MAX, runner->then_ns, 1);
    for (guint i = 0; i < replay->runners->len; i++) {
        struct runner *other = replay->runners->pdata[i];

        if (other && other->state == BLOCKED && other->awaited == runner)
            make_ready(replay, other);
    }
}

/* Through its next interval, if nobody else has to come first. */
static void step(struct replay *replay, struct runner *runner)
{
    const struct ct_interval *wait = &runner->interval;
    struct ct_replay_event event = {0};

    if (!wait->thread || wait->begin_ns >= runner->end_ns) {
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
        runner->state = BLOCKED;
        return;
    }
    runner->last = event;
    read_interval(replay, runner);
    make_ready(replay, runner);
}

/* Where a recording contradicts itself, somebody waits for what never comes: the first one goes on.
 */
static gboolean force(struct replay *replay)
{
    struct runner *first = NULL;

    for (guint i = 0; i < replay->runners->len; i++) {
        struct runner *runner = replay->runners->pdata[i];

        if (runner && (runner->state == BLOCKED || runner->state == UNBORN) &&
            (!first || compare_places(runner, first, NULL) < 0))
            first = runner;
    }
    if (!first)
        return FALSE;
    first->is_forced = first->state == BLOCKED;
    make_ready(replay, first);
    return TRUE;
}

static void add_runner(struct replay *replay, struct ct_thread *thread)
{
    const struct ct_window *window = &replay->question->window;
    struct runner *runner;

    if (thread->start_ns >= window->end_ns || thread->end_ns <= window->begin_ns)
        return;
    runner = g_new0(struct runner, 1);
    runner->thread = thread;
    runner->then_ns = MAX(thread->start_ns, window->begin_ns);
    runner->now_ns = (int64_t)runner->then_ns;
    runner->end_ns = MIN(thread->end_ns, window->end_ns);
    runner->intervals = ct_store_intervals(replay->question->store, thread, window);
    runner->wakes = ct_store_wakes(replay->question->store, thread, window);
    runner->arrivals = g_array_new(FALSE, FALSE, sizeof(struct arrival));
    runner->children = g_ptr_array_new();
    replay->runners->pdata[thread->number] = runner;
    read_interval(replay, runner);
    read_wake(replay, runner);
}

static int compare_begins(const void *a, const void *b)
{
    const struct runner *first = *(struct runner *const *)a;
    const struct runner *second = *(struct runner *const *)b;

    return compare_places(second, first, NULL);
}

/* Who began before the window, or was made by nobody who is recorded, is there. */
static void place_runner(struct replay *replay, struct runner *runner)
{
    enum ct_path_via via;
    struct runner *creator = NULL;

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
        struct runner *runner = replay->runners->pdata[i];

        if (runner)
            g_ptr_array_sort(runner->children, compare_begins);
    }
}

/* Until the thread that is asked for is at its end. */
static void run_all(struct replay *replay, const struct runner *last)
{
    while (last->state != DONE && !replay->failure) {
        if (g_sequence_is_empty(replay->ready) && !force(replay))
            return;
        GSequenceIter *first = g_sequence_get_begin_iter(replay->ready);
        struct runner *runner = g_sequence_get(first);

        g_sequence_remove(first);
        step(replay, runner);
    }
}

gboolean ct_replay(const struct ct_path_question *question, const struct ct_replay_change *change,
                   uint64_t *length_ns, GError **error)
{
    struct replay replay = {
        .question = question,
        .change = change,
        .links = ct_path_links_new(question->model),
        .runners = g_ptr_array_new_with_free_func(runner_free),
        .ready = g_sequence_new(NULL),
    };

    place_runners(&replay);
    const struct runner *last = runner_of(&replay, question->thread);
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
