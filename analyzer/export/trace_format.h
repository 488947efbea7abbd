/* The formats of other programs: a table of what writes a recording in them. */
#ifndef CTRACE_TRACE_FORMAT_H
#define CTRACE_TRACE_FORMAT_H

#include "summary/profile.h"
#include "symbols/symbols.h"

#include <stdio.h>

/* What is written. Borrowed, all of it. */
struct ct_export_input {
    struct ct_store *store;
    const struct ct_model *model;
    struct ct_symbolizer *symbolizer;
    const struct ct_store_scope *scope;
    const char *directory; /* as it was named */
    uint64_t begin_ns;     /* what is covered, in the trace's time */
    uint64_t end_ns;
    enum ct_profile_kind kind; /* of a format that holds a profile, as are its samples */
    const GArray *samples;     /* struct ct_profile_sample */
    const char *only;          /* what the filters let through, as a text; or "" */
    GPtrArray *remarks;        /* of strings; the writer adds what is to be said of what it wrote */
};

/* FALSE with an error; what cannot be written, ferror() tells. */
typedef gboolean ct_export_write(const struct ct_export_input *input, FILE *out, GError **error);

ct_export_write ct_export_write_chrome;
ct_export_write ct_export_write_csv;
ct_export_write ct_export_write_dump;
ct_export_write ct_export_write_folded;
ct_export_write ct_export_write_json;
ct_export_write ct_export_write_otlp;
ct_export_write ct_export_write_otlp_json;
ct_export_write ct_export_write_perfetto;
ct_export_write ct_export_write_pprof;
ct_export_write ct_export_write_speedscope;
ct_export_write ct_export_write_stacks;

/* A page is written by the program that draws. */
enum ct_export_content { CT_EXPORT_WAITS, CT_EXPORT_PROFILE, CT_EXPORT_REQUESTS, CT_EXPORT_PAGE };

struct ct_export_format {
    const char *name;
    const char *description;
    const char *suffix; /* of the files that it is in */
    const char *next;   /* what to do with one, which is called FILE in it */
    enum ct_export_content content;
    ct_export_write *write; /* of a page NULL */
};

/* NULL: there is none of that name, or no file's name ends so. */
const struct ct_export_format *ct_export_format_find(const char *name);
const struct ct_export_format *ct_export_format_of_file(const char *path);

/* In the order of their names; NULL beyond the last. */
const struct ct_export_format *ct_export_format_at(guint index);

/* "chrome, csv and folded". Free with g_free(). */
char *ct_export_format_list(void);
/* Each, and after a tab what it is for. Free with g_strfreev(). */
char **ct_export_format_rows(void);

#endif
