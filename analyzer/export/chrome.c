/*
 * Events as chrome://tracing reads them, in JSON: a complete event for each wait, or part of one,
 * and for each time on a CPU. See the "Trace Event Format" document.
 */
#include "export/event_text.h"
#include "export/json_document.h"
#include "export/trace_format.h"
#include "text/safe_text.h"

/* Under which number a viewer lists the CPUs, where programs have their pids. */
#define CPUS_PID 0

struct writer {
    const struct ct_export_input *input;
    struct ct_event_texts *texts; /* owned */
    JsonBuilder *json;            /* owned, as is the next; of an event's arguments */
    JsonGenerator *generator;
    FILE *out;
    gboolean has_events;
};

static void begin_event(struct writer *writer)
{
    fputs(writer->has_events ? ",\n" : "\n", writer->out);
    writer->has_events = TRUE;
}

/* Takes what the builder has made. */
static char *take_json(struct writer *writer)
{
    g_autoptr(JsonNode) root = json_builder_get_root(writer->json);

    json_generator_set_root(writer->generator, root);
    g_autofree char *text = json_generator_to_data(writer->generator, NULL);

    json_builder_reset(writer->json);
    return ct_safe_json(text);
}

/* Times are in microseconds: with three decimals, to the nanosecond. */
static void write_complete(struct writer *writer, const char *name, const char *category,
                           const struct ct_window *time, int32_t pid, int64_t tid)
{
    g_autofree char *arguments = take_json(writer);
    g_autofree char *quoted = ct_json_quote(name);
    uint64_t begin_ns = time->begin_ns - writer->input->model->begin_ns;
    uint64_t duration_ns = time->end_ns - time->begin_ns;

    begin_event(writer);
    fprintf(writer->out,
            "{\"name\":%s,\"cat\":\"%s\",\"ph\":\"X\",\"ts\":%" G_GUINT64_FORMAT
            ".%03u,\"dur\":%" G_GUINT64_FORMAT ".%03u,\"pid\":%d,\"tid\":%" G_GINT64_FORMAT
            ",\"args\":%s}",
            quoted, category, begin_ns / 1000, (unsigned)(begin_ns % 1000), duration_ns / 1000,
            (unsigned)(duration_ns % 1000), pid, tid, arguments);
}

/* FALSE: nothing of it is in the window. */
static gboolean cut(const struct writer *writer, uint64_t begin_ns, uint64_t end_ns,
                    struct ct_window *time)
{
    time->begin_ns = MAX(begin_ns, writer->input->begin_ns);
    time->end_ns = MIN(end_ns, writer->input->end_ns);
    return time->begin_ns < time->end_ns;
}

static void add_if(JsonBuilder *json, const char *name, const char *text)
{
    if (text && *text)
        ct_json_add_string(json, name, text);
}

static void add_waker(struct writer *writer, const struct ct_interval *interval)
{
    if (!interval->waker)
        return;
    g_autofree char *waker =
        g_strdup_printf("%s (%d)", interval->waker->name, interval->waker->tid);

    ct_json_add_string(writer->json, "waker", waker);
    add_if(writer->json, "waker_place",
           ct_event_place(writer->texts, interval->waker->process, interval->waker_stack_id));
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct writer *writer = user;
    const struct ct_process *process = interval->thread->process;
    struct ct_window time;

    if (!cut(writer, interval->begin_ns, interval->end_ns, &time))
        return;
    g_autofree char *object = ct_event_object(writer->texts, interval);

    json_builder_begin_object(writer->json);
    add_if(writer->json, "object", object);
    add_if(writer->json, "place", ct_event_place(writer->texts, process, interval->stack_id));
    add_if(writer->json, "stack", ct_event_stack(writer->texts, process, interval->stack_id));
    add_waker(writer, interval);
    add_if(writer->json, "preempted_by", interval->preempted_by);
    if (interval->weight > 1) {
        json_builder_set_member_name(writer->json, "stands_for");
        json_builder_add_double_value(writer->json, interval->weight);
    }
    if (interval->is_open)
        ct_json_add_boolean(writer->json, "never_returned", TRUE);
    json_builder_end_object(writer->json);
    write_complete(writer, ct_event_name(interval), ct_class_name(interval->class), &time,
                   process->pid, interval->thread->tid);
}

static void on_run(void *user, const struct ct_run *run)
{
    struct writer *writer = user;
    struct ct_window time;

    if (!cut(writer, run->begin_ns, run->end_ns, &time))
        return;
    json_builder_begin_object(writer->json);
    ct_json_add_string(writer->json, "process", run->thread->process->name);
    ct_json_add_signed(writer->json, "tid", run->thread->tid);
    json_builder_end_object(writer->json);
    write_complete(writer, run->thread->name, "running", &time, CPUS_PID, run->cpu);
}

/* `what` is "process_name" or "thread_name". */
static void write_name(struct writer *writer, const char *what, int32_t pid, int64_t tid,
                       const char *name)
{
    g_autofree char *quoted = ct_json_quote(name);

    begin_event(writer);
    fprintf(writer->out,
            "{\"name\":\"%s\",\"ph\":\"M\",\"pid\":%d,\"tid\":%" G_GINT64_FORMAT
            ",\"args\":{\"name\":%s}}",
            what, pid, tid, quoted);
}

static void write_cpu_names(struct writer *writer)
{
    const GArray *cpus = ct_store_cpus(writer->input->store);

    if (cpus->len > 0)
        write_name(writer, "process_name", CPUS_PID, 0, "CPUs");
    for (guint i = 0; i < cpus->len; i++) {
        uint32_t cpu = g_array_index(cpus, uint32_t, i);
        g_autofree char *name = g_strdup_printf("CPU %u", cpu);

        write_name(writer, "thread_name", CPUS_PID, cpu, name);
    }
}

/* Of images and threads that had the same number, the last one gives its name. */
static void write_names(struct writer *writer)
{
    const struct ct_model *model = writer->input->model;

    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = model->processes->pdata[i];

        write_name(writer, "process_name", process->pid, process->pid, process->name);
    }
    for (guint i = 0; i < model->threads->len; i++) {
        const struct ct_thread *thread = model->threads->pdata[i];

        write_name(writer, "thread_name", thread->process->pid, thread->tid, thread->name);
    }
    write_cpu_names(writer);
}

gboolean ct_export_write_chrome(const struct ct_export_input *input, FILE *out, GError **error)
{
    g_autoptr(ct_event_texts) texts = ct_event_texts_new(input->symbolizer);
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    struct writer writer = {
        .input = input, .texts = texts, .json = json, .generator = generator, .out = out};
    const struct ct_sink sink = {.user = &writer, .on_interval = on_interval, .on_run = on_run};

    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", out);
    write_names(&writer);
    if (!ct_store_replay(input->store, input->scope, &sink, error))
        return FALSE;
    fputs("\n]}\n", out);
    return TRUE;
}
