#include "capture.h"

#include "record/drain.h"
#include "record/layers/perf/hotplug.h"
#include "record/layers/perf/idle.h"
#include "record/layers/perf/sampling.h"
#include "record/layers/perf/snapshot.h"
#include "record/libraries.h"
#include "spool/spool.h"
#include "system/monotonic.h"
#include "system/procfs.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* So much is lost at most if the recorder is killed. */
#define DRAIN_INTERVAL_MS 200

/* When recording begins the first time is sooner, to see soon what a CPU does not tell: see idle.h.
 * Then twice as long. */
#define FIRST_INTERVAL_MS 10

/* Descriptors come and go; those that a thread waits on for long are worth a look so often. */
#define DESCRIBE_INTERVAL_US G_USEC_PER_SEC

/* Rings of one kind, with a file for each. */
struct layer {
    struct ct_rings *rings; /* owned; NULL: nothing is recorded */
    int *spool_fds; /* owned; one for each ring, with room for those to come; NULL: there are
                       none (any more) */
};

enum { SCHED, CALLS, SAMPLES, LAYERS };

struct ct_kernel_capture {
    struct ct_kernel_wishes wishes;
    char *folder;               /* owned; of the spool files */
    gboolean has_folder;        /* it was made */
    struct ct_objects *objects; /* owned; files that are kept */
    GThread *opener;            /* owned; until attached */
    GThread *drainer;           /* owned; or NULL */
    struct layer layers[LAYERS];
    char *why_not_machine; /* owned; or NULL */
    char *why_no_samples;  /* the same */
    GString *missing;      /* owned */
    int stop_fd;           /* readable when draining is to end */
    int begin_fd;          /* readable when recording begins while draining */
    GArray *running;       /* owned; processes that run already; NULL: one that is launched */
    pid_t launched;        /* that one, once attached */
    int snapshot_fd;       /* the file of what snapshot.h writes; -1: there is none */
    GArray *described;     /* owned; pid_t: who is described now and then */
    gint is_described;     /* atomic; once they have been for the first time */
    int hotplug_fd;        /* readable when a CPU came on-line; -1: nobody tells */
    GArray *came;          /* owned; uint32_t: CPUs that did; the drainer's until it is joined */
    GMutex lock;           /* of is_begun, of `described`, and of rings while they are drained */
    gboolean is_begun;
    int error;          /* errno of the write that failed, or 0; the drainer's until it is joined */
    int snapshot_error; /* the same, of what is present */
};

static void *open_machine(void *data)
{
    struct ct_kernel_capture *capture = data;

    /* Before the rings: no CPU comes unseen. */
    capture->hotplug_fd = ct_hotplug_open();
    capture->layers[SCHED].rings = ct_rings_open_machine(&capture->why_not_machine);
    return NULL;
}

struct ct_kernel_capture *ct_kernel_capture_new(const char *path,
                                                const struct ct_kernel_wishes *wishes)
{
    struct ct_kernel_capture *capture = g_new0(struct ct_kernel_capture, 1);

    capture->wishes = *wishes;
    capture->folder = g_build_filename(path, CT_SPOOL_FOLDER, NULL);
    capture->objects = ct_objects_new(path);
    capture->missing = g_string_new(NULL);
    capture->described = g_array_new(FALSE, FALSE, sizeof(pid_t));
    capture->stop_fd = -1;
    capture->begin_fd = -1;
    capture->snapshot_fd = -1;
    capture->hotplug_fd = -1;
    capture->came = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_mutex_init(&capture->lock);
    if (wishes->sched)
        capture->opener = g_thread_new("kernel-open", open_machine, capture);
    return capture;
}

static G_GNUC_PRINTF(3, 4) void miss(struct ct_kernel_capture *capture, const char *layer,
                                     const char *format, ...)
{
    va_list arguments;

    g_string_append_printf(capture->missing, "%s%s: ", capture->missing->len > 0 ? "; " : "",
                           layer);
    va_start(arguments, format);
    g_string_append_vprintf(capture->missing, format, arguments);
    va_end(arguments);
}

/* ---- Draining ---- */

static void drain_ring(struct ct_kernel_capture *capture, const struct layer *layer, guint index)
{
    struct ct_ring *ring = &layer->rings->rings[index];

    /* Without arrivals, the analysis makes guesses, and says so. */
    if (layer->rings->kind == CT_RINGS_MACHINE && ct_idle_is_silent(ring, &layer->rings->formats))
        (void)ct_rings_add_arrivals(ring);
    if (capture->error == 0 && !ct_ring_drain(ring, layer->spool_fds[index]))
        capture->error = errno != 0 ? errno : EIO;
}

static void drain_all(struct ct_kernel_capture *capture)
{
    for (size_t i = 0; i < LAYERS; i++) {
        const struct layer *layer = &capture->layers[i];

        for (guint k = 0; layer->spool_fds != NULL && k < layer->rings->count; k++)
            drain_ring(capture, layer, k);
    }
}

/* What the drainer waits for; the rings of all layers follow. */
enum { STOP, BEGIN, HOTPLUG, FIRST_RING };

static void list_fds(const struct ct_kernel_capture *capture, GArray *fds)
{
    struct pollfd fd = {.fd = capture->stop_fd, .events = POLLIN};

    g_array_set_size(fds, 0);
    g_array_append_val(fds, fd);
    fd.fd = capture->begin_fd;
    g_array_append_val(fds, fd);
    fd.fd = capture->hotplug_fd;
    g_array_append_val(fds, fd);
    for (size_t i = 0; i < LAYERS; i++) {
        const struct layer *layer = &capture->layers[i];

        for (guint k = 0; layer->spool_fds != NULL && k < layer->rings->count; k++) {
            fd.fd = layer->rings->rings[k].fds[0];
            g_array_append_val(fds, fd);
        }
    }
}

static void end_rings(struct ct_kernel_capture *capture)
{
    for (size_t i = 0; i < LAYERS; i++) {
        if (capture->layers[i].spool_fds != NULL)
            ct_rings_end(capture->layers[i].rings);
    }
}

static void describe(struct ct_kernel_capture *capture)
{
    for (guint i = 0; i < capture->described->len && capture->snapshot_error == 0; i++) {
        if (!ct_snapshot_write_description(capture->snapshot_fd,
                                           g_array_index(capture->described, pid_t, i),
                                           ct_monotonic_ns()))
            capture->snapshot_error = errno;
    }
}

/* Again, every now and then. */
static void describe_if_due(struct ct_kernel_capture *capture, gint64 *due_us)
{
    if (!g_atomic_int_get(&capture->is_described) || g_get_monotonic_time() < *due_us)
        return;
    *due_us = g_get_monotonic_time() + DESCRIBE_INTERVAL_US;
    g_mutex_lock(&capture->lock);
    describe(capture);
    g_mutex_unlock(&capture->lock);
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
    struct layer *layer = &capture->layers[SCHED];
    const struct ct_ring *ring;

    (void)locker;
    if (layer->spool_fds == NULL || layer->rings->kind != CT_RINGS_MACHINE)
        return; /* a task's events stay with it */
    guint count = layer->rings->count;

    if (capture->is_begun)
        note_came(capture, cpu);
    ring = ct_rings_reopen(layer->rings, cpu, capture->is_begun);
    if (ring == NULL || layer->rings->count == count)
        return;
    layer->spool_fds[count] = ct_spool_create(capture->folder, layer->rings, ring);
    if (layer->spool_fds[count] < 0)
        capture->error = errno;
}

static gboolean reopen_rings(struct ct_kernel_capture *capture)
{
    gboolean is_any = FALSE;
    uint32_t cpu;

    while (ct_hotplug_read(capture->hotplug_fd, &cpu)) {
        reopen_ring(capture, cpu);
        is_any = TRUE;
    }
    return is_any;
}

static struct pollfd *fd_at(const GArray *fds, guint index)
{
    return &g_array_index(fds, struct pollfd, index);
}

/* TRUE if recording has begun since the last time. */
static gboolean take_begin(const struct ct_kernel_capture *capture)
{
    uint64_t count;

    return read(capture->begin_fd, &count, sizeof(count)) > 0;
}

/* A full disk ends the kernel's part only: the rest has its own reserve. */
static void *drain(void *data)
{
    struct ct_kernel_capture *capture = data;
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    gint64 description_due_us = g_get_monotonic_time() + DESCRIBE_INTERVAL_US;
    int interval_ms = FIRST_INTERVAL_MS;

    setpriority(PRIO_PROCESS, 0, CT_DRAIN_PRIORITY); /* of this thread; it takes a privilege */
    list_fds(capture, fds);
    while (capture->error == 0 && fd_at(fds, STOP)->revents == 0) {
        poll(fd_at(fds, 0), fds->len, interval_ms);
        interval_ms =
            take_begin(capture) ? FIRST_INTERVAL_MS : MIN(2 * interval_ms, DRAIN_INTERVAL_MS);
        for (guint i = FIRST_RING; i < fds->len; i++) {
            if (fd_at(fds, i)->revents & (POLLERR | POLLHUP)) /* its task is gone */
                fd_at(fds, i)->fd = -1;
        }
        drain_all(capture);
        if (fd_at(fds, HOTPLUG)->revents != 0 && reopen_rings(capture))
            list_fds(capture, fds);
        describe_if_due(capture, &description_due_us);
    }
    end_rings(capture);
    drain_all(capture);
    return NULL;
}

static gboolean create_spool(struct ct_kernel_capture *capture, struct layer *layer)
{
    guint count = layer->rings->count;

    /* Nobody else's: the recording's directory was empty. */
    if (!capture->has_folder && mkdir(capture->folder, 0700) != 0)
        return FALSE;
    capture->has_folder = TRUE;
    layer->spool_fds = g_new(int, layer->rings->capacity);
    for (guint i = 0; i < count; i++) {
        layer->spool_fds[i] =
            ct_spool_create(capture->folder, layer->rings, &layer->rings->rings[i]);
        if (layer->spool_fds[i] < 0) {
            int code = errno;

            while (i-- > 0)
                close(layer->spool_fds[i]);
            g_clear_pointer(&layer->spool_fds, g_free);
            errno = code;
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- Attaching ---- */

static struct ct_rings *open_tasks(const struct ct_kernel_capture *capture, enum ct_rings_kind kind,
                                   pid_t pid, char **why_not)
{
    if (capture->running != NULL)
        return ct_rings_open_running(kind, capture->running, capture->wishes.follows_children,
                                     why_not);
    return kind == CT_RINGS_CALLS ? ct_rings_open_calls(pid, !capture->is_begun, why_not)
                                  : ct_rings_open_process(pid, !capture->is_begun, why_not);
}

static void open_sched(struct ct_kernel_capture *capture, pid_t pid)
{
    g_autofree char *why_not = NULL;
    struct layer *layer = &capture->layers[SCHED];

    g_thread_join(capture->opener);
    capture->opener = NULL;
    if (layer->rings != NULL)
        return;
    layer->rings = open_tasks(capture, CT_RINGS_PROCESS, pid, &why_not);
    if (layer->rings != NULL)
        miss(capture, "kernel", "wake-ups and who ran instead: %s", capture->why_not_machine);
    else if (g_strcmp0(capture->why_not_machine, why_not) == 0)
        miss(capture, "kernel", "%s", why_not);
    else
        miss(capture, "kernel", "wake-ups and who ran instead: %s; when each thread had a CPU: %s",
             capture->why_not_machine, why_not);
}

static void open_calls(struct ct_kernel_capture *capture, pid_t pid)
{
    g_autofree char *why_not = NULL;
    struct layer *layer = &capture->layers[CALLS];

    layer->rings = open_tasks(capture, CT_RINGS_CALLS, pid, &why_not);
    if (layer->rings == NULL)
        miss(capture, "kernel", "system calls: %s", why_not);
}

static void open_samples(struct ct_kernel_capture *capture, pid_t pid)
{
    struct layer *layer = &capture->layers[SAMPLES];
    gboolean has_system_time;

    layer->rings = capture->running != NULL
                       ? ct_sampling_open_running(
                             capture->running, capture->wishes.follows_children,
                             capture->wishes.cpu_hz, &has_system_time, &capture->why_no_samples)
                       : ct_sampling_open(pid, capture->wishes.cpu_hz, !capture->is_begun,
                                          &has_system_time, &capture->why_no_samples);
    if (layer->rings == NULL)
        miss(capture, "cpu", "%s", capture->why_no_samples);
    else if (!has_system_time)
        miss(capture, "cpu", "time in the kernel: it takes root or CAP_PERFMON");
}

void ct_kernel_capture_attach(struct ct_kernel_capture *capture, pid_t pid)
{
    static const char *const names[] = {[SCHED] = "kernel", [CALLS] = "kernel", [SAMPLES] = "cpu"};
    gboolean is_any = FALSE;

    capture->launched = pid;
    /* What an ordinary user may lock in memory is for samples first: they are large. */
    if (capture->wishes.cpu_hz > 0)
        open_samples(capture, pid);
    if (capture->wishes.sched)
        open_sched(capture, pid);
    if (capture->wishes.syscalls)
        open_calls(capture, pid);
    for (size_t i = 0; i < LAYERS; i++) {
        struct layer *layer = &capture->layers[i];

        if (layer->rings == NULL)
            continue;
        if (!create_spool(capture, layer)) {
            miss(capture, names[i], "cannot write to %s: %s", capture->folder, g_strerror(errno));
            g_clear_pointer(&layer->rings, ct_rings_free);
            continue;
        }
        is_any = TRUE;
        if (capture->is_begun && layer->rings->kind == CT_RINGS_MACHINE)
            ct_rings_begin(layer->rings);
    }
    if (!is_any)
        return;
    capture->stop_fd = eventfd(0, EFD_CLOEXEC);
    capture->begin_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    capture->drainer = g_thread_new("kernel-drain", drain, capture);
}

/* Rings of any kind, or NULL. */
static const struct ct_rings *find_rings(const struct ct_kernel_capture *capture)
{
    for (size_t i = 0; i < LAYERS; i++) {
        if (capture->layers[i].rings != NULL)
            return capture->layers[i].rings;
    }
    return NULL;
}

void ct_kernel_capture_describe(struct ct_kernel_capture *capture, pid_t pid)
{
    if (capture->layers[CALLS].rings == NULL)
        return;
    capture->snapshot_fd = ct_spool_create_snapshot(capture->folder, find_rings(capture));
    if (capture->snapshot_fd < 0)
        return;
    g_array_append_val(capture->described, pid);
    describe(capture);
    g_atomic_int_set(&capture->is_described, TRUE);
}

gboolean ct_kernel_capture_attach_running(struct ct_kernel_capture *capture, GArray *pids)
{
    capture->running = g_array_ref(pids);
    ct_kernel_capture_attach(capture, 0);
    if (find_rings(capture) == NULL)
        return FALSE;
    capture->snapshot_fd = ct_spool_create_snapshot(capture->folder, find_rings(capture));
    return capture->snapshot_fd >= 0;
}

/* Of pid_t; of what was launched, only the processes that no preload is in. */
static GArray *list_present(const struct ct_kernel_capture *capture)
{
    g_autoptr(GArray) launched = g_array_new(FALSE, FALSE, sizeof(pid_t));
    GArray *tree;

    if (capture->running != NULL)
        return ct_proc_list_tree(capture->running, capture->wishes.follows_children);
    g_array_append_val(launched, capture->launched);
    tree = ct_proc_list_tree(launched, capture->wishes.follows_children);
    for (guint i = tree->len; i-- > 0;) {
        if (ct_proc_has_mapped(g_array_index(tree, pid_t, i), CT_PRELOAD_LIBRARY))
            g_array_remove_index(tree, i);
    }
    return tree;
}

/*
 * As of when the rings begin, and looked up once they have begun: what comes after is in them, and
 * what was before is still there.
 */
static void write_present(struct ct_kernel_capture *capture, uint64_t time_ns)
{
    g_autoptr(GArray) tree = list_present(capture);

    if (tree->len == 0)
        return;
    if (capture->snapshot_fd < 0)
        capture->snapshot_fd = ct_spool_create_snapshot(capture->folder, find_rings(capture));
    if (capture->snapshot_fd < 0 ||
        !ct_snapshot_write_processes(capture->snapshot_fd, capture->objects, tree, time_ns)) {
        capture->snapshot_error = errno;
        return;
    }
    g_array_set_size(capture->described, 0);
    g_array_append_vals(capture->described, tree->data, tree->len);
    g_atomic_int_set(&capture->is_described, TRUE);
}

void ct_kernel_capture_begin(struct ct_kernel_capture *capture)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&capture->lock);
    uint64_t time_ns = ct_monotonic_ns();
    uint64_t one = 1;

    (void)locker;
    capture->is_begun = TRUE;
    if (capture->drainer == NULL)
        return;
    for (size_t i = 0; i < LAYERS; i++) {
        if (capture->layers[i].rings != NULL)
            ct_rings_begin(capture->layers[i].rings);
    }
    (void)!write(capture->begin_fd, &one, sizeof(one));
    if (find_rings(capture)->kind != CT_RINGS_SAMPLES)
        write_present(capture, time_ns);
}

static void close_spool(struct ct_kernel_capture *capture, struct layer *layer)
{
    for (guint i = 0; layer->spool_fds != NULL && i < layer->rings->count; i++) {
        if (close(layer->spool_fds[i]) != 0 && capture->error == 0)
            capture->error = errno;
    }
    g_clear_pointer(&layer->spool_fds, g_free);
}

/* What comes on-line has run for some moments when its events are opened. */
static void miss_those_that_came(struct ct_kernel_capture *capture)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < capture->came->len; i++)
        g_string_append_printf(list, "%s%u", i > 0 ? ", " : "",
                               g_array_index(capture->came, uint32_t, i));
    if (list->len > 0)
        miss(capture, "kernel", "CPUs came on-line while recording (%s): their first moments",
             list->str);
}

void ct_kernel_capture_end(struct ct_kernel_capture *capture)
{
    uint64_t one = 1;

    if (capture->drainer == NULL)
        return;
    (void)!write(capture->stop_fd, &one, sizeof(one));
    g_thread_join(g_steal_pointer(&capture->drainer));
    for (size_t i = 0; i < LAYERS; i++)
        close_spool(capture, &capture->layers[i]);
    if (capture->snapshot_fd >= 0) {
        g_autoptr(GArray) tree = list_present(capture);

        ct_snapshot_keep_objects(capture->objects, tree);
        if (close(capture->snapshot_fd) != 0)
            capture->snapshot_error = errno;
    }
    capture->snapshot_fd = -1;
    miss_those_that_came(capture);
    if (capture->error == 0)
        capture->error = capture->snapshot_error;
    if (capture->error != 0) {
        g_string_truncate(capture->missing, 0);
        miss(capture, "kernel", "what came after a write to %s failed: %s", capture->folder,
             g_strerror(capture->error));
    }
}

void ct_kernel_capture_release(struct ct_kernel_capture *capture)
{
    for (size_t i = 0; i < LAYERS; i++) {
        if (capture->layers[i].rings != NULL)
            ct_rings_free_aside(g_steal_pointer(&capture->layers[i].rings));
    }
}

gboolean ct_kernel_capture_has_calls(const struct ct_kernel_capture *capture)
{
    return capture->layers[CALLS].rings != NULL;
}

gboolean ct_kernel_capture_is_wanted(const struct ct_kernel_capture *capture)
{
    return capture->wishes.sched;
}

const char *ct_kernel_capture_missing(const struct ct_kernel_capture *capture)
{
    return capture->missing->len > 0 ? capture->missing->str : NULL;
}

const char *ct_kernel_capture_why_no_samples(const struct ct_kernel_capture *capture)
{
    return capture->why_no_samples;
}

void ct_kernel_capture_free(struct ct_kernel_capture *capture)
{
    if (capture == NULL)
        return;
    if (capture->opener != NULL)
        g_thread_join(capture->opener);
    ct_kernel_capture_end(capture);
    for (size_t i = 0; i < LAYERS; i++)
        ct_rings_free(capture->layers[i].rings);
    if (capture->stop_fd >= 0)
        close(capture->stop_fd);
    if (capture->begin_fd >= 0)
        close(capture->begin_fd);
    if (capture->hotplug_fd >= 0)
        close(capture->hotplug_fd);
    g_array_unref(capture->came);
    g_mutex_clear(&capture->lock);
    g_string_free(capture->missing, TRUE);
    if (capture->snapshot_fd >= 0)
        close(capture->snapshot_fd);
    if (capture->running != NULL)
        g_array_unref(capture->running);
    g_array_unref(capture->described);
    g_free(capture->folder);
    ct_objects_free(capture->objects);
    g_free(capture->why_not_machine);
    g_free(capture->why_no_samples);
    g_free(capture);
}
