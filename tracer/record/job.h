/*
 * What a shell with job control sees of a recording. When the program stops, as by Ctrl-Z, so must
 * the shell's child, or the shell waits for good; but the recorder must go on, or it loses what
 * others make the kernel tell meanwhile. So they are two processes.
 */
#ifndef CTRACE_RECORD_JOB_H
#define CTRACE_RECORD_JOB_H

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

struct ct_job {
    pid_t pid; /* the shell's child; our own if there is no other */
    gboolean is_stopped;
};

/*
 * Returns in a child, which is to record; it dies with the job. The process that calls stays behind
 * as the job: hands `signals` on to the child, and ends as that does. Before any thread. Where
 * there can be no other process, the one that calls is both.
 */
void ct_job_begin(struct ct_job *job, const sigset_t *signals);

/* Ends this process as the signal does whoever does not handle it. */
G_NORETURN void ct_end_by_signal(int number);

/* What the program does, the job does, too. */
void ct_job_stop(struct ct_job *job);
void ct_job_continue(struct ct_job *job);

#endif
