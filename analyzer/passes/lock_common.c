#include "passes/lock_common.h"

/* Of one group of waits, and of all together, are kept so many. */
#define RELEASES_MAX     (1U << 17)
#define ALL_RELEASES_MAX (1U << 18)
#define ALL_WAITS_MAX    (1U << 16)
#define GROUPS_MAX       (1U << 12)

/* A wait throughout some holds: from the release with number `first` to that with number `last`. */
struct wait {
    const struct ct_thread *thread; /* borrowed */
    uint64_t first;
    uint64_t last;
};

/* What is so of all waits of a group. */
struct key {
    struct ct_lock_sum *lock;         /* borrowed, as is the next */
    const struct ct_process *process; /* of the waiters */
    enum ct_object kind;
    uint64_t object;
    uint64_t releases; /* whose they are: see struct ct_releases_at */
    gboolean has_priority;
    int64_t priority;
    uint64_t weight;
};

struct group {
    struct key key;
    struct ct_interval like; /* one of the waits */
    uint64_t first;          /* number of the first release that is kept */
    GArray *releases;        /* owned; struct ct_wake: they follow each other */
    GArray *waits;           /* owned; struct wait */
};

struct ct_lock_common {
    struct ct_lock_waits *waits; /* owned */
    void (*visit)(void *user, const struct ct_lock_common_hold *hold);
    void *user;
    GHashTable *groups; /* owned; struct group *, as a set; borrowed */
    GPtrArray *ordered; /* owned; struct group *, owned: as they came */
    GPtrArray *met;     /* owned; struct ct_thread *, borrowed: in one hold */
    uint64_t all_releases;
    uint64_t all_waits;
};

/* ---- Groups ---- */

static guint group_hash(const void *data)
{
    const struct key *key = &((const struct group *)data)->key;

    return g_direct_hash(key->lock) ^ (guint)(key->object >> 3) ^ (guint)key->releases << 16 ^
           (guint)key->priority << 8 ^ (guint)key->weight << 4;
}

static gboolean group_equal(const void *a, const void *b)
{
    const struct key *first = &((const struct group *)a)->key;
    const struct key *second = &((const struct group *)b)->key;

    return first->lock == second->lock && first->process == second->process &&
           first->kind == second->kind && first->object == second->object &&
           first->releases == second->releases && first->has_priority == second->has_priority &&
           first->priority == second->priority && first->weight == second->weight;
}

static void group_free(void *data)
{
    struct group *group = data;

    g_array_unref(group->releases);
    g_array_unref(group->waits);
    g_free(group);
}

static struct group *find_group(struct ct_lock_common *common, struct ct_lock_sum *lock,
                                const struct ct_interval *interval, uint64_t weight)
{
    const struct ct_thread *thread = interval->thread;
    const struct group asked = {.key = {
                                    .lock = lock,
                                    .process = thread->process,
                                    .kind = ct_op_object(interval->op),
                                    .object = interval->object,
                                    .releases = interval->releases_at.object,
                                    .has_priority = thread->sched.has_priority,
                                    .priority = thread->sched.priority,
                                    .weight = weight,
                                }};
    struct group *group = g_hash_table_lookup(common->groups, &asked);

    if (group)
        return group;
    group = g_new0(struct group, 1);
    *group = asked;
    group->like = *interval;
    group->releases = g_array_new(FALSE, FALSE, sizeof(struct ct_wake));
    group->waits = g_array_new(FALSE, FALSE, sizeof(struct wait));
    g_hash_table_add(common->groups, group);
    g_ptr_array_add(common->ordered, group);
    return group;
}

/* ---- Dividing ---- */

static int compare_waits(const void *a, const void *b)
{
    const struct wait *first = a, *second = b;

    if (first->thread != second->thread)
        return first->thread->number < second->thread->number ? -1 : 1;
    return (first->first > second->first) - (first->first < second->first);
}

/* The thread's wait throughout the hold that ends with that number; waits are in order, and those
 * of one thread do not overlap. */
static gboolean has_waited(const GArray *waits, const struct ct_thread *thread, uint64_t number)
{
    const struct wait asked = {.thread = thread, .first = number};
    guint low = 0, high = waits->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (compare_waits(&g_array_index(waits, struct wait, middle), &asked) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return FALSE;
    const struct wait *before = &g_array_index(waits, struct wait, low - 1);

    return before->thread == thread && before->first < number && number <= before->last;
}

static int compare_threads(const void *a, const void *b)
{
    const struct ct_thread *first = *(struct ct_thread *const *)a;
    const struct ct_thread *second = *(struct ct_thread *const *)b;

    return (first->number > second->number) - (first->number < second->number);
}

/* Of those that were met, leaves each that waited throughout the hold, once. */
static void leave_waiters(GPtrArray *met, const struct group *group, uint64_t number)
{
    const struct ct_thread *last = NULL;
    guint left = 0;

    g_ptr_array_sort(met, compare_threads);
    for (guint i = 0; i < met->len; i++) {
        struct ct_thread *thread = met->pdata[i];

        if (thread != last && has_waited(group->waits, thread, number))
            met->pdata[left++] = thread;
        last = thread;
    }
    g_ptr_array_set_size(met, (gint)left);
}

/* The hold that ends with that release. Who waited for it, and held up its holder, is a circle, and
 * has the hold divided for itself. */
static gboolean visit_hold(struct ct_lock_common *common, const struct group *group, guint index,
                           uint64_t waits, GError **error)
{
    const struct ct_wake *releases = &g_array_index(group->releases, struct ct_wake, index - 1);
    struct ct_lock_common_hold hold = {
        .lock = group->key.lock, .waiter = group->like.thread, .weight = group->key.weight};

    g_ptr_array_set_size(common->met, 0);
    hold.parts =
        ct_lock_waits_divide_hold(common->waits, &group->like, releases, NULL, common->met, error);
    if (!hold.parts)
        return FALSE;
    leave_waiters(common->met, group, group->first + index);
    hold.count = (waits - common->met->len) * hold.weight;
    if (hold.count > 0)
        common->visit(common->user, &hold);
    hold.count = hold.weight;
    for (guint i = 0; i < common->met->len; i++) {
        hold.waiter = common->met->pdata[i];
        hold.parts = ct_lock_waits_divide_hold(common->waits, &group->like, releases, hold.waiter,
                                               NULL, error);
        if (!hold.parts)
            return FALSE;
        common->visit(common->user, &hold);
    }
    return TRUE;
}

static gboolean visit_group(struct ct_lock_common *common, struct group *group, GError **error)
{
    g_autofree int64_t *more = g_new0(int64_t, group->releases->len + 1);
    int64_t waits = 0;
    gboolean is_done = TRUE;

    for (guint i = 0; i < group->waits->len; i++) {
        const struct wait *wait = &g_array_index(group->waits, struct wait, i);

        more[wait->first + 1 - group->first]++;
        more[wait->last + 1 - group->first]--;
    }
    g_array_sort(group->waits, compare_waits);
    for (guint i = 1; i < group->releases->len && is_done; i++) {
        waits += more[i];
        is_done = waits == 0 || visit_hold(common, group, i, (uint64_t)waits, error);
    }
    common->all_waits -= group->waits->len;
    common->all_releases -= group->releases->len;
    g_array_set_size(group->waits, 0);
    g_array_set_size(group->releases, 0);
    return is_done;
}

gboolean ct_lock_common_finish(struct ct_lock_common *common, GError **error)
{
    gboolean is_done = TRUE;

    for (guint i = 0; i < common->ordered->len && is_done; i++)
        is_done = visit_group(common, common->ordered->pdata[i], error);
    g_hash_table_remove_all(common->groups);
    g_ptr_array_set_size(common->ordered, 0);
    common->all_waits = common->all_releases = 0;
    return is_done;
}

/* ---- Adding ---- */

/* TRUE: they follow, or precede, or are among those that are kept. */
static gboolean touches(const struct group *group, const struct ct_lock_whole_holds *holds)
{
    return holds->first <= group->first + group->releases->len &&
           holds->first + holds->count + 1 >= group->first;
}

static void keep_releases(struct group *group, const struct ct_lock_whole_holds *holds)
{
    GArray *kept = group->releases;
    guint count = holds->count + 1;

    if (kept->len == 0)
        group->first = holds->first;
    if (holds->first < group->first) {
        g_array_prepend_vals(kept, holds->releases, (guint)(group->first - holds->first));
        group->first = holds->first;
    }
    guint known = (guint)(group->first + kept->len - holds->first);

    if (known < count)
        g_array_append_vals(kept, holds->releases + known, count - known);
}

static gboolean add_holds(struct ct_lock_common *common, struct group *group,
                          const struct ct_thread *thread, const struct ct_lock_whole_holds *holds,
                          GError **error)
{
    const struct wait wait = {thread, holds->first, holds->first + holds->count};

    if ((!touches(group, holds) || group->releases->len > RELEASES_MAX) &&
        !visit_group(common, group, error))
        return FALSE;
    common->all_releases -= group->releases->len;
    keep_releases(group, holds);
    common->all_releases += group->releases->len;
    common->all_waits++;
    g_array_append_val(group->waits, wait);
    return TRUE;
}

gboolean ct_lock_common_add(struct ct_lock_common *common, struct ct_lock_sum *lock,
                            const struct ct_lock_wait *wait, uint64_t weight, GError **error)
{
    for (guint i = 0; i < wait->whole->len; i++) {
        if ((common->all_releases > ALL_RELEASES_MAX || common->all_waits >= ALL_WAITS_MAX ||
             common->ordered->len >= GROUPS_MAX) &&
            !ct_lock_common_finish(common, error))
            return FALSE;
        if (!add_holds(common, find_group(common, lock, &wait->interval, weight),
                       wait->interval.thread,
                       &g_array_index(wait->whole, struct ct_lock_whole_holds, i), error))
            return FALSE;
    }
    return TRUE;
}

/* ---- All of it ---- */

struct ct_lock_common *
ct_lock_common_new(struct ct_store *store,
                   void (*visit)(void *user, const struct ct_lock_common_hold *hold), void *user)
{
    struct ct_lock_common *common = g_new0(struct ct_lock_common, 1);

    common->waits = ct_lock_waits_new(store);
    common->visit = visit;
    common->user = user;
    common->groups = g_hash_table_new(group_hash, group_equal);
    common->ordered = g_ptr_array_new_with_free_func(group_free);
    common->met = g_ptr_array_new();
    return common;
}

void ct_lock_common_free(struct ct_lock_common *common)
{
    if (!common)
        return;
    ct_lock_waits_free(common->waits);
    g_hash_table_unref(common->groups);
    g_ptr_array_unref(common->ordered);
    g_ptr_array_unref(common->met);
    g_free(common);
}
