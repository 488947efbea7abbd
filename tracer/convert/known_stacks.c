#include "known_stacks.h"

#include <string.h>

struct stack {
    guint count;
    gboolean is_partial;
    uint64_t *addresses; /* owned; `count` of each */
    uint64_t *places;    /* owned */
};

struct ct_known_stacks {
    GHashTable *by_tid; /* owned; tid -> owned struct stack * */
};

static void free_stack(void *data)
{
    struct stack *stack = data;

    g_free(stack->addresses);
    g_free(stack->places);
    g_free(stack);
}

struct ct_known_stacks *ct_known_stacks_new(void)
{
    struct ct_known_stacks *known = g_new(struct ct_known_stacks, 1);

    known->by_tid = g_hash_table_new_full(NULL, NULL, NULL, free_stack);
    return known;
}

void ct_known_stacks_free(struct ct_known_stacks *known)
{
    g_hash_table_unref(known->by_tid);
    g_free(known);
}

static const struct stack *find(const struct ct_known_stacks *known, int32_t tid)
{
    return g_hash_table_lookup(known->by_tid, GINT_TO_POINTER(tid));
}

void ct_known_stacks_keep(struct ct_known_stacks *known, int32_t tid,
                          const struct ct_unwound *unwound)
{
    const struct stack *last = find(known, tid);
    size_t size = unwound->count * sizeof(uint64_t);

    if (unwound->omitted > 0 ||
        (last != NULL && last->count == unwound->count && last->is_partial == unwound->is_partial &&
         memcmp(last->addresses, unwound->addresses, size) == 0 &&
         memcmp(last->places, unwound->places, size) == 0))
        return;
    struct stack *stack = g_new(struct stack, 1);

    stack->count = unwound->count;
    stack->is_partial = unwound->is_partial;
    stack->addresses = g_memdup2(unwound->addresses, size);
    stack->places = g_memdup2(unwound->places, size);
    g_hash_table_insert(known->by_tid, GINT_TO_POINTER(tid), stack);
}

gboolean ct_known_stacks_append(const struct ct_known_stacks *known, int32_t tid, uint64_t place,
                                GArray *addresses, gboolean *is_partial)
{
    const struct stack *stack = find(known, tid);

    for (guint i = 1; stack != NULL && place != 0 && i < stack->count; i++) {
        if (stack->places[i] != place)
            continue;
        g_array_append_vals(addresses, stack->addresses + i, stack->count - i);
        *is_partial = stack->is_partial;
        return TRUE;
    }
    return FALSE;
}
