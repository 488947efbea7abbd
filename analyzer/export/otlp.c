/*
 * Requests as spans, for what takes OpenTelemetry's protocol: the message that a collector has
 * POSTed to /v1/traces, as protobuf and as JSON. See https://opentelemetry.io/docs/specs/otlp.
 */
#include "export/json_document.h"
#include "export/otlp_json.h"
#include "export/otlp_spans.h"
#include "export/trace_format.h"
#include "passes/request_parts.h"

/* Those of a process are told in portions: it takes no more memory for more of them. */
#define PORTION_SPANS 512

struct writer {
    const struct ct_export_input *input;
    struct ct_otlp_source source;
    FILE *out;
    struct ct_json_document *document; /* NULL: it is protobuf */
    Otlp__ResourceSpans *spans;        /* owned; NULL: there are none */
    const struct ct_process *process;  /* whose those are */
    gboolean is_any;
};

/* As a message with one entry of the list: entries of messages that follow each other are one
 * list. */
static void write_message(FILE *out, Otlp__ResourceSpans *spans)
{
    Otlp__ExportTraceServiceRequest message = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;

    message.n_resource_spans = 1;
    message.resource_spans = &spans;
    size_t size = otlp__export_trace_service_request__get_packed_size(&message);
    g_autofree uint8_t *bytes = g_malloc(size);

    otlp__export_trace_service_request__pack(&message, bytes);
    fwrite(bytes, 1, size, out);
}

static void flush(struct writer *writer)
{
    if (!writer->spans)
        return;
    if (writer->document) {
        ct_otlp_json_add(ct_json_begin_element(writer->document), writer->spans);
        ct_json_end_element(writer->document);
    } else {
        write_message(writer->out, writer->spans);
    }
    otlp__resource_spans__free_unpacked(g_steal_pointer(&writer->spans), NULL);
}

static gboolean write_request(struct writer *writer, const struct ct_turn *turn, GError **error)
{
    struct ct_request *request = ct_request_new(turn);
    const struct ct_process *process = turn->thread->process;

    ct_request_keep_stretches(request);
    gboolean is_told = ct_request_take_apart(request, writer->input->store, error);

    if (is_told) {
        if (writer->process != process || !writer->spans ||
            ct_otlp_spans_count(writer->spans) >= PORTION_SPANS)
            flush(writer);
        writer->process = process;
        writer->is_any = TRUE;
        if (!writer->spans)
            writer->spans = ct_otlp_spans_new(process);
        ct_otlp_spans_add(writer->spans, &writer->source, request);
    }
    ct_request_free(request);
    return is_told;
}

/* Those that were answered in the time that is asked for. */
static gboolean write_thread(struct writer *writer, const struct ct_thread *thread, GError **error)
{
    const struct ct_export_input *input = writer->input;
    g_autoptr(ct_store_cursor) cursor = ct_store_turns(input->store, thread, input->scope->window);
    g_autoptr(GError) wrong = NULL;
    struct ct_store_event event;

    while (ct_store_cursor_next(cursor, &event, &wrong)) {
        const struct ct_turn *turn = &event.turn;

        if (turn->kind == CT_TURN_REQUEST && turn->end_ns >= input->begin_ns &&
            turn->end_ns <= input->end_ns && !write_request(writer, turn, error))
            return FALSE;
    }
    if (!wrong)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&wrong));
    return FALSE;
}

static gboolean write_spans(struct writer *writer, GError **error)
{
    const struct ct_export_input *input = writer->input;
    g_autoptr(ct_event_texts) texts = ct_event_texts_new(input->symbolizer);
    gboolean is_told = TRUE;

    writer->source = (struct ct_otlp_source){input->model, input->symbolizer, texts};
    for (guint i = 0; i < input->model->threads->len && is_told; i++) {
        const struct ct_thread *thread = input->model->threads->pdata[i];

        if (ct_selection_has_thread(input->scope->selection, thread))
            is_told = write_thread(writer, thread, error);
    }
    flush(writer);
    if (is_told && !writer->is_any)
        g_ptr_array_add(input->remarks, g_strdup("there are no requests in it: ctrace "
                                                 "report requests says why"));
    return is_told;
}

gboolean ct_export_write_otlp(const struct ct_export_input *input, FILE *out, GError **error)
{
    struct writer writer = {.input = input, .out = out};

    return write_spans(&writer, error);
}

gboolean ct_export_write_otlp_json(const struct ct_export_input *input, FILE *out, GError **error)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    struct ct_json_document document = {.out = out, .json = json, .generator = generator};
    struct writer writer = {.input = input, .out = out, .document = &document};

    fputs("{\n", out);
    ct_json_begin_array(&document, "resourceSpans");
    gboolean is_written = write_spans(&writer, error);
    ct_json_end_array(&document);
    fputs("\n}\n", out);
    return is_written;
}
