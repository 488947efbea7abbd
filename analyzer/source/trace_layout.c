#include "source/trace_layout.h"

#include "source/fields.h"
#include "source/tsdl.h"

#include <string.h>

/* The kernel's has one event for each end of each system call, and some more. */
#define EVENT_ID_MAX 4096

/* How a tracer writes what is not in the schema. */
struct tracer {
    const char *domain;
    const char *name;
    guint64 major, minor; /* the least */
    const char *packet_header;
    const char *packet_context;
    struct ct_packet_shape packets;
    gboolean is_kernels;
};

static const struct tracer tracers[] = {
    {
        .domain = "ust",
        .name = "lttng-ust",
        /* babeltrace2 mends what older ones wrote of the times of packets. */
        .major = 2,
        .minor = 13,
        .packet_header = "u32 magic;u8 uuid[16];u32 stream_id;u64 stream_instance_id;",
        .packet_context = "c64 timestamp_begin;c64 timestamp_end;u64 content_size;u64 packet_size;"
                          "u64 packet_seq_num;u64 events_discarded;u32 cpu_id;",
        .packets = {.size = 84,
                    .stream_id = 20,
                    .stream_id_size = 4,
                    .instance = 24,
                    .begin_ns = 32,
                    .end_ns = 40,
                    .content_bits = 48,
                    .packet_bits = 56,
                    .sequence = 64,
                    .discarded = 72,
                    .cpu = 80},
    },
    {
        .domain = "kernel",
        .name = "ctrace",
        .packet_header = "u32 magic;u8 uuid[16];u64 stream_id;u64 stream_instance_id;",
        .packet_context = "u64 packet_size;u64 content_size;c64 timestamp_begin;c64 timestamp_end;"
                          "u64 events_discarded;u64 packet_seq_num;u32 _cpu_id;",
        .packets = {.size = 88,
                    .stream_id = 20,
                    .stream_id_size = 8,
                    .instance = 28,
                    .packet_bits = 36,
                    .content_bits = 44,
                    .begin_ns = 52,
                    .end_ns = 60,
                    .discarded = 68,
                    .sequence = 76,
                    .cpu = 84},
        .is_kernels = TRUE,
    },
};

static const char *const event_headers[] = {
    [CT_EVENT_HEADER_COMPACT] =
        "u5{compact=0...30,extended=31} id;variant<id>{struct{c27 timestamp;} compact;"
        "struct{u32 id;c64 timestamp;} extended;} v;",
    [CT_EVENT_HEADER_LARGE] =
        "u16{compact=0...65534,extended=65535} id;variant<id>{struct{c32 timestamp;} compact;"
        "struct{u32 id;c64 timestamp;} extended;} v;",
    [CT_EVENT_HEADER_PLAIN] = "u64 id;c64 timestamp;",
};

/* ---- What the schema would have written ---- */

static void describe(GString *text, struct ct_field_list fields)
{
    static const char *const types[] = {
        [CT_FIELD_U8] = "u8",         [CT_FIELD_U32] = "u32", [CT_FIELD_U64] = "u64",
        [CT_FIELD_I16] = "i16",       [CT_FIELD_I32] = "i32", [CT_FIELD_I64] = "i64",
        [CT_FIELD_STRING] = "string",
    };
    static const char *const elements[] = {
        [CT_FIELD_SEQUENCE] = "u64",   [CT_FIELD_I32_COLUMN] = "i32",
        [CT_FIELD_U32_COLUMN] = "u32", [CT_FIELD_HEX64_COLUMN] = "u64",
        [CT_FIELD_I16_COLUMN] = "i16", [CT_FIELD_U8_COLUMN] = "u8",
    };

    for (size_t i = 0; i < fields.count; i++) {
        const char *name = fields.rows[i].name;

        if (fields.rows[i].type >= CT_FIELD_SEQUENCE)
            g_string_append_printf(text, "u8 __%s_length;%s _%s[__%s_length];", name,
                                   elements[fields.rows[i].type], name, name);
        else
            g_string_append_printf(text, "%s _%s;", types[fields.rows[i].type], name);
    }
}

static gboolean is_as_in_schema(const char *layout, const struct ct_event_row *row)
{
    g_autoptr(GString) text = g_string_new(NULL);

    describe(text, row->source);
    describe(text, row->fields);
    return strcmp(layout, text->str) == 0;
}

static gboolean is_context(const char *layout)
{
    g_autoptr(GString) text = g_string_new(NULL);

    describe(text, ct_kernel_context_fields());
    return g_strcmp0(layout, text->str) == 0;
}

/* ---- Events ---- */

/* Arguments are integers of any width. */
static gboolean find_arguments(struct ct_event_layout *event, const char *layout)
{
    g_auto(GStrv) fields = g_strsplit(layout, ";", -1);

    for (guint i = 0; fields[i] && *fields[i]; i++) {
        const char *type = fields[i];
        guint64 bits = g_ascii_strtoull(type + 1, NULL, 10);
        const char *name = strchr(type, ' ');

        if (i >= CT_SYSCALL_ARGUMENTS || (type[0] != 'u' && type[0] != 'i') || bits % 8 != 0 ||
            !name || strpbrk(type, "{[<"))
            return FALSE;
        event->arguments[i] =
            (struct ct_argument_layout){.size = (guint8)(bits / 8), .is_signed = type[0] == 'i'};
        event->argument_count = i + 1;
    }
    return TRUE;
}

static gboolean find_kernel_event(struct ct_event_layout *event, const char *layout)
{
    event->event = CT_EVENT_COUNT;
    if (ct_kernel_event_find(event->name, &event->kernel_event))
        return is_as_in_schema(layout, ct_kernel_event_row(event->kernel_event));
    if (!ct_syscall_event_find(event->name, &event->kernel_event, &event->syscall))
        return FALSE;
    return event->kernel_event == CT_KERNEL_ID_SYSCALL_ENTRY
               ? find_arguments(event, layout)
               : strcmp(layout, "i64 _" CT_SYSCALL_RESULT_FIELD ";") == 0;
}

static gboolean find_own_event(struct ct_event_layout *event, const char *layout)
{
    const struct ct_event_row *row;

    if (!ct_event_find(event->name, &event->event))
        return FALSE;
    row = ct_event_row(event->event);
    event->has_source = row->source.count > 0;
    event->has_lag = row->source.count > 2;
    return is_as_in_schema(layout, row);
}

static gboolean add_event(const struct ct_trace_layout *layout, const struct ct_tsdl_event *from)
{
    const struct ct_stream_layout *found = ct_trace_layout_find_stream(layout, from->stream_id);
    struct ct_event_layout *event;

    if (!found || from->id > EVENT_ID_MAX)
        return FALSE;
    if (from->id >= found->events->len)
        g_array_set_size(found->events, (guint)from->id + 1);
    event = &g_array_index(found->events, struct ct_event_layout, from->id);
    if (event->name)
        return FALSE;
    event->name = g_strdup(from->name);
    event->is_known = found->is_kernels ? find_kernel_event(event, from->fields)
                                        : find_own_event(event, from->fields);
    return event->is_known;
}

/* ---- Streams ---- */

static void event_clear(void *data)
{
    g_free(((struct ct_event_layout *)data)->name);
}

static gboolean find_header(const char *layout, enum ct_event_header *header)
{
    for (size_t i = 0; i < G_N_ELEMENTS(event_headers); i++) {
        if (g_strcmp0(layout, event_headers[i]) == 0) {
            *header = (enum ct_event_header)i;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean add_stream(struct ct_trace_layout *layout, const struct tracer *tracer,
                           const struct ct_tsdl_stream *from)
{
    struct ct_stream_layout stream = {.id = from->id, .is_kernels = tracer->is_kernels};

    if (ct_trace_layout_find_stream(layout, from->id) ||
        !find_header(from->event_header, &stream.header) ||
        g_strcmp0(from->packet_context, tracer->packet_context) != 0 ||
        !(tracer->is_kernels ? is_context(from->event_context) : from->event_context == NULL))
        return FALSE;
    stream.events = g_array_new(FALSE, TRUE, sizeof(struct ct_event_layout));
    g_array_set_clear_func(stream.events, event_clear);
    g_array_append_val(layout->streams, stream);
    return TRUE;
}

static void note_contents(struct ct_stream_layout *stream)
{
    for (guint i = 0; i < stream->events->len; i++) {
        const struct ct_event_layout *event =
            &g_array_index(stream->events, struct ct_event_layout, i);

        if (!event->is_known)
            continue;
        stream->is_ours |= event->event != CT_EVENT_COUNT;
        stream->has_samples |= g_str_has_prefix(event->name, CT_KERNEL_SAMPLE_NAME);
    }
}

/* ---- The trace ---- */

static const struct tracer *find_tracer(const struct ct_tsdl *tsdl)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tracers); i++) {
        const struct tracer *tracer = &tracers[i];

        if (g_strcmp0(tsdl->domain, tracer->domain) == 0 &&
            g_strcmp0(tsdl->tracer, tracer->name) == 0 &&
            (tsdl->tracer_major > tracer->major ||
             (tsdl->tracer_major == tracer->major && tsdl->tracer_minor >= tracer->minor)) &&
            strcmp(tsdl->packet_header, tracer->packet_header) == 0)
            return tracer;
    }
    return NULL;
}

static gboolean fill(struct ct_trace_layout *layout, const struct ct_tsdl *tsdl)
{
    const struct tracer *tracer = find_tracer(tsdl);

    if (!tracer)
        return FALSE;
    layout->packets = &tracer->packets;
    layout->epoch_offset_ns = tsdl->epoch_offset_ns;
    memcpy(layout->uuid, tsdl->uuid, sizeof(layout->uuid));
    for (guint i = 0; i < tsdl->streams->len; i++) {
        if (!add_stream(layout, tracer, &g_array_index(tsdl->streams, struct ct_tsdl_stream, i)))
            return FALSE;
    }
    for (guint i = 0; i < tsdl->events->len; i++) {
        if (!add_event(layout, &g_array_index(tsdl->events, struct ct_tsdl_event, i)))
            return FALSE;
    }
    for (guint i = 0; i < layout->streams->len; i++)
        note_contents(&g_array_index(layout->streams, struct ct_stream_layout, i));
    return TRUE;
}

static void stream_clear(void *data)
{
    g_array_unref(((struct ct_stream_layout *)data)->events);
}

struct ct_trace_layout *ct_trace_layout_new(const struct ct_metadata *metadata)
{
    struct ct_tsdl *tsdl = ct_tsdl_new(metadata->text);
    struct ct_trace_layout *layout;
    gboolean is_ours;

    if (!tsdl)
        return NULL;
    layout = g_new0(struct ct_trace_layout, 1);
    layout->streams = g_array_new(FALSE, FALSE, sizeof(struct ct_stream_layout));
    g_array_set_clear_func(layout->streams, stream_clear);
    is_ours = fill(layout, tsdl) && (!metadata->is_packets || memcmp(metadata->uuid, layout->uuid,
                                                                     sizeof(layout->uuid)) == 0);
    ct_tsdl_free(tsdl);
    if (is_ours)
        return layout;
    ct_trace_layout_free(layout);
    return NULL;
}

void ct_trace_layout_free(struct ct_trace_layout *layout)
{
    g_array_unref(layout->streams);
    g_free(layout);
}

const struct ct_stream_layout *ct_trace_layout_find_stream(const struct ct_trace_layout *layout,
                                                           guint64 id)
{
    for (guint i = 0; i < layout->streams->len; i++) {
        const struct ct_stream_layout *stream =
            &g_array_index(layout->streams, struct ct_stream_layout, i);

        if (stream->id == id)
            return stream;
    }
    return NULL;
}
