#include "export/stack_lines.h"

#include "export/sample_stack.h"
#include "text/safe_text.h"

#include <inttypes.h>

struct writer {
    struct ct_symbolizer *symbolizer; /* borrowed */
    struct ct_stack_lines *to;
    ct_stack_line *line;
};

static void write_name(void *user, const char *name)
{
    const struct writer *writer = user;
    g_autofree char *safe = ct_safe_line(name);

    writer->line(writer->to->lines, 0, safe, "");
}

static void write_call(void *user, const struct ct_process *process, uint64_t return_address,
                       uint64_t time_ns)
{
    const struct writer *writer = user;
    const struct ct_symbol *symbol =
        ct_symbolizer_resolve_return(writer->symbolizer, process, return_address, time_ns);

    if (symbol->is_own)
        return;
    g_string_append_printf(writer->to->addresses, " 0x%" PRIx64, return_address);
    for (size_t i = 0; i < symbol->frame_count; i++) {
        const struct ct_symbol_frame *frame = &symbol->frames[i];
        g_autofree char *function = ct_safe_line(frame->function);
        g_autofree char *file = ct_safe_line(frame->file);
        g_autofree char *place =
            *file ? g_strdup_printf("%s:%" PRIu32, file, frame->line) : g_strdup("");

        writer->line(writer->to->lines, return_address, function, place);
    }
}

struct ct_stack_lines ct_stack_lines_make(struct ct_symbolizer *symbolizer,
                                          enum ct_profile_kind kind,
                                          const struct ct_profile_sample *sample,
                                          ct_stack_line *line)
{
    struct ct_stack_lines lines = {g_string_new(NULL), g_string_new(NULL)};
    struct writer writer = {symbolizer, &lines, line};
    const struct ct_sample_stack_visitor visitor = {&writer, write_name, write_call};

    ct_sample_stack_visit(symbolizer, kind, sample, &visitor);
    return lines;
}

void ct_stack_lines_clear(struct ct_stack_lines *lines)
{
    g_string_free(lines->lines, TRUE);
    g_string_free(lines->addresses, TRUE);
}
