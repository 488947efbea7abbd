#include "export/trace_format.h"

#include "text/names.h"

#include <string.h>

static const struct ct_export_format formats[] = {
    {"chrome", "events for chrome://tracing, Perfetto and others", ".json",
     "open it in chrome://tracing or ui.perfetto.dev", CT_EXPORT_WAITS, ct_export_write_chrome},
    {"csv", "a table of all waits, for spreadsheets and scripts", ".csv", NULL, CT_EXPORT_WAITS,
     ct_export_write_csv},
    {"dump", "a profile as text, thread by thread, as Go dumps its goroutines", ".dump.txt", NULL,
     CT_EXPORT_PROFILE, ct_export_write_dump},
    {"folded", "a profile as lines of stacks, for flame graphs", ".folded",
     "flamegraph.pl --countname=ns FILE >flames.svg", CT_EXPORT_PROFILE, ct_export_write_folded},
    {"html", "a page with the recording in it, to walk through in any browser", ".html",
     "open it in a browser", CT_EXPORT_PAGE, NULL},
    {"json", "the same table of waits as JSON", ".waits.json", NULL, CT_EXPORT_WAITS,
     ct_export_write_json},
    {"otlp", "requests as spans, with where their time went, for OpenTelemetry", ".otlp",
     "curl -H Content-Type:application/x-protobuf --data-binary @FILE "
     "http://localhost:4318/v1/traces",
     CT_EXPORT_REQUESTS, ct_export_write_otlp},
    {"otlp-json", "the same spans as JSON", ".otlp.json",
     "curl -H Content-Type:application/json --data-binary @FILE http://localhost:4318/v1/traces",
     CT_EXPORT_REQUESTS, ct_export_write_otlp_json},
    {"perfetto", "events, wake-ups and scheduling for Perfetto", ".pftrace",
     "open it in ui.perfetto.dev", CT_EXPORT_WAITS, ct_export_write_perfetto},
    {"pprof", "a profile for go tool pprof, as ctrace pprof writes it", ".pb.gz",
     "go tool pprof -top FILE", CT_EXPORT_PROFILE, ct_export_write_pprof},
    {"speedscope", "a profile for speedscope", ".speedscope.json", "open it in speedscope",
     CT_EXPORT_PROFILE, ct_export_write_speedscope},
    {"stacks", "a profile as text, stack by stack, in the form of Go's ?debug=1", ".stacks.txt",
     NULL, CT_EXPORT_PROFILE, ct_export_write_stacks},
};

const struct ct_export_format *ct_export_format_find(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    }
    return NULL;
}

/* Of several suffixes that fit, the longest one tells. */
const struct ct_export_format *ct_export_format_of_file(const char *path)
{
    const struct ct_export_format *found = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (g_str_has_suffix(path, formats[i].suffix) &&
            (!found || strlen(found->suffix) < strlen(formats[i].suffix)))
            found = &formats[i];
    }
    return found;
}

const struct ct_export_format *ct_export_format_at(guint index)
{
    return index < G_N_ELEMENTS(formats) ? &formats[index] : NULL;
}

char *ct_export_format_list(void)
{
    g_auto(GStrv) names = ct_export_format_rows();

    return ct_names_list(names, " and ");
}

char **ct_export_format_rows(void)
{
    char **rows = g_new0(char *, G_N_ELEMENTS(formats) + 1);

    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++)
        rows[i] = g_strdup_printf("%s\t%s", formats[i].name, formats[i].description);
    return rows;
}
