/* The report as JSON. */
#include "export/report_format.h"

#include "model/format.h"
#include "symbols/stack_text.h"
#include "text/safe_text.h"

#include <json-glib/json-glib.h>
#include <math.h>

/* The report: written member by member, since a tree of all of it would take many times its room.
 */
struct document {
    FILE *out;         /* borrowed */
    JsonBuilder *json; /* borrowed, as the next; of the value that comes next */
    JsonGenerator *generator;
    gboolean has_members;
    gboolean has_elements; /* of the array that is being written */
};

/* Takes the value from the builder. */
static void write_value(struct document *document, const char *indent)
{
    g_autoptr(JsonNode) root = json_builder_get_root(document->json);

    json_generator_set_root(document->generator, root);
    g_autofree char *generated = json_generator_to_data(document->generator, NULL);
    g_autofree char *text = ct_safe_json(generated);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *indented = g_strjoinv(indent, lines);

    fputs(indented, document->out);
    json_builder_reset(document->json);
}

static void begin_member(struct document *document, const char *name)
{
    fprintf(document->out, "%s  \"%s\" : ", document->has_members ? ",\n" : "", name);
    document->has_members = TRUE;
}

static void end_member(struct document *document)
{
    write_value(document, "\n  ");
}

static void begin_array(struct document *document, const char *name)
{
    begin_member(document, name);
    fputc('[', document->out);
    document->has_elements = FALSE;
}

static JsonBuilder *begin_element(struct document *document)
{
    json_builder_begin_object(document->json);
    return document->json;
}

static void end_element(struct document *document)
{
    json_builder_end_object(document->json);
    fputs(document->has_elements ? ",\n    " : "\n    ", document->out);
    document->has_elements = TRUE;
    write_value(document, "\n    ");
}

static void end_array(struct document *document)
{
    fputs(document->has_elements ? "\n  ]" : "]", document->out);
}

/* Paths are bytes, and the generator looks for characters. */
static void add_value(JsonBuilder *json, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);

    json_builder_add_string_value(json, valid);
}

static void add_string(JsonBuilder *json, const char *name, const char *value)
{
    json_builder_set_member_name(json, name);
    add_value(json, value);
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

static void write_capture(struct document *document, const struct ct_model *model)
{
    const struct ct_capture *capture = &model->capture;
    JsonBuilder *json = document->json;

    begin_member(document, "capture");
    json_builder_begin_object(json);
    add_string(json, "ctrace_version", capture->ctrace_version);
    add_string(json, "command", capture->command);
    add_string(json, "layers", capture->layers);
    add_string(json, "missing", capture->missing);
    add_boolean(json, "is_complete", capture->is_complete);
    add_string(json, "damage", capture->damage ? capture->damage : "");
    add_number(json, "begin_ns", model->begin_ns);
    add_number(json, "end_ns", model->end_ns);
    /* It is beyond 2^53, up to where a reader's numbers are whole. */
    g_autofree char *epoch_offset = g_strdup_printf("%" G_GINT64_FORMAT, model->epoch_offset_ns);
    add_string(json, "epoch_offset_ns", epoch_offset);
    add_number(json, "rate_ns", capture->rate_ns);
    add_signed(json, "exit_status", capture->exit_status);
    add_number(json, "events", capture->event_count);
    add_number(json, "waits_recorded", capture->waits_recorded);
    add_number(json, "waits_lost", capture->waits_lost);
    add_number(json, "events_lost", capture->events_lost);
    add_number(json, "packets_lost", capture->packets_lost);
    add_number(json, "kernel_events_lost", capture->kernel_events_lost);
    add_number(json, "switches_missed", capture->switches_missed);
    add_number(json, "kernel_stacks", capture->kernel_stacks);
    add_number(json, "cpu_samples", capture->samples);
    add_number(json, "cpu_samples_partial", capture->samples_partial);
    add_number(json, "cpu_samples_unknown", capture->samples_unknown);
    add_number(json, "cpu_samples_lost", capture->samples_lost);
    add_number(json, "cpu_sample_period_ns", capture->sample_period_ns);
    add_number(json, "stacks_lost", capture->stacks_lost);
    add_number(json, "threads_lost", capture->threads_lost);
    add_number(json, "modules_lost", capture->modules_lost);
    add_number(json, "held_up_ns", capture->held_up_ns);
    add_number(json, "unseen_processes", capture->unseen_images);
    add_string(json, "unseen", capture->unseen_names);
    add_boolean(json, "unseen_recorded", capture->unseen_recorded);
    add_number(json, "records_dropped", capture->records_dropped);
    add_number(json, "unknown_events", capture->unknown_events);
    json_builder_end_object(json);
    end_member(document);
}

static void add_names(JsonBuilder *json, const char *name, const char *const *names)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (; names && *names; names++)
        add_value(json, *names);
    json_builder_end_array(json);
}

/* What was asked for, where that is not everything. */
static void write_scope(struct document *document, const struct ct_report *report)
{
    const struct ct_report_scope *scope = &report->scope;
    const struct ct_model *model = report->model;
    JsonBuilder *json = document->json;

    if (ct_report_is_whole(report))
        return;
    begin_member(document, "scope");
    json_builder_begin_object(json);
    add_number(json, "begin_ns", scope->is_whole_time ? model->begin_ns : scope->window.begin_ns);
    add_number(json, "end_ns", scope->is_whole_time ? model->end_ns : scope->window.end_ns);
    add_names(json, "processes", scope->selection.processes);
    add_names(json, "threads", scope->selection.threads);
    json_builder_end_object(json);
    end_member(document);
}

static void write_processes(struct document *document, const struct ct_report *report)
{
    begin_array(document, "processes");
    for (guint i = 0; i < report->processes->len; i++) {
        const struct ct_process *process = g_ptr_array_index(report->processes, i);

        JsonBuilder *json = begin_element(document);

        add_signed(json, "pid", process->pid);
        add_signed(json, "ppid", process->ppid);
        add_string(json, "name", process->name);
        add_string(json, "exe", process->exe);
        add_string(json, "args", process->args);
        add_string(json, "title", ct_process_title(process));
        add_string(json, "cwd", process->cwd);
        add_number(json, "start_ns", process->start_ns);
        add_number(json, "end_ns", process->end_ns);
        add_number(json, "rate_ns", process->rate_ns);
        add_signed(json, "exit_status", process->exit_status);
        end_element(document);
    }
    end_array(document);
}

/* What only the kernel layer knows. */
static void add_sched(JsonBuilder *json, const struct ct_thread_sched *sched)
{
    json_builder_set_member_name(json, "scheduler");
    json_builder_begin_object(json);
    add_number(json, "running_ns", sched->running_ns);
    add_number(json, "runnable_ns", sched->runnable_ns);
    add_number(json, "blocked_ns", sched->blocked_ns);
    add_number(json, "unknown_ns", sched->unknown_ns);
    add_number(json, "switches", sched->switches);
    add_number(json, "migrations", sched->migrations);
    add_number(json, "preemptions", sched->preemptions);
    add_number(json, "runnable_count", sched->queued.calls);
    add_number(json, "runnable_p50_ns", ct_sched_queued_quantile_ns(sched, 0.5));
    add_number(json, "runnable_p95_ns", ct_sched_queued_quantile_ns(sched, 0.95));
    add_number(json, "runnable_p99_ns", ct_sched_queued_quantile_ns(sched, 0.99));
    add_number(json, "runnable_max_ns", sched->longest_queued_ns);
    json_builder_end_object(json);
}

static void write_threads(struct document *document, const struct ct_report *report)
{
    begin_array(document, "threads");
    for (guint i = 0; i < report->threads->len; i++) {
        const struct ct_report_thread *row =
            &g_array_index(report->threads, struct ct_report_thread, i);
        const struct ct_thread *thread = row->life.thread;

        JsonBuilder *json = begin_element(document);

        add_signed(json, "pid", thread->process->pid);
        add_number(json, "process_start_ns", thread->process->start_ns);
        add_signed(json, "tid", thread->tid);
        add_string(json, "name", thread->name);
        add_number(json, "start_ns", thread->start_ns);
        add_number(json, "end_ns", thread->end_ns);
        add_boolean(json, "has_exited", thread->has_exited);
        add_boolean(json, "has_exact_totals", row->is_exact);
        add_number(json, "waits", row->interval_count);
        json_builder_set_member_name(json, "time_ns");
        json_builder_begin_object(json);
        for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
            add_number(json, ct_class_name((enum ct_class) class), row->life.class_ns[class]);
        json_builder_end_object(json);
        if (thread->sched.is_known)
            add_sched(json, &thread->sched);
        end_element(document);
    }
    end_array(document);
}

/* Of each process, by operation. Bucket i of the histogram is that of the trace: calls of
 * 2^(i+7) to 2^(i+8) ns, the first one of all below 256 ns. */
static void write_counters(struct document *document, enum ct_op op,
                           const struct ct_op_counters *counters, const struct ct_process *process)
{
    size_t used = CT_HISTOGRAM_BUCKETS;
    JsonBuilder *json = begin_element(document);

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
    end_element(document);
}

static void write_calls(struct document *document, const struct ct_report *report)
{
    begin_array(document, "calls");
    for (guint i = 0; i < report->processes->len && ct_report_has_calls(report); i++) {
        const struct ct_process *process = g_ptr_array_index(report->processes, i);

        for (size_t op = 0; op < CT_OP_COUNT; op++) {
            const struct ct_op_counters *counters = ct_process_counters(process, (enum ct_op)op);

            if (counters)
                write_counters(document, (enum ct_op)op, counters, process);
        }
    }
    end_array(document);
}

static void add_frame(JsonBuilder *json, const struct ct_stack_frame *frame)
{
    const char *module = frame->module ? frame->module->path : "";
    g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", frame->address);

    json_builder_begin_object(json);
    if (!frame->function) {
        g_autofree char *omitted = ct_format_omitted(frame->cut);

        add_string(json, "omitted", omitted);
        json_builder_end_object(json);
        return;
    }
    add_string(json, "function", frame->function->function);
    add_string(json, "file", frame->function->file);
    add_number(json, "line", frame->function->line);
    add_boolean(json, "is_inlined", frame->function->is_inlined);
    add_string(json, "module", module);
    add_string(json, "address", address);
    json_builder_end_object(json);
}

static void add_stack(JsonBuilder *json, const struct ct_report *report, const char *name,
                      const struct ct_process *process, uint32_t stack_id)
{
    g_autoptr(GArray) frames = ct_stack_list(report->symbolizer, process, stack_id);

    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (guint i = 0; i < frames->len; i++)
        add_frame(json, &g_array_index(frames, struct ct_stack_frame, i));
    json_builder_end_array(json);
}

static void add_wait(JsonBuilder *json, const struct ct_report *report,
                     const struct ct_report_wait *wait)
{
    const struct ct_interval *interval = &wait->interval;
    const struct ct_process *process = interval->thread->process;
    g_autofree char *object = ct_report_wait_object(report, wait);

    add_signed(json, "pid", process->pid);
    add_signed(json, "tid", interval->thread->tid);
    add_string(json, "thread", interval->thread->name);
    add_string(json, "operation", ct_op_name(interval->op));
    add_string(json, "class", ct_class_name(interval->class));
    add_string(json, "object", object);
    add_number(json, "begin_ns", interval->wait_begin_ns);
    add_number(json, "duration_ns", ct_interval_wait_ns(interval));
    if (interval->result != CT_RESULT_UNKNOWN)
        add_signed(json, "result", interval->result);
    add_signed(json, "owner_tid", interval->owner_tid);
    add_stack(json, report, "stack", process, interval->stack_id);
    add_boolean(json, "is_idle",
                ct_stack_idleness(report->symbolizer, process, interval->stack_id) != NULL);
    if (interval->waker) {
        add_signed(json, "waker_tid", interval->waker->tid);
        add_string(json, "waker", interval->waker->name);
        add_string(json, "waker_operation", ct_op_name(interval->waker_op));
        add_number(json, "wake_ns", interval->wake_ns);
        add_stack(json, report, "waker_stack", interval->waker->process, interval->waker_stack_id);
    }
}

static void write_waits(struct document *document, const struct ct_report *report, const char *name,
                        const GPtrArray *waits)
{
    begin_array(document, name);
    for (guint i = 0; i < MIN(waits->len, report->top); i++) {
        add_wait(begin_element(document), report, g_ptr_array_index(waits, i));
        end_element(document);
    }
    end_array(document);
}

static void write_hangs(struct document *document, const struct ct_report *report)
{
    begin_array(document, "hangs");
    for (guint i = 0; report->hangs && i < report->hangs->len; i++) {
        const struct ct_hang *hang = g_ptr_array_index(report->hangs, i);
        JsonBuilder *json = begin_element(document);

        add_string(json, "kind", ct_hang_kind_name(hang->kind));
        add_number(json, "since_ns", hang->since_ns);
        add_number(json, "threads_behind", hang->behind);
        json_builder_set_member_name(json, "waits");
        json_builder_begin_array(json);
        for (guint w = 0; w < hang->waits->len; w++) {
            const struct ct_hang_wait *one = &g_array_index(hang->waits, struct ct_hang_wait, w);
            g_autofree char *object = ct_format_object(&one->interval);
            const struct ct_report_wait wait = {one->interval, object};

            json_builder_begin_object(json);
            add_wait(json, report, &wait);
            add_signed(json, "holder_tid", one->holder->tid);
            add_string(json, "holder", one->holder->name);
            json_builder_end_object(json);
        }
        json_builder_end_array(json);
        end_element(document);
    }
    end_array(document);
}

static void write_sites(struct document *document, const struct ct_report *report)
{
    begin_array(document, "sites");
    for (guint i = 0; i < MIN(report->lists->sites->len, report->top); i++) {
        const struct ct_report_site *site = g_ptr_array_index(report->lists->sites, i);
        g_autofree char *object = ct_report_site_object(report, site);

        JsonBuilder *json = begin_element(document);

        add_signed(json, "pid", site->process->pid);
        add_string(json, "process", site->process->name);
        add_number(json, "processes", site->others ? site->others->len + 1 : 1);
        add_string(json, "operation", ct_op_name(site->op));
        add_string(json, "class", ct_class_name(site->class));
        add_string(json, "object", site->has_many_objects ? "" : object);
        add_boolean(json, "has_several_objects", site->has_many_objects);
        add_rounded(json, "count", site->count);
        add_rounded(json, "total_ns", site->total_ns);
        add_number(json, "longest_ns", site->longest_ns);
        add_stack(json, report, "stack", site->process, site->stack_id);
        add_boolean(json, "is_idle",
                    ct_stack_idleness(report->symbolizer, site->process, site->stack_id) != NULL);
        end_element(document);
    }
    end_array(document);
}

static void write_number(struct document *document, const char *name, uint64_t value)
{
    begin_member(document, name);
    fprintf(document->out, "%" G_GUINT64_FORMAT, MIN(value, (uint64_t)INT64_MAX));
}

void ct_report_write_json(const struct ct_report *report, const struct ct_report_layout *layout,
                          FILE *out)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    struct document document = {.out = out, .json = json, .generator = generator};

    (void)layout;
    json_generator_set_pretty(generator, TRUE);
    fputs("{\n", out);
    write_capture(&document, report->model);
    write_scope(&document, report);
    write_processes(&document, report);
    write_threads(&document, report);
    write_hangs(&document, report);
    write_number(&document, "open_wait_count", report->lists->open_count);
    write_waits(&document, report, "open_waits", report->lists->open);
    write_waits(&document, report, "longest_waits", report->lists->longest);
    write_number(&document, "site_count", report->lists->sites->len);
    write_number(&document, "waits_beyond_sites", (uint64_t)llround(report->lists->unlisted_count));
    write_sites(&document, report);
    write_calls(&document, report);
    fputs("\n}\n", out);
}
