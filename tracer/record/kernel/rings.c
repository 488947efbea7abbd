#include "rings.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * What a busy CPU writes in some 50 ms: the recorder is woken when it is half full, to disturb the
 * program seldom. For a task's, what perf_event_mlock_kb (516) leaves an ordinary user for each
 * CPU. There may be less, if the user has other rings.
 */
#define MACHINE_RING_SIZE ((size_t)2 << 20)
#define TASK_RING_SIZE    ((size_t)512 << 10)
#define RING_SIZE_MIN     ((size_t)16 << 10)

static int open_event(struct perf_event_attr *attributes, pid_t pid, int cpu)
{
    attributes->size = sizeof(*attributes);
    attributes->sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
                              (attributes->type == PERF_TYPE_TRACEPOINT ? PERF_SAMPLE_RAW : 0);
    attributes->sample_id_all = 1;
    attributes->use_clockid = 1;
    attributes->clockid = CLOCK_MONOTONIC;
    attributes->watermark = 1;
    return (int)syscall(SYS_perf_event_open, attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void clear_ring(struct ct_ring *ring, uint32_t cpu)
{
    *ring = (struct ct_ring){.cpu = cpu, .map = MAP_FAILED};
    for (size_t i = 0; i < CT_RING_FDS; i++)
        ring->fds[i] = -1;
}

static void close_ring(struct ct_ring *ring)
{
    if (ring->map != MAP_FAILED)
        munmap(ring->map, (size_t)sysconf(_SC_PAGESIZE) + ring->size);
    for (size_t event = 0; event < CT_RING_FDS; event++) {
        if (ring->fds[event] >= 0)
            close(ring->fds[event]);
    }
    clear_ring(ring, ring->cpu);
}

static struct ct_ring *add_ring(struct ct_rings *rings, uint32_t cpu)
{
    struct ct_ring *ring = &rings->rings[rings->count++];

    clear_ring(ring, cpu);
    return ring;
}

/* Opens the event that has the ring; as large as we may. `attributes` gets its watermark. */
static gboolean open_ring(struct ct_ring *ring, struct perf_event_attr *attributes, pid_t pid,
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
        int code = errno;
        close(ring->fds[0]);
        ring->fds[0] = -1;
        errno = code;
        if (code != EPERM && code != ENOMEM)
            return FALSE;
    }
    return FALSE;
}

/* Names, forks and exits: what no tracepoint is needed for. */
static gboolean open_machine_ring(struct ct_ring *ring)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .task = 1,
        .comm = 1,
        .comm_exec = 1,
    };

    return open_ring(ring, &attributes, -1, MACHINE_RING_SIZE);
}

static gboolean add_event(struct ct_ring *ring, size_t index, struct perf_event_attr *attributes)
{
    ring->fds[index] = open_event(attributes, -1, (int)ring->cpu);
    return ring->fds[index] >= 0 &&
           ioctl(ring->fds[index], PERF_EVENT_IOC_SET_OUTPUT, ring->fds[0]) == 0;
}

static gboolean add_tracepoint(struct ct_ring *ring, size_t index, uint64_t id)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .config = id,
        .sample_period = 1,
        .disabled = 1,
    };

    return add_event(ring, index, &attributes);
}

gboolean ct_ring_add_arrivals(struct ct_ring *ring)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .context_switch = 1,
    };

    return add_event(ring, CT_RING_FDS - 1, &attributes);
}

static char *explain(int code)
{
    if (code == EACCES || code == EPERM)
        return g_strdup("they take root or CAP_PERFMON");
    if (code == ENOSYS || code == ENOENT)
        return g_strdup("this kernel has no perf events");
    return g_strdup_printf("perf_event_open: %s", g_strerror(code));
}

static gboolean is_offline(int code)
{
    return code == ENODEV || code == ENXIO;
}

static struct ct_rings *rings_new(long *cpus)
{
    struct ct_rings *rings = g_new0(struct ct_rings, 1);

    *cpus = sysconf(_SC_NPROCESSORS_CONF);
    if (*cpus < 1)
        *cpus = 1;
    rings->rings = g_new0(struct ct_ring, (gsize)*cpus);
    rings->capacity = (guint)*cpus;
    return rings;
}

static gboolean open_machine_events(const struct ct_formats *formats, struct ct_ring *ring)
{
    return open_machine_ring(ring) && add_tracepoint(ring, 1, formats->switch_id) &&
           add_tracepoint(ring, 2, formats->waking_id);
}

struct ct_rings *ct_rings_open_machine(char **why_not)
{
    long cpus;
    struct ct_rings *rings = rings_new(&cpus);

    rings->is_all_cpus = TRUE;
    if (!ct_formats_read(&rings->formats, why_not)) {
        ct_rings_free(rings);
        return NULL;
    }
    for (long cpu = 0; cpu < cpus; cpu++) {
        struct ct_ring *ring = add_ring(rings, (uint32_t)cpu);

        if (open_machine_events(&rings->formats, ring))
            continue;
        if (ring->fds[0] < 0 && is_offline(errno)) {
            rings->count--;
            continue;
        }
        *why_not = explain(errno);
        ct_rings_free(rings);
        return NULL;
    }
    return rings;
}

/* A ring of the task's on each CPU: where events are inherited, there is no other way. */
static gboolean open_task_ring(struct ct_ring *ring, pid_t pid, gboolean is_delayed)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .inherit = 1,
        .disabled = 1,
        .enable_on_exec = !is_delayed,
        .context_switch = 1,
        .task = 1,
        .comm = 1,
        .comm_exec = 1,
    };

    return open_ring(ring, &attributes, pid, TASK_RING_SIZE);
}

struct ct_rings *ct_rings_open_process(pid_t pid, gboolean is_delayed, char **why_not)
{
    long cpus;
    struct ct_rings *rings = rings_new(&cpus);

    for (long cpu = 0; cpu < cpus; cpu++) {
        struct ct_ring *ring = add_ring(rings, (uint32_t)cpu);

        if (open_task_ring(ring, pid, is_delayed))
            continue;
        if (ring->fds[0] < 0 && is_offline(errno)) {
            rings->count--;
            continue;
        }
        *why_not = errno == EACCES ? g_strdup("perf_event_paranoid is above 2")
                   : errno == EPERM
                       ? g_strdup("no memory may be locked for it, or perf is forbidden here")
                       : explain(errno);
        ct_rings_free(rings);
        return NULL;
    }
    return rings;
}

static void control_ring(const struct ct_ring *ring, unsigned long request)
{
    for (size_t event = 0; event < CT_RING_FDS; event++) {
        if (ring->fds[event] >= 0)
            ioctl(ring->fds[event], request, 0);
    }
}

static void control(struct ct_rings *rings, unsigned long request)
{
    for (guint i = 0; i < rings->count; i++)
        control_ring(&rings->rings[i], request);
}

static struct ct_ring *find_ring(struct ct_rings *rings, uint32_t cpu)
{
    for (guint i = 0; i < rings->count; i++) {
        if (rings->rings[i].cpu == cpu)
            return &rings->rings[i];
    }
    return rings->count < rings->capacity ? add_ring(rings, cpu) : NULL;
}

struct ct_ring *ct_rings_reopen(struct ct_rings *rings, uint32_t cpu, gboolean is_begun)
{
    struct ct_ring *ring = find_ring(rings, cpu);

    if (ring == NULL)
        return NULL;
    close_ring(ring);
    if (!open_machine_events(&rings->formats, ring)) {
        close_ring(ring);
        return NULL;
    }
    if (is_begun)
        control_ring(ring, PERF_EVENT_IOC_ENABLE);
    return ring;
}

void ct_rings_begin(struct ct_rings *rings)
{
    control(rings, PERF_EVENT_IOC_ENABLE);
}

void ct_rings_end(struct ct_rings *rings)
{
    control(rings, PERF_EVENT_IOC_DISABLE);
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
    const char *data = (const char *)ring->map + sysconf(_SC_PAGESIZE);

    if (ring->map == MAP_FAILED) /* its CPU came back, but could not be opened again */
        return TRUE;
    uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
    uint64_t tail = page->data_tail;
    gboolean is_written = TRUE;

    while (tail < head && is_written) {
        size_t offset = (size_t)(tail % ring->size);
        size_t size = MIN((size_t)(head - tail), ring->size - offset);

        is_written = write_all(fd, data + offset, size);
        tail += size;
    }
    __atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
    return is_written;
}

static int compare_fds(const void *first, const void *second)
{
    return *(const int *)first - *(const int *)second;
}

/* In the child: all but `fds`, which are in order, then those. Never returns. */
static void close_last(const int *fds, size_t count)
{
    unsigned next = 0;

    for (size_t i = 0; i < count; i++) {
        if ((unsigned)fds[i] > next)
            syscall(SYS_close_range, next, (unsigned)fds[i] - 1, 0);
        next = (unsigned)fds[i] + 1;
    }
    syscall(SYS_close_range, next, ~0U, 0);
    syscall(SYS_close_range, 0, ~0U, 0);
    _exit(0);
}

void ct_rings_free_aside(struct ct_rings *rings)
{
    g_autofree int *fds = g_new(int, rings->count *CT_RING_FDS);
    size_t count = 0;

    for (guint i = 0; i < rings->count; i++) {
        for (size_t event = 0; event < CT_RING_FDS; event++) {
            if (rings->rings[i].fds[event] >= 0)
                fds[count++] = rings->rings[i].fds[event];
        }
    }
    qsort(fds, count, sizeof(*fds), compare_fds);
    /* No signal at its end: it is none of the processes that are waited for. */
    if (syscall(SYS_clone, 0, NULL, NULL, NULL, 0) == 0)
        close_last(fds, count);
    ct_rings_free(rings);
}

void ct_rings_free(struct ct_rings *rings)
{
    if (rings == NULL)
        return;
    for (guint i = 0; i < rings->count; i++)
        close_ring(&rings->rings[i]);
    g_free(rings->rings);
    g_free(rings);
}
