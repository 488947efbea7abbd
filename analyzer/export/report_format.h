/* The formats of a report: a table of what writes them. */
#ifndef CTRACE_REPORT_FORMAT_H
#define CTRACE_REPORT_FORMAT_H

#include "passes/findings/command.h"
#include "summary/report.h"

#include <stdio.h>

/* How much of it a text has. */
enum ct_report_extent {
    CT_REPORT_OVERVIEW, /* what fits on two screens */
    CT_REPORT_SECTION,  /* that of the layout */
    CT_REPORT_ALL
};

struct ct_report_layout {
    guint width; /* of the terminal */
    guint depth; /* frames of a stack */
    guint top;   /* entries of a list in text; no more than the report keeps */
    gboolean has_colour;
    struct ct_finding_context context; /* of the commands that it names */
    enum ct_report_extent extent;
    const char *section; /* borrowed; its name */
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
    gboolean has_places;   /* which are folded first, then */
    gboolean has_sections; /* any one of which alone may be asked for; else of these, up to NULL */
    const char *const *sections;
    gboolean has_all; /* what takes a pass of its own, too, without being asked for it */
};

/* The first one for NULL; NULL if there is none of that name. */
const struct ct_report_format *ct_report_format_find(const char *name);

/* "text, json and csv". Free with g_free(). */
char *ct_report_format_list(void);
/* Each of them. Free with g_strfreev(), as the next. */
char **ct_report_format_names(void);
char **ct_report_section_names(void);

/* Is it the name of a section of the text? */
gboolean ct_report_has_section(const char *name);

/* Has this format that section? */
gboolean ct_report_format_has(const struct ct_report_format *format, const char *section);
/* "peers and requests": those that it has where it has not all; NULL: none. Free with g_free(). */
char *ct_report_format_sections(const struct ct_report_format *format);

/* "calls, hangs and waits". Free with g_free(). */
char *ct_report_section_list(void);

#endif
