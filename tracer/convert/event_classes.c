#include "event_classes.h"

#include "syscall_classes.h"

#include <glib.h>

struct ct_event_classes {
    bt_stream_class *stream_class;                 /* owned */
    bt_stream_class *sample_class;                 /* owned; of the samples' streams, or NULL */
    bt_event_class *events[CT_KERNEL_EVENT_COUNT]; /* owned; NULL: of a stream that there is not */
    struct ct_syscall_classes *syscalls;           /* owned */
};

/* ---- Classes ---- */

static bt_field_class *integer_class(bt_trace_class *trace_class, gboolean is_signed, uint64_t bits)
{
    bt_field_class *class = is_signed ? bt_field_class_integer_signed_create(trace_class)
                                      : bt_field_class_integer_unsigned_create(trace_class);

    bt_field_class_integer_set_field_value_range(class, bits);
    return class;
}

static bt_field_class *hexadecimal_class(bt_trace_class *trace_class)
{
    bt_field_class *class = integer_class(trace_class, FALSE, 64);

    bt_field_class_integer_set_preferred_display_base(
        class, BT_FIELD_CLASS_INTEGER_PREFERRED_DISPLAY_BASE_HEXADECIMAL);
    return class;
}

static void append(bt_field_class *structure, const char *name, bt_field_class *class)
{
    bt_field_class_structure_append_member(structure, name, class);
    bt_field_class_put_ref(class);
}

/* As in LTTng's traces its length is one byte, in a field before it. */
static void append_addresses(bt_trace_class *trace_class, bt_field_class *structure,
                             const char *name)
{
    g_autofree char *length_name = g_strdup_printf("_%s_length", name);
    bt_field_class *element = hexadecimal_class(trace_class);
    bt_field_class *length = integer_class(trace_class, FALSE, 8);

    bt_field_class_structure_append_member(structure, length_name, length);
    append(structure, name, bt_field_class_array_dynamic_create(trace_class, element, length));
    bt_field_class_put_ref(element);
    bt_field_class_put_ref(length);
}

#define APPEND_U8(name)        append(structure, name, integer_class(trace_class, FALSE, 8))
#define APPEND_U32(name)       append(structure, name, integer_class(trace_class, FALSE, 32))
#define APPEND_U64(name)       append(structure, name, integer_class(trace_class, FALSE, 64))
#define APPEND_I32(name)       append(structure, name, integer_class(trace_class, TRUE, 32))
#define APPEND_I64(name)       append(structure, name, integer_class(trace_class, TRUE, 64))
#define APPEND_HEX64(name)     append(structure, name, hexadecimal_class(trace_class))
#define APPEND_FD_KIND(name)   APPEND_U8(name)
#define APPEND_STRING(name)    append(structure, name, bt_field_class_string_create(trace_class))
#define APPEND_ADDRESSES(name) append_addresses(trace_class, structure, name)

#define APPEND(type, name) APPEND_##type(#name);

#define PAYLOAD_CLASS(symbol, name)                                               \
    static bt_field_class *name##_class(bt_trace_class *trace_class)              \
    {                                                                             \
        bt_field_class *structure = bt_field_class_structure_create(trace_class); \
                                                                                  \
        CT_KERNEL_##symbol(APPEND) return structure;                              \
    }
CT_KERNEL_EVENTS(PAYLOAD_CLASS)
#undef PAYLOAD_CLASS

static const struct {
    const char *name;
    bt_field_class *(*make_payload_class)(bt_trace_class *trace_class);
} event_rows[] = {
#define EVENT_ROW(symbol, name) {#name, name##_class},
    CT_KERNEL_EVENTS(EVENT_ROW)
#undef EVENT_ROW
};

/* Samples are apart, so that it is known which of both was lost where something was. */
static bt_stream_class *create_stream_class(struct ct_event_classes *classes,
                                            bt_trace_class *trace_class,
                                            bt_clock_class *clock_class, gboolean is_for_samples)
{
    bt_stream_class *stream_class = bt_stream_class_create(trace_class);
    bt_field_class *packet_context = bt_field_class_structure_create(trace_class);
    bt_field_class *structure = bt_field_class_structure_create(trace_class);

    append(packet_context, CT_KERNEL_CPU_FIELD, integer_class(trace_class, FALSE, 32));
    CT_KERNEL_CONTEXT(APPEND)
    bt_stream_class_set_default_clock_class(stream_class, clock_class);
    bt_stream_class_set_supports_packets(stream_class, BT_TRUE, BT_TRUE, BT_TRUE);
    bt_stream_class_set_supports_discarded_events(stream_class, BT_TRUE, BT_TRUE);
    bt_stream_class_set_packet_context_field_class(stream_class, packet_context);
    bt_stream_class_set_event_common_context_field_class(stream_class, structure);
    bt_field_class_put_ref(packet_context);
    bt_field_class_put_ref(structure);
    for (size_t i = 0; i < CT_KERNEL_EVENT_COUNT; i++) {
        if ((i == CT_KERNEL_ID_CPU_SAMPLE) != is_for_samples)
            continue;
        bt_event_class *event_class = bt_event_class_create(stream_class);
        bt_field_class *payload = event_rows[i].make_payload_class(trace_class);

        bt_event_class_set_name(event_class, event_rows[i].name);
        bt_event_class_set_payload_field_class(event_class, payload);
        bt_field_class_put_ref(payload);
        classes->events[i] = event_class;
    }
    return stream_class;
}

struct ct_event_classes *ct_event_classes_new(bt_trace_class *trace_class,
                                              bt_clock_class *clock_class, gboolean has_samples)
{
    struct ct_event_classes *classes = g_new0(struct ct_event_classes, 1);

    classes->stream_class = create_stream_class(classes, trace_class, clock_class, FALSE);
    classes->syscalls = ct_syscall_classes_new(classes->stream_class);
    if (has_samples)
        classes->sample_class = create_stream_class(classes, trace_class, clock_class, TRUE);
    return classes;
}

void ct_event_classes_free(struct ct_event_classes *classes)
{
    if (classes == NULL)
        return;
    for (size_t i = 0; i < CT_KERNEL_EVENT_COUNT; i++)
        bt_event_class_put_ref(classes->events[i]);
    ct_syscall_classes_free(classes->syscalls);
    bt_stream_class_put_ref(classes->stream_class);
    bt_stream_class_put_ref(classes->sample_class);
    g_free(classes);
}

bt_stream_class *ct_event_classes_borrow_stream_class(struct ct_event_classes *classes,
                                                      gboolean is_for_samples)
{
    return is_for_samples ? classes->sample_class : classes->stream_class;
}

const bt_event_class *ct_event_classes_find(struct ct_event_classes *classes,
                                            const struct ct_kernel_record *record)
{
    switch (record->event) {
    case CT_KERNEL_ID_SYSCALL_ENTRY:
        return ct_syscall_classes_entry(classes->syscalls, &record->as.syscall);
    case CT_KERNEL_ID_SYSCALL_EXIT:
        return ct_syscall_classes_exit(classes->syscalls, &record->as.syscall);
    default:
        return classes->events[record->event];
    }
}

/* ---- Fields ---- */

void ct_event_classes_fill_packet(bt_packet *packet, uint32_t cpu)
{
    bt_field_integer_unsigned_set_value(
        bt_field_structure_borrow_member_field_by_index(bt_packet_borrow_context_field(packet), 0),
        cpu);
}

/* The next member of a structure. */
static bt_field *next_member(bt_field *structure, uint64_t *index)
{
    return bt_field_structure_borrow_member_field_by_index(structure, (*index)++);
}

static void set_addresses(bt_field *length, bt_field *array, struct ct_u64_sequence addresses)
{
    bt_field_integer_unsigned_set_value(length, addresses.count);
    if (bt_field_array_dynamic_set_length(array, addresses.count) !=
        BT_FIELD_DYNAMIC_ARRAY_SET_LENGTH_STATUS_OK)
        return;
    for (uint32_t i = 0; i < addresses.count; i++)
        bt_field_integer_unsigned_set_value(bt_field_array_borrow_element_field_by_index(array, i),
                                            addresses.values[i]);
}

#define NEXT_MEMBER         next_member(structure, &index)
#define SET_UNSIGNED(value) bt_field_integer_unsigned_set_value(NEXT_MEMBER, value)
#define SET_SIGNED(value)   bt_field_integer_signed_set_value(NEXT_MEMBER, value)
#define SET_U8(value)       SET_UNSIGNED(value)
#define SET_U32(value)      SET_UNSIGNED(value)
#define SET_U64(value)      SET_UNSIGNED(value)
#define SET_I32(value)      SET_SIGNED(value)
#define SET_I64(value)      SET_SIGNED(value)
#define SET_HEX64(value)    SET_UNSIGNED(value)
#define SET_FD_KIND(value)  SET_UNSIGNED(value)
#define SET_STRING(value)   bt_field_string_set_value(NEXT_MEMBER, ct_string_to_write(value))
#define SET_ADDRESSES(value)                         \
    do {                                             \
        bt_field *length = NEXT_MEMBER;              \
        set_addresses(length, NEXT_MEMBER, (value)); \
    } while (0)

#define SET_MEMBER(type, name) SET_##type(from->name);

#define SET_PAYLOAD(symbol, name)                               \
    case CT_KERNEL_ID_##symbol: {                               \
        const struct ct_kernel_##name *from = &record->as.name; \
        CT_KERNEL_##symbol(SET_MEMBER) break;                   \
    }

void ct_event_classes_fill(bt_event *event, const struct ct_kernel_record *record)
{
    bt_field *structure = bt_event_borrow_common_context_field(event);
    uint64_t index = 0;

    {
        const struct ct_kernel_record *from = record;
        CT_KERNEL_CONTEXT(SET_MEMBER)
    }
    structure = bt_event_borrow_payload_field(event);
    index = 0;
    switch (record->event) {
        CT_KERNEL_EVENTS(SET_PAYLOAD)
    case CT_KERNEL_ID_SYSCALL_ENTRY:
        ct_syscall_classes_fill_entry(structure, &record->as.syscall);
        break;
    case CT_KERNEL_ID_SYSCALL_EXIT:
        SET_I64(record->as.syscall.result);
        break;
    }
}
