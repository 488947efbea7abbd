#include "export/otlp_spans.h"

#include "export/otlp_attributes.h"
#include "symbols/object_name.h"
#include "symbols/stack_text.h"

#include <string.h>

#define TRACE_ID_SIZE 16
#define SPAN_ID_SIZE  8

/* ---- Whose they are ---- */

Otlp__ResourceSpans *ct_otlp_spans_new(const struct ct_process *process)
{
    Otlp__ResourceSpans *spans = g_new(Otlp__ResourceSpans, 1);
    Otlp__ScopeSpans *scoped = g_new(Otlp__ScopeSpans, 1);

    otlp__resource_spans__init(spans);
    spans->resource = g_new(Otlp__Resource, 1);
    otlp__resource__init(spans->resource);
    const struct ct_otlp_attributes attributes = {&spans->resource->attributes,
                                                  &spans->resource->n_attributes};

    ct_otlp_add_text(&attributes, "service.name", process->name);
    ct_otlp_add_int(&attributes, "process.pid", process->pid);
    if (process->ppid > 0)
        ct_otlp_add_int(&attributes, "process.parent_pid", process->ppid);
    ct_otlp_add_text(&attributes, "process.executable.path", process->exe);
    ct_otlp_add_text(&attributes, "process.command_line", process->args);
    ct_otlp_add_text(&attributes, "telemetry.sdk.name", "ctrace");
    ct_otlp_add_text(&attributes, "telemetry.sdk.language", "native");
    ct_otlp_add_text(&attributes, "telemetry.sdk.version", CTRACE_VERSION);
    otlp__scope_spans__init(scoped);
    scoped->scope = g_new(Otlp__InstrumentationScope, 1);
    otlp__instrumentation_scope__init(scoped->scope);
    scoped->scope->name = g_strdup("ctrace");
    scoped->scope->version = g_strdup(CTRACE_VERSION);
    spans->n_scope_spans = 1;
    spans->scope_spans = g_new(Otlp__ScopeSpans *, 1);
    spans->scope_spans[0] = scoped;
    return spans;
}

size_t ct_otlp_spans_count(const Otlp__ResourceSpans *spans)
{
    return spans->scope_spans[0]->n_spans;
}

/* ---- Ids ---- */

static void set_id(ProtobufCBinaryData *id, const uint8_t *bytes, size_t size)
{
    id->data = g_memdup2(bytes, size);
    id->len = size;
}

/* They are random to whoever looks at them, and yet the same each time. */
static void hash(const char *text, uint8_t *bytes, size_t size)
{
    uint8_t digest[32];
    gsize length = sizeof(digest);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);

    g_checksum_update(checksum, (const guchar *)text, -1);
    g_checksum_get_digest(checksum, digest, &length);
    memcpy(bytes, digest, size);
}

/* A recording by when it began, and the request by its connection, which has one at a time. */
static char *identify(const struct ct_model *model, const struct ct_request *request)
{
    const struct ct_process *process = request->writer->process;

    return g_strdup_printf("%" G_GINT64_FORMAT " %" G_GUINT64_FORMAT " %d %" G_GUINT64_FORMAT
                           " %d %d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                           model->epoch_offset_ns, model->begin_ns, process->pid, process->start_ns,
                           request->writer->tid, request->fd_number, request->begin_ns,
                           request->end_ns);
}

/* ---- A span ---- */

struct making {
    Otlp__ScopeSpans *spans;
    const struct ct_otlp_source *source;
    const struct ct_request *request;
    const char *identity;
    uint8_t trace_id[TRACE_ID_SIZE];
    uint8_t request_id[SPAN_ID_SIZE]; /* of the request's span */
};

/* The first one is the request's own. */
static Otlp__Span *add_span(struct making *making, guint number, uint64_t begin_ns, uint64_t ns)
{
    Otlp__Span *span = g_new(Otlp__Span, 1);
    g_autofree char *identity = g_strdup_printf("%s span %u", making->identity, number);
    uint8_t id[SPAN_ID_SIZE];

    otlp__span__init(span);
    hash(identity, id, sizeof(id));
    span->has_trace_id = span->has_span_id = TRUE;
    set_id(&span->trace_id, making->trace_id, sizeof(making->trace_id));
    set_id(&span->span_id, id, sizeof(id));
    if (number == 0) {
        memcpy(making->request_id, id, sizeof(id));
    } else {
        span->has_parent_span_id = TRUE;
        set_id(&span->parent_span_id, making->request_id, sizeof(making->request_id));
    }
    span->has_start_time_unix_nano = span->has_end_time_unix_nano = TRUE;
    span->start_time_unix_nano = begin_ns + (uint64_t)making->source->model->epoch_offset_ns;
    span->end_time_unix_nano = span->start_time_unix_nano + ns;
    span->has_kind = TRUE;
    making->spans->spans = g_renew(Otlp__Span *, making->spans->spans, making->spans->n_spans + 1);
    making->spans->spans[making->spans->n_spans++] = span;
    return span;
}

static void add_thread(const struct ct_otlp_attributes *attributes, const struct ct_thread *thread)
{
    if (!thread)
        return;
    ct_otlp_add_int(attributes, "thread.id", thread->tid);
    ct_otlp_add_text(attributes, "thread.name", thread->name);
}

/* ---- The request ---- */

static void add_request(struct making *making)
{
    const struct ct_request *request = making->request;
    Otlp__Span *span = add_span(making, 0, request->begin_ns, request->end_ns - request->begin_ns);
    const struct ct_otlp_attributes attributes = {&span->attributes, &span->n_attributes};

    g_autofree char *server = g_utf8_make_valid(request->server, -1);

    span->kind = OTLP__SPAN__KIND__SERVER;
    span->name = server[0] ? g_strdup_printf("request to %s", server) : g_strdup("request");
    ct_otlp_add_end(&attributes, "server", request->server);
    ct_otlp_add_end(&attributes, "client", request->client);
    ct_otlp_add_end(&attributes, "network.peer", request->client);
    add_thread(&attributes, request->writer);
    if (request->reader && request->reader != request->writer) {
        ct_otlp_add_int(&attributes, "ctrace.reader.id", request->reader->tid);
        ct_otlp_add_text(&attributes, "ctrace.reader.name", request->reader->name);
    }
    ct_otlp_add_text(&attributes, "ctrace.link", ct_request_link_name(request->link));
    ct_otlp_add_text(&attributes, "ctrace.confidence", ct_request_link_confidence(request->link));
    ct_otlp_add_int(&attributes, "ctrace.others_open", request->others);
    ct_otlp_add_int(&attributes, "ctrace.read_over_ns",
                    (int64_t)(request->last_ns - request->begin_ns));
    if (request->unread_ns > 0)
        ct_otlp_add_int(&attributes, "ctrace.unread_ns", (int64_t)request->unread_ns);
    if (request->weight > 1)
        ct_otlp_add_double(&attributes, "ctrace.weight", request->weight);
}

/* ---- Its time ---- */

static const char *stretch_name(const struct ct_request_stretch *stretch)
{
    if (stretch->rest > 0)
        return "rest";
    if (stretch->what.state != CT_REQUEST_WAITING)
        return ct_request_state_name(stretch->what.state);
    return stretch->what.op != CT_OP_NONE ? ct_op_name(stretch->what.op)
                                          : ct_class_name(stretch->what.class);
}

static void add_object(const struct making *making, const struct ct_otlp_attributes *attributes,
                       const struct ct_request_stretch *stretch, uint64_t time_ns)
{
    const char *variable = NULL;

    if (stretch->thread && stretch->what.state == CT_REQUEST_WAITING)
        variable = ct_object_find_name(making->source->symbolizer, stretch->thread->process,
                                       ct_op_object(stretch->what.op), stretch->object, time_ns);
    ct_otlp_add_text(attributes, "ctrace.object", stretch->what.object);
    ct_otlp_add_text(attributes, "ctrace.variable", variable);
}

static void add_code(const struct making *making, const struct ct_otlp_attributes *attributes,
                     const struct ct_request_stretch *stretch)
{
    if (!stretch->thread || stretch->stack_id == 0)
        return;
    const struct ct_process *process = stretch->thread->process;
    const struct ct_symbol_frame *place =
        ct_stack_place(making->source->symbolizer, process, stretch->stack_id);

    if (!place)
        return;
    ct_otlp_add_text(attributes, "code.function.name", place->function);
    ct_otlp_add_text(attributes, "code.file.path", place->file);
    if (place->line > 0)
        ct_otlp_add_int(attributes, "code.line.number", place->line);
    ct_otlp_add_text(attributes, "code.stacktrace",
                     ct_event_stack(making->source->texts, process, stretch->stack_id));
}

static void add_stretch(struct making *making, guint number,
                        const struct ct_request_stretch *stretch, uint64_t begin_ns)
{
    Otlp__Span *span = add_span(making, number, begin_ns, stretch->what.ns);
    const struct ct_otlp_attributes attributes = {&span->attributes, &span->n_attributes};
    const struct ct_request_part *what = &stretch->what;
    gboolean is_queued_behind = what->state == CT_REQUEST_QUEUED && what->object[0];

    span->kind = stretch->peer[0] ? OTLP__SPAN__KIND__CLIENT : OTLP__SPAN__KIND__INTERNAL;
    span->name = g_strdup(stretch_name(stretch));
    ct_otlp_add_text(&attributes, "ctrace.state", ct_request_state_name(what->state));
    if (what->state == CT_REQUEST_WAITING || what->state == CT_REQUEST_EITHER || is_queued_behind) {
        ct_otlp_add_text(&attributes, "ctrace.class", ct_class_name(what->class));
        if (what->op != CT_OP_NONE)
            ct_otlp_add_text(&attributes, "ctrace.operation", ct_op_name(what->op));
    }
    if (is_queued_behind)
        ct_otlp_add_text(&attributes, "ctrace.behind", what->object);
    else
        add_object(making, &attributes, stretch, begin_ns);
    ct_otlp_add_end(&attributes, "network.peer", stretch->peer);
    add_thread(&attributes, stretch->thread);
    add_code(making, &attributes, stretch);
    if (stretch->rest > 0)
        ct_otlp_add_int(&attributes, "ctrace.stretches", stretch->rest);
}

void ct_otlp_spans_add(Otlp__ResourceSpans *spans, const struct ct_otlp_source *source,
                       const struct ct_request *request)
{
    g_autofree char *identity = identify(source->model, request);
    struct making making = {
        .spans = spans->scope_spans[0], .source = source, .request = request, .identity = identity};
    uint64_t begin_ns = request->begin_ns;

    hash(identity, making.trace_id, sizeof(making.trace_id));
    add_request(&making);
    for (guint i = 0; i < request->stretches->len; i++) {
        const struct ct_request_stretch *stretch =
            &g_array_index(request->stretches, struct ct_request_stretch, i);

        add_stretch(&making, i + 1, stretch, begin_ns);
        begin_ns += stretch->what.ns;
    }
}
