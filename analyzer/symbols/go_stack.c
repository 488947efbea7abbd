#include "symbols/go_stack.h"

#include <string.h>

#define RUNTIME "runtime."

/* The functions of the runtime that say what its thread is about. */
static const struct {
    const char *name;
    gboolean is_idle;       /* waits until there is something to run */
    gboolean is_scheduler;  /* has left the goroutine that it ran */
    gboolean is_first;      /* the first function on the runtime's stack, if it has left that */
    gboolean never_returns; /* to the goroutine: it is left */
} functions[] = {
    {.name = "findRunnable", .is_idle = TRUE, .is_scheduler = TRUE},
    {.name = "findrunnable", .is_idle = TRUE, .is_scheduler = TRUE}, /* before Go 1.19 */
    {.name = "stopm", .is_idle = TRUE, .is_scheduler = TRUE},
    {.name = "stoplockedm", .is_idle = TRUE, .is_scheduler = TRUE},
    {.name = "sysmon", .is_idle = TRUE},
    {.name = "templateThread", .is_idle = TRUE},
    {.name = "schedule", .is_scheduler = TRUE},
    {.name = "morestack", .is_first = TRUE},
    {.name = "mcall", .never_returns = TRUE},
};

/* The index of the function, or how many there are. */
static size_t find(const struct ct_symbol_frame *frame)
{
    size_t i = G_N_ELEMENTS(functions);

    if (!g_str_has_prefix(frame->system_name, RUNTIME))
        return i;
    for (i = 0; i < G_N_ELEMENTS(functions); i++) {
        if (strcmp(frame->system_name + strlen(RUNTIME), functions[i].name) == 0)
            break;
    }
    return i;
}

struct ct_go_stack ct_go_stack_look(struct ct_symbolizer *symbolizer,
                                    const struct ct_process *process, const struct ct_stack *stack)
{
    struct ct_go_stack look = {.count = stack ? stack->count : 0};
    gboolean has_left = FALSE;

    for (uint32_t i = 0; i < look.count; i++) {
        const struct ct_symbol *symbol =
            ct_symbolizer_resolve_return(symbolizer, process, stack->addresses[i], stack->time_ns);

        for (size_t k = 0; k < symbol->frame_count; k++) {
            size_t found = find(&symbol->frames[k]);

            if (found == G_N_ELEMENTS(functions))
                continue;
            look.is_idle = look.is_idle || functions[found].is_idle;
            has_left = has_left || functions[found].is_scheduler;
            if (functions[found].never_returns || (functions[found].is_first && has_left))
                look.count = i + 1;
        }
    }
    return look;
}

gboolean ct_go_is_in(struct ct_symbolizer *symbolizer, const struct ct_model *model)
{
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = g_ptr_array_index(model->processes, i);
        const struct ct_module *program =
            g_hash_table_size(process->stacks) > 0 ? ct_process_program(process) : NULL;

        if (program && ct_symbolizer_is_go(symbolizer, program))
            return TRUE;
    }
    return FALSE;
}
