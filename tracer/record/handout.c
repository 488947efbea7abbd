#include "handout.h"

#include "procfs.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Those that ask at the same time, and more. */
#define BACKLOG 128

/* More ancestors than any process has; and how often one may end while they are counted. */
#define MAX_ANCESTORS  4096
#define ANCESTRY_TRIES 8

struct ct_handout {
    char *directory; /* owned */
    char *path;      /* owned; of the socket */
    int fd;
    int stop_fd; /* readable when the thread is to end */
    GThread *thread;
};

/* ---- Who asks ---- */

/*
 * Orphans of the tree are our children: whoever is not below us is somebody else's. FALSE also if
 * an ancestor has ended meanwhile.
 */
static gboolean has_ancestor(pid_t pid, pid_t ancestor)
{
    struct ct_proc_stat stat;

    for (int i = 0; i < MAX_ANCESTORS && pid > 1; i++) {
        if (!ct_proc_read_stat(pid, pid, &stat))
            return FALSE;
        pid = stat.parent_pid;
        if (pid == ancestor)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_of_tree(pid_t pid)
{
    for (int i = 0; i < ANCESTRY_TRIES; i++)
        if (has_ancestor(pid, getpid()))
            return TRUE;
    return FALSE;
}

/* ---- What it gets ---- */

static int make_board(const struct ct_handout *handout, pid_t pid)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    g_autofree char *path =
        g_strdup_printf("%s/%d-%" G_GINT64_FORMAT "%09ld" CT_BOARD_SUFFIX, handout->directory,
                        (int)pid, (gint64)now.tv_sec, now.tv_nsec);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || ftruncate(fd, CT_BOARD_FILE_SIZE) == 0)
        return fd;
    close(fd);
    g_unlink(path);
    return -1;
}

static void send_fds(int peer, const int fds[2])
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control = {.bytes = {0}};
    char byte = 0;
    struct iovec data = {.iov_base = &byte, .iov_len = sizeof(byte)};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(2 * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, 2 * sizeof(int));
    (void)!sendmsg(peer, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The peer says nothing, and so nobody waits for it. */
static void answer(const struct ct_handout *handout, int peer)
{
    g_autofree char *control = g_build_filename(handout->directory, CT_CONTROL_FILE, NULL);
    struct ucred who = {.pid = 0};
    socklen_t size = sizeof(who);

    if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || !is_of_tree(who.pid))
        return;
    /* Who only reads cannot open it again to write: the file is the recording user's. */
    int fds[2] = {open(control, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), make_board(handout, who.pid)};
    if (fds[0] >= 0 && fds[1] >= 0)
        send_fds(peer, fds);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void *run(void *data)
{
    const struct ct_handout *handout = data;
    struct pollfd fds[] = {{.fd = handout->fd, .events = POLLIN},
                           {.fd = handout->stop_fd, .events = POLLIN}};

    while (poll(fds, G_N_ELEMENTS(fds), -1) < 0 || fds[1].revents == 0) {
        int peer = accept4(handout->fd, NULL, NULL, SOCK_CLOEXEC);
        if (peer < 0)
            continue;
        answer(handout, peer);
        close(peer);
    }
    return NULL;
}

/* ---- */

static gboolean listen_on(struct ct_handout *handout)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (g_strlcpy(address.sun_path, handout->path, sizeof(address.sun_path)) >=
        sizeof(address.sun_path))
        return FALSE;
    handout->stop_fd = eventfd(0, EFD_CLOEXEC);
    handout->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return handout->stop_fd >= 0 && handout->fd >= 0 &&
           bind(handout->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           g_chmod(handout->path, 0666) == 0 && listen(handout->fd, BACKLOG) == 0;
}

struct ct_handout *ct_handout_start(const struct ct_session_directory *directory)
{
    struct ct_handout *handout = g_new0(struct ct_handout, 1);

    handout->directory = g_strdup(directory->path);
    handout->path = g_build_filename(directory->path, CT_HANDOUT_SOCKET, NULL);
    handout->fd = handout->stop_fd = -1;
    if (listen_on(handout)) {
        handout->thread = g_thread_new("ctrace-handout", run, handout);
        return handout;
    }
    ct_handout_stop(handout);
    return NULL;
}

void ct_handout_stop(struct ct_handout *handout)
{
    uint64_t one = 1;

    if (handout == NULL)
        return;
    if (handout->thread != NULL) {
        (void)!write(handout->stop_fd, &one, sizeof(one));
        g_thread_join(handout->thread);
    }
    if (handout->fd >= 0) {
        g_unlink(handout->path);
        close(handout->fd);
    }
    if (handout->stop_fd >= 0)
        close(handout->stop_fd);
    g_free(handout->path);
    g_free(handout->directory);
    g_free(handout);
}
