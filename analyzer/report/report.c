#include "report/report.h"

#include "model/format.h"

#include <string.h>

/* Places and open waits kept at most. */
#define SITES_MAX (1U << 18)
#define OPEN_MAX  4096

/* Names of tasks that took threads' CPUs, over all threads. */
#define RIVALS_MAX (1U << 16)

static uint64_t length_ns(const struct ct_report_wait *wait)
{
    return ct_interval_wait_ns(&wait->interval);
}

static void wait_free(void *data)
{
    struct ct_report_wait *wait = data;

    g_free(wait->object);
    g_free(wait);
}

static void site_free(void *data)
{
    struct ct_report_site *site = data;

    g_free(site->object);
    g_free(site);
}

static struct ct_report_wait *wait_new(const struct ct_interval *interval)
{
    struct ct_report_wait *wait = g_new0(struct ct_report_wait, 1);

    wait->interval = *interval;
    wait->interval.fd = NULL;
    wait->object = ct_format_object(interval);
    return wait;
}

/* The list is a heap whose first entry is the shortest wait. */
static void sift_down(GPtrArray *heap, guint at)
{
    for (;;) {
        guint least = at;

        for (guint child = 2 * at + 1; child <= 2 * at + 2 && child < heap->len; child++) {
            if (length_ns(heap->pdata[child]) < length_ns(heap->pdata[least]))
                least = child;
        }
        if (least == at)
            return;
        void *moved = heap->pdata[at];

        heap->pdata[at] = heap->pdata[least];
        heap->pdata[least] = moved;
        at = least;
    }
}

static void sift_up(GPtrArray *heap, guint at)
{
    while (at > 0) {
        guint parent = (at - 1) / 2;
        void *moved = heap->pdata[at];

        if (length_ns(heap->pdata[parent]) <= length_ns(moved))
            return;
        heap->pdata[at] = heap->pdata[parent];
        heap->pdata[parent] = moved;
        at = parent;
    }
}

static void keep_longest(GPtrArray *heap, guint limit, const struct ct_interval *interval)
{
    if (limit == 0)
        return;
    if (heap->len < limit) {
        g_ptr_array_add(heap, wait_new(interval));
        sift_up(heap, heap->len - 1);
    } else if (ct_interval_wait_ns(interval) > length_ns(heap->pdata[0])) {
        wait_free(heap->pdata[0]);
        heap->pdata[0] = wait_new(interval);
        sift_down(heap, 0);
    }
}

static guint site_hash(const void *data)
{
    const struct ct_report_site *site = data;
    uint64_t mixed = ((uint64_t)site->stack_id << 16 | (uint64_t)site->op << 8 | site->class) +
                     ((uintptr_t)site->process >> 4);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean site_equal(const void *a, const void *b)
{
    const struct ct_report_site *first = a;
    const struct ct_report_site *second = b;

    return first->process == second->process && first->stack_id == second->stack_id &&
           first->op == second->op && first->class == second->class;
}

static struct ct_report_site key_of(const struct ct_interval *interval)
{
    return (struct ct_report_site){
        .process = interval->thread->process,
        .stack_id = interval->stack_id,
        .op = interval->op,
        .class = interval->class,
    };
}

static void add_to_site(struct ct_report *report, const struct ct_interval *interval)
{
    struct ct_report_site key = key_of(interval);
    struct ct_report_site *site = g_hash_table_lookup(report->site_index, &key);
    uint64_t duration_ns = interval->end_ns - interval->begin_ns;
    double count = ct_interval_is_counted(interval, 0) ? interval->weight : 0;

    if (!site) {
        if (report->sites->len >= SITES_MAX) {
            report->unlisted_count += count;
            return;
        }
        site = g_new(struct ct_report_site, 1);
        *site = key;
        site->object_id = interval->object;
        site->object = ct_format_object(interval);
        g_ptr_array_add(report->sites, site);
        g_hash_table_add(report->site_index, site);
    }
    site->count += count;
    site->total_ns += interval->weight * (double)duration_ns;
    site->longest_ns = MAX(site->longest_ns, ct_interval_wait_ns(interval));
    if (site->object_id != interval->object)
        site->has_many_objects = TRUE;
}

/* One task that ran instead of a thread. */
struct ct_report_rival {
    const struct ct_thread *thread;
    const char *name; /* borrowed; the same pointer for the same name */
    uint64_t line_ns;
};

static guint rival_hash(const void *data)
{
    const struct ct_report_rival *rival = data;
    uint64_t mixed = ((uintptr_t)rival->thread >> 4) + ((uintptr_t)rival->name << 7);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean rival_equal(const void *a, const void *b)
{
    const struct ct_report_rival *first = a;
    const struct ct_report_rival *second = b;

    return first->thread == second->thread && first->name == second->name;
}

/* Names of other programs' tasks have no end: those beyond the limit are not told. */
static void add_rival(struct ct_report *report, const struct ct_interval *interval)
{
    struct ct_report_rival key = {.thread = interval->thread, .name = interval->ran_instead};
    struct ct_report_rival *rival = g_hash_table_lookup(report->rivals, &key);

    if (!rival && g_hash_table_size(report->rivals) < RIVALS_MAX) {
        rival = g_new(struct ct_report_rival, 1);
        *rival = key;
        g_hash_table_add(report->rivals, rival);
    }
    if (rival)
        rival->line_ns += interval->end_ns - interval->begin_ns;
}

const char *ct_report_rival(const struct ct_report *report, const struct ct_thread *thread)
{
    const struct ct_report_rival *first = NULL;
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, report->rivals);
    while (g_hash_table_iter_next(&iter, &value, NULL)) {
        const struct ct_report_rival *rival = value;

        if (rival->thread != thread)
            continue;
        if (!first || rival->line_ns > first->line_ns ||
            (rival->line_ns == first->line_ns && strcmp(rival->name, first->name) < 0))
            first = rival;
    }
    return first ? first->name : NULL;
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct ct_report *report = user;

    /* Time in line, and what no call was made for, is no place where the program waits. */
    if (interval->class == CT_CLASS_RUNNABLE ||
        (interval->op == CT_OP_NONE &&
         (interval->class == CT_CLASS_OTHER || interval->class == CT_CLASS_UNKNOWN))) {
        if (interval->ran_instead)
            add_rival(report, interval);
        return;
    }
    if (ct_interval_is_counted(interval, 0)) {
        report->open_count += interval->is_open ? 1 : 0;
        if (interval->is_open)
            keep_longest(report->open, OPEN_MAX, interval);
        else
            keep_longest(report->longest, report->top, interval);
    }
    add_to_site(report, interval);
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_waits(const void *a, const void *b)
{
    const struct ct_report_wait *first = *(struct ct_report_wait *const *)a;
    const struct ct_report_wait *second = *(struct ct_report_wait *const *)b;
    int order = COMPARE(length_ns(second), length_ns(first));

    if (order == 0)
        order = COMPARE(first->interval.wait_begin_ns, second->interval.wait_begin_ns);
    return order != 0 ? order : COMPARE(first->interval.thread->tid, second->interval.thread->tid);
}

static int compare_sites(const void *a, const void *b)
{
    const struct ct_report_site *first = *(struct ct_report_site *const *)a;
    const struct ct_report_site *second = *(struct ct_report_site *const *)b;
    int order = COMPARE(second->total_ns, first->total_ns);

    if (order == 0)
        order = COMPARE(second->count, first->count);
    if (order == 0)
        order = COMPARE(first->process->start_ns, second->process->start_ns);
    if (order == 0)
        order = COMPARE(first->process->pid, second->process->pid);
    if (order == 0)
        order = COMPARE(first->op, second->op);
    return order != 0 ? order : COMPARE(first->stack_id, second->stack_id);
}

void ct_report_finish(struct ct_report *report)
{
    g_ptr_array_sort(report->longest, compare_waits);
    g_ptr_array_sort(report->open, compare_waits);
    g_ptr_array_sort(report->sites, compare_sites);
}

guint ct_report_site_number(const struct ct_report *report, const struct ct_interval *interval)
{
    struct ct_report_site key = key_of(interval);
    const struct ct_report_site *site = g_hash_table_lookup(report->site_index, &key);

    for (guint i = 0; i < MIN(report->sites->len, report->top); i++) {
        if (report->sites->pdata[i] == site)
            return i + 1;
    }
    return 0;
}

uint64_t ct_report_waited_ns(const struct ct_thread *thread)
{
    return thread->end_ns - thread->start_ns - thread->class_ns[CT_CLASS_RUNNING];
}

char *ct_report_object_name(const struct ct_report *report, const struct ct_process *process,
                            enum ct_op op, uint64_t object_id, const char *object)
{
    enum ct_object kind = ct_op_object(op);
    const char *variable = NULL;

    if (ct_object_is_address(kind))
        variable = ct_symbolizer_resolve_data(report->symbolizer, process, object_id);
    return variable ? g_strdup_printf("%s (%s)", object, variable) : g_strdup(object);
}

struct ct_sink ct_report_sink(struct ct_report *report)
{
    return (struct ct_sink){.user = report, .on_interval = on_interval};
}

struct ct_report *ct_report_new(const struct ct_model *model, guint top)
{
    struct ct_report *report = g_new0(struct ct_report, 1);

    report->model = model;
    report->top = top;
    report->longest = g_ptr_array_new_with_free_func(wait_free);
    report->open = g_ptr_array_new_with_free_func(wait_free);
    report->sites = g_ptr_array_new_with_free_func(site_free);
    report->site_index = g_hash_table_new(site_hash, site_equal);
    report->rivals = g_hash_table_new_full(rival_hash, rival_equal, g_free, NULL);
    report->symbolizer = ct_symbolizer_new();
    return report;
}

void ct_report_free(struct ct_report *report)
{
    if (!report)
        return;
    g_ptr_array_unref(report->longest);
    g_ptr_array_unref(report->open);
    g_ptr_array_unref(report->sites);
    g_hash_table_unref(report->site_index);
    g_hash_table_unref(report->rivals);
    ct_symbolizer_free(report->symbolizer);
    g_free(report);
}
