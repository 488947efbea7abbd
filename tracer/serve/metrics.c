#include "metrics.h"

#include "text/safe_text.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_S 1e9

static const char *const state_names[CT_CLASS_COUNT] = {
#define STATE_NAME(symbol, name) [CT_CLASS_##symbol] = name,
    CT_CLASSES(STATE_NAME)
#undef STATE_NAME
};

/* ---- Labels ---- */

/* In quotes: valid UTF-8 without control characters, as the format wants it. Caller frees. */
static char *quote(const char *value)
{
    g_autofree char *safe = ct_safe_line(value);
    GString *quoted = g_string_new("\"");

    for (const char *at = safe; *at != '\0'; at++) {
        if (*at == '\\' || *at == '"')
            g_string_append_c(quoted, '\\');
        g_string_append_c(quoted, *at);
    }
    g_string_append_c(quoted, '"');
    return g_string_free(quoted, FALSE);
}

/* What has the same labels: no two samples of one metric may. */
struct series {
    char *labels; /* owned */
    uint64_t ns[CT_CLASS_COUNT];
    uint64_t turns;
    uint64_t waits;
    uint64_t ended;
    uint64_t alive;
};

static void series_free(void *data)
{
    g_free(((struct series *)data)->labels);
    g_free(data);
}

static char *make_labels(const struct ct_kind *kind)
{
    gboolean is_named = kind->number < CT_METRICS_KINDS_MAX;
    g_autofree char *process = quote(is_named ? kind->process : CT_KIND_OTHER);
    g_autofree char *name = quote(is_named ? kind->name : CT_KIND_OTHER);

    return g_strdup_printf("process=%s,kind=%s", process, name);
}

static void add_kind(struct series *series, const struct ct_kind *kind)
{
    for (int i = 0; i < CT_CLASS_COUNT; i++)
        series->ns[i] += kind->ns[i];
    series->turns += kind->turns;
    series->waits += kind->waits;
    series->ended += kind->ended;
    series->alive += kind->alive;
}

/* Names that look alike once they are harmless are one. struct series *, owned, by the first kind
 * of each. */
static GPtrArray *list_series(const GPtrArray *kinds)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(series_free);
    g_autoptr(GHashTable) by_labels = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < kinds->len; i++) {
        char *labels = make_labels(kinds->pdata[i]);
        struct series *series = g_hash_table_lookup(by_labels, labels);

        if (series == NULL) {
            series = g_new0(struct series, 1);
            series->labels = labels;
            g_hash_table_insert(by_labels, labels, series);
            g_ptr_array_add(all, series);
        } else {
            g_free(labels);
        }
        add_kind(series, kinds->pdata[i]);
    }
    return all;
}

/* ---- Metrics ---- */

static void append_head(GString *text, const char *name, const char *type, const char *help)
{
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_seconds(GString *text, const GPtrArray *all)
{
    static const char name[] = "ctrace_thread_seconds_total";

    append_head(
        text, name, "counter",
        "Time that threads spent in each state. Running and runnable (in line for a CPU) are "
        "exact; the rest is divided by what was seen at each look.");
    for (guint i = 0; i < all->len; i++) {
        const struct series *series = all->pdata[i];

        for (int state = 0; state < CT_CLASS_COUNT; state++)
            g_string_append_printf(text, "%s{%s,state=\"%s\"} %.9f\n", name, series->labels,
                                   state_names[state], (double)series->ns[state] / NS_PER_S);
    }
}

/* One number of each series. */
static const struct numbers {
    const char *name;
    const char *type;
    size_t offset;
    const char *help;
} numbers[] = {
    {"ctrace_thread_turns_total", "counter", offsetof(struct series, turns),
     "How often threads got a CPU."},
    {"ctrace_thread_waits_total", "counter", offsetof(struct series, waits),
     "How often threads left their CPU to wait for something."},
    {"ctrace_threads_ended_total", "counter", offsetof(struct series, ended),
     "Threads that have ended; their times stay in the sums."},
    {"ctrace_threads", "gauge", offsetof(struct series, alive), "Threads that there are."},
};

static void append_numbers(GString *text, const GPtrArray *all, const struct numbers *row)
{
    append_head(text, row->name, row->type, row->help);
    for (guint i = 0; i < all->len; i++) {
        const struct series *series = all->pdata[i];
        const uint64_t *number = (const void *)((const char *)series + row->offset);

        g_string_append_printf(text, "%s{%s} %" PRIu64 "\n", row->name, series->labels, *number);
    }
}

static void append_number(GString *text, const char *name, const char *type, const char *help,
                          double value)
{
    append_head(text, name, type, help);
    g_string_append_printf(text, "%s %.15g\n", name, value);
}

static void append_totals(GString *text, const struct ct_accounts_totals *totals)
{
    append_number(text, "ctrace_processes", "gauge", "Processes that are looked at.",
                  totals->processes);
    append_number(text, "ctrace_hidden_processes", "gauge",
                  "Of those, whose waits are not ours to see: their state is unknown.",
                  totals->refused);
    append_number(text, "ctrace_looks_total", "counter",
                  "Looks at all threads; who begins and ends between two is not seen.",
                  (double)totals->looks);
    append_number(text, "ctrace_look_cpu_seconds_total", "counter", "CPU time that looking took.",
                  (double)totals->cost_ns / NS_PER_S);
}

static void append_heap(GString *text, const struct ct_heap_sum *heap)
{
    append_number(text, "ctrace_heap_live_bytes", "gauge",
                  "Memory that is live in the heaps of all processes together, as estimated by "
                  "samples of what was allocated.",
                  (double)heap->bytes);
    append_number(text, "ctrace_heap_live_objects", "gauge", "Blocks that are live, the same.",
                  (double)heap->objects);
    append_number(text, "ctrace_heap_processes", "gauge", "Processes whose heaps those are.",
                  (double)heap->processes);
}

char *ct_metrics_write(const GPtrArray *kinds, const struct ct_accounts_totals *totals,
                       const struct ct_heap_sum *heap)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GPtrArray) all = list_series(kinds);

    append_head(text, "ctrace_build_info", "gauge", "Which ctrace this is; always 1.");
    g_string_append_printf(text, "ctrace_build_info{version=\"%s\"} 1\n", CTRACE_VERSION);
    append_seconds(text, all);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        append_numbers(text, all, &numbers[i]);
    append_totals(text, totals);
    if (heap)
        append_heap(text, heap);
    return g_string_free(text, FALSE);
}

char *ct_metrics_text(struct ct_accounts *accounts, const struct ct_heap_sum *heap)
{
    return ct_metrics_write(ct_accounts_kinds(accounts), ct_accounts_totals(accounts), heap);
}
