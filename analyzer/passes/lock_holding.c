#include "passes/lock_holding.h"

#include "model/holders.h"
#include "passes/lock_common.h"
#include "passes/lock_queue.h"
#include "passes/lock_table.h"

#include <errno.h>
#include <math.h>

/* Of more, what a holder waited for is told together. */
#define ACTIVITIES_MAX 64

/* Of a lock's waits as many are all looked at, where shares are asked for; of as many more every
 * second one, and so on. */
#define ESTIMATE_FROM (1U << 16)

struct search {
    struct ct_lock_waits *waits;   /* borrowed */
    struct ct_lock_common *common; /* borrowed: of holds that are left out of those */
    struct ct_lock_waits *each;    /* borrowed: what of these is not told in common */
    struct ct_lock_table *locks;   /* borrowed */
    GHashTable *chosen;            /* borrowed; struct chosen *, as a set; NULL: all locks */
    struct ct_window window;
    GError *failure; /* owned; or NULL */
};

/* ---- Which locks ---- */

/* A lock whose shares are asked for. */
struct chosen {
    struct ct_lock_key key;
    uint64_t divided; /* so many of its waits were looked at */
};

struct ct_lock_key ct_lock_key_of(const struct ct_process *process, enum ct_object kind,
                                  uint64_t object)
{
    return (struct ct_lock_key){process->pid, process->start_ns, kind, object};
}

static gboolean is_same_key(const struct ct_lock_key *a, const struct ct_lock_key *b)
{
    return a->pid == b->pid && a->process_start_ns == b->process_start_ns && a->kind == b->kind &&
           a->object == b->object;
}

gboolean ct_lock_key_is_of(const struct ct_lock_key *key, const struct ct_lock_holding *holding)
{
    if (!holding->process)
        return FALSE;
    const struct ct_lock_key other =
        ct_lock_key_of(holding->process, holding->kind, holding->object);

    return is_same_key(key, &other);
}

static uint64_t mix(uint64_t value)
{
    return (value * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
}

static guint chosen_hash(const void *data)
{
    const struct ct_lock_key *key = &((const struct chosen *)data)->key;

    return (guint)mix((key->object ^ (uint64_t)key->kind << 58) + (uint64_t)key->pid);
}

static gboolean chosen_equal(const void *a, const void *b)
{
    return is_same_key(&((const struct chosen *)a)->key, &((const struct chosen *)b)->key);
}

static GHashTable *list_chosen(const GArray *keys)
{
    GHashTable *list = g_hash_table_new_full(chosen_hash, chosen_equal, g_free, NULL);

    for (guint i = 0; i < keys->len; i++) {
        struct chosen *chosen = g_new0(struct chosen, 1);

        chosen->key = g_array_index(keys, struct ct_lock_key, i);
        g_hash_table_add(list, chosen);
    }
    return list;
}

/* For how many waits this one stands; 0: it is not looked at. All pieces of a wait are alike. */
static uint64_t share_of_wait(const struct search *search, const struct ct_interval *interval)
{
    if (!search->chosen)
        return 1;
    const struct chosen asked = {.key =
                                     ct_lock_key_of(interval->thread->process,
                                                    ct_op_object(interval->op), interval->object)};
    struct chosen *chosen = g_hash_table_lookup(search->chosen, &asked);

    if (!chosen)
        return 0;
    uint64_t stride = UINT64_C(1) << MIN(chosen->divided / ESTIMATE_FROM, 32);

    if (mix(interval->wait_begin_ns) % stride != 0)
        return 0;
    chosen->divided++;
    return stride;
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

/* NULL: it is not known yet. */
static struct ct_lock_activity *find_activity(const GArray *known,
                                              const struct ct_lock_activity *activity)
{
    for (guint i = 0; i < known->len; i++) {
        struct ct_lock_activity *same = &g_array_index(known, struct ct_lock_activity, i);

        if (is_same_activity(same, activity))
            return same;
    }
    return NULL;
}

static void add_activity(struct ct_lock_holder *holder, const struct ct_lock_part *part,
                         uint64_t time_ns)
{
    struct ct_lock_activity activity = activity_of(part);
    struct ct_lock_activity *same = find_activity(holder->activities, &activity);

    /* Any other waiting: of class running, which no wait is. */
    if (!same && holder->activities->len >= ACTIVITIES_MAX &&
        activity.share == CT_LOCK_SHARE_WAITING) {
        activity = (struct ct_lock_activity){.share = activity.share};
        same = find_activity(holder->activities, &activity);
    }
    activity.ns = time_ns;
    if (same)
        same->ns += time_ns;
    else
        g_array_append_val(holder->activities, activity);
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

/* A holder that could run, and had no CPU, made somebody wait who would have come first: so many
 * waits of the same time. */
static void add_inversion(struct ct_lock_holding *holding, const struct ct_lock_part *part,
                          const struct ct_thread *waiter, uint64_t time_ns, uint64_t count)
{
    const struct ct_thread *holder = part->holder;

    if (part->share != CT_LOCK_SHARE_RUNNABLE || !holder || !holder->sched.has_priority ||
        !waiter->sched.has_priority || holder->sched.priority <= waiter->sched.priority)
        return;
    holding->inverted_ns += count * time_ns;
    if (time_ns <= holding->longest_inverted_ns)
        return;
    holding->longest_inverted_ns = time_ns;
    holding->inverted_waiter = waiter;
    holding->inverted_holder = holder;
}

static void add_part(struct ct_lock_sum *lock, const struct ct_lock_part *part, uint64_t time_ns)
{
    lock->holding->share_ns[part->share] += time_ns;
    if (part->share == CT_LOCK_SHARE_HAND_OFF || part->share == CT_LOCK_SHARE_OWN_QUEUE ||
        part->share == CT_LOCK_SHARE_OWN_TIME)
        return;
    struct ct_lock_holder *holder = ct_lock_sum_add_holder(lock, part);

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

static void set_taken(struct ct_lock_sum *lock, const struct ct_interval *interval)
{
    uint64_t *taken_ns = g_hash_table_lookup(lock->taken_ns, interval->thread);
    gboolean is_in_vain = ct_interval_is_in_vain(interval) || interval->result == -EAGAIN;

    if (!taken_ns) {
        taken_ns = g_new0(uint64_t, 1);
        g_hash_table_insert(lock->taken_ns, interval->thread, taken_ns);
    }
    *taken_ns = is_in_vain ? 0 : interval->wait_end_ns;
}

static void add_hold(const struct search *search, struct ct_lock_sum *lock,
                     const struct ct_wake *release)
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
static void add_holds(const struct search *search, struct ct_lock_sum *lock,
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

/* Sums of these are exact. */
static gboolean is_whole_number(double weight)
{
    return weight <= 1 << 20 && weight == (double)(uint64_t)weight;
}

static void on_common(void *user, const struct ct_lock_common_hold *hold)
{
    const struct search *search = user;

    for (guint i = 0; i < hold->parts->len; i++) {
        const struct ct_lock_part *part = &g_array_index(hold->parts, struct ct_lock_part, i);
        uint64_t time_ns = inside_ns(&search->window, part->begin_ns, part->end_ns);

        add_part(hold->lock, part, hold->count * time_ns);
        add_inversion(hold->lock->holding, part, hold->waiter, hold->weight * time_ns,
                      hold->count / hold->weight);
    }
}

static void add_parts(const struct search *search, struct ct_lock_sum *lock, const GArray *parts,
                      const struct ct_thread *waiter, struct sum *sum)
{
    for (guint i = 0; i < parts->len; i++) {
        const struct ct_lock_part *part = &g_array_index(parts, struct ct_lock_part, i);
        uint64_t time_ns = grow(sum, inside_ns(&search->window, part->begin_ns, part->end_ns));

        add_part(lock, part, time_ns);
        add_inversion(lock->holding, part, waiter, time_ns, 1);
    }
}

/* What is left out of the wait's parts. */
static void add_whole(struct search *search, struct ct_lock_sum *lock,
                      const struct ct_lock_wait *wait, struct sum *sum)
{
    const struct ct_interval *interval = &wait->interval;
    gboolean is_common = is_whole_number(sum->weight);

    if (is_common &&
        !ct_lock_common_add(search->common, lock, wait, (uint64_t)sum->weight, &search->failure))
        return;
    for (guint i = 0; i < wait->whole->len; i++) {
        const struct ct_lock_whole_holds *whole =
            &g_array_index(wait->whole, struct ct_lock_whole_holds, i);

        if (is_common)
            grow(sum, inside_ns(&search->window, whole->releases[0].time_ns,
                                whole->releases[whole->count].time_ns));
        for (guint hold = 0; hold < whole->count && !is_common; hold++) {
            const GArray *parts =
                ct_lock_waits_divide_hold(search->each, interval, whole->releases + hold,
                                          interval->thread, NULL, &search->failure);

            if (!parts)
                return;
            add_parts(search, lock, parts, interval->thread, sum);
        }
    }
}

static void add_wait(struct search *search, const struct ct_lock_wait *wait, double weight)
{
    const struct ct_interval *interval = &wait->interval;
    struct ct_window *window = &search->window;
    struct sum sum = {.weight = weight};

    /* One that took no time has its place in the window all the same. */
    if (interval->wait_begin_ns > window->end_ns || interval->wait_end_ns < window->begin_ns ||
        (interval->wait_begin_ns < interval->wait_end_ns &&
         inside_ns(window, interval->wait_begin_ns, interval->wait_end_ns) == 0))
        return;
    struct ct_lock_sum *lock = ct_lock_table_add(search->locks, interval);
    struct ct_lock_waiter *waiter = ct_lock_sum_add_waiter(lock, interval);

    add_parts(search, lock, wait->parts, interval->thread, &sum);
    add_whole(search, lock, wait, &sum);
    waiter->ns += sum.told_ns;
    waiter->count += weight;
    lock->holding->ns += sum.told_ns;
    lock->holding->count += weight;
    lock->holding->longest_ns = MAX(lock->holding->longest_ns, sum.inside_ns);
    lock->holding->at_ns = MIN(lock->holding->at_ns, interval->wait_begin_ns);
    set_taken(lock, interval);
    if (lock->holding->process) /* of several locks, who took one lets go of another */
        add_holds(search, lock, interval);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct search *search = user;
    uint64_t share =
        search->failure || !ct_lock_waits_has(interval) ? 0 : share_of_wait(search, interval);
    const struct ct_lock_wait *wait =
        share > 0 ? ct_lock_waits_next(search->waits, interval, &search->failure) : NULL;

    if (wait)
        add_wait(search, wait, wait->weight * (double)share);
}

/* ---- The search ---- */

static gboolean find_queues(struct search *search, struct ct_store *store,
                            const struct ct_store_scope *scope)
{
    for (guint i = 0; i < ct_store_object_count(store); i++) {
        struct ct_lock_sum *lock = ct_lock_table_find(search->locks, ct_store_object(store, i));

        if (lock && !ct_lock_queue_longest(store, i, scope, &lock->holding->longest_queue,
                                           &search->failure))
            return FALSE;
    }
    return TRUE;
}

static GPtrArray *look(struct ct_store *store, const struct ct_store_scope *scope,
                       GHashTable *chosen, GError **error)
{
    g_autoptr(ct_lock_table) locks = ct_lock_table_new();
    g_autoptr(ct_lock_waits) waits = ct_lock_waits_new(store);
    g_autoptr(ct_lock_waits) each = ct_lock_waits_new(store);
    struct search search = {
        .waits = waits, .each = each, .locks = locks, .chosen = chosen, .window = {0, UINT64_MAX}};
    g_autoptr(ct_lock_common) common = ct_lock_common_new(store, on_common, &search);
    const struct ct_sink sink = {.user = &search, .on_interval = on_interval};

    ct_lock_waits_leave_whole(waits);
    search.common = common;
    if (scope->window)
        search.window = *scope->window;
    if (!ct_store_replay(store, scope, &sink, error))
        return NULL;
    if (!search.failure && ct_lock_common_finish(common, &search.failure) &&
        (chosen || find_queues(&search, store, scope)))
        return ct_lock_table_finish(locks);
    g_propagate_error(error, search.failure);
    return NULL;
}

GPtrArray *ct_lock_holdings_find(struct ct_store *store, const struct ct_store_scope *scope,
                                 GError **error)
{
    return look(store, scope, NULL, error);
}

GPtrArray *ct_lock_holdings_estimate(struct ct_store *store, const struct ct_store_scope *scope,
                                     const GArray *keys, GError **error)
{
    g_autoptr(GHashTable) chosen = list_chosen(keys);

    return look(store, scope, chosen, error);
}
