#include "diff/place_names.h"

#include "symbols/object_name.h"
#include "symbols/short_name.h"
#include "symbols/stack_text.h"

#include <string.h>

#define NEXT " < "

/* So many functions say where it is. */
#define SHOWN_MAX 5

/* Of a part of a function, or a copy of it: "serve.constprop.0". */
static char *plain_name(const struct ct_symbol_frame *frame)
{
    static const char *const added[] = {".constprop.", ".isra.", ".part.", ".cold",
                                        ".lto_priv.",  ".llvm.", ".clone."};
    char *name = g_strdup(frame->function);
    char *offset = frame->file[0] ? NULL : strstr(name, "+0x");

    for (size_t i = 0; i < G_N_ELEMENTS(added); i++) {
        char *at = strstr(name, added[i]);

        if (at && at > name)
            *at = '\0';
    }
    if (!offset)
        return name;
    *offset = '\0';
    char *file = g_strdup_printf("[%s]", name);

    g_free(name);
    return file;
}

struct ct_place_names ct_place_names_of(struct ct_symbolizer *symbolizer,
                                        const struct ct_process *process, uint32_t stack_id)
{
    g_autoptr(GArray) frames = ct_stack_list(symbolizer, process, stack_id);
    const struct ct_symbol_frame *place = ct_stack_place(symbolizer, process, stack_id);
    GString *stack = g_string_new(NULL);

    for (guint i = 0; i < frames->len; i++) {
        const struct ct_stack_frame *frame = &g_array_index(frames, struct ct_stack_frame, i);
        g_autofree char *name = frame->function ? plain_name(frame->function) : g_strdup("...");

        g_string_append_printf(stack, "%s%s", stack->len > 0 ? NEXT : "", name);
    }
    return (struct ct_place_names){g_string_free(stack, FALSE),
                                   place ? plain_name(place) : g_strdup("")};
}

void ct_place_names_clear(struct ct_place_names *names)
{
    g_free(names->stack);
    g_free(names->function);
}

char *ct_place_name_lock(struct ct_symbolizer *symbolizer, const struct ct_interval *interval,
                         const char *function)
{
    enum ct_object kind = ct_op_object(interval->op);

    if (interval->class != CT_CLASS_SYNC || interval->fd || !ct_object_is_address(kind))
        return NULL;
    const char *variable = ct_object_find_name(symbolizer, interval->thread->process, kind,
                                               interval->object, interval->begin_ns);

    if (variable)
        return g_strdup_printf("%s %s", ct_object_name(kind), variable);
    return g_strdup_printf("%s" CT_PLACE_NAMES_USED "%s", ct_object_name(kind),
                           function[0] ? function : "a place that is not known");
}

char *ct_place_name_shown(const char *name)
{
    g_auto(GStrv) functions = g_strsplit(name, NEXT, -1);
    guint count = g_strv_length(functions);
    guint shown = count > SHOWN_MAX + 1 ? SHOWN_MAX : count;
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < shown; i++) {
        g_autofree char *function = ct_short_name(functions[i]);

        g_string_append_printf(text, "%s%s", i > 0 ? NEXT : "", function);
    }
    if (shown < count)
        g_string_append_printf(text, NEXT "... %u callers", count - shown);
    return g_string_free(text, FALSE);
}
