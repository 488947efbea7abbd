/* Stacks: those that the kernel layer brings with its events are kept once in their process. */
#include "assemble/state.h"

#include <string.h>

/* Beside those of a preload's board, whose ids count up from 1 and do not get here. */
#define FIRST_KERNEL_STACK_ID (UINT32_C(1) << 31)

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

    return first->count == second->count && first->omitted == second->omitted &&
           first->outermost == second->outermost &&
           first->is_by_frame_pointers == second->is_by_frame_pointers &&
           first->is_partial == second->is_partial &&
           memcmp(first->addresses, second->addresses,
                  first->count * sizeof(first->addresses[0])) == 0;
}

static struct ct_stack *stack_new(const struct ct_stack *stack, const uint64_t *addresses)
{
    size_t size = stack->count * sizeof(addresses[0]);
    struct ct_stack *copy = g_malloc(sizeof(*copy) + size);

    *copy = *stack;
    copy->outermost = MIN(stack->outermost, stack->count);
    if (size > 0)
        memcpy(copy->addresses, addresses, size);
    return copy;
}

static gboolean has_addresses(const struct ct_stack *known, const struct ct_stack *stack,
                              const uint64_t *addresses)
{
    return known->count == stack->count &&
           (stack->count == 0 ||
            memcmp(known->addresses, addresses, stack->count * sizeof(addresses[0])) == 0);
}

/* The image's own from now on; the one that it has of that id, which stays; or NULL: no room. */
static const struct ct_stack *add(struct ct_assembler *assembler, struct ct_image *image,
                                  const struct ct_stack *stack, const uint64_t *addresses)
{
    GHashTable *stacks = image->process.stacks;
    const struct ct_stack *known = g_hash_table_lookup(stacks, GUINT_TO_POINTER(stack->id));
    struct ct_stack *copy = NULL;

    if (!known && assembler->stack_count < CT_MAX_STACKS) {
        copy = stack_new(stack, addresses);
        assembler->stack_count++;
        g_hash_table_insert(stacks, GUINT_TO_POINTER(stack->id), copy);
    }
    /* Closing events may have been written once more, after a first try. */
    if (!copy && !(known && has_addresses(known, stack, addresses)))
        assembler->model->capture.records_dropped++;
    return known ? known : copy;
}

void ct_assembler_add_stack(struct ct_assembler *assembler, struct ct_image *image,
                            const struct ct_stack *stack, const uint64_t *addresses)
{
    if (stack->id == 0 || stack->id >= FIRST_KERNEL_STACK_ID)
        assembler->model->capture.records_dropped++;
    else
        add(assembler, image, stack, addresses);
}

uint32_t ct_assembler_intern_stack(struct ct_assembler *assembler, struct ct_image *image,
                                   const struct ct_stack *stack, const uint64_t *addresses)
{
    if (stack->count == 0)
        return 0;
    g_autofree struct ct_stack *wanted = stack_new(stack, addresses);

    if (!image->kernel_stacks)
        image->kernel_stacks = g_hash_table_new(stack_hash, stack_equal);
    const struct ct_stack *known = g_hash_table_lookup(image->kernel_stacks, wanted);

    if (known)
        return known->id;
    wanted->id = FIRST_KERNEL_STACK_ID + image->kernel_stack_count;
    known = add(assembler, image, wanted, addresses);
    if (!known)
        return 0;
    image->kernel_stack_count++;
    assembler->model->capture.kernel_stacks += stack->is_by_frame_pointers ? 1 : 0;
    g_hash_table_add(image->kernel_stacks, (void *)known);
    return known->id;
}

void ct_image_forget_stacks(struct ct_image *image)
{
    g_clear_pointer(&image->kernel_stacks, g_hash_table_unref);
}
