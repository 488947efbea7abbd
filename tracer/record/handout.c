#include "handout.h"

#include "system/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
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

/*
 * How many boards may be out that have not been removed again; and of them, how many that nobody
 * has used yet: their descriptors may still be on the way. Those of a process are of images that
 * followed each other.
 */
#define MAX_IN_ALL            4096
#define MAX_OF_USER           2048
#define MAX_OF_PROCESS        64
#define MAX_UNUSED_OF_USER    256
#define MAX_UNUSED_OF_PROCESS 4

/* How often it is looked which have been removed, if there are too many. */
#define PRUNE_INTERVAL_US (100 * 1000)

struct given {
    char *path; /* owned */
    pid_t pid;
    uid_t uid;
    gboolean is_used; /* its image has begun to write to it */
};

struct ct_handout {
    char *directory; /* owned */
    char *path;      /* owned; of the socket */
    int fd;
    int stop_fd; /* readable when the thread is to end */
    GThread *thread;
    GPtrArray *given;    /* owned; struct given * */
    gint64 pruned_us;    /* when that was last done */
    GHashTable *refused; /* owned; set of pid, at most MAX_IN_ALL */
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

/* ---- How much it has ---- */

static void free_given(void *data)
{
    struct given *given = data;

    g_free(given->path);
    g_free(given);
}

static gboolean is_used(struct given *given)
{
    uint64_t magic = 0;

    if (given->is_used)
        return TRUE;
    int fd = open(given->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return FALSE;
    given->is_used =
        pread(fd, &magic, sizeof(magic), offsetof(struct ct_board, magic)) == sizeof(magic) &&
        magic != 0;
    close(fd);
    return given->is_used;
}

/* The recorder removes those that it has closed; those that were never used, nobody does. */
static gboolean is_gone(struct given *given)
{
    if (access(given->path, F_OK) != 0)
        return TRUE;
    if (is_used(given) || kill(given->pid, 0) == 0 || errno != ESRCH)
        return FALSE;
    g_unlink(given->path);
    return TRUE;
}

static void prune(struct ct_handout *handout)
{
    gint64 now_us = g_get_monotonic_time();

    if (now_us - handout->pruned_us < PRUNE_INTERVAL_US)
        return;
    handout->pruned_us = now_us;
    for (guint i = handout->given->len; i-- > 0;)
        if (is_gone(handout->given->pdata[i]))
            g_ptr_array_remove_index_fast(handout->given, i);
}

static gboolean is_within_limits(const struct ct_handout *handout, const struct ucred *who)
{
    guint of_user = 0, of_process = 0, unused_of_user = 0, unused_of_process = 0;

    for (guint i = 0; i < handout->given->len; i++) {
        struct given *given = handout->given->pdata[i];
        gboolean is_own = given->pid == who->pid;

        of_process += is_own;
        unused_of_process += is_own && !is_used(given);
        of_user += given->uid == who->uid;
        unused_of_user += given->uid == who->uid && !given->is_used;
    }
    return handout->given->len < MAX_IN_ALL && of_user < MAX_OF_USER &&
           of_process < MAX_OF_PROCESS && unused_of_user < MAX_UNUSED_OF_USER &&
           unused_of_process < MAX_UNUSED_OF_PROCESS;
}

static gboolean may_have_more(struct ct_handout *handout, const struct ucred *who)
{
    if (is_within_limits(handout, who))
        return TRUE;
    prune(handout);
    return is_within_limits(handout, who);
}

/* ---- What it gets ---- */

static int make_board(struct ct_handout *handout, const struct ucred *who)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    g_autofree char *path =
        g_strdup_printf("%s/%d-%" G_GINT64_FORMAT "%09ld" CT_BOARD_SUFFIX, handout->directory,
                        (int)who->pid, (gint64)now.tv_sec, now.tv_nsec);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, CT_BOARD_FILE_SIZE) != 0) {
        close(fd);
        g_unlink(path);
        return -1;
    }
    struct given *given = g_new0(struct given, 1);
    *given = (struct given){g_steal_pointer(&path), who->pid, who->uid, FALSE};
    g_ptr_array_add(handout->given, given);
    return fd;
}

/* Control page, to read, doorbell, and board. */
enum { FDS = 3 };

static void send_fds(int peer, const int fds[FDS])
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS * sizeof(int))];
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
    rights->cmsg_len = CMSG_LEN(FDS * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, FDS * sizeof(int));
    (void)!sendmsg(peer, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int open_file(const struct ct_handout *handout, const char *name, int access)
{
    g_autofree char *path = g_build_filename(handout->directory, name, NULL);

    return open(path, access | O_CLOEXEC | O_NOFOLLOW);
}

/* The peer says nothing, and so nobody waits for it. */
static void answer(struct ct_handout *handout, int peer)
{
    struct ucred who = {.pid = 0};
    socklen_t size = sizeof(who);

    if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return;
    /* First: it takes less than to find out whose child it is. */
    if (!may_have_more(handout, &who)) {
        if (g_hash_table_size(handout->refused) < MAX_IN_ALL)
            g_hash_table_add(handout->refused, GINT_TO_POINTER(who.pid));
        return;
    }
    if (!is_of_tree(who.pid))
        return;
    /* Who only reads cannot open it again to write: the file is the recording user's. */
    int fds[FDS] = {open_file(handout, CT_CONTROL_FILE, O_RDONLY),
                    open_file(handout, CT_DOORBELL_FILE, O_RDWR), make_board(handout, &who)};
    if (fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0)
        send_fds(peer, fds);
    for (size_t i = 0; i < FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void *run(void *data)
{
    struct ct_handout *handout = data;
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
    handout->refused = g_hash_table_new(NULL, NULL);
    handout->given = g_ptr_array_new_with_free_func(free_given);
    if (listen_on(handout)) {
        handout->thread = g_thread_new("ctrace-handout", run, handout);
        return handout;
    }
    ct_handout_stop(handout);
    return NULL;
}

uint64_t ct_handout_stop(struct ct_handout *handout)
{
    uint64_t one = 1;

    if (handout == NULL)
        return 0;
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
    g_ptr_array_unref(handout->given);
    g_free(handout->path);
    g_free(handout->directory);
    uint64_t refused = g_hash_table_size(handout->refused);
    g_hash_table_unref(handout->refused);
    g_free(handout);
    return refused;
}
