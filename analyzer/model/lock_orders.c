#include "model/lock_orders.h"

#include "model/model.h"

static guint lock_order_hash(const void *data)
{
    const struct ct_lock_order *lock_order = data;
    uint64_t mixed = lock_order->held + (lock_order->object << 20) + lock_order->stack_id;

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean lock_order_equal(const void *a, const void *b)
{
    const struct ct_lock_order *first = a, *second = b;

    return first->held == second->held && first->object == second->object &&
           first->stack_id == second->stack_id && first->held_op == second->held_op &&
           first->op == second->op;
}

GHashTable *ct_lock_orders_new(void)
{
    return g_hash_table_new_full(lock_order_hash, lock_order_equal, g_free, NULL);
}

void ct_process_add_lock_order(struct ct_process *process, const struct ct_lock_order *lock_order)
{
    if (g_hash_table_size(process->lock_orders) < CT_LOCK_ORDERS_MAX &&
        !g_hash_table_contains(process->lock_orders, lock_order))
        g_hash_table_add(process->lock_orders, g_memdup2(lock_order, sizeof(*lock_order)));
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare(const void *a, const void *b)
{
    const struct ct_lock_order *first = *(struct ct_lock_order *const *)a;
    const struct ct_lock_order *second = *(struct ct_lock_order *const *)b;
    int order = COMPARE(first->time_ns, second->time_ns);

    order = order != 0 ? order : COMPARE(first->tid, second->tid);
    order = order != 0 ? order : COMPARE(first->held, second->held);
    order = order != 0 ? order : COMPARE(first->object, second->object);
    order = order != 0 ? order : COMPARE(first->stack_id, second->stack_id);
    order = order != 0 ? order : COMPARE(first->held_op, second->held_op);
    return order != 0 ? order : COMPARE(first->op, second->op);
}

GPtrArray *ct_process_lock_orders(const struct ct_process *process)
{
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter at;
    void *lock_order;

    g_hash_table_iter_init(&at, process->lock_orders);
    while (g_hash_table_iter_next(&at, &lock_order, NULL))
        g_ptr_array_add(list, lock_order);
    g_ptr_array_sort(list, compare);
    return list;
}
