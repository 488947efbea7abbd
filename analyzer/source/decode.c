#include "source/decode.h"

#include <string.h>

/* What a field must be in the trace to be read as its type of the schema. */
enum shape { SHAPE_UNSIGNED, SHAPE_SIGNED, SHAPE_TEXT, SHAPE_SEQUENCE };

#define SHAPE_OF_U8        SHAPE_UNSIGNED
#define SHAPE_OF_U32       SHAPE_UNSIGNED
#define SHAPE_OF_U64       SHAPE_UNSIGNED
#define SHAPE_OF_I16       SHAPE_SIGNED
#define SHAPE_OF_I32       SHAPE_SIGNED
#define SHAPE_OF_I64       SHAPE_SIGNED
#define SHAPE_OF_HEX64     SHAPE_UNSIGNED
#define SHAPE_OF_OP        SHAPE_UNSIGNED
#define SHAPE_OF_CLASS     SHAPE_UNSIGNED
#define SHAPE_OF_FD_KIND   SHAPE_UNSIGNED
#define SHAPE_OF_STRING    SHAPE_TEXT
#define SHAPE_OF_ADDRESSES SHAPE_SEQUENCE
#define SHAPE_OF_HISTOGRAM SHAPE_SEQUENCE

struct field_row {
    const char *name;
    enum shape shape;
};

#define MAX_FIELDS 16

#define FIELD_ABSENT UINT64_MAX

/* Versions that are still read had fewer fields. */
static const char *const later_fields[] = {
#define FIELD_NAME(name) #name,
    CT_LATER_FIELDS(FIELD_NAME)
#undef FIELD_NAME
};

struct ct_decode_class {
    enum ct_decode_kind kind;
    enum ct_event event; /* CT_EVENT_COUNT: of the kernel */
    enum ct_kernel_event kernel_event;
    struct ct_kernel_syscall syscall; /* of a system call's event: which it is */
    char *syscall_name;               /* owned */
    uint64_t field_count;             /* of the same: fields that are there */
    /* Of a traced program's event, in the payload; the kernel's, in its context: in_interrupt. */
    uint64_t pid_index;
    uint64_t tid_index;
    uint64_t lag_index;               /* of a prompt event */
    uint64_t field_index[MAX_FIELDS]; /* in the payload; in the order of the schema */
};

/* Event classes are few and stay where they are: nearly all lookups end in a slot. */
#define SLOT_COUNT 64

struct ct_decoder {
    GHashTable *classes; /* owned; bt_event_class * -> struct ct_decode_class * */
    struct {
        const bt_event_class *key;
        const struct ct_decode_class *class;
    } slots[SLOT_COUNT];
    uint64_t *sequence; /* owned; that of the event read last */
};

#define FIELD_ROW(type, name) {#name, SHAPE_OF_##type},
#define FIELD_ROWS(symbol, name, channel)                                           \
    static const struct field_row name##_fields[] = {CT_EVENT_##symbol(FIELD_ROW)}; \
    _Static_assert(G_N_ELEMENTS(name##_fields) <= MAX_FIELDS, "fields of " #name);
CT_EVENTS(FIELD_ROWS)
#undef FIELD_ROWS

#define KERNEL_ROWS(symbol, name)                                                    \
    static const struct field_row name##_fields[] = {CT_KERNEL_##symbol(FIELD_ROW)}; \
    _Static_assert(G_N_ELEMENTS(name##_fields) <= MAX_FIELDS, "fields of " #name);
CT_KERNEL_EVENTS(KERNEL_ROWS)
#undef KERNEL_ROWS

struct event_row {
    const char *name;
    const struct field_row *fields;
    size_t field_count;
};

static const struct event_row event_rows[] = {
#define EVENT_ROW(symbol, name, channel) \
    [CT_EVENT_ID_##symbol] = {CT_PROVIDER ":" #name, name##_fields, G_N_ELEMENTS(name##_fields)},
    CT_EVENTS(EVENT_ROW)
#undef EVENT_ROW
};

static const struct event_row kernel_rows[] = {
#define EVENT_ROW(symbol, name) \
    [CT_KERNEL_ID_##symbol] = {#name, name##_fields, G_N_ELEMENTS(name##_fields)},
    CT_KERNEL_EVENTS(EVENT_ROW)
#undef EVENT_ROW
};

static const struct event_row *row_of(const struct ct_decode_class *class)
{
    return class->event == CT_EVENT_COUNT ? &kernel_rows[class->kernel_event]
                                          : &event_rows[class->event];
}

/* NULL: it is one of later_fields, and the trace of an older version. */
static inline uint64_t read_unsigned(const bt_field *field)
{
    return field ? bt_field_integer_unsigned_get_value(field) : 0;
}

static inline int64_t read_signed(const bt_field *field)
{
    return bt_field_integer_signed_get_value(field);
}

static struct ct_u64_sequence read_sequence(struct ct_decoder *decoder, const bt_field *field)
{
    uint64_t count = MIN(bt_field_array_get_length(field), CT_SEQUENCE_LENGTH_MAX);

    for (uint64_t i = 0; i < count; i++)
        decoder->sequence[i] =
            read_unsigned(bt_field_array_borrow_element_field_by_index_const(field, i));
    return (struct ct_u64_sequence){.values = decoder->sequence, .count = (uint32_t)count};
}

#define READ_U8(field)        ((uint8_t)read_unsigned(field))
#define READ_U32(field)       ((uint32_t)read_unsigned(field))
#define READ_U64(field)       read_unsigned(field)
#define READ_I16(field)       ((int16_t)read_signed(field))
#define READ_I32(field)       ((int32_t)read_signed(field))
#define READ_I64(field)       read_signed(field)
#define READ_HEX64(field)     read_unsigned(field)
#define READ_OP(field)        ((uint8_t)read_unsigned(field))
#define READ_CLASS(field)     ((uint8_t)read_unsigned(field))
#define READ_FD_KIND(field)   ((uint8_t)read_unsigned(field))
#define READ_STRING(field)    ct_string_as_read(bt_field_string_get_value(field))
#define READ_ADDRESSES(field) read_sequence(decoder, field)
#define READ_HISTOGRAM(field) read_sequence(decoder, field)

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
    record->tid =
        READ_I32(bt_field_structure_borrow_member_field_by_index_const(context, class->tid_index));
    record->in_interrupt =
        READ_U8(bt_field_structure_borrow_member_field_by_index_const(context, class->pid_index));
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
    if (class->pid_index != FIELD_ABSENT) {
        record->pid = READ_I32(borrow_member(payload, class->pid_index));
        record->tid = READ_I32(borrow_member(payload, class->tid_index));
    }
    if (class->lag_index != FIELD_ABSENT)
        lag_ns = READ_U64(borrow_member(payload, class->lag_index));
    record->time_ns = time_ns - MIN(lag_ns, time_ns);
}

void ct_decoder_read(struct ct_decoder *decoder, const struct ct_decode_class *class,
                     const bt_event *event, uint64_t time_ns, struct ct_record *record)
{
    const bt_field *payload = bt_event_borrow_payload_field_const(event);

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
    }
    return FALSE;
}

static gboolean find_member(const bt_field_class *structure, const struct field_row *field,
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
                             field->shape);
        }
    }
    return FALSE;
}

static gboolean find_members(const bt_field_class *structure, const struct field_row *fields,
                             uint64_t *const *indices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!find_member(structure, &fields[i], indices[i]))
            return FALSE;
    return TRUE;
}

/* Whose event it is. */
static gboolean resolve_source(struct ct_decode_class *class, const bt_field_class *context,
                               const bt_field_class *payload)
{
    static const struct field_row fields[] = {CT_PROMPT_SOURCE(FIELD_ROW)};
    static const struct field_row kernel_fields[] = {{"in_interrupt", SHAPE_UNSIGNED},
                                                     {"tid", SHAPE_SIGNED}};

    uint64_t *const indices[] = {&class->pid_index, &class->tid_index, &class->lag_index};

    for (size_t i = 0; i < G_N_ELEMENTS(indices); i++)
        *indices[i] = FIELD_ABSENT;
    switch (class->event) {
#define EVENT_CASE(symbol, name, channel) case CT_EVENT_ID_##symbol:
        CT_PROMPT_EVENTS(EVENT_CASE)
        return find_members(payload, fields, indices, 3);
        CT_LAGGING_EVENTS(EVENT_CASE)
        return find_members(payload, fields, indices, 2);
#undef EVENT_CASE
    case CT_EVENT_COUNT:
        return find_members(context, kernel_fields, indices, 2);
    default:
        return TRUE;
    }
}

static gboolean is_later(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(later_fields); i++) {
        if (strcmp(later_fields[i], name) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean resolve_fields(struct ct_decode_class *class, const bt_event_class *event_class)
{
    const bt_stream_class *stream_class = bt_event_class_borrow_stream_class_const(event_class);
    const bt_field_class *context =
        bt_stream_class_borrow_event_common_context_field_class_const(stream_class);
    const bt_field_class *payload = bt_event_class_borrow_payload_field_class_const(event_class);

    if (!bt_stream_class_borrow_default_clock_class_const(stream_class) ||
        !resolve_source(class, context, payload))
        return FALSE;
    for (size_t i = 0; i < row_of(class)->field_count; i++) {
        const struct field_row *field = &row_of(class)->fields[i];

        class->field_index[i] = FIELD_ABSENT;
        if (!find_member(payload, field, &class->field_index[i]) &&
            (class->field_index[i] != FIELD_ABSENT || !is_later(field->name)))
            return FALSE;
    }
    return TRUE;
}

static gboolean find_kernel_event(const char *name, enum ct_kernel_event *event)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kernel_rows); i++) {
        if (strcmp(name, kernel_rows[i].name) == 0) {
            *event = (enum ct_kernel_event)i;
            return TRUE;
        }
    }
    return FALSE;
}

static const char *const syscall_names[CT_SYSCALL_COUNT] = {
#define NAME(name, ...) [CT_SYSCALL_##name] = #name,
    CT_WAITING_SYSCALLS(NAME) CT_RECENT_WAITING_SYSCALLS(NAME) CT_OLD_WAITING_SYSCALLS(NAME)
        CT_TELLING_SYSCALLS(NAME) CT_OLD_TELLING_SYSCALLS(NAME)
#undef NAME
};

static enum ct_syscall find_syscall(const char *name)
{
    for (int i = CT_SYSCALL_OTHER + 1; i < CT_SYSCALL_COUNT; i++) {
        if (strcmp(syscall_names[i], name) == 0)
            return (enum ct_syscall)i;
    }
    return CT_SYSCALL_OTHER;
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
static gboolean resolve_syscall(struct ct_decode_class *class, const char *name,
                                const bt_event_class *event_class)
{
    static const struct field_row result = {CT_SYSCALL_RESULT_FIELD, SHAPE_SIGNED};
    const bt_stream_class *stream_class = bt_event_class_borrow_stream_class_const(event_class);
    const bt_field_class *context =
        bt_stream_class_borrow_event_common_context_field_class_const(stream_class);
    const bt_field_class *payload = bt_event_class_borrow_payload_field_class_const(event_class);
    gboolean is_entry = g_str_has_prefix(name, CT_SYSCALL_ENTRY_PREFIX);

    class->event = CT_EVENT_COUNT;
    class->kernel_event = is_entry ? CT_KERNEL_ID_SYSCALL_ENTRY : CT_KERNEL_ID_SYSCALL_EXIT;
    class->syscall_name =
        g_strdup(name + strlen(is_entry ? CT_SYSCALL_ENTRY_PREFIX : CT_SYSCALL_EXIT_PREFIX));
    class->syscall.name = class->syscall_name;
    class->syscall.call = find_syscall(class->syscall_name);
    return bt_stream_class_borrow_default_clock_class_const(stream_class) &&
           resolve_source(class, context, payload) &&
           (is_entry ? has_arguments(class, payload)
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
    if (name && find_kernel_event(name, &class->kernel_event)) {
        class->event = CT_EVENT_COUNT;
        if (resolve_fields(class, event_class)) /* else another tracer's of that name */
            class->kind = CT_DECODE_KERNEL;
        return class;
    }
    if (name && (g_str_has_prefix(name, CT_SYSCALL_ENTRY_PREFIX) ||
                 g_str_has_prefix(name, CT_SYSCALL_EXIT_PREFIX))) {
        if (resolve_syscall(class, name, event_class))
            class->kind = CT_DECODE_KERNEL;
        return class;
    }
    if (!name || !g_str_has_prefix(name, CT_PROVIDER ":"))
        return class;
    class->kind = CT_DECODE_UNKNOWN;
    for (size_t i = 0; i < G_N_ELEMENTS(event_rows); i++) {
        if (strcmp(name, event_rows[i].name) == 0) {
            class->event = (enum ct_event)i;
            if (resolve_fields(class, event_class))
                class->kind = CT_DECODE_KNOWN;
            break;
        }
    }
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
    decoder->sequence = g_new(uint64_t, CT_SEQUENCE_LENGTH_MAX);
    return decoder;
}

void ct_decoder_free(struct ct_decoder *decoder)
{
    g_hash_table_unref(decoder->classes);
    g_free(decoder->sequence);
    g_free(decoder);
}
