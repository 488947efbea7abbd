#include "capture.h"

#include "../drain.h"
#include "spool.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* So much is lost at most if the recorder is killed. */
#define DRAIN_INTERVAL_MS 200

struct ct_kernel_capture {
    char *folder;           /* owned; of the spool files */
    GThread *opener;        /* owned; until attached */
    GThread *drainer;       /* owned; or NULL */
    struct ct_rings *rings; /* owned; NULL: nothing is recorded */
    char *why_not_machine;  /* owned; or NULL */
    char *missing;          /* owned; or NULL */
    int *spool_fds;         /* owned; one for each ring */
    int stop_fd;            /* readable when draining is to end */
    gboolean is_begun;
    int error; /* errno of the write that failed, or 0; the drainer's until it is joined */
};

static void *open_machine(void *data)
{
    struct ct_kernel_capture *capture = data;

    capture->rings = ct_rings_open_machine(&capture->why_not_machine);
    return NULL;
}

struct ct_kernel_capture *ct_kernel_capture_new(const char *path)
{
    struct ct_kernel_capture *capture = g_new0(struct ct_kernel_capture, 1);

    capture->folder = g_build_filename(path, CT_SPOOL_FOLDER, NULL);
    capture->stop_fd = -1;
    capture->opener = g_thread_new("kernel-open", open_machine, capture);
    return capture;
}

/* ---- Draining ---- */

static void drain_all(struct ct_kernel_capture *capture)
{
    for (guint i = 0; i < capture->rings->count; i++) {
        if (capture->error == 0 && !ct_ring_drain(&capture->rings->rings[i], capture->spool_fds[i]))
            capture->error = errno != 0 ? errno : EIO;
    }
}

/* A full disk ends the kernel's part only: the rest has its own reserve. */
static void *drain(void *data)
{
    struct ct_kernel_capture *capture = data;
    guint count = capture->rings->count;
    g_autofree struct pollfd *fds = g_new0(struct pollfd, count + 1);

    for (guint i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = capture->rings->rings[i].fds[0], .events = POLLIN};
    fds[count] = (struct pollfd){.fd = capture->stop_fd, .events = POLLIN};
    setpriority(PRIO_PROCESS, 0, CT_DRAIN_PRIORITY); /* of this thread; it takes a privilege */
    while (capture->error == 0 && fds[count].revents == 0) {
        poll(fds, count + 1, DRAIN_INTERVAL_MS);
        for (guint i = 0; i < count; i++) {
            if (fds[i].revents & (POLLERR | POLLHUP)) /* its task is gone */
                fds[i].fd = -1;
        }
        drain_all(capture);
    }
    ct_rings_end(capture->rings);
    drain_all(capture);
    return NULL;
}

static gboolean create_spool(struct ct_kernel_capture *capture)
{
    if (mkdir(capture->folder, 0700) != 0 && errno != EEXIST)
        return FALSE;
    capture->spool_fds = g_new(int, capture->rings->count);
    for (guint i = 0; i < capture->rings->count; i++)
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
    capture->is_begun = TRUE;
    if (capture->rings != NULL && capture->drainer != NULL)
        ct_rings_begin(capture->rings);
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
    g_free(capture->folder);
    g_free(capture->why_not_machine);
    g_free(capture->missing);
    g_free(capture);
}
