/* Reads what ctrace itself wrote, in place: streams that are whole and laid out as the schema is.
 */
#include "model/model.h"
#include "source/direct_events.h"
#include "source/fields.h"
#include "source/heap.h"
#include "source/source.h"
#include "source/stream_file.h"
#include "source/wait_columns.h"

#include <stdlib.h>
#include <sys/stat.h>

/* A stream at its next event. */
struct cursor {
    struct ct_stream_file file;
    const char *trace;   /* borrowed; its path */
    struct ct_wire wire; /* of the packet; at what follows the event's header */
    gboolean is_in_packet;
    struct ct_packet packet; /* that it is in, or was; of the first one all is 0 before */
    gboolean has_packet;
    uint64_t clock_ns;
    const struct ct_event_layout *event;
    gboolean has_calls;    /* of the kernel's system calls it has told already */
    gboolean has_switches; /* and of what the scheduler did */
};

struct direct {
    const struct ct_source_events *events; /* borrowed */
    struct ct_source_result *result;       /* borrowed */
    GPtrArray *layouts;                    /* owned; struct ct_trace_layout * */
    GPtrArray *cursors;                    /* owned; struct cursor *, by rank */
    struct ct_heap_entry *heap;            /* owned */
    guint heap_count;
    struct ct_sequence_room room; /* of the event read last */
};

/* ---- Packets ---- */

/* A ring of system calls and one of the scheduler's are two streams: each loses its own. */
static void tell_loss(const struct direct *direct, const struct cursor *cursor,
                      const struct ct_packet *packet)
{
    const struct ct_kernel_loss loss = {
        .begin_ns = cursor->has_packet ? cursor->packet.end_ns : packet->begin_ns,
        .end_ns = packet->end_ns,
        .cpu = packet->cpu,
        .has_calls = cursor->has_calls || !cursor->has_switches,
        .has_switches = cursor->has_switches || !cursor->has_calls,
    };

    direct->events->on_loss(direct->events->user, &loss);
}

/* What is missing before the packet. */
static void count_losses(struct direct *direct, const struct cursor *cursor,
                         const struct ct_packet *packet)
{
    const struct ct_stream_layout *stream = cursor->file.stream;
    struct ct_source_result *result = direct->result;
    uint64_t lost = packet->discarded - cursor->packet.discarded;

    if (lost > 0) {
        uint64_t *total = stream->is_ours       ? &result->events_lost
                          : stream->has_samples ? &result->samples_lost
                                                : &result->kernel_events_lost;

        *total = ct_add_u64(*total, lost);
        if (total == &result->kernel_events_lost)
            tell_loss(direct, cursor, packet);
    }
    if (cursor->has_packet)
        result->packets_lost =
            ct_add_u64(result->packets_lost, packet->sequence - cursor->packet.sequence - 1);
}

static void note_damage(struct direct *direct, const struct cursor *cursor)
{
    uint64_t at = cursor->file.offset;

    if (cursor->is_in_packet)
        at += (uint64_t)(cursor->wire.at - cursor->file.bytes);
    ct_source_note_damage(direct->result,
                          g_strdup_printf("'%s' is damaged at byte %" G_GUINT64_FORMAT
                                          ", the rest of it is left out",
                                          cursor->file.path, at));
}

/* FALSE: there is no other packet. */
static gboolean begin_packet(struct direct *direct, struct cursor *cursor)
{
    struct ct_packet packet;

    direct->events->on_trace(direct->events->user, cursor->trace);
    if (cursor->file.next_offset >= cursor->file.size)
        return FALSE;
    /* Files can change between the check and here. */
    if (!ct_stream_file_read(&cursor->file, &packet)) {
        note_damage(direct, cursor);
        return FALSE;
    }
    count_losses(direct, cursor, &packet);
    cursor->packet = packet;
    cursor->has_packet = TRUE;
    cursor->is_in_packet = TRUE;
    cursor->clock_ns = packet.begin_ns;
    cursor->wire.at = cursor->file.bytes + cursor->file.layout->packets->size;
    cursor->wire.end = cursor->file.bytes + packet.content_size;
    return TRUE;
}

static void end_packet(struct direct *direct, struct cursor *cursor)
{
    cursor->is_in_packet = FALSE;
    direct->events->on_packet(direct->events->user, ++direct->result->packets_read);
}

/* ---- Events ---- */

/* The clock as it stands when its low bits are these. */
static inline uint64_t clock_after(uint64_t clock_ns, uint64_t low, guint bits)
{
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t after = (clock_ns & ~mask) | low;

    return low < (clock_ns & mask) ? after + mask + 1 : after;
}

/* Id and time of 64 bits, after `id` of fewer bits said that they follow. */
static inline gboolean take_extended(struct cursor *cursor, uint64_t *id)
{
    uint32_t long_id;

    if (!ct_wire_take(&cursor->wire, &long_id, sizeof(long_id)) ||
        !ct_wire_take(&cursor->wire, &cursor->clock_ns, sizeof(cursor->clock_ns)))
        return FALSE;
    *id = long_id;
    return TRUE;
}

static inline gboolean take_compact(struct cursor *cursor, uint64_t *id)
{
    struct ct_wire *wire = &cursor->wire;
    uint32_t word;

    if (wire->at < wire->end && (*wire->at & 31) == 31) {
        wire->at++;
        return take_extended(cursor, id);
    }
    if (!ct_wire_take(wire, &word, sizeof(word)))
        return FALSE;
    *id = word & 31;
    cursor->clock_ns = clock_after(cursor->clock_ns, word >> 5, 27);
    return TRUE;
}

static inline gboolean take_large(struct cursor *cursor, uint64_t *id)
{
    uint16_t short_id;
    uint32_t low;

    if (!ct_wire_take(&cursor->wire, &short_id, sizeof(short_id)))
        return FALSE;
    if (short_id == UINT16_MAX)
        return take_extended(cursor, id);
    if (!ct_wire_take(&cursor->wire, &low, sizeof(low)))
        return FALSE;
    *id = short_id;
    cursor->clock_ns = clock_after(cursor->clock_ns, low, 32);
    return TRUE;
}

static inline gboolean take_header(struct cursor *cursor, uint64_t *id)
{
    switch (cursor->file.stream->header) {
    case CT_EVENT_HEADER_COMPACT:
        return take_compact(cursor, id);
    case CT_EVENT_HEADER_LARGE:
        return take_large(cursor, id);
    case CT_EVENT_HEADER_PLAIN:
        return ct_wire_take(&cursor->wire, id, sizeof(*id)) &&
               ct_wire_take(&cursor->wire, &cursor->clock_ns, sizeof(cursor->clock_ns));
    }
    return FALSE;
}

static inline gboolean begin_event(struct cursor *cursor)
{
    const GArray *events = cursor->file.stream->events;
    uint64_t id;

    if (!take_header(cursor, &id) || id >= events->len)
        return FALSE;
    cursor->event = &g_array_index(events, struct ct_event_layout, id);
    return cursor->event->is_known;
}

static inline void note_event(struct direct *direct, struct cursor *cursor)
{
    direct->result->event_count++;
    if (!direct->result->has_clock) {
        direct->result->has_clock = TRUE;
        direct->result->epoch_offset_ns = cursor->file.layout->epoch_offset_ns;
    }
    if (cursor->event->event == CT_EVENT_COUNT) {
        cursor->has_calls |= ct_kernel_event_is_of_calls(cursor->event->kernel_event);
        cursor->has_switches |= ct_kernel_event_is_of_switches(cursor->event->kernel_event);
    }
}

/* Goes on to the stream's next event. FALSE: no more. */
static gboolean advance(struct direct *direct, struct cursor *cursor)
{
    while (!cursor->is_in_packet || cursor->wire.at == cursor->wire.end) {
        if (cursor->is_in_packet)
            end_packet(direct, cursor);
        if (!begin_packet(direct, cursor))
            return FALSE;
    }
    if (begin_event(cursor)) {
        note_event(direct, cursor);
        return TRUE;
    }
    note_damage(direct, cursor);
    return FALSE;
}

/* ---- Reading ---- */

enum handed { HANDED_ON, HANDED_BROKEN, HANDED_STOP };

static inline enum handed hand_on(struct direct *direct, struct cursor *cursor)
{
    struct ct_record record;

    if (!ct_direct_event_read(&cursor->wire, cursor->event, cursor->clock_ns, &direct->room,
                              &record)) {
        direct->result->event_count--;
        note_damage(direct, cursor);
        return HANDED_BROKEN;
    }
    if (record.event == CT_EVENT_COUNT)
        record.as.kernel.cpu = cursor->packet.cpu;
    else
        ct_source_note_time(direct->result, record.time_ns);
    return ct_source_hand_on(direct->events, &record) ? HANDED_ON : HANDED_STOP;
}

static void start(struct direct *direct)
{
    for (guint i = 0; i < direct->cursors->len; i++) {
        struct cursor *cursor = direct->cursors->pdata[i];

        if (advance(direct, cursor))
            direct->heap[direct->heap_count++] =
                (struct ct_heap_entry){.time_ns = cursor->clock_ns, .rank = i, .stream = cursor};
        else
            ct_stream_file_close(&cursor->file);
    }
    ct_heap_build(direct->heap, direct->heap_count);
}

static gboolean read_direct(void *state, GError **error)
{
    struct direct *direct = state;

    (void)error;
    start(direct);
    while (direct->heap_count > 0) {
        struct cursor *first = direct->heap[0].stream;
        enum handed handed = hand_on(direct, first);

        if (handed == HANDED_STOP)
            break;
        if (handed == HANDED_ON && advance(direct, first)) {
            direct->heap[0].time_ns = first->clock_ns;
            ct_heap_sift_down(direct->heap, direct->heap_count, 0);
        } else {
            ct_stream_file_close(&first->file);
            ct_heap_remove_first(direct->heap, &direct->heap_count);
        }
    }
    return TRUE;
}

/* ---- Opening ---- */

static void free_cursor(void *data)
{
    struct cursor *cursor = data;

    ct_stream_file_close(&cursor->file);
    g_free(cursor);
}

static void free_layout(void *data)
{
    ct_trace_layout_free(data);
}

static void free_direct(void *state)
{
    struct direct *direct = state;

    g_ptr_array_unref(direct->cursors);
    g_ptr_array_unref(direct->layouts);
    g_free(direct->heap);
    g_free(direct);
}

static int compare_numbers_as_text(guint64 a, guint64 b)
{
    g_autofree char *text_a = g_strdup_printf("%" G_GUINT64_FORMAT " ", a);
    g_autofree char *text_b = g_strdup_printf("%" G_GUINT64_FORMAT " ", b);

    return strcmp(text_a, text_b);
}

static int compare_cursors(const void *a, const void *b)
{
    const struct ct_stream_file *first = &(*(struct cursor *const *)a)->file;
    const struct ct_stream_file *second = &(*(struct cursor *const *)b)->file;
    int by_class = compare_numbers_as_text(first->stream->id, second->stream->id);

    return by_class != 0 ? by_class : compare_numbers_as_text(first->instance, second->instance);
}

/* Two files of one stream go on one after the other: nothing that ctrace has LTTng write. */
static gboolean are_all_different(const GPtrArray *cursors, guint begin)
{
    for (guint i = begin + 1; i < cursors->len; i++) {
        if (compare_cursors(&cursors->pdata[i - 1], &cursors->pdata[i]) == 0)
            return FALSE;
    }
    return TRUE;
}

/* FALSE: the file is there, and cannot be read so. */
static gboolean add_file(struct direct *direct, const char *trace, const char *name,
                         const struct ct_trace_layout *layout)
{
    g_autofree char *path = g_build_filename(trace, name, NULL);
    struct cursor *cursor;
    struct stat status;

    if (name[0] == '.' || strcmp(name, "metadata") == 0 || stat(path, &status) != 0 ||
        S_ISDIR(status.st_mode))
        return TRUE;
    cursor = g_new0(struct cursor, 1);
    cursor->trace = trace;
    if (!ct_stream_file_open(&cursor->file, path, layout)) {
        free_cursor(cursor);
        return FALSE;
    }
    if (cursor->file.packet_count > 0) {
        g_ptr_array_add(direct->cursors, cursor);
        direct->result->packet_count += cursor->file.packet_count;
    } else {
        free_cursor(cursor);
    }
    return TRUE;
}

static gboolean add_files(struct direct *direct, const char *trace,
                          const struct ct_trace_layout *layout)
{
    g_autoptr(GDir) folder = g_dir_open(trace, 0, NULL);
    guint begin = direct->cursors->len;
    const char *name;

    if (!folder)
        return FALSE;
    while ((name = g_dir_read_name(folder))) {
        if (!add_file(direct, trace, name, layout))
            return FALSE;
    }
    if (direct->cursors->len > begin)
        qsort(direct->cursors->pdata + begin, direct->cursors->len - begin, sizeof(void *),
              compare_cursors);
    return are_all_different(direct->cursors, begin);
}

static gboolean add_trace(struct direct *direct, const char *trace)
{
    struct ct_metadata metadata = {0};
    struct ct_trace_layout *layout = NULL;

    direct->events->on_trace(direct->events->user, trace);
    if (ct_packets_metadata_obstacle(trace) == NULL && ct_packets_read_metadata(trace, &metadata))
        layout = ct_trace_layout_new(&metadata);
    g_free(metadata.text);
    if (!layout)
        return FALSE;
    g_ptr_array_add(direct->layouts, layout);
    return add_files(direct, trace, layout);
}

static void *open_direct(const GPtrArray *paths, const struct ct_source_events *events,
                         struct ct_source_result *result, GError **error)
{
    struct direct *direct = g_new0(struct direct, 1);
    gboolean is_read = G_BYTE_ORDER == G_LITTLE_ENDIAN;

    (void)error;
    direct->events = events;
    direct->result = result;
    direct->layouts = g_ptr_array_new_with_free_func(free_layout);
    direct->cursors = g_ptr_array_new_with_free_func(free_cursor);
    for (guint i = 0; is_read && i < paths->len; i++)
        is_read = add_trace(direct, paths->pdata[i]);
    if (!is_read) {
        free_direct(direct);
        return NULL;
    }
    direct->heap = g_new0(struct ct_heap_entry, direct->cursors->len);
    return direct;
}

const struct ct_source_reader ct_source_direct = {
    .name = "direct",
    .open = open_direct,
    .read = read_direct,
    .free = free_direct,
};
