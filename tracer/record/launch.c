#include "launch.h"

#include "shed.h"
#include "sigbus.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Those that stop a program stop the job when it has stopped, but never the recorder. */
static const int handed_on[] = {SIGHUP,   SIGINT,  SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
                                SIGWINCH, SIGALRM, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU};

/* They end a recording whose program has ended. */
static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/* How many Ctrl-Cs end a recording although the program goes on; and how close two are one, as when
 * somebody signals us and then our group. */
#define INTERRUPTS_TO_LEAVE   2
#define INTERRUPT_INTERVAL_US (200 * 1000)

/* How long the job may take to hand a signal on, on a busy machine. */
#define JOB_DELAY_US (2 * G_USEC_PER_SEC)

static void handed_on_signals(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < G_N_ELEMENTS(handed_on); i++)
        sigaddset(set, handed_on[i]);
}

static void note_ignored(sigset_t *set)
{
    struct sigaction action;

    sigemptyset(set);
    for (size_t i = 0; i < G_N_ELEMENTS(ending); i++)
        if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            sigaddset(set, ending[i]);
}

static void take_over(const sigset_t *set, struct ct_launch_inheritance *inherited)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    const struct sigaction ignored = {.sa_handler = SIG_IGN};

    inherited->environment = ct_shed_environment();
    note_ignored(&inherited->ignored);
    sigprocmask(SIG_BLOCK, set, &inherited->mask);
    /* Ignored, our children would vanish without a word. */
    sigaction(SIGCHLD, &by_default, &inherited->on_child);
    /* The session daemon may go away while it is spoken to. */
    sigaction(SIGPIPE, &ignored, &inherited->on_pipe);
    ct_sigbus_survive(&inherited->on_bus);
    /* Under `ulimit -f`, a file that is too large is an error. */
    sigaction(SIGXFSZ, &ignored, &inherited->on_large_file);
    ct_rlimits_raise(&inherited->limits);
}

/* In the child. */
static void restore(const struct ct_launch_inheritance *inherited)
{
    sigaction(SIGCHLD, &inherited->on_child, NULL);
    sigaction(SIGPIPE, &inherited->on_pipe, NULL);
    sigaction(SIGBUS, &inherited->on_bus, NULL);
    sigaction(SIGXFSZ, &inherited->on_large_file, NULL);
    ct_rlimits_restore(&inherited->limits);
    sigprocmask(SIG_SETMASK, &inherited->mask, NULL);
}

gboolean ct_launch_prepare(struct ct_launch *launch, GError **error)
{
    sigset_t set;

    *launch = (struct ct_launch){
        .pid = -1, .witness = {.pid = -1, .fd = -1}, .mounts = CT_NO_PRIVATE_MOUNTS};
    handed_on_signals(&set);
    ct_job_begin(&launch->job, &set);
    sigaddset(&set, SIGCHLD);
    take_over(&set, &launch->inherited);
    launch->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    launch->deaths = ct_deaths_new();
    if (launch->signal_fd < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot take signals: %s", g_strerror(errno));
        return FALSE;
    }
    handed_on_signals(&set);
    ct_witness_start(&launch->witness, &set);
    return TRUE;
}

/* Made before the fork: the recorder has other threads by then. */
static char **make_environment(const struct ct_launch *launch,
                               const struct ct_session_directory *directory, const char *preload)
{
    char **environment = g_strdupv(launch->inherited.environment);
    const char *others = g_environ_getenv(environment, "LD_PRELOAD");
    gboolean has_others = others != NULL && others[0] != '\0';

    if (preload == NULL) /* it is not told of us, as the preload would not tell it */
        return g_environ_unsetenv(environment, CT_SESSION_VARIABLE);
    g_autofree char *libraries =
        g_strdup_printf("%s%s%s", preload, has_others ? ":" : "", has_others ? others : "");
    environment = g_environ_setenv(environment, "LD_PRELOAD", libraries, TRUE);
    return g_environ_setenv(environment, CT_SESSION_VARIABLE, directory->path, TRUE);
}

/* In the child: until the parent has closed its end, or is gone. */
static void await_parent(const int go_fds[2])
{
    char byte;

    close(go_fds[1]);
    while (read(go_fds[0], &byte, sizeof(byte)) < 0 && errno == EINTR)
        continue;
}

/* In the child: tells the parent why it has not become the program. */
static void end_with_errno(int error_fd)
{
    int code = errno;

    (void)!write(error_fd, &code, sizeof(code));
    _exit(127);
}

gboolean ct_launch_start(struct ct_launch *launch, const char *path, char **argv,
                         const struct ct_session_directory *directory, const char *preload,
                         int *exec_errno, GError **error)
{
    g_auto(GStrv) environment = directory != NULL ? make_environment(launch, directory, preload)
                                                  : g_strdupv(launch->inherited.environment);
    int fds[2] = {-1, -1}, go_fds[2] = {-1, -1};

    *exec_errno = 0;
    launch->begin_us = g_get_monotonic_time();
    /* Orphans of the program become our children, so that the whole tree can be waited for. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (pipe2(fds, O_CLOEXEC) != 0 || pipe2(go_fds, O_CLOEXEC) != 0 || (launch->pid = fork()) < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot start a process: %s", g_strerror(errno));
        for (size_t i = 0; i < 2; i++) {
            close(fds[i]);
            close(go_fds[i]);
        }
        return FALSE;
    }
    if (launch->pid == 0) {
        restore(&launch->inherited);
        await_parent(go_fds);
        if (ct_private_mounts_leave(&launch->mounts))
            execve(path, argv, environment);
        end_with_errno(fds[1]);
    }
    close(fds[1]);
    close(go_fds[0]);
    if (directory != NULL) {
        directory->control->root_pid = launch->pid;
        ct_session_directory_publish(directory);
    }
    if (launch->before_exec != NULL)
        launch->before_exec(launch->before_exec_user, launch->pid);
    close(go_fds[1]);
    ssize_t size = read(fds[0], exec_errno, sizeof(*exec_errno));
    close(fds[0]);
    if (size != sizeof(*exec_errno))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(*exec_errno),
                "cannot run %s: %s", path, g_strerror(*exec_errno));
    return FALSE;
}

int ct_launch_unprepared(const char *path, char **argv)
{
    g_auto(GStrv) environment = ct_shed_environment();

    execve(path, argv, environment);
    return errno;
}

void ct_launch_nothing(struct ct_launch *launch)
{
    launch->has_ended = TRUE;
}

/* TRUE if all of our children are of the group that does not count. */
static gboolean has_only_ignored(const struct ct_launch *launch)
{
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", getpid());
    g_autofree char *text = NULL;

    if (launch->ignored_group <= 0 || !g_file_get_contents(path, &text, NULL, NULL))
        return FALSE;
    char *at = text;
    for (;;) {
        char *end;
        pid_t child = (pid_t)strtol(at, &end, 10);
        if (end == at)
            return TRUE;
        if (child != launch->witness.pid && getpgid(child) != launch->ignored_group)
            return FALSE;
        at = end;
    }
}

static void reap(struct ct_launch *launch)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
        gboolean is_over = WIFEXITED(status) || WIFSIGNALED(status);

        if (is_over)
            ct_deaths_add_child(launch->deaths, pid);
        if (pid != launch->pid)
            continue;
        if (WIFSTOPPED(status))
            ct_job_stop(&launch->job);
        else
            ct_job_continue(&launch->job);
        if (is_over) {
            launch->has_ended = TRUE;
            launch->status = status;
        }
    }
    /* As a container's first process we are also the daemon's parent. */
    launch->is_alone = (pid < 0 && errno == ECHILD) || (pid == 0 && has_only_ignored(launch));
}

static void count_interrupt(struct ct_launch *launch)
{
    gint64 now_us = g_get_monotonic_time();

    if (launch->interrupts > 0 && now_us - launch->last_interrupt_us < INTERRUPT_INTERVAL_US)
        return;
    launch->last_interrupt_us = now_us;
    if (++launch->interrupts >= INTERRUPTS_TO_LEAVE)
        launch->is_told_to_end = TRUE;
}

/* What went to the whole group came by itself, and from the job. */
static gboolean is_second(struct ct_launch *launch, int number, gboolean is_handed_on)
{
    gint64 seen_us = launch->witness.seen_us[number];
    gboolean is_second = launch->last[number].seen_us == seen_us &&
                         launch->last[number].is_handed_on != is_handed_on;

    launch->last[number].seen_us = is_second ? 0 : seen_us;
    launch->last[number].is_handed_on = is_handed_on;
    return is_second;
}

/* Not what the program got with its whole process group, as long as it is in ours. */
static void hand_on(struct ct_launch *launch, int number, gboolean is_handed_on)
{
    if (ct_witness_has_seen(&launch->witness, number, launch->begin_us) &&
        (getpgid(launch->pid) == getpgrp() || is_second(launch, number, is_handed_on)))
        return;
    kill(launch->pid, number);
}

/* It may not have been waited for yet. */
static gboolean is_over(const struct ct_launch *launch)
{
    siginfo_t info = {.si_pid = 0};

    return launch->has_ended ||
           (launch->pid > 0 &&
            waitid(P_PID, (id_t)launch->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid != 0);
}

static gboolean is_ending_signal(int number)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ending); i++)
        if (number == ending[i])
            return TRUE;
    return FALSE;
}

/* What was sent once may come two or three times: to the whole group, and from the job. */
static gboolean is_repetition(struct ct_launch *launch, int number, gboolean is_handed_on)
{
    gint64 now_us = g_get_monotonic_time();
    gint64 age_us = now_us - launch->last[number].came_us;
    gboolean is_repetition =
        launch->last[number].came_us != 0 &&
        (age_us < INTERRUPT_INTERVAL_US ||
         (age_us < JOB_DELAY_US && launch->last[number].came_from_job != is_handed_on));

    launch->last[number].came_us = now_us;
    launch->last[number].came_from_job = is_handed_on;
    return is_repetition;
}

/* TRUE if it is a reason to end. */
static gboolean handle_signal(struct ct_launch *launch, int number, gboolean is_handed_on)
{
    gboolean is_ours = !sigismember(&launch->inherited.ignored, number);
    gboolean is_new = !is_repetition(launch, number, is_handed_on);

    if (number == SIGINT && is_ours)
        count_interrupt(launch);
    gboolean is_ready = launch->pid > 0 || launch->has_ended;
    if (is_ready && !is_over(launch))
        hand_on(launch, number, is_handed_on);
    else if (is_ending_signal(number) && is_ours)
        launch->is_told_to_end = TRUE;
    else if (number == SIGTSTP)
        ct_job_stop(&launch->job);
    else if (number == SIGCONT)
        ct_job_continue(&launch->job);
    return launch->is_told_to_end && is_ending_signal(number) && is_new;
}

void ct_launch_signals(const struct ct_launch *launch, gboolean is_early, sigset_t *set)
{
    if (!is_early) {
        handed_on_signals(set);
        return;
    }
    sigemptyset(set);
    for (size_t i = 0; i < G_N_ELEMENTS(ending); i++)
        if (!sigismember(&launch->inherited.ignored, ending[i]))
            sigaddset(set, ending[i]);
}

gboolean ct_launch_handle_signal(struct ct_launch *launch, const siginfo_t *info)
{
    return handle_signal(launch, info->si_signo, info->si_pid == launch->job.pid);
}

void ct_launch_handle_signals(struct ct_launch *launch)
{
    struct signalfd_siginfo info;

    reap(launch); /* first: a signal means something else once the program has ended */
    while (read(launch->signal_fd, &info, sizeof(info)) == sizeof(info))
        if (info.ssi_signo != SIGCHLD)
            handle_signal(launch, (int)info.ssi_signo, info.ssi_pid == (uint32_t)launch->job.pid);
    reap(launch);
}

int ct_launch_exit_status(const struct ct_launch *launch)
{
    if (WIFSIGNALED(launch->status))
        return 128 + WTERMSIG(launch->status);
    return WEXITSTATUS(launch->status);
}

void ct_launch_clear(struct ct_launch *launch)
{
    ct_witness_end(&launch->witness);
    ct_deaths_free(launch->deaths);
    g_strfreev(launch->inherited.environment);
    if (launch->signal_fd >= 0)
        close(launch->signal_fd);
}
