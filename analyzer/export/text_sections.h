/* The parts of the text report, in the order in which they appear. */
#ifndef CTRACE_TEXT_PARTS_H
#define CTRACE_TEXT_PARTS_H

#include "export/text_table.h"
#include "summary/groups.h"

struct ct_text_report {
    const struct ct_report *report;        /* borrowed */
    const struct ct_report_layout *layout; /* borrowed */
    GString *text;                         /* borrowed */
};

/* A heading stands at the margin; everything else is indented. */
void ct_text_heading(const struct ct_text_report *out, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Indented text; what is too long for a line goes on in the next, indented by two more. */
void ct_text_line(const struct ct_text_report *out, guint indent, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* "  name        text": what is too long for a line goes on below the text. A name that begins
 * with "!" makes it a warning. */
void ct_text_field(const struct ct_text_report *out, const char *name, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* The same with a duration, as the first line of a list's entry; CT_TEXT_ENTRY columns wide. */
#define CT_TEXT_ENTRY 13
void ct_text_entry(const struct ct_text_report *out, const char *duration, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* The cells THREAD and TID. */
void ct_text_add_kind(struct ct_text_table *table, const struct ct_kind *kind);

void ct_text_capture(const struct ct_text_report *out);
void ct_text_processes(const struct ct_text_report *out);
void ct_text_threads(const struct ct_text_report *out);
void ct_text_sched(const struct ct_text_report *out);
void ct_text_calls(const struct ct_text_report *out);
void ct_text_open_waits(const struct ct_text_report *out);
void ct_text_sites(const struct ct_text_report *out);
void ct_text_longest_waits(const struct ct_text_report *out);

#endif
