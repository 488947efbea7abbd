#include "passes/lock_waits.h"

#include "model/holders.h"
#include "passes/thread_spans.h"

#include <math.h>

/* Of one wait; what comes then is told together, as unknown. */
#define PARTS_MAX (1U << 16)

/* Fewer whole holds in a row are not worth leaving out. */
#define WHOLE_MIN 8

/* As many parts at most take no time. */
#define PARTS_OF_STEP (1U << 12)

struct ct_lock_waits {
    struct ct_store *store;        /* borrowed */
    struct ct_thread_spans *spans; /* owned */
    struct ct_lock_wait wait;
    GArray *releases; /* owned; struct ct_wake: of the wait */
    GArray *last;     /* owned; struct last, by the thread's number */
    gboolean leaves_whole;
    guint parts; /* since who watches was told that it got on */
};

/* A thread's wait that was divided last. */
struct last {
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t object;
    enum ct_op op;
};

/* Some of the time of a wait, being divided. */
struct division {
    struct ct_lock_waits *waits;
    const struct ct_interval *wait;                       /* whose holders are asked for */
    const struct ct_thread *chain[CT_LOCK_CHAIN_MAX + 1]; /* who waits, each for the next */
    guint depth;
    struct ct_lock_part part; /* what is known of all parts that come */
    GPtrArray *met;           /* borrowed; those who held what a holder waited for; or NULL */
    GError *failure;          /* owned; or NULL */
};

const char *ct_lock_share_name(enum ct_lock_share share)
{
    static const char *const names[] = {
#define SHARE_NAME(symbol, name) name,
        CT_LOCK_SHARES(SHARE_NAME)
#undef SHARE_NAME
    };

    return names[share];
}

/* ---- Parts ---- */

/* Through other locks, what is found is of the one who is last. */
static void add_part(struct division *division, uint64_t begin_ns, uint64_t end_ns,
                     const struct ct_lock_part *found)
{
    GArray *parts = division->waits->wait.parts;
    struct ct_lock_part part = division->depth > 0 ? division->part : *found;
    gboolean is_waiting = found->share == CT_LOCK_SHARE_WAITING;

    if (++division->waits->parts % PARTS_OF_STEP == 0)
        ct_store_step(division->waits->store);
    if (parts->len >= PARTS_MAX) {
        struct ct_lock_part *last = &g_array_index(parts, struct ct_lock_part, parts->len - 1);

        *last = (struct ct_lock_part){.begin_ns = last->begin_ns,
                                      .end_ns = end_ns,
                                      .share = CT_LOCK_SHARE_UNKNOWN,
                                      .last_share = CT_LOCK_SHARE_UNKNOWN};
        return;
    }
    part.begin_ns = begin_ns;
    part.end_ns = end_ns;
    part.depth = division->depth;
    part.last = found->holder;
    part.last_share = found->share;
    part.last_class = found->wait_class;
    part.last_op = is_waiting ? found->wait_op : found->op;
    part.last_stack_id = is_waiting ? found->wait_stack_id : found->stack_id;
    part.is_circle = found->is_circle;
    g_array_append_val(parts, part);
}

/* ---- What a holder did ---- */

static gboolean is_for(const struct ct_interval *interval, const struct ct_interval *wait)
{
    return interval->thread && interval->object == wait->object &&
           ct_op_object(interval->op) == ct_op_object(wait->op) &&
           interval->thread->process == wait->thread->process;
}

/* Of these, one alone has it: who was off the CPU when it was let go took it later. */
static gboolean is_exclusive(enum ct_op op)
{
    enum ct_object kind = ct_op_object(op);

    return kind == CT_OBJECT_LOCK || kind == CT_OBJECT_SPINLOCK;
}

/* When whoever held it next had taken it: it was in line, or elsewhere, when it was let go. */
static gboolean find_taken(struct division *division, const struct ct_hold *hold,
                           uint64_t *taken_ns)
{
    const struct ct_interval *wait = division->wait;
    uint64_t since_ns = hold->since_ns ? hold->since_ns : wait->wait_begin_ns;
    struct ct_thread_span span;

    *taken_ns = hold->begin_ns;
    if (since_ns >= hold->end_ns)
        return TRUE;
    if (!ct_thread_span_at(division->waits->spans, hold->holder, since_ns, hold->end_ns, &span,
                           &division->failure))
        return FALSE;
    const struct ct_interval *interval = &span.interval;

    if ((is_for(interval, wait) && !ct_interval_is_in_vain(interval)) ||
        (hold->since_ns && is_exclusive(wait->op) && interval->thread &&
         interval->begin_ns < since_ns))
        *taken_ns = interval->wait_end_ns;
    return TRUE;
}

static void divide_lock_wait(struct division *division, const struct ct_interval *wait);

/* Whose wait is for another lock: who has that? */
static void follow(struct division *division, const struct ct_thread_span *span,
                   const struct ct_lock_part *found)
{
    struct ct_interval wait = span->interval;

    if (division->depth + 1 >= CT_LOCK_CHAIN_MAX) {
        struct ct_lock_part unknown = {.share = CT_LOCK_SHARE_UNKNOWN};

        unknown.holder = found->holder;
        if (division->depth == 0)
            unknown = *found;
        add_part(division, span->begin_ns, span->end_ns, &unknown);
        return;
    }
    if (!ct_store_load_releases(division->waits->store, &wait, &division->failure))
        return;
    /* What is asked next takes their place. */
    g_autofree struct ct_wake *releases =
        g_memdup2(wait.releases, wait.release_count * sizeof(struct ct_wake));
    struct division next = *division;

    wait.releases = releases;
    wait.begin_ns = span->begin_ns;
    wait.end_ns = span->end_ns;
    if (division->depth == 0)
        next.part = *found;
    next.chain[++next.depth] = found->holder;
    divide_lock_wait(&next, &wait);
    division->failure = next.failure;
}

static enum ct_lock_share share_of(const struct division *division, const struct ct_hold *hold,
                                   const struct ct_thread_span *span)
{
    const struct ct_interval *interval = &span->interval;

    if (!span->is_known)
        return CT_LOCK_SHARE_UNKNOWN;
    if (!interval->thread)
        return CT_LOCK_SHARE_RUNNING;
    /* Who waits for it has it not; nor has who waits for a condition, which lets go of a mutex. */
    if (is_for(interval, division->wait) ||
        (hold->op == CT_OP_NONE && ct_op_object(interval->op) == CT_OBJECT_COND &&
         ct_op_object(division->wait->op) == CT_OBJECT_LOCK))
        return CT_LOCK_SHARE_HAND_OFF;
    return interval->class == CT_CLASS_RUNNABLE ? CT_LOCK_SHARE_RUNNABLE : CT_LOCK_SHARE_WAITING;
}

static void add_span(struct division *division, const struct ct_hold *hold,
                     const struct ct_thread_span *span, struct ct_lock_part *found)
{
    const struct ct_interval *interval = &span->interval;

    found->share = share_of(division, hold, span);
    if (found->share != CT_LOCK_SHARE_WAITING) {
        add_part(division, span->begin_ns, span->end_ns, found);
        return;
    }
    found->wait_class = interval->class;
    found->wait_op = interval->op;
    found->wait_object = interval->object;
    found->wait_stack_id = interval->stack_id;
    found->is_wait_for_lock = interval->is_for_lock;
    if (found->is_wait_for_lock)
        follow(division, span, found);
    else
        add_part(division, span->begin_ns, span->end_ns, found);
}

static gboolean is_in_chain(const struct division *division, const struct ct_thread *thread)
{
    for (guint i = 0; i <= division->depth; i++) {
        if (division->chain[i] == thread)
            return TRUE;
    }
    return FALSE;
}

static void add_hold(void *user, const struct ct_hold *hold)
{
    struct division *division = user;
    const struct ct_lock_part known = {
        .holder = hold->holder, .stack_id = hold->stack_id, .op = hold->op};
    struct ct_lock_part found = known;
    uint64_t at_ns = hold->begin_ns;
    uint64_t taken_ns;

    if (division->failure || at_ns >= hold->end_ns)
        return;
    if (division->met && division->depth > 0 && hold->holder)
        g_ptr_array_add(division->met, hold->holder);
    found.is_circle = hold->holder && is_in_chain(division, hold->holder);
    if (hold->is_released || !hold->holder || found.is_circle) {
        found.share = hold->is_released ? CT_LOCK_SHARE_HAND_OFF : CT_LOCK_SHARE_UNKNOWN;
        add_part(division, at_ns, hold->end_ns, &found);
        return;
    }
    if (!find_taken(division, hold, &taken_ns))
        return;
    if (taken_ns > at_ns) {
        taken_ns = MIN(taken_ns, hold->end_ns);
        found.share = CT_LOCK_SHARE_HAND_OFF;
        add_part(division, at_ns, taken_ns, &found);
        at_ns = taken_ns;
    }
    while (at_ns < hold->end_ns) {
        struct ct_thread_span span;

        if (!ct_thread_span_at(division->waits->spans, hold->holder, at_ns, hold->end_ns, &span,
                               &division->failure))
            return;
        found = known;
        add_span(division, hold, &span, &found);
        if (division->failure)
            return;
        at_ns = span.end_ns;
    }
}

/* From `begin_ns` to `end_ns` of the interval, whose releases are a copy. */
static void divide_lock_wait(struct division *division, const struct ct_interval *wait)
{
    division->wait = wait;
    if (wait->begin_ns < wait->end_ns)
        ct_interval_visit_holds(wait, add_hold, division);
    division->wait = NULL;
}

/* ---- Whole holds ---- */

static gboolean is_held_by(const struct ct_lock_whole_holds *whole, const struct ct_thread *thread)
{
    for (guint i = 1; i <= whole->count; i++) {
        if (whole->releases[i].thread == thread)
            return TRUE;
    }
    return FALSE;
}

static void divide_piece(struct division *division, const struct ct_interval *piece)
{
    size_t first = ct_interval_find_release(piece, piece->begin_ns);
    size_t end = ct_interval_find_release(piece, piece->end_ns);
    struct ct_lock_whole_holds whole = {piece->releases + first, piece->releases_at.first + first,
                                        0};
    struct ct_interval rest = *piece;

    if (division->waits->leaves_whole && end > first + WHOLE_MIN)
        whole.count = (guint)(end - first) - 1;
    if (whole.count == 0 || is_held_by(&whole, piece->thread)) {
        divide_lock_wait(division, piece);
        return;
    }
    rest.end_ns = whole.releases[0].time_ns;
    divide_lock_wait(division, &rest);
    g_array_append_val(division->waits->wait.whole, whole);
    rest.begin_ns = whole.releases[whole.count].time_ns;
    rest.end_ns = piece->end_ns;
    divide_lock_wait(division, &rest);
}

const GArray *ct_lock_waits_divide_hold(struct ct_lock_waits *waits, const struct ct_interval *like,
                                        const struct ct_wake releases[2],
                                        const struct ct_thread *waiter, GPtrArray *met,
                                        GError **error)
{
    struct division division = {.waits = waits, .chain = {waiter}, .met = waiter ? NULL : met};
    struct ct_interval hold = *like;

    g_array_set_size(waits->wait.parts, 0);
    hold.begin_ns = hold.wait_begin_ns = releases[0].time_ns;
    hold.end_ns = hold.wait_end_ns = releases[1].time_ns;
    hold.releases = releases;
    hold.release_count = 2;
    divide_lock_wait(&division, &hold);
    if (!division.failure)
        return waits->wait.parts;
    g_propagate_error(error, division.failure);
    return NULL;
}

/* ---- The waiter ---- */

static void add_own(struct division *division, const struct ct_thread_span *span,
                    enum ct_lock_share share)
{
    add_part(division, span->begin_ns, span->end_ns, &(struct ct_lock_part){.share = share});
}

/* TRUE: the interval is a piece of the wait. */
static gboolean is_piece(const struct ct_interval *interval, const struct ct_interval *wait)
{
    return interval->thread == wait->thread && interval->op == wait->op &&
           interval->object == wait->object && interval->wait_begin_ns == wait->wait_begin_ns &&
           interval->wait_end_ns == wait->wait_end_ns;
}

static void add_own_span(struct division *division, const struct ct_interval *whole,
                         const struct ct_thread_span *span)
{
    struct ct_lock_wait *wait = &division->waits->wait;

    if (!is_piece(&span->interval, whole)) {
        add_own(division, span, CT_LOCK_SHARE_OWN_TIME);
    } else if (span->interval.class == CT_CLASS_RUNNABLE) {
        add_own(division, span, CT_LOCK_SHARE_OWN_QUEUE);
    } else {
        struct ct_interval piece = *whole;

        wait->weight = span->interval.weight;
        piece.begin_ns = span->begin_ns;
        piece.end_ns = span->end_ns;
        divide_piece(division, &piece);
    }
}

static gboolean is_whole(const struct ct_interval *interval)
{
    return interval->class != CT_CLASS_RUNNABLE && interval->begin_ns == interval->wait_begin_ns &&
           interval->end_ns == interval->wait_end_ns;
}

static void divide_whole(struct division *division, const struct ct_interval *whole)
{
    uint64_t at_ns = whole->wait_begin_ns;

    while (at_ns < whole->wait_end_ns && !division->failure) {
        struct ct_thread_span span = {at_ns, whole->wait_end_ns, TRUE, *whole, {0}};

        if (!is_whole(whole) && !ct_thread_span_at(division->waits->spans, whole->thread, at_ns,
                                                   whole->wait_end_ns, &span, &division->failure))
            return;
        add_own_span(division, whole, &span);
        at_ns = span.end_ns;
    }
}

gboolean ct_lock_waits_has(const struct ct_interval *interval)
{
    return interval->is_for_lock &&
           (interval->class == CT_CLASS_SYNC || interval->class == CT_CLASS_RUNNABLE);
}

const struct ct_lock_wait *ct_lock_waits_divide(struct ct_lock_waits *waits,
                                                const struct ct_interval *interval, GError **error)
{
    struct division division = {.waits = waits, .chain = {interval->thread}};
    struct ct_lock_wait *wait = &waits->wait;

    g_array_set_size(waits->releases, 0);
    g_array_set_size(wait->parts, 0);
    g_array_set_size(wait->whole, 0);
    if (interval->release_count > 0)
        g_array_append_vals(waits->releases, interval->releases, (guint)interval->release_count);
    wait->interval = *interval;
    wait->interval.fd = NULL;
    wait->interval.releases = (const struct ct_wake *)(void *)waits->releases->data;
    wait->weight = interval->weight;
    divide_whole(&division, &wait->interval);
    if (!(wait->weight >= 1 && isfinite(wait->weight)))
        wait->weight = 1;
    if (!division.failure)
        return wait;
    g_propagate_error(error, division.failure);
    return NULL;
}

const struct ct_lock_wait *ct_lock_waits_next(struct ct_lock_waits *waits,
                                              const struct ct_interval *interval, GError **error)
{
    const struct last this = {interval->wait_begin_ns, interval->wait_end_ns, interval->object,
                              interval->op};

    if (!ct_lock_waits_has(interval))
        return NULL;
    if (interval->thread->number >= waits->last->len)
        g_array_set_size(waits->last, interval->thread->number + 1);
    struct last *last = &g_array_index(waits->last, struct last, interval->thread->number);

    if (last->begin_ns == this.begin_ns && last->end_ns == this.end_ns &&
        last->object == this.object && last->op == this.op)
        return NULL;
    *last = this;
    return ct_lock_waits_divide(waits, interval, error);
}

struct ct_lock_waits *ct_lock_waits_new(struct ct_store *store)
{
    struct ct_lock_waits *waits = g_new0(struct ct_lock_waits, 1);

    waits->store = store;
    waits->spans = ct_thread_spans_new(store);
    waits->wait.parts = g_array_new(FALSE, FALSE, sizeof(struct ct_lock_part));
    waits->wait.whole = g_array_new(FALSE, FALSE, sizeof(struct ct_lock_whole_holds));
    waits->releases = g_array_new(FALSE, FALSE, sizeof(struct ct_wake));
    waits->last = g_array_new(FALSE, TRUE, sizeof(struct last));
    return waits;
}

void ct_lock_waits_leave_whole(struct ct_lock_waits *waits)
{
    waits->leaves_whole = TRUE;
}

void ct_lock_waits_free(struct ct_lock_waits *waits)
{
    if (!waits)
        return;
    ct_thread_spans_free(waits->spans);
    g_array_unref(waits->wait.parts);
    g_array_unref(waits->wait.whole);
    g_array_unref(waits->releases);
    g_array_unref(waits->last);
    g_free(waits);
}
