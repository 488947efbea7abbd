#include "commands/bench_run.h"

#include "system/monotonic.h"
#include "system/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define MS_PER_S  1000

/* What was killed is gone by then, and its recording finished; else the recorder hangs itself. */
#define FINISH_MS (30 * MS_PER_S)
/* And the program runs by then. */
#define BEGIN_MS (30 * MS_PER_S)
/* So often is looked for what was started meanwhile. */
#define LOOK_MS 20

static volatile sig_atomic_t ending;

static void note_signal(int number)
{
    ending = number;
}

void ct_bench_hold_signals(void)
{
    const struct sigaction action = {.sa_handler = note_signal};
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        struct sigaction before;

        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

int ct_bench_interrupted_by(void)
{
    return ending;
}

/* ---- Killing what hangs ---- */

/* Of ctrace itself, which is to finish the recording, or LTTng's. */
static gboolean is_of_recording(pid_t pid)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/exe", (int)pid);
    g_autofree char *path = g_file_read_link(link, NULL);
    g_autofree char *name = path ? g_path_get_basename(path) : NULL;

    return !name || g_str_has_prefix(name, "ctrace-") || g_str_has_prefix(name, "lttng-");
}

static gboolean has_ended(pid_t pid)
{
    struct ct_proc_stat stat;

    return !ct_proc_read_stat(pid, pid, &stat) || CT_PROC_HAS_ENDED(stat.state);
}

/* All that descends from it: ids of children are not always larger, so until nothing is new. */
static GHashTable *find_descendants(pid_t root)
{
    GHashTable *found = g_hash_table_new(NULL, NULL);
    g_autoptr(GArray) all = ct_proc_list_processes();
    guint before = 0;

    g_hash_table_add(found, GINT_TO_POINTER(root));
    while (g_hash_table_size(found) != before) {
        before = g_hash_table_size(found);
        for (guint i = 0; i < all->len; i++) {
            pid_t pid = g_array_index(all, pid_t, i);
            struct ct_proc_stat stat;

            if (ct_proc_read_stat(pid, pid, &stat) &&
                g_hash_table_contains(found, GINT_TO_POINTER(stat.parent_pid)))
                g_hash_table_add(found, GINT_TO_POINTER(pid));
        }
    }
    g_hash_table_remove(found, GINT_TO_POINTER(root));
    return found;
}

/* Of what was recorded: all that runs of it gets the signal; 0: none. How many those are. */
static guint signal_program(pid_t recorder, int number)
{
    g_autoptr(GHashTable) descendants = find_descendants(recorder);
    GHashTableIter each;
    guint count = 0;
    void *key;

    g_hash_table_iter_init(&each, descendants);
    while (g_hash_table_iter_next(&each, &key, NULL)) {
        pid_t pid = GPOINTER_TO_INT(key);

        if (is_of_recording(pid) || has_ended(pid))
            continue;
        kill(pid, number);
        count++;
    }
    return count;
}

/* ---- A run ---- */

G_NORETURN static void be_child(const struct ct_bench_command *command)
{
    int log = open(command->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (log >= 0) {
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
    }
    execv(command->argv[0], command->argv);
    _exit(127);
}

/* FALSE: the time is over, or a signal came. */
static gboolean await(int pidfd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    int count;

    do
        count = poll(&poll_fd, 1, timeout_ms);
    while (count < 0 && errno == EINTR && ending == 0);
    return count > 0;
}

/* What the recorder takes to begin does not count, unless it takes for ever. FALSE as above. */
static gboolean await_within(pid_t pid, int pidfd, uint64_t timeout_ns)
{
    uint64_t until_ns = ct_monotonic_ns() + BEGIN_MS * NS_PER_MS;

    if (timeout_ns == 0)
        return await(pidfd, -1);
    while (ending == 0 && ct_monotonic_ns() < until_ns && signal_program(pid, 0) == 0)
        if (await(pidfd, LOOK_MS))
            return TRUE;
    return await(pidfd, (int)MIN(timeout_ns / NS_PER_MS + 1, G_MAXINT));
}

/* The recorder is left to finish; TRUE if it did. */
static gboolean finish(pid_t pid, int pidfd)
{
    uint64_t until_ns = ct_monotonic_ns() + FINISH_MS * NS_PER_MS;

    while (ct_monotonic_ns() < until_ns) {
        struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

        signal_program(pid, SIGKILL);
        if (poll(&poll_fd, 1, LOOK_MS) > 0)
            return TRUE;
    }
    kill(pid, SIGKILL);
    return FALSE;
}

static int shell_status(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int ct_bench_run(const struct ct_bench_command *command, int *status, GError **error)
{
    pid_t pid = ending ? -1 : fork();
    int outcome = CT_BENCH_DONE, wait_status = 0;

    if (ending)
        return CT_BENCH_INTERRUPTED;
    if (pid == 0)
        be_child(command);
    int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;

    if (pidfd < 0) {
        g_set_error(error, G_SPAWN_ERROR, G_SPAWN_ERROR_FAILED, "cannot begin a run: %s",
                    g_strerror(errno));
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        return -1;
    }
    if (!await_within(pid, pidfd, command->timeout_ns)) {
        outcome = ending ? CT_BENCH_INTERRUPTED : CT_BENCH_HUNG;
        finish(pid, pidfd);
    }
    close(pidfd);
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
        ;
    *status = shell_status(wait_status);
    if (ending)
        return CT_BENCH_INTERRUPTED;
    return outcome == CT_BENCH_DONE && *status != 0 ? CT_BENCH_FAILED : outcome;
}
