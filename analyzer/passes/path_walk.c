#include "passes/path_walk.h"

#include "model/holders.h"
#include "passes/path_lanes.h"
#include "passes/path_links.h"

/* So many threads, one after the other, are followed at one moment. */
#define HOPS_MAX 64

/* A time for which a thread ran is told in pieces no shorter than such a part of the window. */
#define PIECES 1000

/* Whoever watches is told after so many steps that it gets on. */
#define STEPS_TOLD 1024

/* So many waits are looked at for one that has a place. */
#define LOOKED_AHEAD 16

struct walk {
    const struct ct_path_question *question; /* borrowed */
    struct ct_path_lanes *lanes;             /* owned */
    struct ct_path_links *links;             /* owned */
    ct_path_visit *visit;
    void *user;
    struct ct_path_stretch pending; /* not yet visited: it may have begun earlier. None if empty */
    struct ct_thread *thread;       /* where the chain is */
    uint64_t at_ns;
    struct ct_path_place place; /* what the thread did then */
    gboolean is_elsewhere;      /* the chain came from another thread, before the window's end */
    guint hops;                 /* at this moment */
    GError *failure;            /* owned; or NULL */
};

const char *ct_path_reason_name(enum ct_path_reason reason)
{
    static const char *const names[] = {
#define REASON_NAME(symbol, name) name,
        CT_PATH_REASONS(REASON_NAME)
#undef REASON_NAME
    };

    return names[reason];
}

const char *ct_path_via_name(enum ct_path_via via)
{
    static const char *const names[] = {
#define VIA_NAME(symbol, name) name,
        CT_PATH_VIAS(VIA_NAME)
#undef VIA_NAME
    };

    return names[via];
}

/* ---- Stretches ---- */

static gboolean is_same(const struct ct_path_stretch *later, const struct ct_path_stretch *earlier)
{
    return later->via == CT_PATH_VIA_ITSELF && later->thread == earlier->thread &&
           later->class == earlier->class && later->reason == earlier->reason &&
           later->place.stack_id == earlier->place.stack_id &&
           later->place.op == earlier->place.op &&
           later->place.is_sampled == earlier->place.is_sampled &&
           later->object == earlier->object && later->id.begin_ns == earlier->id.begin_ns &&
           later->id.thread == earlier->id.thread;
}

static void flush(struct walk *walk)
{
    if (walk->pending.begin_ns < walk->pending.end_ns)
        walk->visit(walk->user, &walk->pending);
    walk->pending.begin_ns = walk->pending.end_ns;
}

/* From `begin_ns` up to where the chain is, which it then is no more. */
static void add(struct walk *walk, uint64_t begin_ns, struct ct_path_stretch stretch)
{
    if (begin_ns >= walk->at_ns)
        return;
    stretch.begin_ns = begin_ns;
    stretch.end_ns = walk->at_ns;
    walk->at_ns = begin_ns;
    walk->hops = 0;
    if (walk->pending.begin_ns < walk->pending.end_ns && is_same(&walk->pending, &stretch)) {
        walk->pending.begin_ns = begin_ns;
        return;
    }
    flush(walk);
    walk->pending = stretch;
}

/* It came from another thread. */
static void go_to(struct walk *walk, struct ct_thread *thread, enum ct_path_via via,
                  const struct ct_path_place *from)
{
    walk->pending.via = via;
    walk->pending.before = thread;
    walk->pending.from = *from;
    walk->thread = thread;
    walk->place = *from;
    walk->is_elsewhere = walk->at_ns < walk->question->window.end_ns;
    walk->hops++;
}

/* ---- Running ---- */

static struct ct_path_stretch running(const struct walk *walk)
{
    return (struct ct_path_stretch){
        .thread = walk->thread, .class = CT_CLASS_RUNNING, .place = walk->place};
}

/* What ran from one sample to the next is the next one's; from the last one on, it ran until it
 * called what it did then. */
static void add_sampled(struct walk *walk, uint64_t begin_ns)
{
    while (walk->at_ns > begin_ns) {
        const struct ct_sample *sample = ct_path_lanes_sample(
            walk->lanes, walk->thread, walk->at_ns - 1, begin_ns, &walk->failure);

        if (!sample)
            return;
        const struct ct_path_place place = {sample->stack_id, CT_OP_NONE, TRUE};

        add(walk, sample->time_ns, running(walk));
        walk->place = place;
    }
}

/* Without samples, the times at which it let others go on tell where it was, too. Some do: each
 * takes a question of its own. */
static void add_between_wakes(struct walk *walk, uint64_t begin_ns)
{
    const struct ct_window *window = &walk->question->window;
    uint64_t least_ns = MAX((window->end_ns - window->begin_ns) / PIECES, 1);
    uint64_t before_ns = walk->at_ns;
    struct ct_store_id id;
    uint64_t wake_ns;

    while (before_ns - begin_ns > least_ns &&
           ct_path_lanes_wake(walk->lanes, walk->thread, before_ns - least_ns, begin_ns, &wake_ns,
                              &id, &walk->failure)) {
        struct ct_store_event event;
        g_autoptr(ct_store_cursor) cursor =
            ct_store_find(walk->question->store, &id, &event, &walk->failure);

        if (walk->failure)
            return;
        before_ns = wake_ns;
        if (!cursor || event.interval.waker != walk->thread || event.interval.wake_ns != wake_ns ||
            event.interval.waker_stack_id == 0)
            continue;
        const struct ct_path_place place = {event.interval.waker_stack_id, event.interval.waker_op,
                                            FALSE};

        add(walk, wake_ns, running(walk));
        walk->place = place;
    }
}

static void add_running(struct walk *walk, uint64_t from_ns)
{
    uint64_t begin_ns = MAX(from_ns, walk->question->window.begin_ns);

    if (walk->question->model->capture.samples > 0)
        add_sampled(walk, begin_ns);
    else
        add_between_wakes(walk, begin_ns);
    if (!walk->failure)
        add(walk, begin_ns, running(walk));
    walk->is_elsewhere = FALSE;
}

/* ---- Waiting ---- */

/* When the chain goes to the one who let it go on: no later than where it is. 0: it does not. */
static uint64_t find_wake(const struct walk *walk, const struct ct_interval *wait)
{
    const struct ct_thread *waker = wait->waker;

    if (!ct_path_is_woken(wait))
        return 0;
    /* It let another go on before, as one does who waits for a condition and lets go of a lock. */
    if (walk->is_elsewhere && wait->end_ns > walk->at_ns && wait->wake_ns > walk->at_ns)
        return 0;
    uint64_t wake_ns = MIN(MIN(wait->wake_ns, walk->at_ns), waker->end_ns);

    return wake_ns > waker->start_ns ? wake_ns : 0;
}

static enum ct_path_reason reason_of(const struct walk *walk, const struct ct_interval *wait)
{
    if (wait->class == CT_CLASS_RUNNABLE)
        return CT_PATH_REASON_GOES_ON;
    if (walk->is_elsewhere && wait->end_ns > walk->at_ns)
        return CT_PATH_REASON_AHEAD;
    if (wait->is_open)
        return CT_PATH_REASON_OPEN;
    if (wait->class == CT_CLASS_SLEEP || ct_path_has_timed_out(wait))
        return CT_PATH_REASON_TIMED;
    return wait->class == CT_CLASS_SYNC || wait->class == CT_CLASS_UNKNOWN ? CT_PATH_REASON_UNKNOWN
                                                                           : CT_PATH_REASON_OUTSIDE;
}

static struct ct_path_stretch waiting(const struct ct_interval *wait, const struct ct_store_id *id,
                                      enum ct_path_reason reason)
{
    return (struct ct_path_stretch){
        .thread = wait->thread,
        .class = wait->class,
        .reason = reason,
        .place = {wait->stack_id, wait->op, FALSE},
        .object = wait->object,
        .call_name = wait->call_name,
        .id = *id,
    };
}

/* Who held a lock at some time. */
struct holder {
    uint64_t at_ns;
    struct ct_thread *thread; /* borrowed; NULL: it is not known */
};

static void keep_holder(void *user, const struct ct_hold *hold)
{
    struct holder *holder = user;

    if (hold->begin_ns < holder->at_ns && hold->end_ns >= holder->at_ns)
        holder->thread = hold->holder;
}

/* NULL: it is not known. */
static struct ct_thread *find_holder(struct walk *walk, const struct ct_store_id *id)
{
    struct holder holder = {walk->at_ns, NULL};
    struct ct_store_event event;
    g_autoptr(ct_store_cursor) cursor =
        ct_store_find(walk->question->store, id, &event, &walk->failure);

    if (cursor)
        ct_interval_visit_holds(&event.interval, keep_holder, &holder);
    return holder.thread;
}

/* Whom the chain goes to from a wait, and when. */
struct link {
    struct ct_thread *thread; /* borrowed; NULL: it stays */
    uint64_t time_ns;
    enum ct_path_via via;
};

static gboolean is_link(const struct link *link, const struct ct_interval *wait)
{
    return link->thread && link->thread != wait->thread && link->time_ns > link->thread->start_ns &&
           link->time_ns <= link->thread->end_ns;
}

/* The wait goes on at the window's end: who has the lock then is asked, not who lets it go later.
 */
static struct link find_hold(struct walk *walk, const struct ct_interval *wait,
                             const struct ct_store_id *id)
{
    struct link link = {NULL, walk->at_ns, CT_PATH_VIA_HOLD};

    if (wait->is_for_lock && walk->at_ns == walk->question->window.end_ns &&
        (wait->is_open || wait->end_ns > walk->at_ns))
        link.thread = find_holder(walk, id);
    return link;
}

static struct link find_end(const struct walk *walk, const struct ct_interval *wait)
{
    struct link link = {NULL, 0, CT_PATH_VIA_EXIT};

    if (wait->class == CT_CLASS_RUNNABLE || wait->is_open || wait->end_ns > walk->at_ns)
        return link;
    link.thread = ct_path_links_ended(walk->links, wait, walk->at_ns);
    link.time_ns = link.thread ? link.thread->end_ns : 0;
    return link;
}

static struct link find_link(struct walk *walk, const struct ct_interval *wait,
                             const struct ct_store_id *id)
{
    const struct link none = {NULL, 0, CT_PATH_VIA_ITSELF};

    if (walk->hops >= HOPS_MAX)
        return none;
    struct link link = find_hold(walk, wait, id);

    if (is_link(&link, wait))
        return link;
    link = (struct link){wait->waker, find_wake(walk, wait), CT_PATH_VIA_WAKE};
    if (link.time_ns > 0)
        return link;
    link = find_end(walk, wait);
    return is_link(&link, wait) ? link : none;
}

/* Up to when somebody let it go on, and from there to that one. */
static void follow(struct walk *walk, const struct ct_interval *wait, const struct ct_store_id *id,
                   const struct link *link)
{
    struct ct_path_place from = {0};
    uint64_t begin_ns = MAX(wait->begin_ns, walk->question->window.begin_ns);
    enum ct_path_reason reason =
        wait->class == CT_CLASS_RUNNABLE ? CT_PATH_REASON_GOES_ON : CT_PATH_REASON_WOKEN;

    if (link->via == CT_PATH_VIA_WAKE)
        from = (struct ct_path_place){wait->waker_stack_id, wait->waker_op, FALSE};
    add(walk, MAX(begin_ns, link->time_ns), waiting(wait, id, reason));
    if (link->time_ns >= begin_ns)
        go_to(walk, link->thread, link->via, &from);
    else
        walk->is_elsewhere = FALSE; /* the wait has earlier parts */
}

static void add_waiting(struct walk *walk, const struct ct_interval *found,
                        const struct ct_store_id *found_id)
{
    const struct ct_interval wait = *found; /* what is asked next takes its place */
    const struct ct_store_id id = *found_id;
    const struct link link = find_link(walk, &wait, &id);

    if (walk->failure)
        return;
    if (link.thread) {
        follow(walk, &wait, &id, &link);
    } else {
        add(walk, MAX(wait.begin_ns, walk->question->window.begin_ns),
            waiting(&wait, &id, reason_of(walk, &wait)));
        walk->is_elsewhere = FALSE;
    }
    /* What takes its CPU, or has no place, does not tell where it ran. */
    if (walk->thread == wait.thread && (wait.op != CT_OP_NONE || wait.stack_id != 0))
        walk->place = (struct ct_path_place){wait.stack_id, wait.op, FALSE};
}

/* ---- The begin of a thread ---- */

/* What a thread that ran then called next; of no place, if it takes long to find. */
static struct ct_path_place place_after(struct walk *walk, const struct ct_thread *thread)
{
    const struct ct_window window = {walk->at_ns, thread->end_ns};
    struct ct_path_place place = {0};
    struct ct_store_event event;
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(walk->question->store, thread, &window);

    for (int i = 0; i < LOOKED_AHEAD && place.stack_id == 0 &&
                    ct_store_cursor_next(cursor, &event, &walk->failure);
         i++) {
        if (event.interval.class != CT_CLASS_RUNNABLE && event.interval.begin_ns >= walk->at_ns)
            place = (struct ct_path_place){event.interval.stack_id, event.interval.op, FALSE};
    }
    return place;
}

static void leave_thread(struct walk *walk)
{
    const struct ct_path_place nowhere = {0};
    enum ct_path_via via = CT_PATH_VIA_BEGIN;
    struct ct_thread *creator = ct_path_links_creator(walk->links, walk->thread, &via);

    if (!creator || walk->hops >= HOPS_MAX) {
        add(walk, walk->question->window.begin_ns,
            (struct ct_path_stretch){.class = CT_CLASS_UNKNOWN, .reason = CT_PATH_REASON_NOBODY});
        return;
    }
    /* An image ends before the next one of its process begins. */
    add(walk, MAX(creator->end_ns, walk->question->window.begin_ns),
        (struct ct_path_stretch){.class = CT_CLASS_UNKNOWN, .reason = CT_PATH_REASON_NOBODY});
    go_to(walk, creator, via, &nowhere);
    walk->place = place_after(walk, creator);
}

static void step(struct walk *walk)
{
    struct ct_store_id id = {0};

    if (walk->at_ns <= walk->thread->start_ns) {
        leave_thread(walk);
        return;
    }
    const struct ct_interval *last =
        ct_path_lanes_before(walk->lanes, walk->thread, walk->at_ns, &id, &walk->failure);

    if (walk->failure)
        return;
    if (last && last->end_ns >= walk->at_ns)
        add_waiting(walk, last, &id);
    else
        add_running(walk, MAX(last ? last->end_ns : 0, walk->thread->start_ns));
}

gboolean ct_path_walk(const struct ct_path_question *question, ct_path_visit *visit, void *user,
                      GError **error)
{
    struct walk walk = {
        .question = question,
        .lanes = ct_path_lanes_new(question->store),
        .links = ct_path_links_new(question->model),
        .visit = visit,
        .user = user,
        .thread = question->thread,
        .at_ns = question->window.end_ns,
    };
    uint64_t steps = 0;

    while (walk.at_ns > question->window.begin_ns && !walk.failure) {
        step(&walk);
        if (++steps % STEPS_TOLD == 0)
            ct_activity_step(question->model->activity);
    }
    walk.pending.via = CT_PATH_VIA_BEGIN;
    if (!walk.failure)
        flush(&walk);
    ct_path_lanes_free(walk.lanes);
    ct_path_links_free(walk.links);
    if (!walk.failure)
        return TRUE;
    g_propagate_error(error, walk.failure);
    return FALSE;
}
