/* The report as JSON. */
#include "export/json_capture.h"
#include "export/json_document.h"
#include "export/json_heap.h"
#include "export/json_locks.h"
#include "export/json_path.h"
#include "export/json_peers.h"
#include "export/json_stack.h"
#include "export/latency_records.h"
#include "export/report_format.h"

#include "model/format.h"

#include <math.h>

static void add_names(JsonBuilder *json, const char *name, const char *const *names)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (; names && *names; names++)
        ct_json_add_value(json, *names);
    json_builder_end_array(json);
}

/* What was asked for, where that is not everything. */
static void write_scope(struct ct_json_document *document, const struct ct_report *report)
{
    const struct ct_report_scope *scope = &report->scope;
    const struct ct_model *model = report->model;
    JsonBuilder *json = document->json;
    g_autofree char *waits = ct_selection_describe_waits(&scope->selection);

    if (ct_report_is_whole(report))
        return;
    ct_json_begin_member(document, "scope");
    json_builder_begin_object(json);
    ct_json_add_number(json, "begin_ns",
                       scope->is_whole_time ? model->begin_ns : scope->window.begin_ns);
    ct_json_add_number(json, "end_ns", scope->is_whole_time ? model->end_ns : scope->window.end_ns);
    add_names(json, "processes", scope->selection.processes);
    add_names(json, "threads", scope->selection.threads);
    ct_json_add_string(json, "waits", waits);
    json_builder_end_object(json);
    ct_json_end_member(document);
}

static void add_lock(JsonBuilder *json, const struct ct_lock_key *lock)
{
    g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", lock->object);

    json_builder_begin_object(json);
    ct_json_add_signed(json, "pid", lock->pid);
    ct_json_add_string(json, "kind", ct_object_name(lock->kind));
    ct_json_add_string(json, "address", address);
    json_builder_end_object(json);
}

/* Who, when, and what for; without what is not known. */
static void add_where_it_shows(JsonBuilder *json, const struct ct_finding *finding)
{
    if (finding->when.end_ns > 0) {
        ct_json_add_number(json, "from_ns", finding->when.begin_ns);
        ct_json_add_number(json, "to_ns", finding->when.end_ns);
    }
    json_builder_set_member_name(json, "tids");
    json_builder_begin_array(json);
    for (guint i = 0; i < finding->threads->len; i++)
        json_builder_add_int_value(json, ((struct ct_thread *)finding->threads->pdata[i])->tid);
    json_builder_end_array(json);
    if (finding->longest_of && finding->longest.end_ns > 0) {
        json_builder_set_member_name(json, "longest");
        json_builder_begin_object(json);
        ct_json_add_signed(json, "tid", finding->longest_of->tid);
        ct_json_add_number(json, "from_ns", finding->longest.begin_ns);
        ct_json_add_number(json, "to_ns", finding->longest.end_ns);
        ct_json_add_number(json, "cost_ns", finding->longest_ns);
        json_builder_end_object(json);
    }
    if (!finding->locks)
        return;
    json_builder_set_member_name(json, "objects");
    json_builder_begin_array(json);
    for (guint i = 0; i < finding->locks->len; i++)
        add_lock(json, &g_array_index(finding->locks, struct ct_lock_key, i));
    json_builder_end_array(json);
}

static void write_findings(struct ct_json_document *document, const struct ct_report *report,
                           const struct ct_finding_context *context)
{
    ct_json_begin_array(document, "findings");
    for (guint i = 0; i < report->findings->list->len; i++) {
        const struct ct_finding *finding = report->findings->list->pdata[i];
        const struct ct_symbol_frame *place = finding->place;
        g_autofree char *command = ct_finding_command(finding, context);
        g_autofree char *what_if = ct_finding_what_if(finding, context);
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_string(json, "rule", finding->rule);
        ct_json_add_number(json, "cost_ns", finding->cost_ns);
        if (finding->cpus_used >= 0)
            ct_json_add_rounded(json, "cpus_used_percent", 100 * finding->cpus_used);
        ct_json_add_string(json, "text", finding->text);
        ct_json_add_string(json, "command", command);
        if (what_if)
            ct_json_add_string(json, "whatif_command", what_if);
        ct_json_add_string(json, "function", place ? place->function : "");
        ct_json_add_string(json, "file", place ? place->file : "");
        ct_json_add_number(json, "line", place ? place->line : 0);
        add_where_it_shows(json, finding);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
    if (report->findings->busy_cpus > 0)
        ct_json_write_number(document, "busy_cpus_percent",
                             ct_rounded(100 * report->findings->busy_cpus));
    if (report->findings->cpus > 0)
        ct_json_write_number(document, "cpus", report->findings->cpus);
    if (!report->findings->nothing)
        return;
    ct_json_begin_member(document, "no_findings");
    json_builder_begin_object(document->json);
    ct_json_add_string(document->json, "text", report->findings->nothing);
    json_builder_end_object(document->json);
    ct_json_end_member(document);
}

static void write_processes(struct ct_json_document *document, const struct ct_report *report)
{
    ct_json_begin_array(document, "processes");
    for (guint i = 0; i < report->processes->len; i++) {
        const struct ct_process *process = g_ptr_array_index(report->processes, i);

        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_signed(json, "pid", process->pid);
        ct_json_add_signed(json, "ppid", process->ppid);
        ct_json_add_string(json, "name", process->name);
        ct_json_add_string(json, "exe", process->exe);
        ct_json_add_string(json, "args", process->args);
        ct_json_add_string(json, "title", ct_process_title(process));
        ct_json_add_string(json, "cwd", process->cwd);
        ct_json_add_number(json, "start_ns", process->start_ns);
        ct_json_add_number(json, "end_ns", process->end_ns);
        ct_json_add_number(json, "rate_ns", process->rate_ns);
        ct_json_add_signed(json, "exit_status", process->exit_status);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

/* What only the kernel layer knows. */
static void add_sched(JsonBuilder *json, const struct ct_thread_sched *sched)
{
    json_builder_set_member_name(json, "scheduler");
    json_builder_begin_object(json);
    ct_json_add_number(json, "running_ns", sched->running_ns);
    ct_json_add_number(json, "runnable_ns", sched->runnable_ns);
    ct_json_add_number(json, "blocked_ns", sched->blocked_ns);
    ct_json_add_number(json, "unknown_ns", sched->unknown_ns);
    ct_json_add_number(json, "switches", sched->switches);
    ct_json_add_number(json, "migrations", sched->migrations);
    ct_json_add_number(json, "preemptions", sched->preemptions);
    ct_json_add_number(json, "runnable_count", sched->queued.calls);
    ct_json_add_number(json, "runnable_p50_ns", ct_sched_queued_quantile_ns(sched, 0.5));
    ct_json_add_number(json, "runnable_p95_ns", ct_sched_queued_quantile_ns(sched, 0.95));
    ct_json_add_number(json, "runnable_p99_ns", ct_sched_queued_quantile_ns(sched, 0.99));
    ct_json_add_number(json, "runnable_max_ns", sched->longest_queued_ns);
    json_builder_end_object(json);
}

static void write_threads(struct ct_json_document *document, const struct ct_report *report)
{
    ct_json_begin_array(document, "threads");
    for (guint i = 0; i < report->threads->len; i++) {
        const struct ct_report_thread *row =
            &g_array_index(report->threads, struct ct_report_thread, i);
        const struct ct_thread *thread = row->life.thread;

        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_signed(json, "pid", thread->process->pid);
        ct_json_add_number(json, "process_start_ns", thread->process->start_ns);
        ct_json_add_signed(json, "tid", thread->tid);
        ct_json_add_string(json, "name", thread->name);
        ct_json_add_number(json, "start_ns", thread->start_ns);
        ct_json_add_number(json, "end_ns", thread->end_ns);
        ct_json_add_boolean(json, "has_exited", thread->has_exited);
        ct_json_add_boolean(json, "has_exact_totals", row->is_exact);
        ct_json_add_number(json, "waits", row->interval_count);
        json_builder_set_member_name(json, "time_ns");
        json_builder_begin_object(json);
        for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
            if (ct_report_tells_class(report, (enum ct_class) class))
                ct_json_add_number(json, ct_class_name((enum ct_class) class),
                                   row->life.class_ns[class]);
        }
        json_builder_end_object(json);
        ct_json_add_rounded(json, "idle_ns", row->idle_ns);
        if (thread->sched.is_known)
            add_sched(json, &thread->sched);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

/* Of each process, by operation. Bucket i of the histogram is that of the trace: calls of
 * 2^(i+7) to 2^(i+8) ns, the first one of all below 256 ns. */
static void write_counters(struct ct_json_document *document, enum ct_op op,
                           const struct ct_op_counters *counters, const struct ct_process *process)
{
    size_t used = CT_HISTOGRAM_BUCKETS;
    JsonBuilder *json = ct_json_begin_element(document);

    ct_json_add_signed(json, "pid", process->pid);
    ct_json_add_number(json, "process_start_ns", process->start_ns);
    ct_json_add_string(json, "operation", ct_op_name(op));
    ct_json_add_number(json, "calls", counters->calls);
    ct_json_add_number(json, "total_ns", counters->total_ns);
    ct_json_add_number(json, "p50_ns", ct_op_counters_quantile_ns(counters, 0.5));
    ct_json_add_number(json, "p99_ns", ct_op_counters_quantile_ns(counters, 0.99));
    while (used > 0 && counters->histogram[used - 1] == 0)
        used--;
    json_builder_set_member_name(json, "histogram");
    json_builder_begin_array(json);
    for (size_t i = 0; i < used; i++)
        ct_json_add_count(json, counters->histogram[i]);
    json_builder_end_array(json);
    ct_json_end_element(document);
}

static void write_calls(struct ct_json_document *document, const struct ct_report *report)
{
    ct_json_begin_array(document, "calls");
    for (guint i = 0; i < report->processes->len && ct_report_has_calls(report); i++) {
        const struct ct_process *process = g_ptr_array_index(report->processes, i);

        for (size_t op = 0; op < CT_OP_COUNT; op++) {
            const struct ct_op_counters *counters = ct_process_counters(process, (enum ct_op)op);

            if (counters)
                write_counters(document, (enum ct_op)op, counters, process);
        }
    }
    ct_json_end_array(document);
}

static void add_wait(JsonBuilder *json, const struct ct_report *report,
                     const struct ct_report_wait *wait)
{
    const struct ct_interval *interval = &wait->interval;
    const struct ct_process *process = interval->thread->process;
    g_autofree char *object = ct_report_wait_object(report, wait);

    ct_json_add_signed(json, "pid", process->pid);
    ct_json_add_signed(json, "tid", interval->thread->tid);
    ct_json_add_string(json, "thread", interval->thread->name);
    ct_json_add_string(json, "operation", ct_op_name(interval->op));
    ct_json_add_string(json, "class", ct_class_name(interval->class));
    ct_json_add_string(json, "object", object);
    ct_json_add_number(json, "begin_ns", interval->wait_begin_ns);
    ct_json_add_number(json, "duration_ns", ct_interval_wait_ns(interval));
    if (interval->result != CT_RESULT_UNKNOWN)
        ct_json_add_signed(json, "result", interval->result);
    ct_json_add_signed(json, "owner_tid", ct_interval_owner(interval));
    ct_json_add_stack(json, report, "stack", process, interval->stack_id);
    ct_json_add_boolean(json, "is_idle", wait->is_idle);
    if (interval->waker) {
        ct_json_add_signed(json, "waker_tid", interval->waker->tid);
        ct_json_add_string(json, "waker", interval->waker->name);
        ct_json_add_string(json, "waker_operation", ct_op_name(interval->waker_op));
        ct_json_add_number(json, "wake_ns", interval->wake_ns);
        ct_json_add_stack(json, report, "waker_stack", interval->waker->process,
                          interval->waker_stack_id);
    }
}

static void write_waits(struct ct_json_document *document, const struct ct_report *report,
                        const char *name, const GPtrArray *waits)
{
    ct_json_begin_array(document, name);
    for (guint i = 0; i < MIN(waits->len, report->top); i++) {
        add_wait(ct_json_begin_element(document), report, g_ptr_array_index(waits, i));
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

static void write_hangs(struct ct_json_document *document, const struct ct_report *report)
{
    ct_json_begin_array(document, "hangs");
    for (guint i = 0; report->hangs && i < report->hangs->len; i++) {
        const struct ct_hang *hang = g_ptr_array_index(report->hangs, i);
        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_string(json, "kind", ct_hang_kind_name(hang->kind));
        ct_json_add_number(json, "since_ns", hang->since_ns);
        ct_json_add_number(json, "threads_behind", hang->behind);
        json_builder_set_member_name(json, "waits");
        json_builder_begin_array(json);
        for (guint w = 0; w < hang->waits->len; w++) {
            const struct ct_hang_wait *one = &g_array_index(hang->waits, struct ct_hang_wait, w);
            g_autofree char *object = ct_format_object(&one->interval);
            const struct ct_report_wait wait = {.interval = one->interval, .object = object};

            json_builder_begin_object(json);
            add_wait(json, report, &wait);
            ct_json_add_signed(json, "holder_tid", one->holder ? one->holder->tid : 0);
            ct_json_add_string(json, "holder", one->holder ? one->holder->name : "");
            json_builder_end_object(json);
        }
        json_builder_end_array(json);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

static void add_step(JsonBuilder *json, const struct ct_report *report,
                     const struct ct_inversion *inversion, const struct ct_lock_order *step)
{
    const struct ct_process *process = inversion->process;
    g_autofree char *held =
        ct_report_lock_object(report, process, step->held_op, step->held, step->stack_id);
    g_autofree char *wanted =
        ct_report_lock_object(report, process, step->op, step->object, step->stack_id);

    json_builder_begin_object(json);
    ct_json_add_signed(json, "pid", process->pid);
    ct_json_add_signed(json, "tid", step->tid);
    ct_json_add_number(json, "time_ns", step->time_ns);
    ct_json_add_string(json, "held", held);
    ct_json_add_string(json, "object", wanted);
    ct_json_add_string(json, "operation", ct_op_name(step->op));
    ct_json_add_stack(json, report, "stack", process, step->stack_id);
    json_builder_end_object(json);
}

static void write_inversions(struct ct_json_document *document, const struct ct_report *report)
{
    ct_json_begin_array(document, "possible_deadlocks");
    for (guint i = 0; report->inversions && i < report->inversions->len; i++) {
        const struct ct_inversion *inversion = report->inversions->pdata[i];
        JsonBuilder *json = ct_json_begin_element(document);

        json_builder_set_member_name(json, "waits");
        json_builder_begin_array(json);
        for (guint k = 0; k < inversion->steps->len; k++)
            add_step(json, report, inversion, inversion->steps->pdata[k]);
        json_builder_end_array(json);
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

static void write_sites(struct ct_json_document *document, const struct ct_report *report)
{
    ct_json_begin_array(document, "sites");
    for (guint i = 0; i < MIN(report->lists->sites->len, report->top); i++) {
        const struct ct_report_site *site = g_ptr_array_index(report->lists->sites, i);
        g_autofree char *object = ct_report_site_object(report, site);

        JsonBuilder *json = ct_json_begin_element(document);

        ct_json_add_signed(json, "pid", site->process->pid);
        ct_json_add_string(json, "process", site->process->name);
        ct_json_add_number(json, "processes", site->others ? site->others->len + 1 : 1);
        ct_json_add_string(json, "operation", ct_op_name(site->op));
        ct_json_add_string(json, "class", ct_class_name(site->class));
        ct_json_add_string(json, "object", site->has_many_objects ? "" : object);
        ct_json_add_boolean(json, "has_several_objects", site->has_many_objects);
        ct_json_add_rounded(json, "count", site->count);
        ct_json_add_rounded(json, "total_ns", site->total_ns);
        ct_json_add_number(json, "longest_ns", site->longest_ns);
        ct_json_add_stack(json, report, "stack", site->process, site->stack_id);
        ct_json_add_rounded(json, "idle_ns", site->idle_ns);
        if (report->evidence->cpu_use)
            ct_json_add_rounded(json, "cpus_used_ns", site->used_ns);
        ct_json_add_boolean(json, "is_idle", ct_report_site_is_idle(site));
        ct_json_end_element(document);
    }
    ct_json_end_array(document);
}

static void write_all(struct ct_json_document *document, const struct ct_report *report,
                      const struct ct_finding_context *context)
{
    write_findings(document, report, context);
    write_processes(document, report);
    write_threads(document, report);
    write_hangs(document, report);
    write_inversions(document, report);
    ct_json_write_locks(document, report);
    ct_json_write_peers(document, report);
    ct_json_write_requests(document, report);
    ct_json_write_number(document, "open_wait_count", report->lists->open_count);
    write_waits(document, report, "open_waits", report->lists->open);
    write_waits(document, report, "longest_waits", report->lists->longest);
    ct_json_write_number(document, "site_count", report->lists->sites->len);
    ct_json_write_number(document, "waits_beyond_sites",
                         (uint64_t)llround(report->lists->unlisted_count));
    write_sites(document, report);
    write_calls(document, report);
    ct_json_write_heap(document, report);
}

void ct_report_write_json(const struct ct_report *report, const struct ct_report_layout *layout,
                          FILE *out)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    struct ct_json_document document = {.out = out, .json = json, .generator = generator};

    json_generator_set_pretty(generator, TRUE);
    fputs("{\n", out);
    ct_json_write_string(&document, "schema", "ctrace-report-1");
    ct_json_write_capture(&document, report->model);
    write_scope(&document, report);
    if (layout->extent != CT_REPORT_SECTION)
        write_all(&document, report, &layout->context);
    ct_json_write_latency(&document, report);
    ct_json_write_path(&document, report);
    if (layout->extent == CT_REPORT_SECTION) {
        ct_json_write_peers(&document, report);
        ct_json_write_requests(&document, report);
        ct_json_write_heap(&document, report);
    }
    fputs("\n}\n", out);
}
