#include "export/perfetto_packets.h"

#define SEQUENCE 1

/* As enum SequenceFlags has them. */
#define INCREMENTAL_STATE_CLEARED 1
#define NEEDS_INCREMENTAL_STATE   2

/* As enum BuiltinClock has them. */
enum clock { CLOCK_ID_REALTIME = 1, CLOCK_ID_MONOTONIC = 3, CLOCK_ID_BOOTTIME = 6, CLOCKS = 3 };

struct ct_perfetto_packets {
    FILE *out;                                     /* borrowed */
    GHashTable *numbers[CT_PERFETTO_INTERN_COUNT]; /* owned; char *, owned -> number */
    /* Told in the packet that is written next. */
    GPtrArray *fresh[CT_PERFETTO_INTERN_COUNT]; /* owned; Perfetto__Interned *, owned */
};

/* Times of the scheduler are in BOOTTIME: what it says at that moment is not known, and is not
 * needed. */
static void write_clocks(struct ct_perfetto_packets *packets, uint64_t monotonic_ns,
                         int64_t epoch_offset_ns)
{
    const struct {
        uint32_t id;
        uint64_t time_ns;
    } readings[CLOCKS] = {
        {CLOCK_ID_BOOTTIME, monotonic_ns},
        {CLOCK_ID_MONOTONIC, monotonic_ns},
        {CLOCK_ID_REALTIME, monotonic_ns + (uint64_t)epoch_offset_ns},
    };
    Perfetto__ClockSnapshot__Clock clocks[CLOCKS];
    Perfetto__ClockSnapshot__Clock *list[CLOCKS];
    Perfetto__ClockSnapshot snapshot = PERFETTO__CLOCK_SNAPSHOT__INIT;
    Perfetto__TracePacketDefaults defaults = PERFETTO__TRACE_PACKET_DEFAULTS__INIT;
    Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

    for (size_t i = 0; i < CLOCKS; i++) {
        list[i] = &clocks[i];
        perfetto__clock_snapshot__clock__init(list[i]);
        list[i]->has_clock_id = list[i]->has_timestamp = TRUE;
        list[i]->clock_id = readings[i].id;
        list[i]->timestamp = readings[i].time_ns;
    }
    snapshot.n_clocks = CLOCKS;
    snapshot.clocks = list;
    snapshot.has_primary_trace_clock = TRUE;
    snapshot.primary_trace_clock = CLOCK_ID_MONOTONIC;
    defaults.has_timestamp_clock_id = TRUE;
    defaults.timestamp_clock_id = CLOCK_ID_MONOTONIC;
    packet.clock_snapshot = &snapshot;
    packet.trace_packet_defaults = &defaults;
    packet.has_first_packet_on_sequence = packet.first_packet_on_sequence = TRUE;
    packet.has_sequence_flags = TRUE;
    packet.sequence_flags = INCREMENTAL_STATE_CLEARED;
    ct_perfetto_packets_write(packets, &packet);
}

struct ct_perfetto_packets *ct_perfetto_packets_new(FILE *out, uint64_t monotonic_ns,
                                                    int64_t epoch_offset_ns)
{
    struct ct_perfetto_packets *packets = g_new0(struct ct_perfetto_packets, 1);

    packets->out = out;
    for (size_t i = 0; i < CT_PERFETTO_INTERN_COUNT; i++) {
        packets->numbers[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        packets->fresh[i] = g_ptr_array_new_with_free_func(g_free);
    }
    write_clocks(packets, monotonic_ns, epoch_offset_ns);
    return packets;
}

void ct_perfetto_packets_free(struct ct_perfetto_packets *packets)
{
    for (size_t i = 0; i < CT_PERFETTO_INTERN_COUNT; i++) {
        g_hash_table_unref(packets->numbers[i]);
        g_ptr_array_unref(packets->fresh[i]);
    }
    g_free(packets);
}

uint64_t ct_perfetto_packets_intern(struct ct_perfetto_packets *packets,
                                    enum ct_perfetto_intern kind, const char *text)
{
    GHashTable *numbers = packets->numbers[kind];
    guint number = GPOINTER_TO_UINT(g_hash_table_lookup(numbers, text));

    if (number > 0)
        return number;
    Perfetto__Interned *interned = g_new(Perfetto__Interned, 1);
    char *kept = g_utf8_make_valid(text, -1);

    number = g_hash_table_size(numbers) + 1;
    g_hash_table_insert(numbers, kept, GUINT_TO_POINTER(number));
    perfetto__interned__init(interned);
    interned->has_iid = TRUE;
    interned->iid = number;
    interned->text = kept;
    g_ptr_array_add(packets->fresh[kind], interned);
    return number;
}

static gboolean set_interned(struct ct_perfetto_packets *packets, Perfetto__InternedData *data)
{
    gboolean is_any = FALSE;
    struct {
        size_t *count;
        Perfetto__Interned ***list;
    } fields[CT_PERFETTO_INTERN_COUNT] = {
        [CT_PERFETTO_CATEGORY] = {&data->n_event_categories, &data->event_categories},
        [CT_PERFETTO_EVENT_NAME] = {&data->n_event_names, &data->event_names},
        [CT_PERFETTO_ANNOTATION_NAME] = {&data->n_debug_annotation_names,
                                         &data->debug_annotation_names},
        [CT_PERFETTO_ANNOTATION_VALUE] = {&data->n_debug_annotation_string_values,
                                          &data->debug_annotation_string_values},
    };

    for (size_t i = 0; i < CT_PERFETTO_INTERN_COUNT; i++) {
        *fields[i].count = packets->fresh[i]->len;
        *fields[i].list = (Perfetto__Interned **)packets->fresh[i]->pdata;
        is_any |= packets->fresh[i]->len > 0;
    }
    return is_any;
}

/* As a trace of that packet alone: traces are put together by writing them one after the other. */
static void write_packet(FILE *out, Perfetto__TracePacket *packet)
{
    Perfetto__Trace trace = PERFETTO__TRACE__INIT;

    trace.n_packet = 1;
    trace.packet = &packet;
    size_t size = perfetto__trace__get_packed_size(&trace);
    g_autofree uint8_t *bytes = g_malloc(size);

    perfetto__trace__pack(&trace, bytes);
    fwrite(bytes, 1, size, out);
}

void ct_perfetto_packets_write(struct ct_perfetto_packets *packets, Perfetto__TracePacket *packet)
{
    Perfetto__InternedData data = PERFETTO__INTERNED_DATA__INIT;

    packet->has_trusted_packet_sequence_id = TRUE;
    packet->trusted_packet_sequence_id = SEQUENCE;
    if (!packet->has_sequence_flags) {
        packet->has_sequence_flags = TRUE;
        packet->sequence_flags = NEEDS_INCREMENTAL_STATE;
    }
    if (set_interned(packets, &data))
        packet->interned_data = &data;
    write_packet(packets->out, packet);
    for (size_t i = 0; i < CT_PERFETTO_INTERN_COUNT; i++)
        g_ptr_array_set_size(packets->fresh[i], 0);
}
