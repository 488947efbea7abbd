#include "summary/idle_times.h"

#include "passes/filter.h"

static gboolean is_idle(const struct ct_report *report, const struct ct_evidence_wait *kind)
{
    const struct ct_wait_traits traits = ct_evidence_traits(kind);

    return ct_idle_cause(report->idle, &traits) == CT_CAUSE_IDLE;
}

static void tell_waits(const GPtrArray *waits, GHashTable *idle)
{
    for (guint i = 0; i < waits->len; i++) {
        struct ct_report_wait *wait = waits->pdata[i];

        wait->is_idle = wait->kind && g_hash_table_contains(idle, wait->kind);
    }
}

/* struct ct_thread * -> double *, owned. */
static void add_to_thread(GHashTable *by_thread, const struct ct_evidence_wait *kind)
{
    double *sum_ns = g_hash_table_lookup(by_thread, kind->thread);

    if (!sum_ns) {
        sum_ns = g_new0(double, 1);
        g_hash_table_insert(by_thread, kind->thread, sum_ns);
    }
    *sum_ns += kind->total_ns;
}

void ct_report_tell_idle(struct ct_report *report)
{
    g_autoptr(GHashTable) idle = g_hash_table_new(NULL, NULL); /* kinds */
    g_autoptr(GHashTable) by_thread = g_hash_table_new_full(NULL, NULL, NULL, g_free);

    for (guint i = 0; i < report->evidence->waits->len; i++) {
        struct ct_evidence_wait *kind = report->evidence->waits->pdata[i];

        ct_report_lists_add_use(report->lists, kind);
        if (!is_idle(report, kind))
            continue;
        g_hash_table_add(idle, kind);
        add_to_thread(by_thread, kind);
        ct_report_lists_add_idle(report->lists, kind);
    }
    for (guint i = 0; i < report->threads->len; i++) {
        struct ct_report_thread *row = &g_array_index(report->threads, struct ct_report_thread, i);
        const double *idle_ns = g_hash_table_lookup(by_thread, row->life.thread);

        row->idle_ns = idle_ns ? *idle_ns : 0;
    }
    tell_waits(report->lists->longest, idle);
    tell_waits(report->lists->open, idle);
    ct_report_lists_sort(report->lists);
}

/* ---- The longest that are not idle ---- */

struct search {
    const struct ct_report *report;
    GPtrArray *waits; /* owned; as ct_report_waits_new() */
};

/* The store's model is another one, of the same recording. */
static struct ct_thread *own_thread(const struct ct_report *report, const struct ct_thread *thread)
{
    const GPtrArray *all = report->model->all_threads;

    return thread && thread->number < all->len ? all->pdata[thread->number] : NULL;
}

static void offer(void *user, const struct ct_interval *interval)
{
    struct search *search = user;
    const struct ct_report *report = search->report;
    uint64_t from_ns = report->scope.is_whole_time ? 0 : report->scope.window.begin_ns;
    struct ct_interval own = *interval;

    own.thread = own_thread(report, interval->thread);
    own.waker = own_thread(report, interval->waker);
    if (own.thread && interval->class != CT_CLASS_RUNNABLE && !interval->is_outside &&
        !interval->is_open && ct_interval_is_counted(interval, from_ns))
        ct_report_waits_offer(search->waits, report->top, &own, NULL);
}

gboolean ct_report_find_delays(struct ct_report *report, struct ct_store *store,
                               const struct ct_store_scope *scope, GError **error)
{
    struct ct_selection selection = report->scope.selection;
    struct search search = {.report = report};
    const struct ct_sink sink = {.user = &search, .on_interval = offer};
    struct ct_store_scope delays = *scope;

    selection.is_without_idle = TRUE;
    g_autoptr(ct_filter) filter = ct_filter_new(&selection, report->symbolizer, report->idle);

    delays.filter = ct_filter_of_intervals(filter);
    search.waits = ct_report_waits_new();
    if (!ct_store_replay(store, &delays, &sink, error)) {
        g_ptr_array_unref(search.waits);
        return FALSE;
    }
    ct_report_waits_name(search.waits);
    ct_report_waits_sort(search.waits);
    g_ptr_array_unref(report->lists->longest);
    report->lists->longest = search.waits;
    return TRUE;
}
