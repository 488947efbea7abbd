#include "ring.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* There may be less than was asked for, if the user has other rings. */
#define RING_SIZE_MIN ((size_t)16 << 10)

static int open_event(struct perf_event_attr *attributes, pid_t pid, int cpu)
{
    attributes->size = sizeof(*attributes);
    attributes->sample_type |= PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
                               (attributes->type == PERF_TYPE_TRACEPOINT ? PERF_SAMPLE_RAW : 0);
    attributes->sample_id_all = 1;
    attributes->use_clockid = 1;
    attributes->clockid = CLOCK_MONOTONIC;
    attributes->watermark = 1;
    attributes->build_id = attributes->mmap2;
    int fd = (int)syscall(SYS_perf_event_open, attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

    if (fd >= 0 || errno != EINVAL || !attributes->build_id)
        return fd;
    attributes->build_id = 0; /* before Linux 5.12 there are none */
    return (int)syscall(SYS_perf_event_open, attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* -1; errno stays as it is. */
static int close_failed(int fd)
{
    int code = errno;

    close(fd);
    errno = code;
    return -1;
}

void ct_ring_init(struct ct_ring *ring, uint32_t cpu)
{
    *ring = (struct ct_ring){.cpu = cpu, .map = MAP_FAILED};
    for (size_t i = 0; i < CT_RING_FDS; i++)
        ring->fds[i] = -1;
}

gboolean ct_ring_open(struct ct_ring *ring, struct perf_event_attr *attributes, pid_t pid,
                      size_t size)
{
    for (; size >= RING_SIZE_MIN; size /= 2) {
        attributes->wakeup_watermark = (uint32_t)size / 2;
        ring->fds[0] = open_event(attributes, pid, (int)ring->cpu);
        if (ring->fds[0] < 0)
            return FALSE;
        ring->size = size;
        ring->map = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE) + size, PROT_READ | PROT_WRITE,
                         MAP_SHARED, ring->fds[0], 0);
        if (ring->map != MAP_FAILED)
            return TRUE;
        ring->fds[0] = close_failed(ring->fds[0]);
        if (errno != EPERM && errno != ENOMEM)
            return FALSE;
    }
    errno = ENOMEM; /* that may be locked */
    return FALSE;
}

int ct_ring_open_event(const struct ct_ring *ring, struct perf_event_attr *attributes, pid_t pid)
{
    int fd = open_event(attributes, pid, (int)ring->cpu);

    if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fds[0]) == 0)
        return fd;
    return close_failed(fd);
}

gboolean ct_ring_add(struct ct_ring *ring, size_t index, struct perf_event_attr *attributes,
                     pid_t pid)
{
    ring->fds[index] = ct_ring_open_event(ring, attributes, pid);
    return ring->fds[index] >= 0;
}

void ct_ring_control(const struct ct_ring *ring, unsigned long request)
{
    for (size_t event = 0; event < CT_RING_FDS; event++) {
        if (ring->fds[event] >= 0)
            ioctl(ring->fds[event], request, 0);
    }
}

gboolean ct_ring_look(const struct ct_ring *ring, struct ct_ring_content *content)
{
    const struct perf_event_mmap_page *page = ring->map;

    if (ring->map == MAP_FAILED) /* its CPU came back, but could not be opened again */
        return FALSE;
    *content = (struct ct_ring_content){
        .data = (const char *)ring->map + sysconf(_SC_PAGESIZE),
        .size = ring->size,
        .begin = page->data_tail,
        .end = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE),
    };
    return TRUE;
}

static gboolean write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return FALSE;
        data += written;
        size -= (size_t)written;
    }
    return TRUE;
}

gboolean ct_ring_drain(struct ct_ring *ring, int fd)
{
    struct perf_event_mmap_page *page = ring->map;
    struct ct_ring_content content;
    gboolean is_written = TRUE;

    if (!ct_ring_look(ring, &content))
        return TRUE;
    for (uint64_t at = content.begin; at < content.end && is_written;) {
        size_t offset = (size_t)(at % content.size);
        size_t size = MIN((size_t)(content.end - at), content.size - offset);

        is_written = write_all(fd, content.data + offset, size);
        at += size;
    }
    __atomic_store_n(&page->data_tail, content.end, __ATOMIC_RELEASE);
    return is_written;
}

void ct_ring_close(struct ct_ring *ring)
{
    if (ring->map != MAP_FAILED)
        munmap(ring->map, (size_t)sysconf(_SC_PAGESIZE) + ring->size);
    for (size_t event = 0; event < CT_RING_FDS; event++) {
        if (ring->fds[event] >= 0)
            close(ring->fds[event]);
    }
    ct_ring_init(ring, ring->cpu);
}
