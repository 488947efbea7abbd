#include "passes/lock_table.h"

/* Of more, what comes new is told together: locks, and places of one. */
#define LOCKS_MAX  (1U << 14)
#define PLACES_MAX 1024

struct ct_lock_table {
    GHashTable *locks; /* owned; struct ct_lock_sum *, owned, as a set */
};

static guint mix(uint64_t value)
{
    return (guint)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static guint lock_hash(const void *data)
{
    const struct ct_lock_holding *holding = ((const struct ct_lock_sum *)data)->holding;

    return mix((holding->object ^ (uint64_t)holding->kind << 58) +
               ((uintptr_t)holding->process >> 4));
}

static gboolean lock_equal(const void *a, const void *b)
{
    const struct ct_lock_holding *first = ((const struct ct_lock_sum *)a)->holding;
    const struct ct_lock_holding *second = ((const struct ct_lock_sum *)b)->holding;

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
    struct ct_lock_sum *lock = data;

    holding_free(lock->holding);
    g_hash_table_unref(lock->holders);
    g_hash_table_unref(lock->waiters);
    g_hash_table_unref(lock->taken_ns);
    g_free(lock);
}

static struct ct_lock_sum *add_lock(struct ct_lock_table *table, const struct ct_lock_holding *key,
                                    uint64_t at_ns)
{
    struct ct_lock_sum *lock = g_new0(struct ct_lock_sum, 1);

    lock->holding = g_new0(struct ct_lock_holding, 1);
    *lock->holding = *key;
    lock->holding->at_ns = at_ns;
    lock->holding->holders = g_ptr_array_new_with_free_func(holder_free);
    lock->holding->waiters = g_ptr_array_new_with_free_func(g_free);
    lock->holders = g_hash_table_new(holder_hash, holder_equal);
    lock->waiters = g_hash_table_new(waiter_hash, waiter_equal);
    lock->taken_ns = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_hash_table_add(table->locks, lock);
    return lock;
}

struct ct_lock_sum *ct_lock_table_find(const struct ct_lock_table *table,
                                       const struct ct_store_object *object)
{
    struct ct_lock_holding key = {
        .process = object->process, .kind = object->kind, .object = object->id};
    const struct ct_lock_sum asked = {.holding = &key};

    return g_hash_table_lookup(table->locks, &asked);
}

struct ct_lock_sum *ct_lock_table_add(struct ct_lock_table *table,
                                      const struct ct_interval *interval)
{
    struct ct_lock_holding key = {.process = interval->thread->process,
                                  .kind = ct_op_object(interval->op),
                                  .object = interval->object};
    const struct ct_lock_sum asked = {.holding = &key};
    struct ct_lock_sum *lock = g_hash_table_lookup(table->locks, &asked);

    if (!lock && g_hash_table_size(table->locks) >= LOCKS_MAX) {
        key = (struct ct_lock_holding){.kind = CT_OBJECT_NONE};
        lock = g_hash_table_lookup(table->locks, &asked);
    }
    key.op = interval->op;
    key.stack_id = interval->stack_id;
    return lock ? lock : add_lock(table, &key, interval->wait_begin_ns);
}

struct ct_lock_holder *ct_lock_sum_add_holder(struct ct_lock_sum *sum,
                                              const struct ct_lock_part *part)
{
    struct ct_lock_holder key = {.process = part->holder ? part->holder->process : NULL,
                                 .thread = part->holder,
                                 .stack_id = part->stack_id,
                                 .op = part->op};
    struct ct_lock_holder *holder = g_hash_table_lookup(sum->holders, &key);

    if (!holder && g_hash_table_size(sum->holders) >= PLACES_MAX) {
        key = (struct ct_lock_holder){.is_others = TRUE};
        holder = g_hash_table_lookup(sum->holders, &key);
    }
    if (!holder) {
        holder = g_new(struct ct_lock_holder, 1);
        *holder = key;
        holder->activities = g_array_new(FALSE, FALSE, sizeof(struct ct_lock_activity));
        g_ptr_array_add(sum->holding->holders, holder);
        g_hash_table_add(sum->holders, holder);
    }
    holder->has_several_threads |= holder->thread != part->holder;
    return holder;
}

struct ct_lock_waiter *ct_lock_sum_add_waiter(struct ct_lock_sum *sum,
                                              const struct ct_interval *interval)
{
    struct ct_lock_waiter key = {
        .process = interval->thread->process, .stack_id = interval->stack_id, .op = interval->op};
    struct ct_lock_waiter *waiter = g_hash_table_lookup(sum->waiters, &key);

    if (!waiter && g_hash_table_size(sum->waiters) >= PLACES_MAX) {
        key = (struct ct_lock_waiter){.is_others = TRUE};
        waiter = g_hash_table_lookup(sum->waiters, &key);
    }
    if (waiter)
        return waiter;
    waiter = g_new(struct ct_lock_waiter, 1);
    *waiter = key;
    g_ptr_array_add(sum->holding->waiters, waiter);
    g_hash_table_add(sum->waiters, waiter);
    return waiter;
}

struct ct_lock_table *ct_lock_table_new(void)
{
    struct ct_lock_table *table = g_new0(struct ct_lock_table, 1);

    table->locks = g_hash_table_new_full(lock_hash, lock_equal, lock_free, NULL);
    return table;
}

void ct_lock_table_free(struct ct_lock_table *table)
{
    if (!table)
        return;
    g_hash_table_unref(table->locks);
    g_free(table);
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

GPtrArray *ct_lock_table_finish(struct ct_lock_table *table)
{
    GPtrArray *holdings = g_ptr_array_new_with_free_func(holding_free);
    GHashTableIter at;
    void *value;

    g_hash_table_iter_init(&at, table->locks);
    while (g_hash_table_iter_next(&at, &value, NULL)) {
        struct ct_lock_sum *lock = value;
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
