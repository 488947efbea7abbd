#include "summary/report.h"

#include "model/format.h"
#include "summary/rivals.h"
#include "symbols/object_name.h"
#include "symbols/stack_text.h"

#include <string.h>

static const struct ct_window all_time = {0, UINT64_MAX};

/* Of one thread. Names are known for good at the trace's end only, and with them who is selected.
 */
struct gathered {
    struct ct_report_lists *lists; /* owned; NULL if everybody is selected */
    double waited_ns[CT_CLASS_COUNT];
    uint64_t interval_count;
};

static void gathered_free(void *data)
{
    struct gathered *gathered = data;

    ct_report_lists_free(gathered->lists);
    g_free(gathered);
}

static const struct ct_window *window_of(const struct ct_report *report)
{
    return report->scope.is_whole_time ? &all_time : &report->scope.window;
}

static gboolean is_about_everybody(const struct ct_report *report)
{
    return ct_selection_is_all_threads(&report->scope.selection);
}

gboolean ct_report_is_whole(const struct ct_report *report)
{
    return report->scope.is_whole_time && ct_selection_is_all(&report->scope.selection);
}

gboolean ct_report_tells_class(const struct ct_report *report, enum ct_class class)
{
    const struct ct_selection *selection = &report->scope.selection;

    if (ct_selection_is_all_waits(selection))
        return TRUE;
    return ct_selection_has_class(selection, class) &&
           (class != CT_CLASS_RUNNING ||
            (report->scope.is_whole_time && ct_selection_is_by_class(selection)));
}

gboolean ct_report_has_all_waits(const struct ct_report *report)
{
    return ct_selection_is_all_waits(&report->scope.selection);
}

gboolean ct_report_has_calls(const struct ct_report *report)
{
    const char *const *threads = report->scope.selection.threads;

    return report->scope.is_whole_time && ct_report_has_all_waits(report) &&
           (!threads || !*threads);
}

static struct gathered *gathered_of(struct ct_report *report, struct ct_thread *thread)
{
    struct gathered *gathered = g_hash_table_lookup(report->gathered, thread);

    if (gathered)
        return gathered;
    gathered = g_new0(struct gathered, 1);
    if (!is_about_everybody(report))
        gathered->lists = ct_report_lists_new(report->top);
    g_hash_table_insert(report->gathered, thread, gathered);
    return gathered;
}

/* What a row of the table needs of a wait. */
static void add_to_row(struct gathered *gathered, const struct ct_interval *interval,
                       const struct ct_window *window)
{
    uint64_t begin_ns = MAX(interval->begin_ns, window->begin_ns);
    uint64_t end_ns = MIN(interval->end_ns, window->end_ns);

    if (begin_ns > end_ns)
        return;
    gathered->interval_count += ct_interval_is_counted(interval, window->begin_ns);
    gathered->waited_ns[interval->class] += interval->weight * (double)(end_ns - begin_ns);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct ct_report *report = user;
    struct ct_report_lists *lists = report->lists;

    const struct ct_evidence_wait *kind =
        ct_evidence_add(report->evidence, interval, window_of(report));

    if (!ct_report_is_whole(report)) {
        struct gathered *gathered = gathered_of(report, interval->thread);

        add_to_row(gathered, interval, window_of(report));
        lists = gathered->lists ? gathered->lists : lists;
    }
    /* Time runnable, and what no call was made for, is no place where the program waits. */
    if (interval->class == CT_CLASS_RUNNABLE || interval->is_outside) {
        if (interval->preempted_by)
            ct_rivals_add(report->rivals, interval);
        return;
    }
    ct_report_lists_add(lists, interval, window_of(report), kind);
}

static uint64_t gathered_count(const struct ct_report *report, const struct ct_thread *thread)
{
    const struct gathered *gathered = g_hash_table_lookup(report->gathered, thread);

    return gathered ? gathered->interval_count : 0;
}

/* As the trace itself has summed it up. */
static struct ct_report_thread whole_row(const struct ct_report *report,
                                         const struct ct_thread *thread)
{
    struct ct_report_thread row = {
        .life = {.thread = thread, .alive = {thread->start_ns, thread->end_ns}},
        .interval_count = thread->interval_count,
        .is_exact = thread->has_totals,
    };

    for (int class = 0; class < CT_CLASS_COUNT; class ++) {
        if (ct_selection_has_class(&report->scope.selection, (enum ct_class) class))
            row.life.class_ns[class] = thread->class_ns[class];
    }
    if (!ct_report_has_all_waits(report))
        row.interval_count = gathered_count(report, thread);
    return row;
}

static struct ct_report_thread scoped_row(const struct ct_report *report,
                                          const struct ct_thread *thread)
{
    const struct gathered *gathered = g_hash_table_lookup(report->gathered, thread);
    uint64_t waited_ns[CT_CLASS_COUNT] = {0};

    for (size_t class = 0; class < CT_CLASS_COUNT && gathered; class ++)
        waited_ns[class] = ct_rounded(gathered->waited_ns[class]);
    struct ct_report_thread row = {
        .life = ct_life_inside(thread, window_of(report), waited_ns),
        .interval_count = gathered_count(report, thread),
    };

    /* What is left is not only running where some waits are left out. */
    if (!ct_report_has_all_waits(report))
        row.life.class_ns[CT_CLASS_RUNNING] = 0;
    return row;
}

/* One that lived on one side of the window only has no row. */
static gboolean is_in_window(const struct ct_report *report, const struct ct_thread *thread)
{
    const struct ct_window *window = window_of(report);

    return thread->start_ns < window->end_ns &&
           (thread->end_ns > window->begin_ns || report->scope.is_whole_time);
}

static void add_thread(struct ct_report *report, struct ct_thread *thread)
{
    struct gathered *gathered = g_hash_table_lookup(report->gathered, thread);

    if (!ct_selection_has_thread(&report->scope.selection, thread))
        return;
    if (gathered && gathered->lists) {
        ct_report_lists_name(gathered->lists);
        ct_report_lists_merge(report->lists, gathered->lists);
    }
    if (!is_in_window(report, thread))
        return;
    struct ct_report_thread row =
        report->scope.is_whole_time && ct_selection_is_by_class(&report->scope.selection)
            ? whole_row(report, thread)
            : scoped_row(report, thread);

    g_array_append_val(report->threads, row);
}

static void list_processes(struct ct_report *report)
{
    g_autoptr(GHashTable) shown = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < report->threads->len; i++) {
        const struct ct_report_thread *row =
            &g_array_index(report->threads, struct ct_report_thread, i);

        g_hash_table_add(shown, row->life.thread->process);
    }
    for (guint i = 0; i < report->model->processes->len; i++) {
        void *process = report->model->processes->pdata[i];

        if (ct_report_is_whole(report) || g_hash_table_contains(shown, process))
            g_ptr_array_add(report->processes, process);
    }
}

void ct_report_finish(struct ct_report *report)
{
    ct_report_lists_name(report->lists);
    for (guint i = 0; i < report->model->threads->len; i++)
        add_thread(report, report->model->threads->pdata[i]);
    list_processes(report);
    ct_report_lists_sort(report->lists);
}

char *ct_report_describe_place(const struct ct_report *report, const struct ct_process *process,
                               enum ct_op op, uint32_t stack_id)
{
    g_autoptr(GArray) frames = ct_stack_list(report->symbolizer, process, stack_id);
    gboolean is_alone = report->scope.has_each_process || !process->exe || !process->exe[0];
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%p %s %d", is_alone ? (const void *)process : NULL,
                    process->exe ? process->exe : "", (int)op);
    for (guint i = 0; i < frames->len; i++) {
        const struct ct_symbol_frame *frame =
            g_array_index(frames, struct ct_stack_frame, i).function;

        if (!frame) {
            g_string_append(text, "\n[frames omitted]");
            continue;
        }
        g_string_append_printf(text, "\n%s %s %u", frame->function, frame->file, frame->line);
    }
    return g_string_free(text, FALSE);
}

static char *describe_site(void *user, const struct ct_report_site *site)
{
    g_autofree char *place =
        ct_report_describe_place(user, site->process, site->op, site->stack_id);

    return g_strdup_printf("%d %s %s", (int)site->class, site->ended_by ? site->ended_by : "",
                           place);
}

void ct_report_fold_places(struct ct_report *report)
{
    ct_report_lists_fold(report->lists, describe_site, report);
}

guint ct_report_timed_sites(const struct ct_report *report)
{
    const GPtrArray *sites = report->lists->sites;
    guint count = 0;

    for (guint i = 0; i < sites->len; i++) {
        const struct ct_report_site *site = sites->pdata[i];

        count += site->total_ns > 0 && !ct_report_site_is_idle(site);
    }
    return count > 0 || ct_report_idle_sites(report) > 0 ? count : sites->len;
}

guint ct_report_idle_sites(const struct ct_report *report)
{
    const GPtrArray *sites = report->lists->sites;
    guint count = 0;

    while (count < sites->len && ct_report_site_is_idle(sites->pdata[sites->len - 1 - count]))
        count++;
    return count;
}

guint ct_report_site_number(const struct ct_report *report, const struct ct_interval *interval)
{
    const struct ct_report_site *site = ct_report_lists_site(report->lists, interval);
    const GPtrArray *sites = report->lists->sites;

    for (guint i = 0; i < MIN(ct_report_timed_sites(report), report->top); i++) {
        if (sites->pdata[i] == site)
            return i + 1;
    }
    return 0;
}

const char *ct_report_rival(const struct ct_report *report, const GPtrArray *threads)
{
    g_autoptr(GHashTable) asked = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < threads->len; i++)
        g_hash_table_add(asked,
                         (void *)((const struct ct_report_thread *)threads->pdata[i])->life.thread);
    return ct_rivals_first(report->rivals, asked);
}

uint64_t ct_report_waited_ns(const struct ct_life *life)
{
    uint64_t waited_ns = 0;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        if (class != CT_CLASS_RUNNING)
            waited_ns = ct_add_u64(waited_ns, life->class_ns[class]);
    }
    return waited_ns;
}

/* With the variable that is at its address, if it is one. */
static char *name_object(const struct ct_report *report, const struct ct_process *process,
                         enum ct_op op, uint64_t address, uint64_t time_ns, const char *object)
{
    const char *variable =
        ct_object_find_name(report->symbolizer, process, ct_op_object(op), address, time_ns);

    return variable ? g_strdup_printf("%s (%s)", object, variable) : g_strdup(object);
}

char *ct_report_wait_object(const struct ct_report *report, const struct ct_report_wait *wait)
{
    const struct ct_interval *interval = &wait->interval;

    return name_object(report, interval->thread->process, interval->op, interval->object,
                       interval->begin_ns, wait->object);
}

char *ct_report_site_object(const struct ct_report *report, const struct ct_report_site *site)
{
    return name_object(report, site->process, site->op, site->object_id,
                       ct_process_stack_time(site->process, site->stack_id), site->object);
}

char *ct_report_lock_object(const struct ct_report *report, const struct ct_process *process,
                            enum ct_op op, uint64_t object, uint32_t stack_id)
{
    struct ct_thread member = {.process = (struct ct_process *)process};
    const struct ct_interval interval = {.thread = &member, .op = op, .object = object};
    g_autofree char *text = ct_format_object(&interval);

    return name_object(report, process, op, object, ct_process_stack_time(process, stack_id), text);
}

struct ct_sink ct_report_sink(struct ct_report *report)
{
    return (struct ct_sink){.user = report, .on_interval = on_interval, .is_early = TRUE};
}

struct ct_report *ct_report_new(const struct ct_model *model, const struct ct_report_scope *scope,
                                guint top)
{
    struct ct_report *report = g_new0(struct ct_report, 1);

    report->model = model;
    report->scope = *scope;
    report->top = top;
    report->threads = g_array_new(FALSE, FALSE, sizeof(struct ct_report_thread));
    report->processes = g_ptr_array_new();
    report->lists = ct_report_lists_new(top);
    report->evidence = ct_evidence_new();
    report->gathered = g_hash_table_new_full(NULL, NULL, NULL, gathered_free);
    report->rivals = ct_rivals_new();
    report->symbolizer = ct_symbolizer_new(model);
    report->idle = ct_idle_new(model, report->symbolizer);
    return report;
}

void ct_report_free(struct ct_report *report)
{
    if (!report)
        return;
    g_array_unref(report->threads);
    g_ptr_array_unref(report->processes);
    ct_report_lists_free(report->lists);
    ct_evidence_free(report->evidence);
    if (report->inversions)
        g_ptr_array_unref(report->inversions);
    ct_findings_free(report->findings);
    g_hash_table_unref(report->gathered);
    g_hash_table_unref(report->rivals);
    ct_idle_free(report->idle);
    ct_symbolizer_free(report->symbolizer);
    g_free(report);
}
