#include "report/report.h"

#include "report/stack_text.h"

#include <json-glib/json-glib.h>
#include <math.h>

static void add_string(JsonBuilder *json, const char *name, const char *value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_string_value(json, value);
}

/* JSON has no unsigned 64 bits in json-glib; what does not fit is no time of a real trace. */
static void add_number(JsonBuilder *json, const char *name, uint64_t value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_int_value(json, (gint64)MIN(value, (uint64_t)INT64_MAX));
}

static void add_rounded(JsonBuilder *json, const char *name, double value)
{
    add_number(json, name, (uint64_t)llround(MIN(value, 9e18)));
}

static void add_signed(JsonBuilder *json, const char *name, int64_t value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_int_value(json, value);
}

static void add_boolean(JsonBuilder *json, const char *name, gboolean value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_boolean_value(json, value);
}

static void add_capture(JsonBuilder *json, const struct ct_model *model)
{
    const struct ct_capture *capture = &model->capture;

    json_builder_set_member_name(json, "capture");
    json_builder_begin_object(json);
    add_string(json, "ctrace_version", capture->ctrace_version);
    add_string(json, "command", capture->command);
    add_string(json, "layers", capture->layers);
    add_string(json, "missing", capture->missing);
    add_boolean(json, "is_complete", capture->is_complete);
    add_string(json, "damage", capture->damage ? capture->damage : "");
    add_number(json, "begin_ns", model->begin_ns);
    add_number(json, "end_ns", model->end_ns);
    add_signed(json, "epoch_offset_ns", model->epoch_offset_ns);
    add_number(json, "rate_ns", capture->rate_ns);
    add_signed(json, "exit_status", capture->exit_status);
    add_number(json, "events", capture->event_count);
    add_number(json, "waits_recorded", capture->waits_recorded);
    add_number(json, "waits_lost", capture->waits_lost);
    add_number(json, "events_lost", capture->events_lost);
    add_number(json, "packets_lost", capture->packets_lost);
    add_number(json, "stacks_lost", capture->stacks_lost);
    add_number(json, "threads_lost", capture->threads_lost);
    add_number(json, "modules_lost", capture->modules_lost);
    add_number(json, "records_dropped", capture->records_dropped);
    add_number(json, "unknown_events", capture->unknown_events);
    json_builder_end_object(json);
}

static void add_processes(JsonBuilder *json, const struct ct_model *model)
{
    json_builder_set_member_name(json, "processes");
    json_builder_begin_array(json);
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = g_ptr_array_index(model->processes, i);

        json_builder_begin_object(json);
        add_signed(json, "pid", process->pid);
        add_signed(json, "ppid", process->ppid);
        add_string(json, "name", process->name);
        add_string(json, "exe", process->exe);
        add_string(json, "args", process->args);
        add_string(json, "cwd", process->cwd);
        add_number(json, "start_ns", process->start_ns);
        add_number(json, "end_ns", process->end_ns);
        add_number(json, "rate_ns", process->rate_ns);
        add_signed(json, "exit_status", process->exit_status);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void add_threads(JsonBuilder *json, const struct ct_model *model)
{
    json_builder_set_member_name(json, "threads");
    json_builder_begin_array(json);
    for (guint i = 0; i < model->threads->len; i++) {
        const struct ct_thread *thread = g_ptr_array_index(model->threads, i);

        json_builder_begin_object(json);
        add_signed(json, "pid", thread->process->pid);
        add_number(json, "process_start_ns", thread->process->start_ns);
        add_signed(json, "tid", thread->tid);
        add_string(json, "name", thread->name);
        add_number(json, "start_ns", thread->start_ns);
        add_number(json, "end_ns", thread->end_ns);
        add_boolean(json, "has_exited", thread->has_exited);
        add_boolean(json, "has_exact_totals", thread->has_totals);
        add_number(json, "waits", thread->interval_count);
        json_builder_set_member_name(json, "time_ns");
        json_builder_begin_object(json);
        for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
            add_number(json, ct_class_name((enum ct_class) class), thread->class_ns[class]);
        json_builder_end_object(json);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

/* Of each process, by operation. Bucket i of the histogram is that of the trace: calls of
 * 2^(i+7) to 2^(i+8) ns, the first one of all below 256 ns. */
static void add_counters(JsonBuilder *json, enum ct_op op, const struct ct_op_counters *counters,
                         const struct ct_process *process)
{
    size_t used = CT_HISTOGRAM_BUCKETS;

    json_builder_begin_object(json);
    add_signed(json, "pid", process->pid);
    add_number(json, "process_start_ns", process->start_ns);
    add_string(json, "operation", ct_op_name(op));
    add_number(json, "calls", counters->calls);
    add_number(json, "total_ns", counters->total_ns);
    add_number(json, "p50_ns", ct_op_counters_quantile_ns(counters, 0.5));
    add_number(json, "p99_ns", ct_op_counters_quantile_ns(counters, 0.99));
    while (used > 0 && counters->histogram[used - 1] == 0)
        used--;
    json_builder_set_member_name(json, "histogram");
    json_builder_begin_array(json);
    for (size_t i = 0; i < used; i++)
        json_builder_add_int_value(json, (gint64)MIN(counters->histogram[i], (uint64_t)INT64_MAX));
    json_builder_end_array(json);
    json_builder_end_object(json);
}

static void add_calls(JsonBuilder *json, const struct ct_model *model)
{
    json_builder_set_member_name(json, "calls");
    json_builder_begin_array(json);
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = g_ptr_array_index(model->processes, i);

        for (size_t op = 0; op < CT_OP_COUNT; op++) {
            const struct ct_op_counters *counters = ct_process_counters(process, (enum ct_op)op);

            if (counters)
                add_counters(json, (enum ct_op)op, counters, process);
        }
    }
    json_builder_end_array(json);
}

static void add_stack(JsonBuilder *json, const struct ct_report *report, const char *name,
                      const struct ct_process *process, uint32_t stack_id)
{
    g_autoptr(GPtrArray) frames = ct_stack_frames(report, process, stack_id);

    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (guint i = 0; i < frames->len; i++)
        json_builder_add_string_value(json, g_ptr_array_index(frames, i));
    json_builder_end_array(json);
}

static void add_waits(JsonBuilder *json, const struct ct_report *report, const char *name,
                      const GPtrArray *waits)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (guint i = 0; i < MIN(waits->len, report->top); i++) {
        const struct ct_report_wait *wait = g_ptr_array_index(waits, i);
        const struct ct_interval *interval = &wait->interval;
        const struct ct_process *process = interval->thread->process;
        g_autofree char *object =
            ct_report_object_name(report, process, interval->op, interval->object, wait->object);

        json_builder_begin_object(json);
        add_signed(json, "pid", process->pid);
        add_signed(json, "tid", interval->thread->tid);
        add_string(json, "thread", interval->thread->name);
        add_string(json, "operation", ct_op_name(interval->op));
        add_string(json, "class", ct_class_name(interval->class));
        add_string(json, "object", object);
        add_number(json, "begin_ns", interval->wait_begin_ns);
        add_number(json, "duration_ns", ct_interval_wait_ns(interval));
        add_signed(json, "result", interval->result);
        add_signed(json, "owner_tid", interval->owner_tid);
        add_stack(json, report, "stack", process, interval->stack_id);
        if (interval->waker) {
            add_signed(json, "waker_tid", interval->waker->tid);
            add_string(json, "waker", interval->waker->name);
            add_string(json, "waker_operation", ct_op_name(interval->waker_op));
            add_number(json, "wake_ns", interval->wake_ns);
            add_stack(json, report, "waker_stack", interval->waker->process,
                      interval->waker_stack_id);
        }
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

static void add_sites(JsonBuilder *json, const struct ct_report *report)
{
    json_builder_set_member_name(json, "sites");
    json_builder_begin_array(json);
    for (guint i = 0; i < MIN(report->sites->len, report->top); i++) {
        const struct ct_report_site *site = g_ptr_array_index(report->sites, i);
        g_autofree char *object =
            ct_report_object_name(report, site->process, site->op, site->object_id, site->object);

        json_builder_begin_object(json);
        add_signed(json, "pid", site->process->pid);
        add_string(json, "process", site->process->name);
        add_string(json, "operation", ct_op_name(site->op));
        add_string(json, "class", ct_class_name(site->class));
        add_string(json, "object", site->has_many_objects ? "" : object);
        add_rounded(json, "count", site->count);
        add_rounded(json, "total_ns", site->total_ns);
        add_number(json, "longest_ns", site->longest_ns);
        add_stack(json, report, "stack", site->process, site->stack_id);
        json_builder_end_object(json);
    }
    json_builder_end_array(json);
}

char *ct_report_json(const struct ct_report *report, const struct ct_report_layout *layout)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autoptr(JsonNode) root = NULL;

    (void)layout;
    json_builder_begin_object(json);
    add_capture(json, report->model);
    add_processes(json, report->model);
    add_threads(json, report->model);
    add_number(json, "open_wait_count", report->open_count);
    add_waits(json, report, "open_waits", report->open);
    add_waits(json, report, "longest_waits", report->longest);
    add_number(json, "site_count", report->sites->len);
    add_rounded(json, "waits_beyond_sites", report->unlisted_count);
    add_sites(json, report);
    add_calls(json, report->model);
    json_builder_end_object(json);
    root = json_builder_get_root(json);
    json_generator_set_pretty(generator, TRUE);
    json_generator_set_root(generator, root);

    g_autofree char *text = json_generator_to_data(generator, NULL);

    return g_strconcat(text, "\n", NULL);
}
