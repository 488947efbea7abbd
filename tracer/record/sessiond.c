#include "sessiond.h"

#include "drain.h"
#include "home.h"
#include "libraries.h"

#include <errno.h>
#include <fcntl.h>
#include <lttng/lttng.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_TIMEOUT_US (10 * G_USEC_PER_SEC)
#define POLL_INTERVAL_US 500

#define SESSIOND_PROGRAM "lttng-sessiond"

/* Held while a daemon is started or ended; and, shared, by each of its users. */
#define START_LOCK "ctrace-start.lock"
#define USERS_LOCK "ctrace-users.lock"

struct ct_sessiond {
    struct ct_home home;
    int users_fd; /* locked shared while we need the daemon; holds the pid of one we started */
    const gint *ended_by; /* borrowed; atomic; not 0 once nobody waits for it any more; or NULL */
};

static int open_lock(const struct ct_home *home, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(home->directory, name, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot open %s: %s",
                    path, g_strerror(errno));
    return fd;
}

static void lock(int fd, int operation)
{
    while (flock(fd, operation) != 0 && errno == EINTR)
        ;
}

static pid_t read_pid(int fd)
{
    char text[16] = "";

    return pread(fd, text, sizeof(text) - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static void write_pid(int fd, pid_t pid)
{
    char text[16];
    int length = g_snprintf(text, sizeof(text), "%d", (int)pid);

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length)
        g_warning("cannot note the session daemon's process id: %s", g_strerror(errno));
}

/*
 * What the daemon and its consumer need for the recorders at work: for each of them some, and for
 * its buffers a few more on each CPU. As they start, both close all descriptors that there can be:
 * a million would take some tenths of a second.
 */
#define DAEMON_FILES         1024
#define DAEMON_FILES_PER_CPU 128

static void limit_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    rlim_t needed =
        DAEMON_FILES + DAEMON_FILES_PER_CPU * (rlim_t)MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
    files.rlim_cur = MIN(files.rlim_max, needed);
    setrlimit(RLIMIT_NOFILE, &files);
}

/* A stack of its threads, where the address space is limited. */
#define DAEMON_STACK_SIZE ((rlim_t)1 << 20)

/* Its two dozen threads would take 8 MB of address space each, and arenas of 64 MB; where that is
 * limited, it waits for ever for those that could not be made. */
static void save_address_space(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    setenv("MALLOC_ARENA_MAX", "1", 1);
    if (getrlimit(RLIMIT_STACK, &limit) == 0) {
        limit.rlim_cur = MIN(limit.rlim_cur, DAEMON_STACK_SIZE);
        setrlimit(RLIMIT_STACK, &limit);
    }
}

/* In the child: becomes the daemon, in a session of its own, away from our terminal. */
static void become_daemon(const char *clock)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    const struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    setsid();
    for (int number = 1; number < NSIG; number++) /* among them SIGCHLD and SIGPIPE */
        sigaction(number, &by_default, NULL);
    sigaction(SIGXFSZ, &ignored, NULL); /* a file that is too large is an error */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    limit_files();
    save_address_space();
    setpriority(PRIO_PROCESS, 0, CT_DRAIN_PRIORITY);
    unsetenv("LD_PRELOAD");
    unsetenv(CT_CLOCK_VARIABLE);
    if (clock != NULL)
        setenv(CT_CLOCK_VARIABLE, clock, 1);
    execlp(SESSIOND_PROGRAM, SESSIOND_PROGRAM, "--no-kernel", (char *)NULL);
    _exit(errno == ENOENT ? 127 : 126);
}

/* Starts the daemon as a grandchild, so that it is not one of the processes we wait for. */
static pid_t spawn_daemon(void)
{
    g_autofree char *clock = ct_clock_find();
    int fds[2];
    pid_t pid = -1;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        pid_t daemon_pid = fork();
        if (daemon_pid == 0)
            become_daemon(clock);
        _exit(write(fds[1], &daemon_pid, sizeof(daemon_pid)) != sizeof(daemon_pid));
    }
    close(fds[1]);
    if (child < 0 || read(fds[0], &pid, sizeof(pid)) != sizeof(pid))
        pid = -1;
    close(fds[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return pid;
}

/* How long the kernel may take to end the daemon's processes. */
#define END_TIMEOUT_MS 2000

/* The daemon, its consumers and helpers: as many as it ever has, and more. */
#define MAX_GROUP 32

/* Handles of all processes of the group. */
static size_t open_group(pid_t group, int *fds)
{
    GDir *processes = g_dir_open("/proc", 0, NULL);
    const char *name;
    size_t count = 0;

    while (processes != NULL && count < MAX_GROUP && (name = g_dir_read_name(processes)) != NULL) {
        pid_t pid = (pid_t)strtol(name, NULL, 10);
        int fd = pid > 0 && getpgid(pid) == group ? pidfd_open(pid, 0) : -1;
        if (fd >= 0)
            fds[count++] = fd;
    }
    if (processes != NULL)
        g_dir_close(processes);
    return count;
}

/*
 * Not SIGTERM: the daemon's orderly end takes a second of sleeping, with nothing left to do. Waits
 * until its processes are gone, so that nobody finds their sockets any more.
 */
static void end_daemon(pid_t group)
{
    int fds[MAX_GROUP];
    size_t count = open_group(group, fds);

    kill(-group, SIGKILL);
    for (size_t i = 0; i < count; i++) {
        struct pollfd process = {.fd = fds[i], .events = POLLIN};
        poll(&process, 1, END_TIMEOUT_MS);
        close(fds[i]);
    }
}

static gboolean is_awaited(const struct ct_sessiond *sessiond)
{
    return sessiond->ended_by == NULL || g_atomic_int_get(sessiond->ended_by) == 0;
}

/* Whoever holds the lock may have met a daemon that does not answer. FALSE and an error if nobody
 * waits for it any more. */
static gboolean lock_start(const struct ct_sessiond *sessiond, int fd, GError **error)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR)) {
        if (!is_awaited(sessiond)) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                        "another ctrace takes long to start or end LTTng's session daemon");
            return FALSE;
        }
        g_usleep(POLL_INTERVAL_US);
    }
    return TRUE;
}

static gboolean start_daemon(struct ct_sessiond *sessiond, GError **error)
{
    g_autofree char *program = g_find_program_in_path(SESSIOND_PROGRAM);
    gint64 deadline = g_get_monotonic_time() + START_TIMEOUT_US;

    if (program == NULL) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "LTTng's session daemon, " SESSIOND_PROGRAM
                    ", is not installed: install the package lttng-tools");
        return FALSE;
    }
    pid_t pid = spawn_daemon();
    write_pid(sessiond->users_fd, MAX(pid, 0)); /* at once: if we are killed, others end it */
    while (pid > 0 && kill(pid, 0) == 0 && is_awaited(sessiond) &&
           g_get_monotonic_time() < deadline) {
        if (lttng_session_daemon_alive() == 1)
            return TRUE;
        g_usleep(POLL_INTERVAL_US);
        waitpid(pid, NULL, WNOHANG); /* ours where nobody else takes orphans */
    }
    if (pid > 0) { /* it may only be slow: nobody would end it later */
        kill(pid, SIGKILL);
        end_daemon(pid);
    }
    write_pid(sessiond->users_fd, 0);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "LTTng's session daemon does not start: run `%s --no-kernel` to see why", program);
    return FALSE;
}

/* Is the locked file still the one of that name? A temporary home is removed with its locks. */
static gboolean is_current(int fd, const struct ct_home *home)
{
    g_autofree char *path = g_build_filename(home->directory, START_LOCK, NULL);
    struct stat opened, named;

    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

/* Opens the files, and locks the one for starting and ending: nobody else does meanwhile. */
static gboolean open_locks(struct ct_sessiond *sessiond, int *start_fd, GError **error)
{
    for (;;) {
        if (!ct_home_make(&sessiond->home, error))
            return FALSE;
        *start_fd = open_lock(&sessiond->home, START_LOCK, error);
        if (*start_fd < 0)
            return FALSE;
        if (!lock_start(sessiond, *start_fd, error)) {
            close(*start_fd);
            return FALSE;
        }
        if (is_current(*start_fd, &sessiond->home))
            break;
        close(*start_fd);
    }
    sessiond->users_fd = open_lock(&sessiond->home, USERS_LOCK, error);
    if (sessiond->users_fd >= 0)
        return TRUE;
    close(*start_fd);
    return FALSE;
}

static void free_sessiond(struct ct_sessiond *sessiond)
{
    if (sessiond->users_fd >= 0)
        close(sessiond->users_fd);
    ct_home_clear(&sessiond->home);
    g_free(sessiond);
}

struct ct_sessiond *ct_sessiond_acquire(const gint *ended_by, GError **error)
{
    struct ct_sessiond *sessiond = g_new0(struct ct_sessiond, 1);
    int start_fd;

    sessiond->users_fd = -1;
    sessiond->ended_by = ended_by;
    if (!ct_home_find(&sessiond->home, error) || !open_locks(sessiond, &start_fd, error)) {
        free_sessiond(sessiond);
        return NULL;
    }
    gboolean is_alive = lttng_session_daemon_alive() == 1 || start_daemon(sessiond, error);
    if (is_alive)
        lock(sessiond->users_fd, LOCK_SH);
    else if (flock(sessiond->users_fd, LOCK_EX | LOCK_NB) == 0)
        ct_home_remove(&sessiond->home);
    close(start_fd);
    if (is_alive)
        return sessiond;
    free_sessiond(sessiond);
    return NULL;
}

/* The daemon's pid if it is one that ctrace started and it is still the same process, else 0. */
static pid_t own_daemon(int users_fd)
{
    pid_t pid = read_pid(users_fd);
    g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pid);
    g_autofree char *name = NULL;

    if (pid <= 1 || !g_file_get_contents(path, &name, NULL, NULL))
        return 0;
    return strcmp(g_strchomp(name), SESSIOND_PROGRAM) == 0 ? pid : 0;
}

static gboolean has_sessions(void)
{
    struct lttng_session *sessions = NULL;
    int count = lttng_list_sessions(&sessions);

    free(sessions);
    return count > 0;
}

void ct_sessiond_release(struct ct_sessiond *sessiond)
{
    if (sessiond == NULL)
        return;
    int start_fd = open_lock(&sessiond->home, START_LOCK, NULL);
    if (start_fd >= 0)
        lock(start_fd, LOCK_EX);
    flock(sessiond->users_fd, LOCK_UN);
    if (flock(sessiond->users_fd, LOCK_EX | LOCK_NB) == 0) {
        pid_t pid = own_daemon(sessiond->users_fd);
        if (pid > 0 && !has_sessions()) {
            end_daemon(pid);
            write_pid(sessiond->users_fd, 0);
        }
        if (lttng_session_daemon_alive() != 1)
            ct_home_remove(&sessiond->home);
    }
    if (start_fd >= 0)
        close(start_fd);
    free_sessiond(sessiond);
}

gboolean ct_sessiond_renew(struct ct_sessiond *sessiond, GError **error)
{
    int start_fd = open_lock(&sessiond->home, START_LOCK, error);

    if (start_fd < 0)
        return FALSE;
    gboolean is_alive = lock_start(sessiond, start_fd, error) &&
                        (lttng_session_daemon_alive() == 1 || start_daemon(sessiond, error));
    close(start_fd);
    return is_alive;
}

gboolean ct_sessiond_restart(struct ct_sessiond *sessiond, GError **error)
{
    int start_fd = open_lock(&sessiond->home, START_LOCK, error);
    gboolean is_started = FALSE;

    if (start_fd < 0)
        return FALSE;
    if (lock_start(sessiond, start_fd, error)) {
        pid_t pid = own_daemon(sessiond->users_fd);
        if (pid > 0) {
            end_daemon(pid);
            is_started = start_daemon(sessiond, error);
        } else {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                        "LTTng's session daemon, which ctrace did not start, is broken: restart "
                        "lttng-sessiond");
        }
    }
    close(start_fd);
    return is_started;
}

/* The socket at which a daemon takes what it is asked for, whoever's daemon it is. */
#define CLIENT_SOCKET "/client-lttng-sessiond"

static gboolean is_of_client(int fd)
{
    struct sockaddr_un peer;
    socklen_t size = sizeof(peer) - 1;

    memset(&peer, 0, sizeof(peer));
    return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sun_family == AF_UNIX &&
           g_str_has_suffix(peer.sun_path, CLIENT_SOCKET);
}

void ct_sessiond_hang_up(void)
{
    GDir *open_files = g_dir_open("/proc/self/fd", 0, NULL);
    const char *name;

    while (open_files != NULL && (name = g_dir_read_name(open_files)) != NULL) {
        int fd = (int)strtol(name, NULL, 10);
        if (is_of_client(fd))
            shutdown(fd, SHUT_RDWR);
    }
    if (open_files != NULL)
        g_dir_close(open_files);
}

pid_t ct_sessiond_group(const struct ct_sessiond *sessiond)
{
    return own_daemon(sessiond->users_fd);
}
