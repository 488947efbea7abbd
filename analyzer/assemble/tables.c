#include "assemble/tables.h"

#include <string.h>

#define STACKS_MAX  (1U << 22) /* over all processes */
#define MODULES_MAX (1U << 20)
#define CODES_MAX   (1U << 20)

/* Beside those of a preload's board, whose ids count up from 1 and do not get here. */
#define FIRST_KERNEL_STACK_ID (UINT32_C(1) << 31)

struct ct_tables {
    struct ct_model *model; /* borrowed */
    guint stack_count;
    guint module_count;
    guint code_count;
};

struct ct_tables *ct_tables_new(struct ct_model *model)
{
    struct ct_tables *tables = g_new0(struct ct_tables, 1);

    tables->model = model;
    return tables;
}

void ct_tables_free(struct ct_tables *tables)
{
    g_free(tables);
}

static void drop_record(const struct ct_tables *tables)
{
    tables->model->capture.records_dropped++;
}

/* ---- Stacks: those that the kernel took are kept once in their process ---- */

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
static const struct ct_stack *add(struct ct_tables *tables, struct ct_image *image,
                                  const struct ct_stack *stack, const uint64_t *addresses)
{
    GHashTable *stacks = image->process.stacks;
    const struct ct_stack *known = g_hash_table_lookup(stacks, GUINT_TO_POINTER(stack->id));
    struct ct_stack *copy = NULL;

    if (!known && tables->stack_count < STACKS_MAX) {
        copy = stack_new(stack, addresses);
        tables->stack_count++;
        g_hash_table_insert(stacks, GUINT_TO_POINTER(stack->id), copy);
    }
    /* Closing events may have been written once more, after a first try. */
    if (!copy && !(known && has_addresses(known, stack, addresses)))
        drop_record(tables);
    return known ? known : copy;
}

void ct_tables_add_stack(struct ct_tables *tables, struct ct_image *image,
                         const struct ct_stack *stack, const uint64_t *addresses)
{
    if (stack->id == 0 || stack->id >= FIRST_KERNEL_STACK_ID)
        drop_record(tables);
    else
        add(tables, image, stack, addresses);
}

uint32_t ct_tables_intern_stack(struct ct_tables *tables, struct ct_image *image,
                                const struct ct_stack *stack, const uint64_t *addresses)
{
    if (stack->count == 0)
        return 0;
    g_autofree struct ct_stack *wanted = stack_new(stack, addresses);

    if (!image->kernel_stacks.known)
        image->kernel_stacks.known = g_hash_table_new(stack_hash, stack_equal);
    const struct ct_stack *known = g_hash_table_lookup(image->kernel_stacks.known, wanted);

    if (known)
        return known->id;
    wanted->id = FIRST_KERNEL_STACK_ID + image->kernel_stacks.count;
    known = add(tables, image, wanted, addresses);
    if (!known)
        return 0;
    image->kernel_stacks.count++;
    tables->model->capture.kernel_stacks += stack->is_by_frame_pointers ? 1 : 0;
    g_hash_table_add(image->kernel_stacks.known, (void *)known);
    return known->id;
}

void ct_image_forget_stacks(struct ct_image *image)
{
    g_clear_pointer(&image->kernel_stacks.known, g_hash_table_unref);
}

/* ---- Codes ---- */

void ct_tables_add_code(struct ct_tables *tables, struct ct_image *image,
                        const struct ct_event_code *code)
{
    GHashTable *codes = image->process.codes;

    /* Closing events may have been written once more, after a first try. */
    if (g_hash_table_contains(codes, GUINT_TO_POINTER(code->id)))
        return;
    if (tables->code_count >= CODES_MAX) {
        drop_record(tables);
        return;
    }
    tables->code_count++;
    g_hash_table_insert(codes, GUINT_TO_POINTER(code->id),
                        ct_code_new(code->id, code->function, code->file, code->first_line));
}

/* ---- Modules ---- */

void ct_tables_add_module(struct ct_tables *tables, struct ct_image *image,
                          const struct ct_module *module)
{
    if (module->begin >= module->end)
        return;
    if (tables->module_count >= MODULES_MAX) {
        drop_record(tables);
        return;
    }
    struct ct_module *copy = g_new0(struct ct_module, 1);

    tables->module_count++;
    *copy = *module;
    copy->path = g_strdup(module->path); /* bytes: a file's name need not be UTF-8 */
    copy->build_id = NULL;
    ct_assign_string(&copy->build_id, module->build_id);
    copy->copy = g_strdup(module->copy);
    g_ptr_array_add(image->process.modules, copy);
}

/* What stands where this module does is gone: TRUE if it is all there already. */
static gboolean replace_modules(struct ct_image *image, const struct ct_module *module,
                                uint64_t time_ns)
{
    gboolean is_any = FALSE;

    for (guint i = 0; i < image->process.modules->len; i++) {
        struct ct_module *other = g_ptr_array_index(image->process.modules, i);

        if (other->until_ns || other->begin >= module->end || other->end <= module->begin)
            continue;
        if (other->bias == module->bias && strcmp(other->path, module->path) == 0 &&
            strcmp(other->build_id, module->build_id) == 0)
            return TRUE;
        other->until_ns = time_ns;
        is_any = TRUE;
    }
    if (is_any)
        ct_image_forget_stacks(image);
    return FALSE;
}

void ct_tables_load_module(struct ct_tables *tables, struct ct_image *image,
                           const struct ct_module *module, uint64_t time_ns)
{
    if (!replace_modules(image, module, time_ns))
        ct_tables_add_module(tables, image, module);
}

/* ---- Counts ---- */

static struct ct_op_counters *counters_in(GHashTable *table, guint op)
{
    struct ct_op_counters *counters = g_hash_table_lookup(table, GUINT_TO_POINTER(op));

    if (!counters) {
        counters = g_new0(struct ct_op_counters, 1);
        g_hash_table_insert(table, GUINT_TO_POINTER(op), counters);
    }
    return counters;
}

void ct_tables_add_counters(struct ct_process *process, enum ct_op op,
                            const struct ct_op_counters *counters)
{
    ct_op_counters_add(counters_in(process->counters, op), counters);
}

void ct_tables_note_counters_before(struct ct_image *image, enum ct_op op,
                                    const struct ct_op_counters *counters)
{
    if (!image->counters_before)
        image->counters_before = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    ct_op_counters_add(counters_in(image->counters_before, op), counters);
}

void ct_tables_settle_counters(struct ct_image *image)
{
    GHashTableIter iter;
    void *op, *before;

    if (!image->counters_before)
        return;
    g_hash_table_iter_init(&iter, image->counters_before);
    while (g_hash_table_iter_next(&iter, &op, &before)) {
        struct ct_op_counters *counters = g_hash_table_lookup(image->process.counters, op);

        if (counters)
            ct_op_counters_subtract(counters, before);
        if (counters && counters->calls == 0)
            g_hash_table_remove(image->process.counters, op);
    }
    g_clear_pointer(&image->counters_before, g_hash_table_unref);
}

void ct_tables_count_call(struct ct_process *process, enum ct_op op, uint64_t duration_ns)
{
    ct_op_counters_count(counters_in(process->counters, op), duration_ns);
}
