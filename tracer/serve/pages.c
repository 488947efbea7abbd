#include "serve/pages.h"

#include "serve/endpoints.h"
#include "text/safe_text.h"

#include <string.h>

#define STYLE                                                                               \
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;" \
    "color-scheme:light dark}table{border-collapse:collapse}td,th{text-align:left;"         \
    "padding:.15em 1.5em .15em 0;vertical-align:top}td.n,th.n{text-align:right}"            \
    "code{overflow-wrap:anywhere}h2{font-size:1.1em;margin-top:1.5em}"

/* The address stands for {}. */
static const char *const examples[] = {
    "go tool pprof -top '{}profile?seconds=30'",
    "go tool pprof -http=: '{}block?seconds=5'",
    "curl '{}threads?debug=2'",
    "curl '{}trace?seconds=5' | tar x && ctrace view",
};

char *ct_page_policy(void)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize size = sizeof(digest);

    g_checksum_update(checksum, (const guchar *)STYLE, (gssize)strlen(STYLE));
    g_checksum_get_digest(checksum, digest, &size);
    g_autofree char *hash = g_base64_encode(digest, size);

    return g_strdup_printf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; "
                           "form-action 'none'; frame-ancestors 'none'",
                           hash);
}

static GBytes *take_bytes(GString *text)
{
    return g_string_free_to_bytes(text);
}

static char *safe_markup(const char *text)
{
    g_autofree char *line = ct_safe_line(text);

    return ct_safe_xml(line);
}

static guint count_threads(const GArray *processes)
{
    guint count = 0;

    for (guint i = 0; i < processes->len; i++)
        count += g_array_index(processes, struct ct_served_process, i).threads;
    return count;
}

/* ---- The index ---- */

static gboolean is_count_of_threads(const struct ct_endpoint *endpoint)
{
    return endpoint->kind == CT_ENDPOINT_THREADS || endpoint->kind == CT_ENDPOINT_THREAD_COUNT;
}

static void append_endpoint(GString *html, const struct ct_endpoint *endpoint, guint threads)
{
    gboolean is_text = is_count_of_threads(endpoint);
    g_autofree char *count = is_text ? g_strdup_printf("%u", threads) : g_strdup("");

    g_string_append_printf(html,
                           "<tr><td class=n>%s</td><td><a href=\"%s%s\">%s</a></td><td class=n>",
                           count, endpoint->name, is_text ? "?debug=1" : "", endpoint->name);
    if (endpoint->default_ms >= 1000)
        g_string_append_printf(html, "%u s", endpoint->default_ms / 1000);
    g_string_append_printf(html, "</td><td>%s</td></tr>\n", endpoint->purpose);
}

static void append_process(GString *html, const struct ct_page_request *request,
                           const struct ct_served_process *process)
{
    g_autofree char *name = safe_markup(process->name);
    g_autofree char *command = safe_markup(request->is_redacted ? "" : process->command);

    g_string_append_printf(html,
                           "<tr><td class=n><a href=\"%s%d/debug/pprof/\">%d</a></td>"
                           "<td>%s</td><td class=n>%u</td><td><code>%s</code></td></tr>\n",
                           request->up, process->pid, process->pid, name, process->threads,
                           command);
}

static void append_examples(GString *html, const char *base)
{
    g_string_append(html, "<pre>");
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        g_auto(GStrv) parts = g_strsplit(examples[i], "{}", -1);
        g_autofree char *line = g_strjoinv(base, parts);
        g_autofree char *safe = safe_markup(line);

        g_string_append_printf(html, "%s\n", safe);
    }
    g_string_append(html, "</pre>\n");
}

GBytes *ct_page_index(const struct ct_page_request *request)
{
    guint threads = count_threads(request->processes);
    GString *html = g_string_new(
        "<!DOCTYPE html>\n<html lang=en>\n<head><meta charset=utf-8><title>/debug/pprof/</title>\n"
        "<style>" STYLE "</style></head>\n<body>\n<h1>/debug/pprof/</h1>\n"
        "<p>What is asked for is recorded from then on: for as long as <code>?seconds=</code> "
        "says, "
        "else for the time that is told here.</p>\n"
        "<table>\n<tr><th class=n>Count<th>Profile<th class=n>Records<th>What it is</tr>\n");

    for (guint i = 0; ct_endpoint_at(i); i++)
        append_endpoint(html, ct_endpoint_at(i), threads);
    g_string_append_printf(html,
                           "</table>\n<p><a href=\"threads?debug=2\">full dump of all threads</a>, "
                           "<a href=\"%smetrics\">metrics for Prometheus</a></p>\n"
                           "<h2>Processes</h2>\n<table>\n<tr><th class=n>Process<th>Name"
                           "<th class=n>Threads<th>Command</tr>\n",
                           request->up);
    for (guint i = 0; i < request->processes->len; i++)
        append_process(html, request,
                       &g_array_index(request->processes, struct ct_served_process, i));
    g_string_append(html, "</table>\n<p>Each has profiles of its own below "
                          "<code>/PID/debug/pprof/</code>, or with <code>?process=</code>, an id "
                          "or a name.</p>\n<h2>How to ask</h2>\n");
    append_examples(html, request->base);
    g_string_append(
        html, "<p><code>seconds=</code> how long, up to an hour; <code>hz=</code> samples in a "
              "second of CPU time (99); <code>debug=1</code> text, a stack in a line; "
              "<code>process=</code> one of several; <code>format=perfetto</code> of a trace. Who "
              "hangs up ends what is recorded for them alone; the same question at the same time "
              "is recorded once. Manual: <code>man ctrace-serve</code></p>\n</body>\n</html>\n");
    return take_bytes(html);
}

/* ---- Texts ---- */

/* The words as the kernel has them. */
static void append_words(GString *text, pid_t pid, gboolean is_redacted)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
    g_autofree char *words = NULL;
    gsize size = 0;

    if (!g_file_get_contents(path, &words, &size, NULL))
        return;
    if (is_redacted)
        size = strnlen(words, size);
    while (size > 0 && words[size - 1] == '\0')
        size--;
    g_string_append_len(text, words, (gssize)size);
}

GBytes *ct_page_command_lines(const struct ct_page_request *request)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < request->processes->len; i++) {
        if (i > 0)
            g_string_append_c(text, '\n');
        append_words(text, g_array_index(request->processes, struct ct_served_process, i).pid,
                     request->is_redacted);
    }
    return take_bytes(text);
}

/* An address that is none: pprof takes no sample without one. */
GBytes *ct_page_thread_count(const struct ct_page_request *request)
{
    guint threads = count_threads(request->processes);
    GString *text = g_string_new(NULL);

    g_string_printf(text, "threadcreate profile: total %u\n", threads);
    if (threads > 0)
        g_string_append_printf(text, "%u @ 0x1\n", threads);
    return take_bytes(text);
}
