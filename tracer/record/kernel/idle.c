#include "idle.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* Where a ring's data are. Records and their fields are aligned: none wraps around in a number. */
struct data {
    const char *bytes;
    size_t size;
};

static void copy(const struct data *data, uint64_t position, void *value, size_t size)
{
    memcpy(value, data->bytes + position % data->size, size);
}

static int32_t tid_at(const struct data *data, uint64_t record, struct ct_raw_field field)
{
    int32_t tid;

    copy(data, record + sizeof(struct sample_head) + field.offset, &tid, sizeof(tid));
    return tid;
}

static gboolean is_switch(const struct data *data, uint64_t record, uint32_t type,
                          const struct ct_formats *formats)
{
    uint16_t id;

    if (type != PERF_RECORD_SAMPLE)
        return FALSE;
    copy(data, record + sizeof(struct sample_head) + formats->common_type.offset, &id, sizeof(id));
    return id == formats->switch_id;
}

gboolean ct_idle_is_silent(struct ct_ring *ring, const struct ct_formats *formats)
{
    const struct perf_event_mmap_page *page = ring->map;
    int32_t on_cpu = NOBODY;
    struct perf_event_header header;

    if (ring->is_idle_clear || ring->map == MAP_FAILED)
        return FALSE;
    const struct data data = {(const char *)ring->map + sysconf(_SC_PAGESIZE), ring->size};
    uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);

    for (uint64_t at = page->data_tail; at < head && !ring->is_idle_clear; at += header.size) {
        copy(&data, at, &header, sizeof(header));
        if (header.type == PERF_RECORD_LOST)
            on_cpu = NOBODY;
        if (!is_switch(&data, at, header.type, formats))
            continue;
        gboolean was_idle = on_cpu == 0;

        if (was_idle)
            ring->idle_told += tid_at(&data, at, formats->prev_pid) == 0 ? 1 : -1;
        ring->is_idle_clear = ring->idle_told >= TOLD_ENOUGH || ring->idle_told <= -SILENT_ENOUGH;
        on_cpu = tid_at(&data, at, formats->next_pid);
    }
    return ring->idle_told <= -SILENT_ENOUGH;
}
