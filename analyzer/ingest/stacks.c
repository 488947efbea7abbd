/* Stacks that the kernel layer brings with its events: each kept once in its process. */
#include "ingest/state.h"

#include <string.h>

/* Beside those of a preload's board, whose ids count up from 1. */
#define FIRST_STACK_ID (UINT32_C(1) << 31)

static guint stack_hash(const void *data)
{
    const struct ct_stack *stack = data;
    uint64_t mixed = stack->count;

    for (uint32_t i = 0; i < stack->count; i++)
        mixed = (mixed ^ stack->addresses[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(mixed >> 32);
}

static gboolean stack_equal(const void *a, const void *b)
{
    const struct ct_stack *first = a, *second = b;

    return first->count == second->count &&
           first->is_by_frame_pointers == second->is_by_frame_pointers &&
           first->is_partial == second->is_partial &&
           memcmp(first->addresses, second->addresses,
                  first->count * sizeof(first->addresses[0])) == 0;
}

uint32_t ct_assembler_intern_stack(struct ct_assembler *assembler, struct ct_image *image,
                                   const struct ct_told_stack *told)
{
    const struct ct_u64_sequence *addresses = &told->addresses;
    uint32_t count = MIN(addresses->count, CT_STACK_MAX_FRAMES);
    size_t size = sizeof(struct ct_stack) + count * sizeof(addresses->values[0]);

    if (count == 0)
        return 0;
    g_autofree struct ct_stack *stack = g_malloc0(size);

    stack->count = count;
    stack->is_by_frame_pointers = told->is_by_frame_pointers;
    stack->is_partial = told->is_partial;
    memcpy(stack->addresses, addresses->values, count * sizeof(stack->addresses[0]));
    if (!image->kernel_stacks)
        image->kernel_stacks = g_hash_table_new(stack_hash, stack_equal);
    const struct ct_stack *known = g_hash_table_lookup(image->kernel_stacks, stack);

    if (known)
        return known->id;
    stack->id = FIRST_STACK_ID + g_hash_table_size(image->kernel_stacks);
    if (!ct_assembler_add_stack(assembler, image, stack))
        return 0;
    assembler->model->capture.kernel_stacks += told->is_by_frame_pointers ? 1 : 0;
    g_hash_table_add(image->kernel_stacks,
                     g_hash_table_lookup(image->process.stacks, GUINT_TO_POINTER(stack->id)));
    return stack->id;
}
