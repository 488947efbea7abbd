/*
 * One of perf's ring buffers: what the kernel tells of a CPU goes into it, by the events that were
 * given to it, until it is drained.
 */
#ifndef CTRACE_RECORD_LAYERS_PERF_RING_H
#define CTRACE_RECORD_LAYERS_PERF_RING_H

#include <glib.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/types.h>

#define CT_RING_FDS 4

struct ct_ring {
    uint32_t cpu;
    int fds[CT_RING_FDS]; /* the first has the ring; -1: none */
    void *map;
    size_t size; /* of the data */
    /* So often its CPU's idle task told of its switch, less those that it did not. */
    int32_t idle_told;
    gboolean is_idle_clear; /* whether it does, is */
};

/* Without events yet. */
void ct_ring_init(struct ct_ring *ring, uint32_t cpu);

/* Opens the event that has the ring, as large as we may, at most of `size`: a power of two. */
gboolean ct_ring_open(struct ct_ring *ring, struct perf_event_attr *attributes, pid_t pid,
                      size_t size);

/* One more event whose records go into the ring; pid -1 is all. FALSE and errno. */
gboolean ct_ring_add(struct ct_ring *ring, size_t index, struct perf_event_attr *attributes,
                     pid_t pid);

/* The same, but it is the caller's, who closes it. -1 and errno. */
int ct_ring_open_event(const struct ct_ring *ring, struct perf_event_attr *attributes, pid_t pid);

/* Of all events that it has: PERF_EVENT_IOC_ENABLE or PERF_EVENT_IOC_DISABLE. */
void ct_ring_control(const struct ct_ring *ring, unsigned long request);

/* What was not drained yet: from one position to another, where position % size is the offset. */
struct ct_ring_content {
    const char *data; /* in the ring */
    size_t size;      /* of the ring */
    uint64_t begin;
    uint64_t end;
};

/* FALSE if the ring is not open. */
gboolean ct_ring_look(const struct ct_ring *ring, struct ct_ring_content *content);

/* Writes what is in the ring to `fd` and makes room for more. FALSE and errno if it cannot. */
gboolean ct_ring_drain(struct ct_ring *ring, int fd);

/* With its events. It may be opened again. */
void ct_ring_close(struct ct_ring *ring);

#endif
