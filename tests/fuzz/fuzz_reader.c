/*
 * A trace of well-formed packets with events that the input makes up -> both readers, which have to
 * make the same of it, and the assembler. Times, ids and strings are the input's, what the
 * packets say of themselves is sound but where the input says otherwise.
 *
 * babeltrace2 ends the program for some traces. Its metadata is not the input's here, and the
 * checks of packets are before it, so that what it still ends at is found: that is a fault of the
 * checks.
 */
#include "../golden/tsdl.h"
#include "../readers/recorded.h"
#include "fuzz.h"
#include "ingest/ingest.h"
#include "kernel_tsdl.h"
#include "records.h"

#include <glib/gstdio.h>
#include <stdio.h>

#define FILE_BYTES_MAX 65536

/* Files: two of each kind. */
enum kind { KIND_WAITS, KIND_STATE, KIND_KERNEL, KIND_COUNT };
#define FILES_PER_KIND 2

static const char *const names[KIND_COUNT] = {"ust/waits", "ust/state", "kernel/stream"};

struct stream {
    GByteArray *bytes;
    guint packet;  /* where the packet begins that is written */
    guint context; /* and where its context does */
    gboolean is_kernels;
    gboolean has_packet;
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t sequence;
    uint64_t lost;
};

static void put(GByteArray *bytes, uint64_t value, guint size)
{
    g_byte_array_append(bytes, (const guint8 *)&value, size);
}

static void put_text(GByteArray *bytes, const char *text)
{
    g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text) + 1);
}

static void put_sequence(GByteArray *bytes, struct ct_u64_sequence sequence)
{
    put(bytes, sequence.count, 1);
    for (uint32_t i = 0; i < sequence.count; i++)
        put(bytes, sequence.values[i], 8);
}

static void put_column(GByteArray *bytes, struct ct_column column, guint size)
{
    put(bytes, column.count, 1);
    g_byte_array_append(bytes, column.values, column.count * size);
}

#define PUT_U8(value)           put(bytes, value, 1)
#define PUT_OP(value)           put(bytes, value, 1)
#define PUT_CLASS(value)        put(bytes, value, 1)
#define PUT_FD_KIND(value)      put(bytes, value, 1)
#define PUT_U32(value)          put(bytes, value, 4)
#define PUT_U64(value)          put(bytes, value, 8)
#define PUT_I16(value)          put(bytes, (uint64_t)(value), 2)
#define PUT_I32(value)          put(bytes, (uint64_t)(value), 4)
#define PUT_I64(value)          put(bytes, (uint64_t)(value), 8)
#define PUT_HEX64(value)        put(bytes, value, 8)
#define PUT_STRING(value)       put_text(bytes, value)
#define PUT_ADDRESSES(value)    put_sequence(bytes, value)
#define PUT_HISTOGRAM(value)    put_sequence(bytes, value)
#define PUT_I32_COLUMN(value)   put_column(bytes, value, 4)
#define PUT_U32_COLUMN(value)   put_column(bytes, value, 4)
#define PUT_HEX64_COLUMN(value) put_column(bytes, value, 8)
#define PUT_I16_COLUMN(value)   put_column(bytes, value, 2)
#define PUT_U8_COLUMN(value)    put_column(bytes, value, 1)

#define PUT_FIELD(type, name) PUT_##type(event->name);

/* ---- Packets ---- */

static void begin_packet(struct stream *stream, enum kind kind, guint index, uint64_t time_ns)
{
    static const guint8 uuid[16] = TSDL_UUID_BYTES;
    GByteArray *bytes = stream->bytes;

    stream->packet = bytes->len;
    stream->has_packet = TRUE;
    stream->is_kernels = kind == KIND_KERNEL;
    stream->begin_ns = time_ns;
    put(bytes, 0xc1fc1fc1, 4);
    g_byte_array_append(bytes, uuid, sizeof(uuid));
    if (kind == KIND_KERNEL)
        put(bytes, 0, 8);
    else
        put(bytes, channel_id(kind == KIND_WAITS ? CT_CHANNEL_WAITS : CT_CHANNEL_STATE), 4);
    put(bytes, index, 8);
    stream->context = bytes->len;
    for (int i = 0; i < 6; i++)
        put(bytes, 0, 8);
    put(bytes, index, 4);
}

/* Its header is known at its end. */
static void end_packet(struct stream *stream)
{
    if (!stream->has_packet)
        return;
    const uint64_t bits = (stream->bytes->len - stream->packet) * UINT64_C(8);
    const uint64_t own[] = {stream->begin_ns, stream->end_ns, bits, bits,
                            stream->sequence, stream->lost};
    const uint64_t kernels[] = {bits,           bits,         stream->begin_ns,
                                stream->end_ns, stream->lost, stream->sequence};

    memcpy(stream->bytes->data + stream->context, stream->is_kernels ? kernels : own, sizeof(own));
    stream->sequence++;
    stream->has_packet = FALSE;
}

static void put_own(GByteArray *bytes, const struct ct_record *record)
{
    switch (record->event) {
#define PUT_PROMPT(symbol, own_name, channel)                           \
    case CT_EVENT_ID_##symbol: {                                        \
        const struct ct_event_##own_name *event = &record->as.own_name; \
        put(bytes, (uint64_t)record->pid, 4);                           \
        put(bytes, (uint64_t)record->tid, 4);                           \
        put(bytes, 0, 8);                                               \
        CT_EVENT_##symbol(PUT_FIELD) break;                             \
    }
        CT_PROMPT_EVENTS(PUT_PROMPT)
#define PUT_LAGGING(symbol, own_name, channel)                          \
    case CT_EVENT_ID_##symbol: {                                        \
        const struct ct_event_##own_name *event = &record->as.own_name; \
        put(bytes, (uint64_t)record->pid, 4);                           \
        put(bytes, (uint64_t)record->tid, 4);                           \
        CT_EVENT_##symbol(PUT_FIELD) break;                             \
    }
        CT_LAGGING_EVENTS(PUT_LAGGING)
#define PUT_RECORDER(symbol, own_name, channel)                         \
    case CT_EVENT_ID_##symbol: {                                        \
        const struct ct_event_##own_name *event = &record->as.own_name; \
        CT_EVENT_##symbol(PUT_FIELD) break;                             \
    }
        CT_RECORDER_EVENTS(PUT_RECORDER)
    case CT_EVENT_COUNT:
        break;
    }
}

static void put_kernel(GByteArray *bytes, const struct ct_kernel_record *record)
{
    put(bytes, (uint64_t)record->tid, 4);
    put(bytes, record->in_interrupt, 1);
    switch (record->event) {
#define PUT_CASE(symbol, kernel_name)                                          \
    case CT_KERNEL_ID_##symbol: {                                              \
        const struct ct_kernel_##kernel_name *event = &record->as.kernel_name; \
        CT_KERNEL_##symbol(PUT_FIELD) break;                                   \
    }
        CT_KERNEL_EVENTS(PUT_CASE)
#undef PUT_CASE
    case CT_KERNEL_ID_SYSCALL_ENTRY:
        for (size_t i = 0; i < KERNEL_TSDL_ARGUMENTS; i++)
            put(bytes, record->as.syscall.arguments[i], 8);
        break;
    case CT_KERNEL_ID_SYSCALL_EXIT:
        put(bytes, (uint64_t)record->as.syscall.result, 8);
        break;
    }
}

static enum kind kind_of(const struct ct_record *record)
{
    switch (record->event) {
    case CT_EVENT_COUNT:
        return KIND_KERNEL;
#define KIND_CASE(symbol, name, channel) case CT_EVENT_ID_##symbol:
        CT_LAGGING_EVENTS(KIND_CASE)
    case CT_EVENT_ID_WAITS:
        return KIND_WAITS;
    default:
        return KIND_STATE;
    }
}

static void put_event(struct stream *stream, const struct ct_record *record)
{
    GByteArray *bytes = stream->bytes;

    stream->end_ns = record->time_ns;
    if (record->event == CT_EVENT_COUNT) {
        put(bytes, kernel_tsdl_id(&record->as.kernel), 8);
        put(bytes, record->time_ns, 8);
        put_kernel(bytes, &record->as.kernel);
    } else {
        put(bytes, 31, 1);
        put(bytes, record->event, 4);
        put(bytes, record->time_ns, 8);
        put_own(bytes, record);
    }
}

/* What the input's byte before each event says: of the stream, and of what goes wrong in it. */
static void follow_route(struct stream *stream, uint8_t route, struct fuzz_input *input)
{
    struct fuzz_input raw = {0};

    if (route & 2)
        end_packet(stream);
    if ((route & 0xf0) == 0x70)
        stream->lost += fuzz_take_u8(input);
    else if ((route & 0xf0) == 0x80)
        stream->sequence += fuzz_take_u8(input);
    else if (route >= 0xf0) /* an event that is none */
        raw = fuzz_take_part(input, fuzz_take_u8(input) & 31);
    if (stream->has_packet && raw.left > 0)
        g_byte_array_append(stream->bytes, raw.at, (guint)raw.left);
}

static void write_events(const uint8_t *data, size_t size, struct stream *streams)
{
    struct fuzz_records records;
    struct ct_record record;
    guint total = 0;

    fuzz_records_begin(&records, data, size);
    while (total < FILE_BYTES_MAX) {
        uint8_t route = fuzz_take_u8(&records.input);

        if (!fuzz_records_next(&records, &record) || record.time_ns > INT64_MAX)
            break;
        enum kind kind = kind_of(&record);
        guint index = (guint)kind * FILES_PER_KIND + (route & 1);
        struct stream *stream = &streams[index];
        guint before = stream->bytes->len;

        follow_route(stream, route, &records.input);
        if (!stream->has_packet)
            begin_packet(stream, kind, index, record.time_ns);
        put_event(stream, &record);
        total += stream->bytes->len - before;
    }
}

/* ---- The trace ---- */

/* Without streams a trace is not there: to read its metadata takes longer than all else. */
static void write_metadata(const char *folder, const char *name, const char *text,
                           gboolean has_streams)
{
    g_autofree char *place = g_build_filename(folder, name, NULL);
    g_autofree char *path = g_build_filename(place, "metadata", NULL);

    g_mkdir_with_parents(place, 0700);
    if (has_streams)
        fuzz_write_file(path, text, strlen(text));
    else
        g_unlink(path);
}

static gboolean has_any(const struct stream *streams, enum kind kind)
{
    return streams[kind * FILES_PER_KIND].bytes->len +
               streams[kind * FILES_PER_KIND + 1].bytes->len >
           0;
}

static void write_all_metadata(const char *folder, const struct stream *streams)
{
    static char *ust, *kernel; /* of this process; they are the same each time */

    if (!ust) {
        ust = tsdl_metadata(FALSE, FALSE);
        kernel = kernel_tsdl_metadata();
    }
    write_metadata(folder, "ust", ust,
                   has_any(streams, KIND_WAITS) || has_any(streams, KIND_STATE));
    write_metadata(folder, "kernel", kernel, has_any(streams, KIND_KERNEL));
}

static void write_stream(const char *folder, guint index, struct stream *stream)
{
    g_autofree char *path =
        g_strdup_printf("%s/%s_%u", folder, names[index / FILES_PER_KIND], index % FILES_PER_KIND);

    end_packet(stream);
    if (stream->bytes->len > 0)
        fuzz_write_file(path, stream->bytes->data, stream->bytes->len);
    else
        g_unlink(path);
    g_byte_array_unref(stream->bytes);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    (void)user;
    FUZZ_REQUIRE(interval->begin_ns <= interval->end_ns);
}

static void check_threads(const struct ct_model *model)
{
    for (guint i = 0; i < model->threads->len; i++) {
        const struct ct_thread *thread = model->threads->pdata[i];
        uint64_t sum_ns = 0;

        FUZZ_REQUIRE(thread->start_ns <= thread->end_ns);
        for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
            sum_ns += thread->class_ns[class];
        FUZZ_REQUIRE(sum_ns == thread->end_ns - thread->start_ns);
    }
}

/* Of the leak checker, where there is one. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* babeltrace2 forgets messages where a stream turns out to be damaged. */
static void begin_forgetting(void)
{
    if (__lsan_disable)
        __lsan_disable();
}

static void end_forgetting(void)
{
    if (__lsan_enable)
        __lsan_enable();
}

static void check_readers(const char *folder)
{
    struct recorded direct, oracle;
    char *difference = NULL;

    recorded_read(&direct, &ct_source_direct, folder);
    begin_forgetting();
    recorded_read(&oracle, &ct_source_babeltrace, folder);
    end_forgetting();
    if (direct.is_read)
        difference = recorded_compare(&direct, &oracle);
    if (difference)
        fprintf(stderr, "%s\n", difference);
    FUZZ_REQUIRE(!difference);
    recorded_clear(&direct);
    recorded_clear(&oracle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *folder = g_build_filename(fuzz_folder(), "recording", NULL);
    struct stream streams[KIND_COUNT * FILES_PER_KIND] = {0};
    g_autoptr(ct_model) model = ct_model_new();
    const struct ct_sink sink = {.on_interval = on_interval};

    for (guint i = 0; i < G_N_ELEMENTS(streams); i++)
        streams[i].bytes = g_byte_array_new();
    write_events(data, size, streams);
    write_all_metadata(folder, streams);
    for (guint i = 0; i < G_N_ELEMENTS(streams); i++)
        write_stream(folder, i, &streams[i]);
    check_readers(folder);
    begin_forgetting();
    gboolean is_read = ct_ingest(folder, model, &sink, 1, NULL);
    end_forgetting();
    if (is_read)
        check_threads(model);
    return 0;
}
