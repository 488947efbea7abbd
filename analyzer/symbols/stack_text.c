#include "symbols/stack_text.h"

#include "model/format.h"
#include "symbols/go_stack.h"
#include "symbols/jvm_stack.h"
#include "symbols/short_name.h"
#include "symbols/vdso.h"

#include <string.h>

static void add_gap(GArray *frames, const struct ct_stack *stack, uint32_t index)
{
    struct ct_stack_frame gap = {.cut = stack};

    if (ct_stack_has_gap_before(stack, index))
        g_array_append_val(frames, gap);
}

static void add_call(GArray *frames, struct ct_symbolizer *symbolizer,
                     const struct ct_process *process, uint64_t address, uint64_t time_ns)
{
    const struct ct_symbol *symbol =
        ct_symbolizer_resolve_return(symbolizer, process, address, time_ns);

    for (size_t i = 0; !symbol->is_own && i < symbol->frame_count; i++) {
        struct ct_stack_frame frame = {
            .function = &symbol->frames[i],
            .module = ct_process_module(process, address - 1, time_ns),
            .address = address,
        };
        g_array_append_val(frames, frame);
    }
}

GArray *ct_stack_list(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                      uint32_t stack_id)
{
    GArray *frames = g_array_new(FALSE, FALSE, sizeof(struct ct_stack_frame));
    const struct ct_stack *stack = ct_process_stack(process, stack_id);
    uint32_t count = ct_go_stack_look(symbolizer, process, stack).count;

    for (uint32_t i = 0; i < count; i++) {
        add_gap(frames, stack, i);
        add_call(frames, symbolizer, process, stack->addresses[i], stack->time_ns);
    }
    if (stack && count == stack->count)
        add_gap(frames, stack, count);
    return frames;
}

char *ct_stack_place_text(const struct ct_symbol_frame *frame)
{
    g_autofree char *file = g_path_get_basename(frame->file);
    char *name = frame->is_interpreted ? g_strdup(frame->function) : ct_short_name(frame->function);

    if (!frame->file[0] || frame->line == 0)
        return name;
    char *text = g_strdup_printf("%s (%s:%u)", name, file, frame->line);

    g_free(name);
    return text;
}

static char *frame_text(const struct ct_stack_frame *frame)
{
    return frame->function ? ct_stack_place_text(frame->function) : ct_format_omitted(frame->cut);
}

/* Python's own modules, and those that were installed. */
static gboolean is_of_python_library(const struct ct_symbol_frame *function)
{
    return strstr(function->file, "/lib/python") || g_str_has_prefix(function->file, "<frozen ");
}

/* The program or library that runs Python, and the extensions that come with it. */
static gboolean is_of_interpreter(const struct ct_stack_frame *frame)
{
    const char *path = frame->module ? frame->module->path : "";
    g_autofree char *module = g_path_get_basename(path);

    if (!frame->function || frame->function->is_interpreted)
        return FALSE;
    return g_str_has_prefix(module, "python") || g_str_has_prefix(module, "libpython") ||
           strstr(path, "/lib-dynload/");
}

static gboolean has_interpreted(const GArray *frames)
{
    for (guint i = 0; i < frames->len; i++) {
        const struct ct_stack_frame *frame = &g_array_index(frames, struct ct_stack_frame, i);

        if (frame->function && frame->function->is_interpreted)
            return TRUE;
    }
    return FALSE;
}

GArray *ct_stack_list_shown(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                            uint32_t stack_id)
{
    GArray *all = ct_stack_list(symbolizer, process, stack_id);

    if (!has_interpreted(all))
        return all;
    GArray *shown = g_array_new(FALSE, FALSE, sizeof(struct ct_stack_frame));

    for (guint i = 0; i < all->len; i++) {
        const struct ct_stack_frame *frame = &g_array_index(all, struct ct_stack_frame, i);

        if (!is_of_interpreter(frame))
            g_array_append_val(shown, *frame);
    }
    g_array_unref(all);
    return shown;
}

/* Their functions wait on behalf of whoever called them. */
static gboolean is_of_library(const struct ct_stack_frame *frame)
{
    static const char *const modules[] = {"libc.so", "libc-", "libpthread", "libstdc++", "ld-"};
    static const char *const folders[] = {"/usr/include/", "/usr/lib/"};
    const char *path = frame->module ? frame->module->path : "";
    g_autofree char *module = g_path_get_basename(path);

    if (frame->function->is_interpreted)
        return is_of_python_library(frame->function);
    if (ct_is_vdso(path))
        return TRUE;
    for (size_t i = 0; i < G_N_ELEMENTS(modules); i++) {
        if (g_str_has_prefix(module, modules[i]))
            return TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        if (g_str_has_prefix(frame->function->file, folders[i]))
            return TRUE;
    }
    return FALSE;
}

const struct ct_symbol_frame *ct_stack_place(struct ct_symbolizer *symbolizer,
                                             const struct ct_process *process, uint32_t stack_id)
{
    g_autoptr(GArray) frames = ct_stack_list_shown(symbolizer, process, stack_id);
    const struct ct_symbol_frame *innermost = NULL;

    for (guint i = 0; i < frames->len; i++) {
        const struct ct_stack_frame *frame = &g_array_index(frames, struct ct_stack_frame, i);

        if (!frame->function)
            continue;
        if (!innermost)
            innermost = frame->function;
        if (!is_of_library(frame))
            return frame->function;
    }
    return innermost;
}

static GPtrArray *frame_texts(const GArray *list)
{
    GPtrArray *frames = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < list->len; i++)
        g_ptr_array_add(frames, frame_text(&g_array_index(list, struct ct_stack_frame, i)));
    return frames;
}

GPtrArray *ct_stack_frames(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                           uint32_t stack_id)
{
    g_autoptr(GArray) list = ct_stack_list(symbolizer, process, stack_id);

    return frame_texts(list);
}

GPtrArray *ct_stack_frames_shown(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                                 uint32_t stack_id)
{
    g_autoptr(GArray) list = ct_stack_list_shown(symbolizer, process, stack_id);

    return frame_texts(list);
}

const char *ct_stack_idleness(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                              uint32_t stack_id)
{
    const struct ct_stack *stack = ct_process_stack(process, stack_id);

    if (ct_go_stack_look(symbolizer, process, stack).is_idle)
        return CT_GO_IDLE;
    return ct_jvm_stack_is_idle(symbolizer, process, stack) ? CT_JVM_IDLE : NULL;
}
