#include "waits.h"

#include "functions.h"
#include "sets.h"
#include "system/call_kinds.h"

static const struct {
    const char *name;
    enum ct_class class;
    enum ct_object object;
} ops[CT_OP_COUNT] = {
#define OP_ROW(symbol, name, class, object) \
    [CT_OP_##symbol] = {name, CT_CLASS_##class, CT_OBJECT_##object},
    CT_OPS(OP_ROW)
#undef OP_ROW
};

/* What its descriptors decide. */
static enum ct_class descriptor_class(const struct ct_waiter *waiter,
                                      const struct ct_kernel_syscall *made, uint64_t now_ns)
{
    uint64_t count;

    if (ct_call_is_of_set(made, &count))
        return ct_account_set_class(waiter->pid, waiter->abi, waiter->fds, made);
    if (ct_call_subject(made) == CT_SUBJECT_EPOLL)
        return ct_account_fds_epoll_class(waiter->fds, (int32_t)made->arguments[0], now_ns);
    return ct_account_fds_class(waiter->fds, (int32_t)made->arguments[0]);
}

static struct ct_wait find_call(const struct ct_waiter *waiter, const struct ct_look *look,
                                uint64_t now_ns)
{
    struct ct_named_syscall named = ct_syscall_names_find(waiter->names, waiter->abi, look->number);
    struct ct_kernel_syscall made = {.call = named.call, .name = named.name};

    for (size_t i = 0; i < CT_SYSCALL_ARGUMENTS; i++)
        made.arguments[i] = look->arguments[i];
    struct ct_wait wait = {
        .op = ct_call_op(&made),
        .call = named.name,
        .object = ct_call_object(&made),
    };
    wait.class = ops[wait.op].class;
    if (wait.class == CT_CLASS_UNKNOWN)
        wait.class = descriptor_class(waiter, &made, now_ns);
    return wait;
}

static struct ct_wait find_function(const char *function)
{
    struct ct_wait wait = {.is_nameless = TRUE};

    wait.op = ct_function_op(function, &wait.class);
    return wait;
}

struct ct_wait ct_wait_find(const struct ct_waiter *waiter, const struct ct_look *look,
                            uint64_t now_ns)
{
    static const struct {
        char state;
        enum ct_op op;
    } states[] = {{'T', CT_OP_STOPPED}, {'t', CT_OP_TRACED}};

    for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
        if (states[i].state == look->state)
            return (struct ct_wait){.class = ops[states[i].op].class, .op = states[i].op};
    }
    switch (look->place) {
    case CT_PLACE_ON_CPU:
        return (struct ct_wait){.class = CT_CLASS_RUNNING};
    case CT_PLACE_IN_CALL:
        return find_call(waiter, look, now_ns);
    case CT_PLACE_ELSEWHERE:
        return (struct ct_wait){.class = CT_CLASS_OTHER, .op = CT_OP_PAGE_FAULT};
    default:
        return find_function(look->function);
    }
}

const char *ct_wait_op_name(const struct ct_wait *wait)
{
    return wait->op == CT_OP_OTHER_SYSCALL && wait->call != NULL ? wait->call : ops[wait->op].name;
}

enum ct_object ct_wait_object(const struct ct_wait *wait)
{
    return ops[wait->op].object;
}

gboolean ct_wait_is_hidden(const struct ct_wait *wait)
{
    return wait->is_nameless && wait->op == CT_OP_NONE;
}
