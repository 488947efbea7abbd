#include "known_stacks.h"

#include <string.h>

/* Some 30 MB, of all threads; then they are learned anew. */
#define STACKS_MAX 16384

struct stack {
    guint count;
    gboolean is_partial;
    uint64_t *addresses; /* owned; `count` of each */
    uint64_t *places;    /* owned */
};

struct ct_known_stacks {
    GHashTable *by_place; /* owned; owned struct ct_known_place * -> referenced struct stack * */
    GHashTable *last;     /* owned; tid -> referenced struct stack * */
};

static void clear_stack(void *data)
{
    struct stack *stack = data;

    g_free(stack->addresses);
    g_free(stack->places);
}

static void unref_stack(void *data)
{
    g_rc_box_release_full(data, clear_stack);
}

static guint hash_place(const void *data)
{
    const struct ct_known_place *place = data;
    uint64_t mixed = ((uint64_t)(uint32_t)place->tid * 31 + place->instruction) * 31;

    mixed = (mixed + place->stack_pointer) * 31 + place->argument;
    return (guint)(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static gboolean equal_places(const void *first, const void *second)
{
    const struct ct_known_place *a = first, *b = second;

    return a->tid == b->tid && a->instruction == b->instruction &&
           a->stack_pointer == b->stack_pointer && a->argument == b->argument;
}

struct ct_known_stacks *ct_known_stacks_new(void)
{
    struct ct_known_stacks *known = g_new(struct ct_known_stacks, 1);

    known->by_place = g_hash_table_new_full(hash_place, equal_places, g_free, unref_stack);
    known->last = g_hash_table_new_full(NULL, NULL, NULL, unref_stack);
    return known;
}

void ct_known_stacks_free(struct ct_known_stacks *known)
{
    g_hash_table_unref(known->by_place);
    g_hash_table_unref(known->last);
    g_free(known);
}

static gboolean is_same(const struct stack *stack, const struct ct_unwound *unwound)
{
    size_t size = unwound->count * sizeof(uint64_t);

    return stack != NULL && stack->count == unwound->count &&
           stack->is_partial == unwound->is_partial &&
           memcmp(stack->addresses, unwound->addresses, size) == 0 &&
           memcmp(stack->places, unwound->places, size) == 0;
}

/* A reference to it. */
static struct stack *make_stack(const struct ct_unwound *unwound)
{
    struct stack *stack = g_rc_box_new(struct stack);
    size_t size = unwound->count * sizeof(uint64_t);

    stack->count = unwound->count;
    stack->is_partial = unwound->is_partial;
    stack->addresses = g_memdup2(unwound->addresses, size);
    stack->places = g_memdup2(unwound->places, size);
    return stack;
}

void ct_known_stacks_keep(struct ct_known_stacks *known, const struct ct_known_place *place,
                          const struct ct_unwound *unwound)
{
    gpointer tid = GINT_TO_POINTER(place->tid);
    struct stack *stack = g_hash_table_lookup(known->by_place, place);

    if (unwound->omitted > 0)
        return;
    if (is_same(stack, unwound)) {
        g_hash_table_insert(known->last, tid, g_rc_box_acquire(stack));
        return;
    }
    if (g_hash_table_size(known->by_place) >= STACKS_MAX)
        g_hash_table_remove_all(known->by_place);
    stack = make_stack(unwound);
    g_hash_table_insert(known->by_place, g_memdup2(place, sizeof(*place)), stack);
    g_hash_table_insert(known->last, tid, g_rc_box_acquire(stack));
}

static gboolean append(const struct stack *stack, uint64_t next, GArray *addresses,
                       gboolean *is_partial)
{
    for (guint i = 1; stack != NULL && next != 0 && i < stack->count; i++) {
        if (stack->places[i] != next)
            continue;
        g_array_append_vals(addresses, stack->addresses + i, stack->count - i);
        *is_partial = stack->is_partial;
        return TRUE;
    }
    return FALSE;
}

gboolean ct_known_stacks_append(const struct ct_known_stacks *known,
                                const struct ct_known_place *place, uint64_t next,
                                GArray *addresses, gboolean *is_partial)
{
    return append(g_hash_table_lookup(known->by_place, place), next, addresses, is_partial) ||
           append(g_hash_table_lookup(known->last, GINT_TO_POINTER(place->tid)), next, addresses,
                  is_partial);
}
