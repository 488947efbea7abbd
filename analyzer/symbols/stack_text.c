#include "symbols/stack_text.h"

#include "model/format.h"

static void add_symbol(GPtrArray *frames, const struct ct_symbol *symbol)
{
    for (size_t i = 0; i < symbol->frame_count; i++) {
        const struct ct_frame *frame = &symbol->frames[i];
        g_autofree char *file = g_path_get_basename(frame->file);

        if (frame->file[0] && frame->line > 0)
            g_ptr_array_add(frames,
                            g_strdup_printf("%s (%s:%u)", frame->function, file, frame->line));
        else
            g_ptr_array_add(frames, g_strdup(frame->function));
    }
}

GPtrArray *ct_stack_frames(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                           uint32_t stack_id)
{
    GPtrArray *frames = g_ptr_array_new_with_free_func(g_free);
    const struct ct_stack *stack = ct_process_stack(process, stack_id);

    for (uint32_t i = 0; stack && i < stack->count; i++) {
        if (ct_stack_has_gap_before(stack, i))
            g_ptr_array_add(frames, ct_format_omitted(stack));
        const struct ct_symbol *symbol =
            ct_symbolizer_resolve_return(symbolizer, process, stack->addresses[i], stack->time_ns);

        if (!symbol->is_own)
            add_symbol(frames, symbol);
    }
    if (stack && ct_stack_has_gap_before(stack, stack->count))
        g_ptr_array_add(frames, ct_format_omitted(stack));
    return frames;
}
