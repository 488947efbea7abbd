#include "source/babeltrace_decode.h"

#include "source/fields.h"

#include <string.h>

/* What a field must be in the trace to be read as its type of the schema. */
enum shape { SHAPE_UNSIGNED, SHAPE_SIGNED, SHAPE_TEXT, SHAPE_SEQUENCE, SHAPE_SIGNED_SEQUENCE };

static const enum shape shapes[] = {
    [CT_FIELD_U8] = SHAPE_UNSIGNED,
    [CT_FIELD_U32] = SHAPE_UNSIGNED,
    [CT_FIELD_U64] = SHAPE_UNSIGNED,
    [CT_FIELD_I16] = SHAPE_SIGNED,
    [CT_FIELD_I32] = SHAPE_SIGNED,
    [CT_FIELD_I64] = SHAPE_SIGNED,
    [CT_FIELD_STRING] = SHAPE_TEXT,
    [CT_FIELD_SEQUENCE] = SHAPE_SEQUENCE,
    [CT_FIELD_I32_COLUMN] = SHAPE_SIGNED_SEQUENCE,
    [CT_FIELD_U32_COLUMN] = SHAPE_SEQUENCE,
    [CT_FIELD_HEX64_COLUMN] = SHAPE_SEQUENCE,
    [CT_FIELD_I16_COLUMN] = SHAPE_SIGNED_SEQUENCE,
    [CT_FIELD_U8_COLUMN] = SHAPE_SEQUENCE,
};

#define FIELD_ABSENT UINT64_MAX

/* Where whose event it is stands: of a traced program's event, in the payload; of the kernel's, in
 * its context. In the order of the schema. */
enum { SOURCE_PID, SOURCE_TID, SOURCE_LAG, SOURCE_COUNT };
enum { CONTEXT_TID, CONTEXT_IN_INTERRUPT };

struct ct_decode_class {
    enum ct_decode_kind kind;
    enum ct_event event; /* CT_EVENT_COUNT: of the kernel */
    enum ct_kernel_event kernel_event;
    struct ct_kernel_syscall syscall; /* of a system call's event: which it is */
    char *syscall_name;               /* owned */
    uint64_t field_count;             /* of the same: fields that are there */
    uint64_t source_index[SOURCE_COUNT];
    uint64_t field_index[CT_FIELDS_MAX]; /* in the payload; in the order of the schema */
};

/* Event classes are few and stay where they are: nearly all lookups end in a slot. */
#define SLOT_COUNT 64

struct ct_decoder {
    GHashTable *classes; /* owned; bt_event_class * -> struct ct_decode_class * */
    struct {
        const bt_event_class *key;
        const struct ct_decode_class *class;
    } slots[SLOT_COUNT];
    /* Of the event read last: its sequences, one behind the other. */
    uint64_t *words; /* owned; room for as many as there can be */
    size_t used;
};

/* NULL: the trace is of an older version, which does not have it. */
static inline uint64_t read_unsigned(const bt_field *field)
{
    return field ? bt_field_integer_unsigned_get_value(field) : 0;
}

static inline int64_t read_signed(const bt_field *field)
{
    return bt_field_integer_signed_get_value(field);
}

static const bt_field *borrow_element(const bt_field *field, uint64_t i)
{
    return bt_field_array_borrow_element_field_by_index_const(field, i);
}

static uint32_t read_length(const bt_field *field)
{
    return (uint32_t)MIN(bt_field_array_get_length(field), CT_SEQUENCE_LENGTH_MAX);
}

static struct ct_u64_sequence read_sequence(struct ct_decoder *decoder, const bt_field *field)
{
    struct ct_u64_sequence sequence = {.values = decoder->words + decoder->used,
                                       .count = read_length(field)};

    for (uint32_t i = 0; i < sequence.count; i++)
        decoder->words[decoder->used++] = read_unsigned(borrow_element(field, i));
    return sequence;
}

/* read_U8_COLUMN() ...: a sequence of that type. */
#define COLUMN_READER(kind, type, read)                                                    \
    static struct ct_column read_##kind(struct ct_decoder *decoder, const bt_field *field) \
    {                                                                                      \
        type *values = (type *)(decoder->words + decoder->used);                           \
        struct ct_column column = {.values = values, .count = read_length(field)};         \
        for (uint32_t i = 0; i < column.count; i++)                                        \
            values[i] = (type)read(borrow_element(field, i));                              \
        decoder->used += column.count; /* at least */                                      \
        return column;                                                                     \
    }
COLUMN_READER(I32_COLUMN, int32_t, read_signed)
COLUMN_READER(U32_COLUMN, uint32_t, read_unsigned)
COLUMN_READER(HEX64_COLUMN, uint64_t, read_unsigned)
COLUMN_READER(I16_COLUMN, int16_t, read_signed)
COLUMN_READER(U8_COLUMN, uint8_t, read_unsigned)
#undef COLUMN_READER

#define READ_U8(field)           ((uint8_t)read_unsigned(field))
#define READ_U32(field)          ((uint32_t)read_unsigned(field))
#define READ_U64(field)          read_unsigned(field)
#define READ_I16(field)          ((int16_t)read_signed(field))
#define READ_I32(field)          ((int32_t)read_signed(field))
#define READ_I64(field)          read_signed(field)
#define READ_HEX64(field)        read_unsigned(field)
#define READ_OP(field)           ((uint8_t)read_unsigned(field))
#define READ_CLASS(field)        ((uint8_t)read_unsigned(field))
#define READ_FD_KIND(field)      ((uint8_t)read_unsigned(field))
#define READ_STRING(field)       ct_string_as_read(bt_field_string_get_value(field))
#define READ_ADDRESSES(field)    read_sequence(decoder, field)
#define READ_HISTOGRAM(field)    read_sequence(decoder, field)
#define READ_I32_COLUMN(field)   read_I32_COLUMN(decoder, field)
#define READ_U32_COLUMN(field)   read_U32_COLUMN(decoder, field)
#define READ_HEX64_COLUMN(field) read_HEX64_COLUMN(decoder, field)
#define READ_I16_COLUMN(field)   read_I16_COLUMN(decoder, field)
#define READ_U8_COLUMN(field)    read_U8_COLUMN(decoder, field)

static inline const bt_field *borrow_member(const bt_field *payload, uint64_t index)
{
    return index != FIELD_ABSENT
               ? bt_field_structure_borrow_member_field_by_index_const(payload, index)
               : NULL;
}

#define READ_FIELD(type, name) event->name = READ_##type(borrow_member(payload, *index++));

/* read_wait(), read_wake() ...: the fields of one event, in the order of the schema. */
#define READER(symbol, name, channel)                                               \
    static void read_##name(struct ct_decoder *decoder, const uint64_t *index,      \
                            const bt_field *payload, struct ct_event_##name *event) \
    {                                                                               \
        (void)decoder;                                                              \
        CT_EVENT_##symbol(READ_FIELD)                                               \
    }
CT_EVENTS(READER)
#undef READER

#define READER(symbol, name)                                                         \
    static void read_##name(struct ct_decoder *decoder, const uint64_t *index,       \
                            const bt_field *payload, struct ct_kernel_##name *event) \
    {                                                                                \
        (void)decoder;                                                               \
        CT_KERNEL_##symbol(READ_FIELD)                                               \
    }
CT_KERNEL_EVENTS(READER)
#undef READER
#undef READ_FIELD

/* An integer of any kind: fields of 32 bits are as the call took them. */
static uint64_t read_argument(const bt_field *field)
{
    return bt_field_class_type_is(bt_field_get_class_type(field),
                                  BT_FIELD_CLASS_TYPE_SIGNED_INTEGER)
               ? (uint64_t)read_signed(field)
               : read_unsigned(field);
}

static void read_syscall(const struct ct_decode_class *class, const bt_field *payload,
                         struct ct_kernel_syscall *syscall)
{
    *syscall = class->syscall;
    if (class->kernel_event == CT_KERNEL_ID_SYSCALL_EXIT) {
        syscall->result = READ_I64(borrow_member(payload, class->field_index[0]));
        return;
    }
    for (uint64_t i = 0; i < class->field_count; i++)
        syscall->arguments[i] = read_argument(borrow_member(payload, i));
}

static void read_kernel(struct ct_decoder *decoder, const struct ct_decode_class *class,
                        const bt_event *event, uint64_t time_ns, struct ct_kernel_record *record)
{
    const bt_field *context = bt_event_borrow_common_context_field_const(event);
    const bt_field *payload = bt_event_borrow_payload_field_const(event);

    record->event = class->kernel_event;
    record->time_ns = time_ns;
    record->tid = READ_I32(borrow_member(context, class->source_index[CONTEXT_TID]));
    record->in_interrupt =
        READ_U8(borrow_member(context, class->source_index[CONTEXT_IN_INTERRUPT]));
    switch (class->kernel_event) {
#define READ_CASE(symbol, name)                                              \
    case CT_KERNEL_ID_##symbol:                                              \
        read_##name(decoder, class->field_index, payload, &record->as.name); \
        break;
        CT_KERNEL_EVENTS(READ_CASE)
#undef READ_CASE
    case CT_KERNEL_ID_SYSCALL_ENTRY:
    case CT_KERNEL_ID_SYSCALL_EXIT:
        read_syscall(class, payload, &record->as.syscall);
        break;
    }
}

/* Whose event it is, and when it was. The recorder's own events have no source. */
static inline void read_source(const struct ct_decode_class *class, const bt_field *payload,
                               uint64_t time_ns, struct ct_record *record)
{
    uint64_t lag_ns = 0;

    record->pid = record->tid = 0;
    if (class->source_index[SOURCE_PID] != FIELD_ABSENT) {
        record->pid = READ_I32(borrow_member(payload, class->source_index[SOURCE_PID]));
        record->tid = READ_I32(borrow_member(payload, class->source_index[SOURCE_TID]));
    }
    if (class->source_index[SOURCE_LAG] != FIELD_ABSENT)
        lag_ns = READ_U64(borrow_member(payload, class->source_index[SOURCE_LAG]));
    record->time_ns = time_ns - MIN(lag_ns, time_ns);
}

void ct_decoder_read(struct ct_decoder *decoder, const struct ct_decode_class *class,
                     const bt_event *event, uint64_t time_ns, struct ct_record *record)
{
    const bt_field *payload = bt_event_borrow_payload_field_const(event);

    decoder->used = 0;
    record->event = class->event;
    record->time_ns = time_ns;
    if (class->event == CT_EVENT_COUNT) {
        read_kernel(decoder, class, event, time_ns, &record->as.kernel);
        return;
    }
    read_source(class, payload, time_ns, record);
    switch (class->event) {
#define READ_CASE(symbol, name, channel)                                     \
    case CT_EVENT_ID_##symbol:                                               \
        read_##name(decoder, class->field_index, payload, &record->as.name); \
        break;
        CT_EVENTS(READ_CASE)
#undef READ_CASE
    case CT_EVENT_COUNT:
        break;
    }
}

static gboolean has_shape(const bt_field_class *field_class, enum shape shape)
{
    bt_field_class_type type = bt_field_class_get_type(field_class);

    switch (shape) {
    case SHAPE_UNSIGNED:
        return bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER);
    case SHAPE_SIGNED:
        return bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER);
    case SHAPE_TEXT:
        return bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_STRING);
    case SHAPE_SEQUENCE:
        return bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_ARRAY) &&
               has_shape(bt_field_class_array_borrow_element_field_class_const(field_class),
                         SHAPE_UNSIGNED);
    case SHAPE_SIGNED_SEQUENCE:
        return bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_ARRAY) &&
               has_shape(bt_field_class_array_borrow_element_field_class_const(field_class),
                         SHAPE_SIGNED);
    }
    return FALSE;
}

static gboolean find_member(const bt_field_class *structure, const struct ct_field_row *field,
                            uint64_t *index)
{
    if (!structure || bt_field_class_get_type(structure) != BT_FIELD_CLASS_TYPE_STRUCTURE)
        return FALSE;
    uint64_t count = bt_field_class_structure_get_member_count(structure);

    for (uint64_t i = 0; i < count; i++) {
        const bt_field_class_structure_member *member =
            bt_field_class_structure_borrow_member_by_index_const(structure, i);

        if (strcmp(bt_field_class_structure_member_get_name(member), field->name) == 0) {
            *index = i;
            return has_shape(bt_field_class_structure_member_borrow_field_class_const(member),
                             shapes[field->type]);
        }
    }
    return FALSE;
}

/* Whose event it is. */
static gboolean resolve_source(struct ct_decode_class *class, const bt_field_class *context,
                               const bt_field_class *payload)
{
    gboolean is_kernels = class->event == CT_EVENT_COUNT;
    struct ct_field_list fields =
        is_kernels ? ct_kernel_context_fields() : ct_event_row(class->event)->source;

    for (size_t i = 0; i < SOURCE_COUNT; i++)
        class->source_index[i] = FIELD_ABSENT;
    for (size_t i = 0; i < fields.count; i++) {
        if (!find_member(is_kernels ? context : payload, &fields.rows[i], &class->source_index[i]))
            return FALSE;
    }
    return TRUE;
}

static gboolean resolve_fields(struct ct_decode_class *class, const bt_event_class *event_class)
{
    const bt_stream_class *stream_class = bt_event_class_borrow_stream_class_const(event_class);
    const bt_field_class *context =
        bt_stream_class_borrow_event_common_context_field_class_const(stream_class);
    const bt_field_class *payload = bt_event_class_borrow_payload_field_class_const(event_class);
    struct ct_field_list fields = class->event == CT_EVENT_COUNT
                                      ? ct_kernel_event_row(class->kernel_event)->fields
                                      : ct_event_row(class->event)->fields;

    if (!bt_stream_class_borrow_default_clock_class_const(stream_class) ||
        !resolve_source(class, context, payload))
        return FALSE;
    for (size_t i = 0; i < fields.count; i++) {
        const struct ct_field_row *field = &fields.rows[i];

        class->field_index[i] = FIELD_ABSENT;
        if (!find_member(payload, field, &class->field_index[i]) &&
            (class->field_index[i] != FIELD_ABSENT || !ct_field_is_later(field->name)))
            return FALSE;
    }
    return TRUE;
}

/* The fields of an entry are its arguments, in their order: integers all. */
static gboolean has_arguments(struct ct_decode_class *class, const bt_field_class *payload)
{
    if (!payload)
        return FALSE;
    class->field_count = bt_field_class_structure_get_member_count(payload);
    if (class->field_count > CT_SYSCALL_ARGUMENTS)
        return FALSE;
    for (uint64_t i = 0; i < class->field_count; i++) {
        const bt_field_class *member = bt_field_class_structure_member_borrow_field_class_const(
            bt_field_class_structure_borrow_member_by_index_const(payload, i));

        if (!has_shape(member, SHAPE_SIGNED) && !has_shape(member, SHAPE_UNSIGNED))
            return FALSE;
    }
    return TRUE;
}

/* TRUE for an event of a system call that is as we write them, and no other tracer. */
static gboolean resolve_syscall(struct ct_decode_class *class, const bt_event_class *event_class)
{
    static const struct ct_field_row result = {CT_SYSCALL_RESULT_FIELD, CT_FIELD_I64};
    const bt_stream_class *stream_class = bt_event_class_borrow_stream_class_const(event_class);
    const bt_field_class *context =
        bt_stream_class_borrow_event_common_context_field_class_const(stream_class);
    const bt_field_class *payload = bt_event_class_borrow_payload_field_class_const(event_class);

    class->syscall_name = g_strdup(class->syscall.name);
    class->syscall.name = class->syscall_name;
    return bt_stream_class_borrow_default_clock_class_const(stream_class) &&
           resolve_source(class, context, payload) &&
           (class->kernel_event == CT_KERNEL_ID_SYSCALL_ENTRY
                ? has_arguments(class, payload)
                : find_member(payload, &result, &class->field_index[0]));
}

static void class_free(void *data)
{
    struct ct_decode_class *class = data;

    g_free(class->syscall_name);
    g_free(class);
}

static void event_class_free(void *data)
{
    bt_event_class_put_ref(data);
}

static struct ct_decode_class *class_new(const bt_event_class *event_class)
{
    struct ct_decode_class *class = g_new0(struct ct_decode_class, 1);
    const char *name = bt_event_class_get_name(event_class);

    class->kind = CT_DECODE_FOREIGN;
    class->event = CT_EVENT_COUNT;
    if (name && ct_kernel_event_find(name, &class->kernel_event)) {
        if (resolve_fields(class, event_class)) /* else another tracer's of that name */
            class->kind = CT_DECODE_KERNEL;
        return class;
    }
    if (name && ct_syscall_event_find(name, &class->kernel_event, &class->syscall)) {
        if (resolve_syscall(class, event_class))
            class->kind = CT_DECODE_KERNEL;
        return class;
    }
    if (!name || !g_str_has_prefix(name, CT_PROVIDER ":"))
        return class;
    class->kind = CT_DECODE_UNKNOWN;
    if (ct_event_find(name, &class->event) && resolve_fields(class, event_class))
        class->kind = CT_DECODE_KNOWN;
    return class;
}

const struct ct_decode_class *ct_decoder_find(struct ct_decoder *decoder,
                                              const bt_event_class *event_class)
{
    size_t slot = ((uintptr_t)event_class >> 5) % SLOT_COUNT;

    if (decoder->slots[slot].key == event_class)
        return decoder->slots[slot].class;
    struct ct_decode_class *class = g_hash_table_lookup(decoder->classes, event_class);

    if (!class) {
        class = class_new(event_class);
        /* Held: no other class comes to be at its address. */
        bt_event_class_get_ref(event_class);
        g_hash_table_insert(decoder->classes, (void *)event_class, class);
    }
    decoder->slots[slot].key = event_class;
    decoder->slots[slot].class = class;
    return class;
}

enum ct_decode_kind ct_decode_class_kind(const struct ct_decode_class *class)
{
    return class->kind;
}

enum ct_kernel_event ct_decode_class_kernel_event(const struct ct_decode_class *class)
{
    return class->kernel_event;
}

struct ct_decoder *ct_decoder_new(void)
{
    struct ct_decoder *decoder = g_new0(struct ct_decoder, 1);

    decoder->classes = g_hash_table_new_full(NULL, NULL, event_class_free, class_free);
    decoder->words = g_new(uint64_t, CT_FIELDS_MAX * CT_SEQUENCE_LENGTH_MAX);
    return decoder;
}

void ct_decoder_free(struct ct_decoder *decoder)
{
    g_hash_table_unref(decoder->classes);
    g_free(decoder->words);
    g_free(decoder);
}
