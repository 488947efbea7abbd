/* What the sections of the text report are made of: headings, lines, fields and entries. */
#ifndef CTRACE_TEXT_OUT_H
#define CTRACE_TEXT_OUT_H

#include "export/report_format.h"
#include "export/text_table.h"
#include "summary/groups.h"

struct ct_text_out {
    const struct ct_report *report;        /* borrowed */
    const struct ct_report_layout *layout; /* borrowed */
    GString *text;                         /* borrowed */
};

/* A heading stands at the margin; everything else is indented. */
void ct_text_out_heading(const struct ct_text_out *out, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

/* Indented text; what is too long for a line goes on in the next, indented by two more. */
void ct_text_out_line(const struct ct_text_out *out, guint indent, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* "  name        text": what is too long for a line goes on below the text. A name that begins
 * with "!" makes it a warning. */
void ct_text_out_field(const struct ct_text_out *out, const char *name, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* The same with a duration, as the first line of a list's entry; CT_TEXT_OUT_ENTRY columns wide. */
#define CT_TEXT_OUT_ENTRY 13
void ct_text_out_entry(const struct ct_text_out *out, const char *duration, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* A command, on a line however long: it is to be copied as one. */
void ct_text_out_command(const struct ct_text_out *out, const char *command);

/* Adds the cells THREAD and TID. */
void ct_text_out_add_group(struct ct_text_table *table, const struct ct_group *group);

/* The first frames of a stack, a line each, as many as the layout says. */
void ct_text_out_stack(const struct ct_text_out *out, const struct ct_process *process,
                       uint32_t stack_id);

#endif
