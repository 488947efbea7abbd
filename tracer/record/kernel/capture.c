#include "capture.h"

#include "../drain.h"
#include "hotplug.h"
#include "idle.h"
#include "spool.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* So much is lost at most if the recorder is killed. */
#define DRAIN_INTERVAL_MS 200

/* The first time is sooner, to see soon what a CPU does not tell: see idle.h. Then twice as long. */
#define FIRST_INTERVAL_MS 10

struct ct_kernel_capture {
    char *folder;           /* owned; of the spool files */
    GThread *opener;        /* owned; until attached */
    GThread *drainer;       /* owned; or NULL */
    struct ct_rings *rings; /* owned; NULL: nothing is recorded */
    char *why_not_machine;  /* owned; or NULL */
    char *missing;          /* owned; or NULL */
    int *spool_fds;         /* owned; one for each ring */
    int stop_fd;            /* readable when draining is to end */
    int hotplug_fd;         /* readable when a CPU came on-line; -1: nobody tells */
    GMutex lock;            /* of is_begun, and of rings while they are drained */
    gboolean is_begun;
    GArray *came; /* owned; uint32_t: CPUs that came on-line; the drainer's until it is joined */
    int error;    /* errno of the write that failed, or 0; the same */
};

static void *open_machine(void *data)
{
    struct ct_kernel_capture *capture = data;

    /* Before the rings: no CPU comes unseen. */
    capture->hotplug_fd = ct_hotplug_open();
    capture->rings = ct_rings_open_machine(&capture->why_not_machine);
    return NULL;
}

struct ct_kernel_capture *ct_kernel_capture_new(const char *path)
{
    struct ct_kernel_capture *capture = g_new0(struct ct_kernel_capture, 1);

    capture->folder = g_build_filename(path, CT_SPOOL_FOLDER, NULL);
    capture->stop_fd = -1;
    capture->hotplug_fd = -1;
    capture->came = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_mutex_init(&capture->lock);
    capture->opener = g_thread_new("kernel-open", open_machine, capture);
    return capture;
}

/* ---- Draining ---- */

static void drain_all(struct ct_kernel_capture *capture)
{
    for (guint i = 0; i < capture->rings->count; i++) {
        struct ct_ring *ring = &capture->rings->rings[i];

        /* Without arrivals, the analysis makes guesses, and says so. */
        if (capture->rings->is_all_cpus && ct_idle_is_silent(ring, &capture->rings->formats))
            (void)ct_ring_add_arrivals(ring);
        if (capture->error == 0 && !ct_ring_drain(ring, capture->spool_fds[i]))
            capture->error = errno != 0 ? errno : EIO;
    }
}

/* What the drainer waits for; rings follow. */
enum { STOP, HOTPLUG, FIRST_RING };

static guint list_fds(const struct ct_kernel_capture *capture, struct pollfd *fds)
{
    guint count = capture->rings->count;

    fds[STOP] = (struct pollfd){.fd = capture->stop_fd, .events = POLLIN};
    fds[HOTPLUG] = (struct pollfd){.fd = capture->hotplug_fd, .events = POLLIN};
    for (guint i = 0; i < count; i++)
        fds[FIRST_RING + i] =
            (struct pollfd){.fd = capture->rings->rings[i].fds[0], .events = POLLIN};
    return FIRST_RING + count;
}

static void note_came(struct ct_kernel_capture *capture, uint32_t cpu)
{
    for (guint i = 0; i < capture->came->len; i++) {
        if (g_array_index(capture->came, uint32_t, i) == cpu)
            return;
    }
    g_array_append_val(capture->came, cpu);
}

/* CPU `cpu` came on-line. Its records go on in the file that it has, if it was there before. */
static void reopen_ring(struct ct_kernel_capture *capture, uint32_t cpu)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&capture->lock);
    guint count = capture->rings->count;
    const struct ct_ring *ring;

    (void)locker;
    if (!capture->rings->is_all_cpus) /* a task's events stay with it */
        return;
    if (capture->is_begun)
        note_came(capture, cpu);
    ring = ct_rings_reopen(capture->rings, cpu, capture->is_begun);
    if (ring == NULL || capture->rings->count == count)
        return;
    capture->spool_fds[count] = ct_spool_create(capture->folder, capture->rings, ring);
    if (capture->spool_fds[count] < 0)
        capture->error = errno;
}

/* A full disk ends the kernel's part only: the rest has its own reserve. */
static void *drain(void *data)
{
    struct ct_kernel_capture *capture = data;
    g_autofree struct pollfd *fds =
        g_new0(struct pollfd, FIRST_RING + (gsize)capture->rings->capacity);
    guint count = list_fds(capture, fds);
    int interval_ms = FIRST_INTERVAL_MS;
    uint32_t cpu;

    setpriority(PRIO_PROCESS, 0, CT_DRAIN_PRIORITY); /* of this thread; it takes a privilege */
    while (capture->error == 0 && fds[STOP].revents == 0) {
        poll(fds, count, interval_ms);
        interval_ms = MIN(2 * interval_ms, DRAIN_INTERVAL_MS);
        for (guint i = FIRST_RING; i < count; i++) {
            if (fds[i].revents & (POLLERR | POLLHUP)) /* its task is gone */
                fds[i].fd = -1;
        }
        drain_all(capture);
        while (fds[HOTPLUG].revents != 0 && ct_hotplug_read(capture->hotplug_fd, &cpu)) {
            reopen_ring(capture, cpu);
            count = list_fds(capture, fds);
        }
    }
    ct_rings_end(capture->rings);
    drain_all(capture);
    return NULL;
}

static gboolean create_spool(struct ct_kernel_capture *capture)
{
    if (mkdir(capture->folder, 0700) != 0 && errno != EEXIST)
        return FALSE;
    capture->spool_fds = g_new(int, capture->rings->capacity);
    for (guint i = 0; i < capture->rings->capacity; i++)
        capture->spool_fds[i] = -1;
    for (guint i = 0; i < capture->rings->count; i++) {
        capture->spool_fds[i] =
            ct_spool_create(capture->folder, capture->rings, &capture->rings->rings[i]);
        if (capture->spool_fds[i] < 0)
            return FALSE;
    }
    capture->stop_fd = eventfd(0, EFD_CLOEXEC);
    return capture->stop_fd >= 0;
}

static void give_up(struct ct_kernel_capture *capture, char *missing)
{
    ct_rings_free(capture->rings);
    capture->rings = NULL;
    g_free(capture->missing);
    capture->missing = missing;
}

void ct_kernel_capture_attach(struct ct_kernel_capture *capture, pid_t pid)
{
    char *why_not = NULL;

    g_thread_join(capture->opener);
    capture->opener = NULL;
    if (capture->rings == NULL) {
        capture->rings = ct_rings_open_process(pid, !capture->is_begun, &why_not);
        capture->missing = capture->rings != NULL
                               ? g_strdup_printf("kernel: wake-ups and who ran instead: %s",
                                                 capture->why_not_machine)
                               : g_strdup_printf("kernel: %s; and of the program alone: %s",
                                                 capture->why_not_machine, why_not);
        g_free(why_not);
    }
    if (capture->rings == NULL)
        return;
    if (!create_spool(capture)) {
        give_up(capture, g_strdup_printf("kernel: cannot write to %s: %s", capture->folder,
                                         g_strerror(errno)));
        return;
    }
    if (capture->is_begun && capture->rings->is_all_cpus)
        ct_rings_begin(capture->rings);
    capture->drainer = g_thread_new("kernel-drain", drain, capture);
}

void ct_kernel_capture_begin(struct ct_kernel_capture *capture)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&capture->lock);

    (void)locker;
    capture->is_begun = TRUE;
    if (capture->rings != NULL && capture->drainer != NULL)
        ct_rings_begin(capture->rings);
}

/* What comes on-line has run for some moments when its events are opened. */
static void miss_those_that_came(struct ct_kernel_capture *capture)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < capture->came->len; i++)
        g_string_append_printf(list, "%s%u", i > 0 ? ", " : "",
                               g_array_index(capture->came, uint32_t, i));
    g_autofree char *others = g_steal_pointer(&capture->missing);
    capture->missing = g_strdup_printf(
        "%s%sCPUs came on-line while recording (%s): their first "
        "moments",
        others != NULL ? others : "kernel: ", others != NULL ? "; " : "", list->str);
}

void ct_kernel_capture_end(struct ct_kernel_capture *capture)
{
    uint64_t one = 1;

    if (capture->drainer == NULL)
        return;
    (void)!write(capture->stop_fd, &one, sizeof(one));
    g_thread_join(g_steal_pointer(&capture->drainer));
    for (guint i = 0; i < capture->rings->count; i++) {
        if (close(capture->spool_fds[i]) != 0 && capture->error == 0)
            capture->error = errno;
    }
    g_clear_pointer(&capture->spool_fds, g_free);
    if (capture->came->len > 0)
        miss_those_that_came(capture);
    if (capture->error != 0) {
        g_free(capture->missing);
        capture->missing = g_strdup_printf("kernel: what came after a write to %s failed: %s",
                                           capture->folder, g_strerror(capture->error));
    }
}

void ct_kernel_capture_release(struct ct_kernel_capture *capture)
{
    if (capture->rings != NULL)
        ct_rings_free_aside(g_steal_pointer(&capture->rings));
}

const char *ct_kernel_capture_missing(const struct ct_kernel_capture *capture)
{
    return capture->missing;
}

void ct_kernel_capture_free(struct ct_kernel_capture *capture)
{
    if (capture == NULL)
        return;
    if (capture->opener != NULL)
        g_thread_join(capture->opener);
    ct_kernel_capture_end(capture);
    ct_rings_free(capture->rings);
    if (capture->spool_fds != NULL)
        g_free(capture->spool_fds);
    if (capture->stop_fd >= 0)
        close(capture->stop_fd);
    if (capture->hotplug_fd >= 0)
        close(capture->hotplug_fd);
    g_array_unref(capture->came);
    g_mutex_clear(&capture->lock);
    g_free(capture->folder);
    g_free(capture->why_not_machine);
    g_free(capture->missing);
    g_free(capture);
}
