/*
 * write_trace TEXT DIRECTORY: turns a trace written as text into a CTF trace, laid
 * out as LTTng does it. A line is an event
 *
 *     TIME PID TID EVENT FIELD=VALUE ...
 *
 * where fields not named are zero or empty, or one of
 *
 *     stream NAME     the next events go to the files NAME of each channel, as of another CPU
 *     trace PATH      ... to the trace in this folder of DIRECTORY (ust at first)
 *     packet          the next event begins a new packet
 *     old             all events are as in the oldest version that is read
 *     lost COUNT      so many wait events were discarded before the next wait event's packet ends
 *
 * TIME is in nanoseconds, or with a unit ("12.5ms").
 */
#include "tsdl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_BYTES 262144
#define PACKET_ALIGN 4096

/* Part of the names of events that the schema does not have. */
#define UNKNOWN_EVENT "future"

struct stream {
    FILE *file;
    GByteArray *packet; /* content so far; empty: none begun */
    unsigned channel;
    uint64_t instance;
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t sequence;
    uint64_t lost;
};

struct writer {
    const char *directory;
    char *trace;
    char *name;
    GHashTable *streams; /* path -> struct stream * */
    uint64_t line;
    gboolean is_old;
    gboolean has_unknown; /* an event that the schema does not have */
};

static void die(const struct writer *writer, const char *what, const char *subject)
{
    fprintf(stderr, "write_trace: line %" G_GUINT64_FORMAT ": %s: %s\n", writer->line, what,
            subject);
    exit(1);
}

static void put(GByteArray *bytes, uint64_t value, unsigned size)
{
    guint8 little[8];

    for (unsigned i = 0; i < size; i++)
        little[i] = (guint8)(value >> (8 * i));
    g_byte_array_append(bytes, little, size);
}

/* Where in the packet the sizes and times stand that are known only at its end. */
enum { HEADER_BYTES = 32, CONTEXT_BYTES = 52 };

static void end_packet(struct stream *stream)
{
    GByteArray *bytes = stream->packet;
    g_autoptr(GByteArray) context = g_byte_array_new();
    guint content = bytes->len;
    guint size = (content + PACKET_ALIGN - 1) / PACKET_ALIGN * PACKET_ALIGN;

    if (content == 0)
        return;
    put(context, stream->begin_ns, 8);
    put(context, stream->end_ns, 8);
    put(context, (uint64_t)content * 8, 8);
    put(context, (uint64_t)size * 8, 8);
    put(context, stream->sequence++, 8);
    put(context, stream->lost, 8);
    put(context, 0, 4);
    memcpy(bytes->data + HEADER_BYTES, context->data, CONTEXT_BYTES);
    g_byte_array_set_size(bytes, size);
    memset(bytes->data + content, 0, size - content);
    if (fwrite(bytes->data, 1, size, stream->file) != size) {
        perror("write_trace");
        exit(1);
    }
    g_byte_array_set_size(bytes, 0);
}

static void begin_packet(struct stream *stream, uint64_t time_ns)
{
    static const guint8 uuid[16] = TSDL_UUID_BYTES;
    static const guint8 no_context[CONTEXT_BYTES];

    put(stream->packet, 0xc1fc1fc1, 4);
    g_byte_array_append(stream->packet, uuid, sizeof(uuid));
    put(stream->packet, stream->channel, 4);
    put(stream->packet, stream->instance, 8);
    g_byte_array_append(stream->packet, no_context, sizeof(no_context));
    stream->begin_ns = time_ns;
    stream->end_ns = time_ns;
}

static void write_metadata(const struct writer *writer, const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "metadata", NULL);
    g_autofree char *text = tsdl_metadata(writer->is_old, writer->has_unknown);
    g_autoptr(GError) error = NULL;

    if (g_mkdir_with_parents(folder, 0777) != 0)
        die(writer, "cannot make the folder", folder);
    if (!g_file_set_contents(path, text, -1, &error))
        die(writer, error->message, path);
}

static struct stream *find_stream(struct writer *writer, const char *channel)
{
    g_autofree char *folder = g_build_filename(writer->directory, writer->trace, NULL);
    g_autofree char *path = g_strdup_printf("%s/%s_%s", folder, channel, writer->name);
    struct stream *stream = g_hash_table_lookup(writer->streams, path);

    if (stream)
        return stream;
    write_metadata(writer, folder);
    stream = g_new0(struct stream, 1);
    stream->file = fopen(path, "wb");
    if (!stream->file)
        die(writer, g_strerror(errno), path);
    stream->packet = g_byte_array_new();
    stream->channel = channel_id(channel);
    stream->instance = g_hash_table_size(writer->streams);
    g_hash_table_insert(writer->streams, g_steal_pointer(&path), stream);
    return stream;
}

static uint64_t parse_number(const struct writer *writer, const char *text)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    char *end;
    uint64_t value = text[0] == '-' ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);

    if (*end == '\0' && end != text)
        return value;
    double scaled = g_ascii_strtod(text, &end);

    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strcmp(end, units[i].unit) == 0)
            return (uint64_t)(scaled * units[i].factor + 0.5);
    }
    die(writer, "not a number", text);
    return 0;
}

static void put_sequence(const struct writer *writer, GByteArray *bytes, unsigned size,
                         const char *text)
{
    g_auto(GStrv) values = g_strsplit(text, ",", -1);

    put(bytes, g_strv_length(values), 1);
    for (size_t i = 0; values[i]; i++)
        put(bytes, parse_number(writer, values[i]), size);
}

static void put_field(const struct writer *writer, GByteArray *bytes, const struct field_row *field,
                      const char *text)
{
    static const unsigned sizes[] = {
        [FIELD_U8] = 1,    [FIELD_U32] = 4, [FIELD_U64] = 8,   [FIELD_I16] = 2,    [FIELD_I32] = 4,
        [FIELD_HEX64] = 8, [FIELD_OP] = 1,  [FIELD_CLASS] = 1, [FIELD_FD_KIND] = 1};
    unsigned element_size = tsdl_element(field->kind).size;
    int named;

    if (field->kind == FIELD_STRING) {
        g_byte_array_append(bytes, (const guint8 *)(text ? text : ""),
                            (guint)(text ? strlen(text) : 0) + 1);
        return;
    }
    if (element_size > 0) {
        put_sequence(writer, bytes, element_size, text ? text : "");
        return;
    }
    named = text ? enum_value(field->kind, text) : 0;
    if (named >= 0 && (!text || *text))
        put(bytes, (uint64_t)named, sizes[field->kind]);
    else
        put(bytes, parse_number(writer, text), sizes[field->kind]);
}

static const struct event_row *find_event(const struct writer *writer, const char *name, size_t *id)
{
    for (size_t i = 0; i < event_row_count; i++) {
        gboolean is_ours = strcmp(event_rows[i].provider, CT_PROVIDER) == 0;
        g_autofree char *full =
            g_strdup_printf("%s:%s", event_rows[i].provider, event_rows[i].name);

        if (strcmp(name, full) == 0 || (is_ours && strcmp(name, event_rows[i].name) == 0)) {
            *id = i;
            return &event_rows[i];
        }
    }
    die(writer, "no such event", name);
    return NULL;
}

/* As LTTng does: the low 27 bits of the time where they suffice. */
static void put_header(struct stream *stream, size_t id, uint64_t time_ns, gboolean is_first)
{
    if (!is_first && time_ns - stream->end_ns < (1U << 27) && id < 31) {
        put(stream->packet, id | (time_ns & ((1U << 27) - 1)) << 5, 4);
        return;
    }
    put(stream->packet, 31, 1);
    put(stream->packet, id, 4);
    put(stream->packet, time_ns, 8);
}

static void write_event(struct writer *writer, char **words, guint count)
{
    size_t id;
    const struct event_row *event = find_event(writer, words[3], &id);
    g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
    struct stream *stream = find_stream(writer, event->channel);
    uint64_t time_ns = parse_number(writer, words[0]);
    gboolean is_first = stream->packet->len == 0;

    if (event->field_count > 0 && strcmp(event->fields[0].name, "vpid") == 0) {
        g_hash_table_insert(values, "vpid", words[1]);
        g_hash_table_insert(values, "vtid", words[2]);
    }
    for (guint i = 4; i < count; i++) {
        char *equals = strchr(words[i], '=');

        if (!equals)
            die(writer, "not FIELD=VALUE", words[i]);
        *equals = '\0';
        g_hash_table_insert(values, words[i], equals + 1);
    }
    if (is_first)
        begin_packet(stream, time_ns);
    put_header(stream, id, time_ns, is_first);
    stream->end_ns = time_ns;
    for (size_t i = 0; i < event->field_count; i++) {
        if (!writer->is_old || tsdl_is_first(&event->fields[i]))
            put_field(writer, stream->packet, &event->fields[i],
                      g_hash_table_lookup(values, event->fields[i].name));
        g_hash_table_remove(values, event->fields[i].name);
    }
    GHashTableIter iter;
    void *unknown;

    g_hash_table_iter_init(&iter, values);
    if (g_hash_table_iter_next(&iter, &unknown, NULL))
        die(writer, "the event has no such field", unknown);
    if (stream->packet->len > PACKET_BYTES)
        end_packet(stream);
}

static void end_packets(struct writer *writer)
{
    GHashTableIter iter;
    void *stream;

    g_hash_table_iter_init(&iter, writer->streams);
    while (g_hash_table_iter_next(&iter, NULL, &stream))
        end_packet(stream);
}

static void set(char **owned, const char *value)
{
    g_free(*owned);
    *owned = g_strdup(value);
}

static void write_line(struct writer *writer, const char *line)
{
    g_auto(GStrv) words = NULL;
    gint count;
    g_autoptr(GError) error = NULL;

    if (!g_shell_parse_argv(line, &count, &words, &error)) {
        if (!g_error_matches(error, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING))
            die(writer, error->message, line);
        return;
    }
    if (count == 1 && strcmp(words[0], "packet") == 0)
        end_packets(writer);
    else if (count == 2 && strcmp(words[0], "stream") == 0)
        set(&writer->name, words[1]);
    else if (count == 2 && strcmp(words[0], "trace") == 0)
        set(&writer->trace, words[1]);
    else if (count == 2 && strcmp(words[0], "lost") == 0)
        find_stream(writer, CT_CHANNEL_WAITS)->lost += parse_number(writer, words[1]);
    else if (count == 1 && strcmp(words[0], "old") == 0)
        g_assert(writer->is_old); /* found before */
    else if (count >= 4)
        write_event(writer, words, (guint)count);
    else
        die(writer, "neither an event nor a command", line);
}

int main(int argc, char **argv)
{
    struct writer writer = {.trace = g_strdup("ust"), .name = g_strdup("0")};
    char *line = NULL;
    size_t size = 0;
    FILE *text;
    GHashTableIter iter;
    void *value;

    if (argc != 3) {
        fprintf(stderr, "usage: write_trace TEXT DIRECTORY\n");
        return 2;
    }
    text = fopen(argv[1], "r");
    if (!text) {
        perror(argv[1]);
        return 1;
    }
    writer.directory = argv[2];
    writer.streams = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *first = g_build_filename(writer.directory, writer.trace, NULL);

    while (getline(&line, &size, text) > 0) {
        writer.is_old |= strcmp(line, "old\n") == 0;
        writer.has_unknown |= strstr(line, UNKNOWN_EVENT) != NULL;
    }
    rewind(text);
    write_metadata(&writer, first); /* also for a trace without events */
    while (getline(&line, &size, text) > 0) {
        writer.line++;
        write_line(&writer, line);
    }
    end_packets(&writer);
    g_hash_table_iter_init(&iter, writer.streams);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct stream *stream = value;

        if (fclose(stream->file) != 0) {
            perror("write_trace");
            return 1;
        }
        g_byte_array_unref(stream->packet);
        g_free(stream);
    }
    g_hash_table_unref(writer.streams);
    fclose(text);
    free(line);
    g_free(writer.trace);
    g_free(writer.name);
    return 0;
}
