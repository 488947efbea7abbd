#include "messages.h"

#include "sandbox/sandbox.h"

/* Where a reader can begin anew. */
#define EVENTS_PER_PACKET 8192

/* What an item may take: the debug information of the largest programs takes some seconds. */
#define ITEM_CPU_S 60

static void push(struct ct_conversion *conversion, bt_message *message)
{
    g_queue_push_tail(&conversion->messages, message);
}

static uint32_t cpu_of(const struct ct_conversion *conversion, guint index)
{
    return index < conversion->sample_stream
               ? ct_kernel_events_cpu(conversion->events, index)
               : ct_kernel_samples_cpu(conversion->samples, index - conversion->sample_stream);
}

static void begin_packet(struct ct_conversion *conversion, guint index, uint64_t time_ns)
{
    struct ct_conversion_stream *stream = &conversion->streams[index];

    if (!stream->is_begun)
        push(conversion, bt_message_stream_beginning_create(conversion->iterator, stream->stream));
    stream->is_begun = TRUE;
    ct_sandbox_allow_cpu(ITEM_CPU_S);
    stream->packet = bt_packet_create(stream->stream);
    stream->packet_events = 0;
    ct_event_classes_fill_packet(stream->packet, cpu_of(conversion, index));
    push(conversion, bt_message_packet_beginning_create_with_default_clock_snapshot(
                         conversion->iterator, stream->packet, time_ns));
}

static void end_packet(struct ct_conversion *conversion, struct ct_conversion_stream *stream,
                       uint64_t time_ns)
{
    push(conversion, bt_message_packet_end_create_with_default_clock_snapshot(
                         conversion->iterator, stream->packet, time_ns));
    bt_packet_put_ref(stream->packet);
    stream->packet = NULL;
}

static void push_event(struct ct_conversion *conversion, const struct ct_kernel_item *item)
{
    struct ct_conversion_stream *stream = &conversion->streams[item->index];
    uint64_t time_ns = item->record.time_ns;

    if (stream->packet != NULL && stream->packet_events >= EVENTS_PER_PACKET)
        end_packet(conversion, stream, stream->last_ns);
    if (stream->packet == NULL)
        begin_packet(conversion, item->index, time_ns);
    bt_message *message = bt_message_event_create_with_packet_and_default_clock_snapshot(
        conversion->iterator, ct_event_classes_find(conversion->classes, &item->record),
        stream->packet, time_ns);
    ct_event_classes_fill(bt_message_event_borrow_event(message), &item->record);
    push(conversion, message);
    stream->packet_events++;
    stream->last_ns = time_ns;
    if (item->has_happened)
        conversion->totals->told_until_ns = MAX(conversion->totals->told_until_ns, time_ns);
    if (item->record.event == CT_KERNEL_ID_CPU_SAMPLE) {
        conversion->totals->samples++;
        conversion->totals->samples_partial += item->record.as.cpu_sample.is_partial;
    } else {
        conversion->totals->events++;
        conversion->totals->reasons += item->record.event == CT_KERNEL_ID_OFF_CPU_REASON;
    }
}

/* CTF 1.8 counts losses from the end of a packet to that of the next, which here is an empty one:
 * they were no longer than that. */
static void push_loss(struct ct_conversion *conversion, const struct ct_kernel_item *item)
{
    struct ct_conversion_stream *stream = &conversion->streams[item->index];
    uint64_t since_ns = MAX(item->lost_since_ns, stream->last_ns);
    uint64_t time_ns = item->record.time_ns;

    if (stream->packet == NULL)
        begin_packet(conversion, item->index, since_ns);
    end_packet(conversion, stream, since_ns);
    bt_message *message = bt_message_discarded_events_create_with_default_clock_snapshots(
        conversion->iterator, stream->stream, since_ns, time_ns);
    bt_message_discarded_events_set_count(message, item->lost);
    push(conversion, message);
    begin_packet(conversion, item->index, time_ns);
    end_packet(conversion, stream, time_ns);
    stream->last_ns = time_ns;
    if (item->index < conversion->sample_stream)
        conversion->totals->lost += item->lost;
    else
        conversion->totals->samples_lost += item->lost;
}

static void fetch(struct ct_conversion *conversion)
{
    struct ct_conversion_input *event = &conversion->next_event;
    struct ct_conversion_input *sample = &conversion->next_sample;

    if (!event->has_item && conversion->events != NULL)
        event->has_item = ct_kernel_events_next(conversion->events, &event->item);
    if (!sample->has_item && conversion->samples != NULL) {
        sample->has_item = ct_kernel_samples_next(conversion->samples, &sample->item);
        sample->item.index += conversion->sample_stream;
    }
}

/* The first of what either has next. NULL at the end of both. */
static struct ct_conversion_input *first_input(struct ct_conversion *conversion)
{
    struct ct_conversion_input *event = &conversion->next_event;
    struct ct_conversion_input *sample = &conversion->next_sample;

    fetch(conversion);
    if (!event->has_item || !sample->has_item)
        return event->has_item ? event : sample->has_item ? sample : NULL;
    return sample->item.record.time_ns < event->item.record.time_ns ? sample : event;
}

/* The recorder was killed: what the kernel told later was lost, nobody knows how much. */
static void desert(struct ct_conversion *conversion)
{
    const struct ct_kernel_totals told = *conversion->totals;
    uint64_t until_ns = conversion->deserted_until_ns;

    for (guint i = 0; i < conversion->sample_stream; i++) {
        const struct ct_conversion_stream *stream = &conversion->streams[i];
        if (!stream->is_begun || stream->last_ns >= until_ns)
            continue;
        push_loss(conversion, &(struct ct_kernel_item){.index = i,
                                                       .lost = 1,
                                                       .lost_since_ns = stream->last_ns,
                                                       .record = {.time_ns = until_ns}});
    }
    conversion->totals->lost = told.lost;
    conversion->deserted_until_ns = 0;
}

gboolean ct_messages_make(struct ct_conversion *conversion)
{
    struct ct_conversion_input *input = first_input(conversion);

    if (input != NULL) {
        if (input->item.lost > 0)
            push_loss(conversion, &input->item);
        else
            push_event(conversion, &input->item);
        input->has_item = FALSE;
        return TRUE;
    }
    if (conversion->deserted_until_ns > 0) {
        desert(conversion);
        if (!g_queue_is_empty(&conversion->messages))
            return TRUE;
    }
    while (conversion->next_end < conversion->stream_count) {
        struct ct_conversion_stream *stream = &conversion->streams[conversion->next_end++];

        if (!stream->is_begun)
            continue;
        if (stream->packet != NULL)
            end_packet(conversion, stream, stream->last_ns);
        push(conversion, bt_message_stream_end_create(conversion->iterator, stream->stream));
        return TRUE;
    }
    return FALSE;
}
