#include "passes/lock_holding.h"

#include "passes/lock_queue.h"

#include <errno.h>
#include <math.h>

/* Of more, what comes new is told together: locks, places of one, and what a holder waited for. */
#define LOCKS_MAX      (1U << 14)
#define PLACES_MAX     1024
#define ACTIVITIES_MAX 64

/* A lock, while it is summed up. */
struct lock {
    struct ct_lock_holding *holding; /* owned */
    GHashTable *holders;             /* owned; struct ct_lock_holder *, as a set; borrowed */
    GHashTable *waiters;             /* owned; struct ct_lock_waiter *, as a set; borrowed */
    GHashTable *taken_ns; /* owned; struct ct_thread * -> uint64_t *, owned: when who has waited
                             took it; 0: it has let go since, or it did not take it */
    uint64_t released_ns; /* the last release that was seen */
};

struct search {
    struct ct_lock_waits *waits; /* borrowed */
    GHashTable *locks;           /* owned; struct lock *, owned, as a set */
    struct ct_window window;
    GError *failure; /* owned; or NULL */
};

/* ---- Tables ---- */

static guint mix(uint64_t value)
{
    return (guint)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static guint lock_hash(const void *data)
{
    const struct ct_lock_holding *holding = ((const struct lock *)data)->holding;

    return mix((holding->object ^ (uint64_t)holding->kind << 58) +
               ((uintptr_t)holding->process >> 4));
}

static gboolean lock_equal(const void *a, const void *b)
{
    const struct ct_lock_holding *first = ((const struct lock *)a)->holding;
    const struct ct_lock_holding *second = ((const struct lock *)b)->holding;

    return first->process == second->process && first->kind == second->kind &&
           first->object == second->object;
}

/* A place that is not known is told by its thread. */
static const struct ct_thread *key_thread(const struct ct_lock_holder *holder)
{
    return holder->stack_id == 0 ? holder->thread : NULL;
}

static guint holder_hash(const void *data)
{
    const struct ct_lock_holder *holder = data;

    return mix(((uintptr_t)holder->process >> 4) ^ ((uintptr_t)key_thread(holder) << 8) ^
               ((uint64_t)holder->stack_id << 24) ^ (uint64_t)holder->op);
}

static gboolean holder_equal(const void *a, const void *b)
{
    const struct ct_lock_holder *first = a, *second = b;

    return first->process == second->process && first->stack_id == second->stack_id &&
           first->op == second->op && first->is_others == second->is_others &&
           key_thread(first) == key_thread(second);
}

static guint waiter_hash(const void *data)
{
    const struct ct_lock_waiter *waiter = data;

    return mix((uint64_t)waiter->stack_id << 16 ^ (uint64_t)waiter->op);
}

static gboolean waiter_equal(const void *a, const void *b)
{
    const struct ct_lock_waiter *first = a, *second = b;

    return first->process == second->process && first->stack_id == second->stack_id &&
           first->op == second->op && first->is_others == second->is_others;
}

static void holder_free(void *data)
{
    g_array_unref(((struct ct_lock_holder *)data)->activities);
    g_free(data);
}

static void holding_free(void *data)
{
    struct ct_lock_holding *holding = data;

    if (!holding)
        return;
    g_ptr_array_unref(holding->holders);
    g_ptr_array_unref(holding->waiters);
    g_free(holding);
}

static void lock_free(void *data)
{
    struct lock *lock = data;

    holding_free(lock->holding);
    g_hash_table_unref(lock->holders);
    g_hash_table_unref(lock->waiters);
    g_hash_table_unref(lock->taken_ns);
    g_free(lock);
}

static struct lock *add_lock(struct search *search, const struct ct_lock_holding *key,
                             uint64_t at_ns)
{
    struct lock *lock = g_new0(struct lock, 1);

    lock->holding = g_new0(struct ct_lock_holding, 1);
    *lock->holding = *key;
    lock->holding->at_ns = at_ns;
    lock->holding->holders = g_ptr_array_new_with_free_func(holder_free);
    lock->holding->waiters = g_ptr_array_new_with_free_func(g_free);
    lock->holders = g_hash_table_new(holder_hash, holder_equal);
    lock->waiters = g_hash_table_new(waiter_hash, waiter_equal);
    lock->taken_ns = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_hash_table_add(search->locks, lock);
    return lock;
}

static struct lock *find_lock(struct search *search, const struct ct_interval *interval)
{
    struct ct_lock_holding key = {.process = interval->thread->process,
                                  .kind = ct_op_object(interval->op),
                                  .object = interval->object};
    const struct lock asked = {.holding = &key};
    struct lock *lock = g_hash_table_lookup(search->locks, &asked);

    if (!lock && g_hash_table_size(search->locks) >= LOCKS_MAX) {
        key = (struct ct_lock_holding){.kind = CT_OBJECT_NONE};
        lock = g_hash_table_lookup(search->locks, &asked);
    }
    return lock ? lock : add_lock(search, &key, interval->wait_begin_ns);
}

static struct ct_lock_holder *find_holder(struct lock *lock, const struct ct_lock_part *part)
{
    struct ct_lock_holder key = {.process = part->holder ? part->holder->process : NULL,
                                 .thread = part->holder,
                                 .stack_id = part->stack_id,
                                 .op = part->op};
    struct ct_lock_holder *holder = g_hash_table_lookup(lock->holders, &key);

    if (!holder && g_hash_table_size(lock->holders) >= PLACES_MAX) {
        key = (struct ct_lock_holder){.is_others = TRUE};
        holder = g_hash_table_lookup(lock->holders, &key);
    }
    if (!holder) {
        holder = g_new(struct ct_lock_holder, 1);
        *holder = key;
        holder->activities = g_array_new(FALSE, FALSE, sizeof(struct ct_lock_activity));
        g_ptr_array_add(lock->holding->holders, holder);
        g_hash_table_add(lock->holders, holder);
    }
    holder->has_several_threads |= holder->thread != part->holder;
    return holder;
}

static struct ct_lock_waiter *find_waiter(struct lock *lock, const struct ct_interval *interval)
{
    struct ct_lock_waiter key = {
        .process = interval->thread->process, .stack_id = interval->stack_id, .op = interval->op};
    struct ct_lock_waiter *waiter = g_hash_table_lookup(lock->waiters, &key);

    if (!waiter && g_hash_table_size(lock->waiters) >= PLACES_MAX) {
        key = (struct ct_lock_waiter){.is_others = TRUE};
        waiter = g_hash_table_lookup(lock->waiters, &key);
    }
    if (waiter)
        return waiter;
    waiter = g_new(struct ct_lock_waiter, 1);
    *waiter = key;
    g_ptr_array_add(lock->holding->waiters, waiter);
    g_hash_table_add(lock->waiters, waiter);
    return waiter;
}

/* ---- Adding up ---- */

static struct ct_lock_activity activity_of(const struct ct_lock_part *part)
{
    if (part->share != CT_LOCK_SHARE_WAITING)
        return (struct ct_lock_activity){.share = part->share, .is_circle = part->is_circle};
    return (struct ct_lock_activity){
        .share = part->share,
        .class = part->wait_class,
        .op = part->wait_op,
        .object = part->is_wait_for_lock ? part->wait_object : 0,
        .stack_id = part->wait_stack_id,
        .is_for_lock = part->is_wait_for_lock,
        .is_circle = part->is_circle,
        .last_share = part->last_share,
        .last_class = part->last_class,
        .last_op = part->last_share == CT_LOCK_SHARE_WAITING ? part->last_op : CT_OP_NONE,
    };
}

static gboolean is_same_activity(const struct ct_lock_activity *a, const struct ct_lock_activity *b)
{
    return a->share == b->share && a->class == b->class && a->op == b->op &&
           a->object == b->object && a->is_for_lock == b->is_for_lock &&
           a->is_circle == b->is_circle && a->last_share == b->last_share &&
           a->last_class == b->last_class && a->last_op == b->last_op;
}

static void add_activity(struct ct_lock_holder *holder, const struct ct_lock_part *part,
                         uint64_t time_ns)
{
    struct ct_lock_activity activity = activity_of(part);
    GArray *known = holder->activities;

    /* Any other waiting: of class running, which no wait is. */
    if (known->len >= ACTIVITIES_MAX && activity.share == CT_LOCK_SHARE_WAITING)
        activity = (struct ct_lock_activity){.share = activity.share};
    activity.ns = time_ns;
    for (guint i = 0; i < known->len; i++) {
        struct ct_lock_activity *same = &g_array_index(known, struct ct_lock_activity, i);

        if (!is_same_activity(same, &activity))
            continue;
        same->ns += time_ns;
        return;
    }
    g_array_append_val(known, activity);
}

/* A wait that stands for several: each part has what the sum grows by, rounded. */
struct sum {
    double weight;
    uint64_t inside_ns; /* of the parts until now, as far as they lie in the window */
    uint64_t told_ns;   /* the same with the weight */
};

static uint64_t grow(struct sum *sum, uint64_t more_ns)
{
    uint64_t before_ns = sum->told_ns;

    sum->inside_ns += more_ns;
    sum->told_ns = sum->inside_ns;
    if (sum->weight > 1)
        sum->told_ns = (uint64_t)llround(MIN(sum->weight * (double)sum->inside_ns, 9e18));
    return sum->told_ns - before_ns;
}

static void add_part(struct lock *lock, const struct ct_lock_part *part, uint64_t time_ns)
{
    lock->holding->share_ns[part->share] += time_ns;
    if (part->share == CT_LOCK_SHARE_HAND_OFF || part->share == CT_LOCK_SHARE_OWN_QUEUE ||
        part->share == CT_LOCK_SHARE_OWN_TIME)
        return;
    struct ct_lock_holder *holder = find_holder(lock, part);

    holder->ns += time_ns;
    add_activity(holder, part, time_ns);
}

static uint64_t inside_ns(const struct ct_window *window, uint64_t begin_ns, uint64_t end_ns)
{
    uint64_t from_ns = MAX(begin_ns, window->begin_ns);
    uint64_t to_ns = MIN(end_ns, window->end_ns);

    return from_ns < to_ns ? to_ns - from_ns : 0;
}

/* ---- Holds that are known from begin to end ---- */

static void set_taken(struct lock *lock, const struct ct_interval *interval)
{
    uint64_t *taken_ns = g_hash_table_lookup(lock->taken_ns, interval->thread);
    gboolean is_in_vain = interval->is_open || interval->result == -ETIMEDOUT ||
                          interval->result == -EINTR || interval->result == -EAGAIN;

    if (!taken_ns) {
        taken_ns = g_new0(uint64_t, 1);
        g_hash_table_insert(lock->taken_ns, interval->thread, taken_ns);
    }
    *taken_ns = is_in_vain ? 0 : interval->wait_end_ns;
}

static void add_hold(const struct search *search, struct lock *lock, const struct ct_wake *release)
{
    uint64_t *taken_ns = g_hash_table_lookup(lock->taken_ns, release->thread);

    if (!taken_ns || *taken_ns == 0 || release->time_ns < *taken_ns)
        return;
    uint64_t time_ns = release->time_ns - *taken_ns;

    *taken_ns = 0;
    if (release->time_ns < search->window.begin_ns || release->time_ns > search->window.end_ns)
        return;
    lock->holding->hold_count++;
    lock->holding->hold_ns += time_ns;
    lock->holding->longest_hold_ns = MAX(lock->holding->longest_hold_ns, time_ns);
}

/* Those who were in line saw it let go: the one who took it next comes soon after. */
static void add_holds(const struct search *search, struct lock *lock,
                      const struct ct_interval *interval)
{
    size_t first = interval->release_count;

    while (first > 0 && interval->releases[first - 1].time_ns > lock->released_ns)
        first--;
    for (size_t i = first; i < interval->release_count; i++)
        add_hold(search, lock, &interval->releases[i]);
    if (interval->release_count > 0)
        lock->released_ns =
            MAX(lock->released_ns, interval->releases[interval->release_count - 1].time_ns);
}

/* ---- Waits ---- */

static void add_wait(struct search *search, const struct ct_lock_wait *wait)
{
    const struct ct_interval *interval = &wait->interval;
    struct ct_window *window = &search->window;
    struct sum sum = {.weight = wait->weight};

    /* One that took no time has its place in the window all the same. */
    if (interval->wait_begin_ns > window->end_ns || interval->wait_end_ns < window->begin_ns ||
        (interval->wait_begin_ns < interval->wait_end_ns &&
         inside_ns(window, interval->wait_begin_ns, interval->wait_end_ns) == 0))
        return;
    struct lock *lock = find_lock(search, interval);
    struct ct_lock_waiter *waiter = find_waiter(lock, interval);

    for (guint i = 0; i < wait->parts->len; i++) {
        const struct ct_lock_part *part = &g_array_index(wait->parts, struct ct_lock_part, i);

        add_part(lock, part, grow(&sum, inside_ns(window, part->begin_ns, part->end_ns)));
    }
    waiter->ns += sum.told_ns;
    waiter->count += wait->weight;
    lock->holding->ns += sum.told_ns;
    lock->holding->count += wait->weight;
    lock->holding->longest_ns = MAX(lock->holding->longest_ns, sum.inside_ns);
    lock->holding->at_ns = MIN(lock->holding->at_ns, interval->wait_begin_ns);
    set_taken(lock, interval);
    add_holds(search, lock, interval);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct search *search = user;
    const struct ct_lock_wait *wait =
        search->failure ? NULL : ct_lock_waits_next(search->waits, interval, &search->failure);

    if (wait)
        add_wait(search, wait);
}

/* ---- In order ---- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_activities(const void *a, const void *b)
{
    const struct ct_lock_activity *first = a, *second = b;
    int order = COMPARE(second->ns, first->ns);

    order = order != 0 ? order : COMPARE(first->share, second->share);
    order = order != 0 ? order : COMPARE(first->class, second->class);
    order = order != 0 ? order : COMPARE(first->op, second->op);
    order = order != 0 ? order : COMPARE(first->object, second->object);
    order = order != 0 ? order : COMPARE(first->last_share, second->last_share);
    order = order != 0 ? order : COMPARE(first->last_class, second->last_class);
    return order != 0 ? order : COMPARE(first->last_op, second->last_op);
}

static int compare_processes(const struct ct_process *a, const struct ct_process *b)
{
    int order = a && b ? COMPARE(a->start_ns, b->start_ns) : COMPARE(b != NULL, a != NULL);

    return order != 0 || !a || !b ? order : COMPARE(a->pid, b->pid);
}

static int compare_holders(const void *a, const void *b)
{
    const struct ct_lock_holder *first = *(struct ct_lock_holder *const *)a;
    const struct ct_lock_holder *second = *(struct ct_lock_holder *const *)b;
    int order = COMPARE(second->ns, first->ns);

    order = order != 0 ? order : compare_processes(first->process, second->process);
    order = order != 0 ? order : COMPARE(first->stack_id, second->stack_id);
    order = order != 0 ? order : COMPARE(first->op, second->op);
    if (order == 0 && first->thread && second->thread)
        order = COMPARE(first->thread->number, second->thread->number);
    return order != 0 ? order : COMPARE(first->is_others, second->is_others);
}

static int compare_waiters(const void *a, const void *b)
{
    const struct ct_lock_waiter *first = *(struct ct_lock_waiter *const *)a;
    const struct ct_lock_waiter *second = *(struct ct_lock_waiter *const *)b;
    int order = COMPARE(second->ns, first->ns);

    order = order != 0 ? order : COMPARE(second->count, first->count);
    order = order != 0 ? order : COMPARE(first->stack_id, second->stack_id);
    return order != 0 ? order : COMPARE(first->op, second->op);
}

static int compare_holdings(const void *a, const void *b)
{
    const struct ct_lock_holding *first = *(struct ct_lock_holding *const *)a;
    const struct ct_lock_holding *second = *(struct ct_lock_holding *const *)b;
    int order = COMPARE(second->ns, first->ns);

    order = order != 0 ? order : compare_processes(first->process, second->process);
    order = order != 0 ? order : COMPARE(first->kind, second->kind);
    return order != 0 ? order : COMPARE(first->object, second->object);
}

static GPtrArray *list_holdings(const struct search *search)
{
    GPtrArray *holdings = g_ptr_array_new_with_free_func(holding_free);
    GHashTableIter at;
    void *value;

    g_hash_table_iter_init(&at, search->locks);
    while (g_hash_table_iter_next(&at, &value, NULL)) {
        struct lock *lock = value;
        struct ct_lock_holding *holding = g_steal_pointer(&lock->holding);

        holding->thread_count = g_hash_table_size(lock->taken_ns);
        for (guint i = 0; i < holding->holders->len; i++)
            g_array_sort(((struct ct_lock_holder *)holding->holders->pdata[i])->activities,
                         compare_activities);
        g_ptr_array_sort(holding->holders, compare_holders);
        g_ptr_array_sort(holding->waiters, compare_waiters);
        g_ptr_array_add(holdings, holding);
    }
    g_ptr_array_sort(holdings, compare_holdings);
    return holdings;
}

/* ---- The search ---- */

static gboolean find_queues(struct search *search, struct ct_store *store,
                            const struct ct_store_scope *scope)
{
    for (guint i = 0; i < ct_store_object_count(store); i++) {
        const struct ct_store_object *object = ct_store_object(store, i);
        struct ct_lock_holding key = {
            .process = object->process, .kind = object->kind, .object = object->id};
        const struct lock asked = {.holding = &key};
        struct lock *lock = g_hash_table_lookup(search->locks, &asked);

        if (lock && !ct_lock_queue_longest(store, i, scope, &lock->holding->longest_queue,
                                           &search->failure))
            return FALSE;
    }
    return TRUE;
}

GPtrArray *ct_lock_holdings_find(struct ct_store *store, const struct ct_store_scope *scope,
                                 GError **error)
{
    g_autoptr(GHashTable) locks = g_hash_table_new_full(lock_hash, lock_equal, lock_free, NULL);
    g_autoptr(ct_lock_waits) waits = ct_lock_waits_new(store);
    struct search search = {.waits = waits, .locks = locks, .window = {0, UINT64_MAX}};
    const struct ct_sink sink = {.user = &search, .on_interval = on_interval};

    if (scope->window)
        search.window = *scope->window;
    if (!ct_store_replay(store, scope, &sink, error))
        return NULL;
    if (!search.failure && find_queues(&search, store, scope))
        return list_holdings(&search);
    g_propagate_error(error, search.failure);
    return NULL;
}
