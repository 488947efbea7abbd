#include "store/lock_orders_section.h"

static void put(struct ct_bytes *bytes, const struct ct_lock_order *order)
{
    ct_bytes_put(bytes, order->held);
    ct_bytes_put(bytes, (uint64_t)order->held_op);
    ct_bytes_put(bytes, order->object);
    ct_bytes_put(bytes, (uint64_t)order->op);
    ct_bytes_put(bytes, order->stack_id);
    ct_bytes_put(bytes, (uint32_t)order->tid);
    ct_bytes_put(bytes, order->time_ns);
}

void ct_lock_orders_put(struct ct_bytes *bytes, const struct ct_process *process)
{
    g_autoptr(GPtrArray) orders = ct_process_lock_orders(process);

    ct_bytes_put(bytes, orders->len);
    for (guint i = 0; i < orders->len; i++)
        put(bytes, orders->pdata[i]);
}

static enum ct_op take_op(struct ct_bytes_input *input)
{
    uint64_t op = ct_bytes_take(input);

    return (enum ct_op)MIN(op, CT_OP_COUNT - 1);
}

static struct ct_lock_order take(struct ct_bytes_input *input)
{
    struct ct_lock_order order = {.held = ct_bytes_take(input)};

    order.held_op = take_op(input);
    order.object = ct_bytes_take(input);
    order.op = take_op(input);
    order.stack_id = (uint32_t)ct_bytes_take(input);
    order.tid = (int32_t)ct_bytes_take(input);
    order.time_ns = ct_bytes_take(input);
    return order;
}

void ct_lock_orders_take(struct ct_bytes_input *input, struct ct_process *process)
{
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        const struct ct_lock_order order = take(input);

        ct_process_add_lock_order(process, &order);
    }
}
