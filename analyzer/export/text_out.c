#include "export/text_out.h"

#include "symbols/stack_text.h"

#include "text/safe_text.h"

#include <string.h>

/* `lead` starts the first line; the others are indented. Takes `text`. */
static void write_wrapped(const struct ct_text_out *out, const char *lead, guint indent, char *text)
{
    g_autofree char *safe = ct_safe_line(text);

    g_string_append(out->text, lead);
    ct_text_append_wrapped(out->text, safe, (guint)strlen(lead), indent, out->layout->width);
    g_free(text);
}

void ct_text_out_heading(const struct ct_text_out *out, const char *format, ...)
{
    va_list arguments;

    if (out->text->len > 0)
        g_string_append_c(out->text, '\n');
    va_start(arguments, format);
    write_wrapped(out, "", 2, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void ct_text_out_line(const struct ct_text_out *out, guint indent, const char *format, ...)
{
    va_list arguments;
    g_autofree char *lead = g_strnfill(indent, ' ');

    va_start(arguments, format);
    write_wrapped(out, lead, indent + 2, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void ct_text_out_command(const struct ct_text_out *out, const char *command)
{
    g_autofree char *safe = ct_safe_line(command);

    g_string_append_printf(out->text, "%*s%s\n", CT_TEXT_OUT_ENTRY, "", safe);
}

void ct_text_out_field(const struct ct_text_out *out, const char *name, const char *format, ...)
{
    va_list arguments;
    g_autofree char *lead = g_strdup_printf("  %-10s  ", name);

    va_start(arguments, format);
    write_wrapped(out, lead, (guint)strlen(lead), g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void ct_text_out_entry(const struct ct_text_out *out, const char *duration, const char *format, ...)
{
    va_list arguments;
    g_autofree char *lead = g_strdup_printf("  %9s  ", duration);

    va_start(arguments, format);
    write_wrapped(out, lead, CT_TEXT_OUT_ENTRY, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void ct_text_out_add_group(struct ct_text_table *table, const struct ct_group *group)
{
    const struct ct_report_thread *first = g_ptr_array_index(group->members, 0);

    ct_text_table_add(table, group->name);
    ct_text_table_take(table, group->members->len > 1
                                  ? g_strdup_printf("%u threads", group->members->len)
                                  : g_strdup_printf("%d", first->life.thread->tid));
}

void ct_text_out_stack(const struct ct_text_out *out, const struct ct_process *process,
                       uint32_t stack_id)
{
    g_autoptr(GPtrArray) frames = ct_stack_frames_shown(out->report->symbolizer, process, stack_id);
    const char *idleness = ct_stack_idleness(out->report->symbolizer, process, stack_id);
    guint depth = out->layout->depth;
    /* One more takes no more room than saying that there is one more. */
    guint shown = depth > 0 && frames->len == depth + 1 ? frames->len : MIN(frames->len, depth);

    if (idleness)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "idle: %s", idleness);
    for (guint i = 0; i < shown; i++)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s", (const char *)g_ptr_array_index(frames, i));
    if (shown < frames->len)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "... and %u callers", frames->len - shown);
    if (frames->len == 0 && out->layout->depth > 0)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "(no stack)");
}
