#include "symbols/stack_text.h"

#include "symbols/go_stack.h"
#include "symbols/short_name.h"

GArray *ct_stack_list(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                      uint32_t stack_id)
{
    GArray *frames = g_array_new(FALSE, FALSE, sizeof(struct ct_stack_frame));
    const struct ct_stack *stack = ct_process_stack(process, stack_id);
    uint32_t count = ct_go_stack_look(symbolizer, process, stack).count;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = stack->addresses[i];
        const struct ct_symbol *symbol = ct_symbolizer_resolve_return(symbolizer, process, address);

        for (size_t j = 0; !symbol->is_own && j < symbol->frame_count; j++) {
            struct ct_stack_frame frame = {&symbol->frames[j],
                                           ct_process_module(process, address - 1), address};
            g_array_append_val(frames, frame);
        }
    }
    return frames;
}

static char *frame_text(const struct ct_frame *frame)
{
    g_autofree char *file = g_path_get_basename(frame->file);
    char *name = ct_short_name(frame->function);

    if (!frame->file[0] || frame->line == 0)
        return name;
    char *text = g_strdup_printf("%s (%s:%u)", name, file, frame->line);

    g_free(name);
    return text;
}

GPtrArray *ct_stack_frames(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                           uint32_t stack_id)
{
    g_autoptr(GArray) list = ct_stack_list(symbolizer, process, stack_id);
    GPtrArray *frames = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < list->len; i++)
        g_ptr_array_add(frames, frame_text(g_array_index(list, struct ct_stack_frame, i).function));
    return frames;
}

const char *ct_stack_idleness(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                              uint32_t stack_id)
{
    const struct ct_stack *stack = ct_process_stack(process, stack_id);

    return ct_go_stack_look(symbolizer, process, stack).is_idle ? CT_GO_IDLE : NULL;
}
