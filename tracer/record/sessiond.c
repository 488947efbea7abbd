#include "sessiond.h"

#include <errno.h>
#include <fcntl.h>
#include <lttng/lttng.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_TIMEOUT_US (10 * G_USEC_PER_SEC)
#define POLL_INTERVAL_US 500

#define SESSIOND_PROGRAM "lttng-sessiond"

struct ct_sessiond {
    char *directory; /* owned; where the daemon has its sockets */
    int users_fd;    /* locked shared while we need the daemon; holds the pid of one we started */
};

/* liblttng-ctl's own rule: root's daemon is the system's, everybody else's is in their home. */
static char *runtime_directory(void)
{
    const char *home = g_getenv("LTTNG_HOME");

    if (geteuid() == 0)
        return g_strdup("/var/run/lttng");
    return g_build_filename(home != NULL ? home : g_get_home_dir(), ".lttng", NULL);
}

static int open_lock(const char *directory, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
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

/* In the child: becomes the daemon, in a session of its own, away from our terminal. */
static void become_daemon(void)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    unsetenv("LD_PRELOAD");
    execlp(SESSIOND_PROGRAM, SESSIOND_PROGRAM, "--no-kernel", (char *)NULL);
    _exit(errno == ENOENT ? 127 : 126);
}

/* Starts the daemon as a grandchild, so that it is not one of the processes we wait for. */
static pid_t spawn_daemon(void)
{
    int fds[2];
    pid_t pid = -1;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        pid_t daemon_pid = fork();
        if (daemon_pid == 0)
            become_daemon();
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
    while (pid > 0 && kill(pid, 0) == 0 && g_get_monotonic_time() < deadline) {
        if (lttng_session_daemon_alive() == 1) {
            write_pid(sessiond->users_fd, pid);
            return TRUE;
        }
        g_usleep(POLL_INTERVAL_US);
    }
    if (pid > 0) /* it may only be slow: nobody would end it later */
        end_daemon(pid);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "LTTng's session daemon does not start: run `%s --no-kernel` to see why", program);
    return FALSE;
}

struct ct_sessiond *ct_sessiond_acquire(GError **error)
{
    g_autofree char *directory = runtime_directory();

    if (g_mkdir_with_parents(directory, geteuid() == 0 ? 0755 : 0700) != 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot make %s, where LTTng's session daemon has its sockets: %s", directory,
                    g_strerror(errno));
        return NULL;
    }
    int users_fd = open_lock(directory, "ctrace-users.lock", error);
    int start_fd = users_fd < 0 ? -1 : open_lock(directory, "ctrace-start.lock", error);
    if (start_fd < 0) {
        if (users_fd >= 0)
            close(users_fd);
        return NULL;
    }
    struct ct_sessiond *sessiond = g_new0(struct ct_sessiond, 1);
    sessiond->directory = g_steal_pointer(&directory);
    sessiond->users_fd = users_fd;

    lock(start_fd, LOCK_EX); /* nobody starts or ends a daemon meanwhile */
    gboolean is_alive = lttng_session_daemon_alive() == 1 || start_daemon(sessiond, error);
    if (is_alive)
        lock(users_fd, LOCK_SH);
    close(start_fd);
    if (is_alive)
        return sessiond;
    close(users_fd);
    g_free(sessiond->directory);
    g_free(sessiond);
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
    int start_fd = open_lock(sessiond->directory, "ctrace-start.lock", NULL);
    if (start_fd >= 0)
        lock(start_fd, LOCK_EX);
    flock(sessiond->users_fd, LOCK_UN);
    if (flock(sessiond->users_fd, LOCK_EX | LOCK_NB) == 0) {
        pid_t pid = own_daemon(sessiond->users_fd);
        if (pid > 0 && !has_sessions()) {
            end_daemon(pid);
            write_pid(sessiond->users_fd, 0);
        }
    }
    close(sessiond->users_fd);
    if (start_fd >= 0)
        close(start_fd);
    g_free(sessiond->directory);
    g_free(sessiond);
}

gboolean ct_sessiond_restart(struct ct_sessiond *sessiond, GError **error)
{
    int start_fd = open_lock(sessiond->directory, "ctrace-start.lock", error);
    gboolean is_started = FALSE;

    if (start_fd < 0)
        return FALSE;
    lock(start_fd, LOCK_EX);
    pid_t pid = own_daemon(sessiond->users_fd);
    if (pid > 0) {
        end_daemon(pid);
        is_started = start_daemon(sessiond, error);
    } else {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "LTTng's session daemon, which ctrace did not start, is broken: restart "
                    "lttng-sessiond");
    }
    close(start_fd);
    return is_started;
}

pid_t ct_sessiond_group(const struct ct_sessiond *sessiond)
{
    return own_daemon(sessiond->users_fd);
}
