#include "source/direct_events.h"

/* A reader at work. */
struct taking {
    struct ct_wire wire;
    struct ct_sequence_room *room; /* borrowed */
};

static inline gboolean take_string(struct taking *taking, const char **string)
{
    const guint8 *at = taking->wire.at;
    const guint8 *end = memchr(at, '\0', (size_t)(taking->wire.end - at));

    if (!end)
        return FALSE;
    *string = ct_string_as_read((const char *)at);
    taking->wire.at = end + 1;
    return TRUE;
}

/* Values of `size` bytes each, copied for their alignment. NULL: there are not so many. */
static inline const void *take_values(struct taking *taking, size_t size, uint32_t *count)
{
    struct ct_sequence_room *room = taking->room;
    uint64_t *values = room->words + room->used;
    uint8_t length;

    if (!ct_wire_take(&taking->wire, &length, sizeof(length)) ||
        !ct_wire_take(&taking->wire, values, length * size))
        return NULL;
    room->used += (length * size + sizeof(uint64_t) - 1) / sizeof(uint64_t);
    *count = length;
    return values;
}

static inline gboolean take_sequence(struct taking *taking, struct ct_u64_sequence *sequence)
{
    sequence->values = take_values(taking, sizeof(uint64_t), &sequence->count);
    return sequence->values != NULL;
}

static inline gboolean take_column(struct taking *taking, size_t size, struct ct_column *column)
{
    column->values = take_values(taking, size, &column->count);
    return column->values != NULL;
}

/* The structs' integers are as wide as the trace's. */
#define TAKE(member) ct_wire_take(&taking->wire, &(member), sizeof(member))

#define TAKE_U8(member)           TAKE(member)
#define TAKE_U32(member)          TAKE(member)
#define TAKE_U64(member)          TAKE(member)
#define TAKE_I16(member)          TAKE(member)
#define TAKE_I32(member)          TAKE(member)
#define TAKE_I64(member)          TAKE(member)
#define TAKE_HEX64(member)        TAKE(member)
#define TAKE_OP(member)           TAKE(member)
#define TAKE_CLASS(member)        TAKE(member)
#define TAKE_FD_KIND(member)      TAKE(member)
#define TAKE_STRING(member)       take_string(taking, &(member))
#define TAKE_ADDRESSES(member)    take_sequence(taking, &(member))
#define TAKE_HISTOGRAM(member)    take_sequence(taking, &(member))
#define TAKE_I32_COLUMN(member)   take_column(taking, sizeof(int32_t), &(member))
#define TAKE_U32_COLUMN(member)   take_column(taking, sizeof(uint32_t), &(member))
#define TAKE_HEX64_COLUMN(member) take_column(taking, sizeof(uint64_t), &(member))
#define TAKE_I16_COLUMN(member)   take_column(taking, sizeof(int16_t), &(member))
#define TAKE_U8_COLUMN(member)    take_column(taking, sizeof(uint8_t), &(member))

#define TAKE_FIELD(type, name) &&TAKE_##type(event->name)

/* take_wait(), take_wake() ... */
#define TAKER(symbol, name, channel)                                                         \
    static inline gboolean take_##name(struct taking *taking, struct ct_event_##name *event) \
    {                                                                                        \
        return TRUE CT_EVENT_##symbol(TAKE_FIELD);                                           \
    }
CT_EVENTS(TAKER)
#undef TAKER

#define TAKER(symbol, name)                                                                   \
    static inline gboolean take_##name(struct taking *taking, struct ct_kernel_##name *event) \
    {                                                                                         \
        return TRUE CT_KERNEL_##symbol(TAKE_FIELD);                                           \
    }
CT_KERNEL_EVENTS(TAKER)
#undef TAKER

static gboolean take_argument(struct taking *taking, const struct ct_argument_layout *layout,
                              uint64_t *argument)
{
    guint free_bits = 64 - layout->size * 8U;

    *argument = 0;
    if (!ct_wire_take(&taking->wire, argument, layout->size))
        return FALSE;
    if (layout->is_signed)
        *argument = (uint64_t)((int64_t)(*argument << free_bits) >> free_bits);
    return TRUE;
}

static gboolean take_arguments(struct taking *taking, const struct ct_event_layout *layout,
                               struct ct_kernel_syscall *syscall)
{
    *syscall = layout->syscall;
    for (guint i = 0; i < layout->argument_count; i++) {
        if (!take_argument(taking, &layout->arguments[i], &syscall->arguments[i]))
            return FALSE;
    }
    return TRUE;
}

static gboolean take_result(struct taking *taking, const struct ct_event_layout *layout,
                            struct ct_kernel_syscall *syscall)
{
    *syscall = layout->syscall;
    return TAKE_I64(syscall->result);
}

static gboolean take_kernel(struct taking *taking, const struct ct_event_layout *layout,
                            struct ct_kernel_record *event)
{
    event->event = layout->kernel_event;
    if (!(TRUE CT_KERNEL_CONTEXT(TAKE_FIELD)))
        return FALSE;
    switch (layout->kernel_event) {
#define TAKE_CASE(symbol, name) \
    case CT_KERNEL_ID_##symbol: \
        return take_##name(taking, &event->as.name);
        CT_KERNEL_EVENTS(TAKE_CASE)
#undef TAKE_CASE
    case CT_KERNEL_ID_SYSCALL_ENTRY:
        return take_arguments(taking, layout, &event->as.syscall);
    case CT_KERNEL_ID_SYSCALL_EXIT:
        return take_result(taking, layout, &event->as.syscall);
    }
    return FALSE;
}

/* Whose event it is, and when it was. */
static inline gboolean take_source(struct taking *taking, const struct ct_event_layout *layout,
                                   uint64_t time_ns, struct ct_record *record)
{
    uint64_t lag_ns = 0;

    record->pid = record->tid = 0;
    if (layout->has_source && !(TAKE_I32(record->pid) && TAKE_I32(record->tid)))
        return FALSE;
    if (layout->has_lag && !TAKE_U64(lag_ns))
        return FALSE;
    record->time_ns = time_ns - MIN(lag_ns, time_ns);
    return TRUE;
}

static inline gboolean take_own(struct taking *taking, enum ct_event event,
                                struct ct_record *record)
{
    switch (event) {
#define TAKE_CASE(symbol, name, channel) \
    case CT_EVENT_ID_##symbol:           \
        return take_##name(taking, &record->as.name);
        CT_EVENTS(TAKE_CASE)
#undef TAKE_CASE
    case CT_EVENT_COUNT:
        break;
    }
    return FALSE;
}

gboolean ct_direct_event_read(struct ct_wire *wire, const struct ct_event_layout *layout,
                              uint64_t time_ns, struct ct_sequence_room *room,
                              struct ct_record *record)
{
    struct taking taking = {.wire = *wire, .room = room};
    gboolean is_whole;

    room->used = 0;

    record->event = layout->event;
    record->time_ns = time_ns;
    if (layout->event == CT_EVENT_COUNT) {
        record->as.kernel.time_ns = time_ns;
        is_whole = take_kernel(&taking, layout, &record->as.kernel);
    } else {
        is_whole = take_source(&taking, layout, time_ns, record) &&
                   take_own(&taking, layout->event, record);
    }
    *wire = taking.wire;
    return is_whole;
}
