#include "source/tsdl.h"

#include "source/tsdl_types.h"

#include <string.h>

#define NS_PER_S G_GUINT64_CONSTANT(1000000000)

/* What one section is read into. */
struct reading {
    struct ct_tsdl_parser parser;
    struct ct_tsdl *tsdl;
    char *clock; /* owned; the name of the one that is described, NULL: none yet */
    gboolean has_trace;
    gboolean has_environment;
};

/* The name of an attribute, whose value is next; none is there twice. NULL: the section has ended.
 * Caller frees. */
static char *next_attribute(struct ct_tsdl_parser *parser, GHashTable *seen)
{
    char *name;

    if (parser->has_failed || ct_tsdl_skip(parser, "}"))
        return NULL;
    name = ct_tsdl_take(parser, CT_TSDL_WORD);
    if (name && g_hash_table_add(seen, g_strdup(name)))
        return name;
    parser->has_failed = TRUE;
    g_free(name);
    return NULL;
}

static GHashTable *names_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static gboolean parse_uuid(const char *text, guint8 *uuid)
{
    gsize count = 0;

    if (!text || !g_uuid_string_is_valid(text))
        return FALSE;
    for (; *text && count < CT_UUID_SIZE; text += *text == '-' ? 1 : 2) {
        if (*text != '-')
            uuid[count++] = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | //
                                     g_ascii_xdigit_value(text[1]));
    }
    return count == CT_UUID_SIZE;
}

static void take_uuid(struct ct_tsdl_parser *parser, guint8 *uuid)
{
    g_autofree char *text = ct_tsdl_take(parser, CT_TSDL_STRING);

    if (!parse_uuid(text, uuid))
        parser->has_failed = TRUE;
}

static void take_trace(struct reading *reading)
{
    struct ct_tsdl_parser *parser = &reading->parser;
    g_autoptr(GHashTable) seen = names_new();
    char *name;

    if (reading->has_trace)
        parser->has_failed = TRUE;
    reading->has_trace = TRUE;
    ct_tsdl_expect(parser, "{");
    for (; (name = next_attribute(parser, seen)); g_free(name)) {
        if (strcmp(name, "packet.header") == 0) {
            ct_tsdl_expect(parser, ":=");
            reading->tsdl->packet_header = ct_tsdl_take_scope(parser);
        } else {
            ct_tsdl_expect(parser, "=");
            if (strcmp(name, "major") == 0)
                ct_tsdl_expect(parser, "1");
            else if (strcmp(name, "minor") == 0)
                ct_tsdl_expect(parser, "8");
            else if (strcmp(name, "byte_order") == 0)
                ct_tsdl_expect(parser, "le");
            else if (strcmp(name, "uuid") == 0)
                take_uuid(parser, reading->tsdl->uuid);
            else
                parser->has_failed = TRUE;
        }
        ct_tsdl_expect(parser, ";");
    }
    if (!g_hash_table_contains(seen, "byte_order") || !g_hash_table_contains(seen, "uuid") ||
        !g_hash_table_contains(seen, "major") || !g_hash_table_contains(seen, "minor"))
        parser->has_failed = TRUE;
}

static void take_environment(struct reading *reading)
{
    struct ct_tsdl_parser *parser = &reading->parser;
    struct ct_tsdl *tsdl = reading->tsdl;
    g_autoptr(GHashTable) seen = names_new();
    char *name;

    if (reading->has_environment)
        parser->has_failed = TRUE;
    reading->has_environment = TRUE;
    ct_tsdl_expect(parser, "{");
    for (; (name = next_attribute(parser, seen)); g_free(name)) {
        ct_tsdl_expect(parser, "=");
        if (strcmp(name, "domain") == 0)
            tsdl->domain = ct_tsdl_take(parser, CT_TSDL_STRING);
        else if (strcmp(name, "tracer_name") == 0)
            tsdl->tracer = ct_tsdl_take(parser, CT_TSDL_STRING);
        else if (strcmp(name, "tracer_major") == 0)
            tsdl->tracer_major = ct_tsdl_take_number(parser);
        else if (strcmp(name, "tracer_minor") == 0)
            tsdl->tracer_minor = ct_tsdl_take_number(parser);
        else if (parser->token == CT_TSDL_STRING)
            ct_tsdl_next(parser);
        else
            ct_tsdl_take_number(parser);
        ct_tsdl_expect(parser, ";");
    }
}

/* FALSE where it would not fit. */
static gboolean set_offset(struct ct_tsdl *tsdl, guint64 seconds, guint64 nanoseconds)
{
    guint64 sum;

    if (!g_uint64_checked_mul(&sum, seconds, NS_PER_S) ||
        !g_uint64_checked_add(&sum, sum, nanoseconds) || sum > G_MAXINT64)
        return FALSE;
    tsdl->epoch_offset_ns = (gint64)sum;
    return TRUE;
}

/* An attribute of a clock that tells nothing of its values. */
static void skip_clock_attribute(struct ct_tsdl_parser *parser, const char *name)
{
    guint8 uuid[CT_UUID_SIZE];

    if (strcmp(name, "uuid") == 0)
        take_uuid(parser, uuid);
    else if (strcmp(name, "description") == 0)
        g_free(ct_tsdl_take(parser, CT_TSDL_STRING));
    else if (strcmp(name, "precision") == 0)
        ct_tsdl_take_number(parser);
    else if (strcmp(name, "absolute") != 0 ||
             (!ct_tsdl_skip(parser, "true") && !ct_tsdl_skip(parser, "false")))
        parser->has_failed = TRUE;
}

static void take_clock(struct reading *reading)
{
    struct ct_tsdl_parser *parser = &reading->parser;
    g_autoptr(GHashTable) seen = names_new();
    char *name;
    guint64 frequency = 0, offset_s = 0, offset = 0;
    g_autofree char *clock = NULL;
    gint64 known_offset_ns = reading->tsdl->epoch_offset_ns;

    ct_tsdl_expect(parser, "{");
    for (; (name = next_attribute(parser, seen)); g_free(name)) {
        ct_tsdl_expect(parser, "=");
        if (strcmp(name, "name") == 0)
            clock = ct_tsdl_take(parser,
                                 parser->token == CT_TSDL_STRING ? CT_TSDL_STRING : CT_TSDL_WORD);
        else if (strcmp(name, "freq") == 0)
            frequency = ct_tsdl_take_number(parser);
        else if (strcmp(name, "offset_s") == 0)
            offset_s = ct_tsdl_take_number(parser);
        else if (strcmp(name, "offset") == 0)
            offset = ct_tsdl_take_number(parser);
        else
            skip_clock_attribute(parser, name);
        ct_tsdl_expect(parser, ";");
    }
    if (!clock || frequency != NS_PER_S || !set_offset(reading->tsdl, offset_s, offset))
        parser->has_failed = TRUE;
    /* babeltrace2 describes it anew for each class of streams. */
    if (reading->clock && (g_strcmp0(clock, reading->clock) != 0 ||
                           reading->tsdl->epoch_offset_ns != known_offset_ns))
        parser->has_failed = TRUE;
    if (!reading->clock)
        reading->clock = g_steal_pointer(&clock);
}

static void take_stream(struct reading *reading)
{
    struct ct_tsdl_parser *parser = &reading->parser;
    struct ct_tsdl_stream stream = {0};
    g_autoptr(GHashTable) seen = names_new();
    char *name;

    ct_tsdl_expect(parser, "{");
    for (; (name = next_attribute(parser, seen)); g_free(name)) {
        char **scope = strcmp(name, "packet.context") == 0  ? &stream.packet_context
                       : strcmp(name, "event.header") == 0  ? &stream.event_header
                       : strcmp(name, "event.context") == 0 ? &stream.event_context
                                                            : NULL;

        ct_tsdl_expect(parser, scope ? ":=" : "=");
        if (scope)
            *scope = ct_tsdl_take_scope(parser);
        else if (strcmp(name, "id") == 0)
            stream.id = ct_tsdl_take_number(parser);
        else
            parser->has_failed = TRUE;
        ct_tsdl_expect(parser, ";");
    }
    if (!g_hash_table_contains(seen, "id"))
        parser->has_failed = TRUE;
    g_array_append_val(reading->tsdl->streams, stream);
}

static void take_event(struct reading *reading)
{
    struct ct_tsdl_parser *parser = &reading->parser;
    struct ct_tsdl_event event = {0};
    g_autoptr(GHashTable) seen = names_new();
    char *name;

    ct_tsdl_expect(parser, "{");
    for (; (name = next_attribute(parser, seen)); g_free(name)) {
        gboolean is_scope = strcmp(name, "fields") == 0;

        ct_tsdl_expect(parser, is_scope ? ":=" : "=");
        if (is_scope)
            event.fields = ct_tsdl_take_scope(parser);
        else if (strcmp(name, "name") == 0)
            event.name = ct_tsdl_take(parser, CT_TSDL_STRING);
        else if (strcmp(name, "id") == 0)
            event.id = ct_tsdl_take_number(parser);
        else if (strcmp(name, "stream_id") == 0)
            event.stream_id = ct_tsdl_take_number(parser);
        else if (strcmp(name, "loglevel") == 0)
            ct_tsdl_take_number(parser);
        else
            parser->has_failed = TRUE;
        ct_tsdl_expect(parser, ";");
    }
    if (!event.name || !event.fields || !g_hash_table_contains(seen, "id") ||
        !g_hash_table_contains(seen, "stream_id"))
        parser->has_failed = TRUE;
    g_array_append_val(reading->tsdl->events, event);
}

static void take_section(struct reading *reading)
{
    static const struct {
        const char *name;
        void (*take)(struct reading *reading);
    } sections[] = {
        {"trace", take_trace},   {"env", take_environment}, {"clock", take_clock},
        {"stream", take_stream}, {"event", take_event},
    };
    struct ct_tsdl_parser *parser = &reading->parser;

    if (ct_tsdl_skip(parser, "typealias")) {
        ct_tsdl_take_alias(parser);
        return;
    }
    if (ct_tsdl_skip(parser, "struct")) {
        ct_tsdl_take_struct(parser);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(sections); i++) {
        if (ct_tsdl_skip(parser, sections[i].name)) {
            sections[i].take(reading);
            ct_tsdl_expect(parser, ";");
            return;
        }
    }
    parser->has_failed = TRUE;
}

/* Without control characters, and of letters that mean the same everywhere. */
static gboolean is_plain(const char *text)
{
    for (; *text; text++) {
        if ((*text < ' ' && *text != '\n' && *text != '\t') || *text > '~')
            return FALSE;
    }
    return TRUE;
}

static void stream_clear(void *data)
{
    struct ct_tsdl_stream *stream = data;

    g_free(stream->packet_context);
    g_free(stream->event_header);
    g_free(stream->event_context);
}

static void event_clear(void *data)
{
    struct ct_tsdl_event *event = data;

    g_free(event->name);
    g_free(event->fields);
}

struct ct_tsdl *ct_tsdl_new(const char *text)
{
    struct reading reading = {.tsdl = g_new0(struct ct_tsdl, 1)};
    gboolean is_understood;

    reading.tsdl->streams = g_array_new(FALSE, FALSE, sizeof(struct ct_tsdl_stream));
    reading.tsdl->events = g_array_new(FALSE, FALSE, sizeof(struct ct_tsdl_event));
    g_array_set_clear_func(reading.tsdl->streams, stream_clear);
    g_array_set_clear_func(reading.tsdl->events, event_clear);
    ct_tsdl_parser_init(&reading.parser, text);
    reading.parser.has_failed |= !g_str_has_prefix(text, "/* CTF 1.8 */\n") || !is_plain(text);
    while (!reading.parser.has_failed && reading.parser.token != CT_TSDL_END)
        take_section(&reading);
    is_understood = !reading.parser.has_failed && reading.has_trace &&
                    reading.tsdl->packet_header && reading.clock &&
                    g_strcmp0(reading.clock, reading.parser.clock) == 0;
    ct_tsdl_parser_clear(&reading.parser);
    g_free(reading.clock);
    if (is_understood)
        return reading.tsdl;
    ct_tsdl_free(reading.tsdl);
    return NULL;
}

void ct_tsdl_free(struct ct_tsdl *tsdl)
{
    g_array_unref(tsdl->streams);
    g_array_unref(tsdl->events);
    g_free(tsdl->packet_header);
    g_free(tsdl->domain);
    g_free(tsdl->tracer);
    g_free(tsdl);
}
