#include "tsdl.h"

#include <string.h>

#define FIELD_ROW(type, field_name) {FIELD_##type, #field_name},
#define FIELD_ROWS(symbol, name, channel) \
    static const struct field_row name##_fields[] = {CT_EVENT_##symbol(FIELD_ROW)};
CT_RECORDER_EVENTS(FIELD_ROWS)
#define LAGGING_FIELD_ROWS(symbol, name, channel)                         \
    static const struct field_row name##_fields[] = {CT_SOURCE(FIELD_ROW) \
                                                         CT_EVENT_##symbol(FIELD_ROW)};
CT_LAGGING_EVENTS(LAGGING_FIELD_ROWS)
#define PROMPT_FIELD_ROWS(symbol, name, channel)                                 \
    static const struct field_row name##_fields[] = {CT_PROMPT_SOURCE(FIELD_ROW) \
                                                         CT_EVENT_##symbol(FIELD_ROW)};
CT_PROMPT_EVENTS(PROMPT_FIELD_ROWS)

static const struct field_row future_fields[] = {{FIELD_U32, "answer"}, {FIELD_STRING, "question"}};

const struct event_row event_rows[] = {
#define EVENT_ROW(symbol, name, channel) \
    {CT_PROVIDER, #name, channel, name##_fields, G_N_ELEMENTS(name##_fields)},
    CT_EVENTS(EVENT_ROW){CT_PROVIDER, "future", CT_CHANNEL_STATE, future_fields,
                         G_N_ELEMENTS(future_fields)},
    {"other", "future", CT_CHANNEL_STATE, future_fields, G_N_ELEMENTS(future_fields)},
};
const size_t event_row_count = G_N_ELEMENTS(event_rows);

static const char *const op_names[] = {
#define OP_NAME(symbol, name, class, object) name,
    CT_OPS(OP_NAME)};
static const char *const class_names[] = {
#define CLASS_NAME(symbol, name) name,
    CT_CLASSES(CLASS_NAME)};
static const char *const fd_kind_names[] = {
#define FD_KIND_NAME(symbol, name, class) name,
    CT_FD_KINDS(FD_KIND_NAME)};

static const char *const *enum_names(enum field_kind kind, size_t *count)
{
    switch (kind) {
    case FIELD_OP:
        *count = G_N_ELEMENTS(op_names);
        return op_names;
    case FIELD_CLASS:
        *count = G_N_ELEMENTS(class_names);
        return class_names;
    case FIELD_FD_KIND:
        *count = G_N_ELEMENTS(fd_kind_names);
        return fd_kind_names;
    default:
        *count = 0;
        return NULL;
    }
}

int enum_value(enum field_kind kind, const char *name)
{
    size_t count;
    const char *const *names = enum_names(kind, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return (int)i;
    }
    return -1;
}

unsigned channel_id(const char *channel)
{
    return strcmp(channel, CT_CHANNEL_WAITS) == 0 ? 0 : 1;
}

struct element tsdl_element(enum field_kind kind)
{
    switch (kind) {
    case FIELD_ADDRESSES:
    case FIELD_HEX64_COLUMN:
        return (struct element){8, FALSE, 16};
    case FIELD_HISTOGRAM:
        return (struct element){8, FALSE, 10};
    case FIELD_I32_COLUMN:
        return (struct element){4, TRUE, 10};
    case FIELD_U32_COLUMN:
        return (struct element){4, FALSE, 10};
    case FIELD_I16_COLUMN:
        return (struct element){2, TRUE, 10};
    case FIELD_U8_COLUMN:
        return (struct element){1, FALSE, 10};
    default:
        return (struct element){0, FALSE, 0};
    }
}

static void add_integer(GString *text, unsigned bits, gboolean is_signed, unsigned base)
{
    g_string_append_printf(
        text, "integer { size = %u; align = 8; signed = %d; encoding = none; base = %u; }", bits,
        is_signed, base);
}

static void add_enum(GString *text, enum field_kind kind)
{
    size_t count;
    const char *const *names = enum_names(kind, &count);

    g_string_append(text, "enum : ");
    add_integer(text, 8, FALSE, 10);
    g_string_append(text, " {");
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(text, "%s \"%s\" = %zu", i > 0 ? "," : "", names[i], i);
    g_string_append(text, " }");
}

static void add_field(GString *text, const struct field_row *field)
{
    g_string_append(text, "\t\t");
    switch (field->kind) {
    case FIELD_U8:
        add_integer(text, 8, FALSE, 10);
        break;
    case FIELD_U32:
        add_integer(text, 32, FALSE, 10);
        break;
    case FIELD_U64:
        add_integer(text, 64, FALSE, 10);
        break;
    case FIELD_I16:
        add_integer(text, 16, TRUE, 10);
        break;
    case FIELD_I32:
        add_integer(text, 32, TRUE, 10);
        break;
    case FIELD_HEX64:
        add_integer(text, 64, FALSE, 16);
        break;
    case FIELD_OP:
    case FIELD_CLASS:
    case FIELD_FD_KIND:
        add_enum(text, field->kind);
        break;
    case FIELD_STRING:
        g_string_append(text, "string");
        break;
    default:
        add_integer(text, 8, FALSE, 10);
        g_string_append_printf(text, " __%s_length;\n\t\t", field->name);
        const struct element element = tsdl_element(field->kind);
        add_integer(text, 8 * element.size, element.is_signed, element.base);
        g_string_append_printf(text, " _%s[ __%s_length ];\n", field->name, field->name);
        return;
    }
    g_string_append_printf(text, " _%s;\n", field->name);
}

static const char preamble[] =
    "/* CTF 1.8 */\n"
    "typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
    "typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
    "typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"
    "trace {\n\tmajor = 1; minor = 8;\n\tuuid = \"" TSDL_UUID "\";\n\tbyte_order = le;\n"
    "\tpacket.header := struct {\n\t\tuint32_t magic;\n\t\tuint8_t uuid[16];\n"
    "\t\tuint32_t stream_id;\n\t\tuint64_t stream_instance_id;\n\t};\n};\n"
    "env {\n\tdomain = \"ust\";\n\ttracer_name = \"lttng-ust\";\n\ttracer_major = 2;\n"
    "\ttracer_minor = 13;\n};\n"
    "clock {\n\tname = \"monotonic\";\n\tfreq = 1000000000;\n"
    "\toffset = " G_STRINGIFY(
        TSDL_EPOCH_OFFSET_NS) ";\n};\n"
                              "typealias integer { size = 27; align = 1; signed = false; map = "
                              "clock.monotonic.value; } "
                              ":= uint27_clock_t;\n"
                              "typealias integer { size = 64; align = 8; signed = false; map = "
                              "clock.monotonic.value; } "
                              ":= uint64_clock_t;\n"
                              "struct packet_context {\n\tuint64_clock_t "
                              "timestamp_begin;\n\tuint64_clock_t timestamp_end;\n"
                              "\tuint64_t content_size;\n\tuint64_t packet_size;\n\tuint64_t "
                              "packet_seq_num;\n"
                              "\tuint64_t events_discarded;\n\tuint32_t cpu_id;\n};\n"
                              "struct event_header_compact {\n\tenum : integer { size = 5; align = "
                              "1; signed = false; } "
                              "{ compact = 0 ... 30, extended = 31 } id;\n\tvariant <id> "
                              "{\n\t\tstruct {\n"
                              "\t\t\tuint27_clock_t timestamp;\n\t\t} compact;\n\t\tstruct "
                              "{\n\t\t\tuint32_t id;\n"
                              "\t\t\tuint64_clock_t timestamp;\n\t\t} extended;\n\t} v;\n} "
                              "align(8);\n";

gboolean tsdl_is_first(const struct field_row *field)
{
    static const char *const later[] = {
#define FIELD_NAME(name) #name,
        CT_LATER_FIELDS(FIELD_NAME)
#undef FIELD_NAME
    };

    for (size_t i = 0; i < G_N_ELEMENTS(later); i++) {
        if (strcmp(later[i], field->name) == 0)
            return FALSE;
    }
    return TRUE;
}

char *tsdl_metadata(gboolean is_old, gboolean has_unknown)
{
    GString *text = g_string_new(preamble);

    for (unsigned id = 0; id < 2; id++)
        g_string_append_printf(text,
                               "stream {\n\tid = %u;\n\tevent.header := struct "
                               "event_header_compact;\n\tpacket.context := struct "
                               "packet_context;\n};\n",
                               id);
    for (size_t i = 0; i < (has_unknown ? event_row_count : CT_EVENT_COUNT); i++) {
        g_string_append_printf(text,
                               "event {\n\tname = \"%s:%s\";\n\tid = %zu;\n\tstream_id = %u;\n"
                               "\tfields := struct {\n",
                               event_rows[i].provider, event_rows[i].name, i,
                               channel_id(event_rows[i].channel));
        for (size_t field = 0; field < event_rows[i].field_count; field++) {
            if (!is_old || tsdl_is_first(&event_rows[i].fields[field]))
                add_field(text, &event_rows[i].fields[field]);
        }
        g_string_append(text, "\t};\n};\n");
    }
    return g_string_free(text, FALSE);
}
