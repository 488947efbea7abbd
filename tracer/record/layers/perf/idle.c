#include "idle.h"

#include <linux/perf_event.h>
#include <string.h>

/* After so many times that an idle task told of its switch, it is clear that it does: less those
 * that it did not, for perf misses a switch now and then on any machine. */
#define TOLD_ENOUGH   64
#define SILENT_ENOUGH 4

/* Of a sample, before the tracepoint's own data: see the events' sample_type. */
struct sample_head {
    struct perf_event_header header;
    uint32_t pid, tid;
    uint64_t time_ns;
    uint32_t raw_size;
} __attribute__((packed));

/* What is no CPU's task. */
#define NOBODY (-1)

/* Records and their fields are aligned: none wraps around in a number. */
static void copy(const struct ct_ring_content *content, uint64_t position, void *value, size_t size)
{
    memcpy(value, content->data + position % content->size, size);
}

static int32_t tid_at(const struct ct_ring_content *content, uint64_t record,
                      struct ct_raw_field field)
{
    int32_t tid;

    copy(content, record + sizeof(struct sample_head) + field.offset, &tid, sizeof(tid));
    return tid;
}

static gboolean is_switch(const struct ct_ring_content *content, uint64_t record, uint32_t type,
                          const struct ct_formats *formats)
{
    uint16_t id;

    if (type != PERF_RECORD_SAMPLE)
        return FALSE;
    copy(content, record + sizeof(struct sample_head) + formats->common_type.offset, &id,
         sizeof(id));
    return id == formats->switch_id;
}

gboolean ct_idle_is_silent(struct ct_ring *ring, const struct ct_formats *formats)
{
    struct ct_ring_content content;
    int32_t on_cpu = NOBODY;
    struct perf_event_header header;

    if (ring->is_idle_clear || !ct_ring_look(ring, &content))
        return FALSE;
    for (uint64_t at = content.begin; at < content.end && !ring->is_idle_clear; at += header.size) {
        copy(&content, at, &header, sizeof(header));
        if (header.type == PERF_RECORD_LOST)
            on_cpu = NOBODY;
        if (!is_switch(&content, at, header.type, formats))
            continue;
        gboolean was_idle = on_cpu == 0;

        if (was_idle)
            ring->idle_told += tid_at(&content, at, formats->prev_pid) == 0 ? 1 : -1;
        ring->is_idle_clear = ring->idle_told >= TOLD_ENOUGH || ring->idle_told <= -SILENT_ENOUGH;
        on_cpu = tid_at(&content, at, formats->next_pid);
    }
    return ring->idle_told <= -SILENT_ENOUGH;
}
