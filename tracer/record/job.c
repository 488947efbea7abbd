#include "job.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void ct_end_by_signal(int number)
{
    sigset_t all;

    signal(number, SIG_DFL);
    raise(number);
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    _exit(128 + number);
}

/* Ends as the recorder did. */
static void end_as(int status)
{
    if (WIFSIGNALED(status))
        ct_end_by_signal(WTERMSIG(status));
    _exit(WEXITSTATUS(status));
}

/* As a container's first process it gets orphans, too. */
static void reap(pid_t recorder)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == recorder)
            end_as(status);
}

/* Never returns. */
static void be_job(pid_t recorder, const sigset_t *signals)
{
    sigset_t awaited = *signals;

    sigaddset(&awaited, SIGCHLD);
    for (;;) {
        reap(recorder);
        int number = sigwaitinfo(&awaited, NULL);
        if (number > 0 && number != SIGCHLD)
            kill(recorder, number);
    }
}

void ct_job_begin(struct ct_job *job, const sigset_t *signals)
{
    const struct sigaction by_default = {.sa_handler = SIG_DFL};
    struct sigaction on_child;
    sigset_t all, before;
    pid_t self = getpid();

    *job = (struct ct_job){.pid = self};
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    /* Ignored, the recorder's end would come without a word. */
    sigaction(SIGCHLD, &by_default, &on_child);
    pid_t recorder = fork();
    if (recorder > 0)
        be_job(recorder, signals);
    sigaction(SIGCHLD, &on_child, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (recorder < 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self)
        _exit(EXIT_FAILURE);
}

void ct_job_stop(struct ct_job *job)
{
    if (job->is_stopped)
        return;
    job->is_stopped = TRUE;
    kill(job->pid, SIGSTOP);
}

void ct_job_continue(struct ct_job *job)
{
    if (!job->is_stopped)
        return;
    job->is_stopped = FALSE;
    kill(job->pid, SIGCONT);
}
