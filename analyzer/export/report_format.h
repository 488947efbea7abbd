/* The formats of a report: a table of what writes them. */
#ifndef CTRACE_REPORT_FORMAT_H
#define CTRACE_REPORT_FORMAT_H

#include "summary/report.h"

#include <stdio.h>

struct ct_report_layout {
    guint width; /* of the terminal */
    guint depth; /* frames of a stack */
    gboolean has_colour;
    const char *section; /* borrowed; of text: that alone; NULL: all but what is asked for alone */
};

/* Writes the whole report; ferror() and fflush() tell whether that went well. */
typedef void ct_report_write(const struct ct_report *report, const struct ct_report_layout *layout,
                             FILE *out);

ct_report_write ct_report_write_text;
ct_report_write ct_report_write_json;
ct_report_write ct_report_write_csv;

struct ct_report_format {
    const char *name;
    ct_report_write *write;
    gboolean has_places; /* which are folded first, then */
    gboolean has_locks;  /* without being asked for them */
};

/* The first one for NULL; NULL if there is none of that name. */
const struct ct_report_format *ct_report_format_find(const char *name);

/* "text, json and csv". Free with g_free(). */
char *ct_report_format_list(void);

#endif
