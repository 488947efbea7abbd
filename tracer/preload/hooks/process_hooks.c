/* Processes: waiting for children, fork, what a process may do to itself, the end. */
#include "preload/core/clock.h"
#include "preload/core/emit.h"
#include "preload/core/raw.h"
#include "preload/core/tables.h"
#include "preload/life/process.h"
#include "preload/life/thread.h"
#include "preload/wait/fd.h"
#include "wrap.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

CT_WRAP(pid_t, wait, (int *status), (status), CT_OP_WAITPID, CT_CLASS_SYSCALL, (int64_t)-1)
CT_WRAP(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options),
        CT_OP_WAITPID, CT_CLASS_SYSCALL, (int64_t)pid)
CT_WRAP(pid_t, wait3, (int *status, int options, struct rusage *usage), (status, options, usage),
        CT_OP_WAITPID, CT_CLASS_SYSCALL, (int64_t)-1)
CT_WRAP(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage),
        (pid, status, options, usage), CT_OP_WAITPID, CT_CLASS_SYSCALL, (int64_t)pid)
CT_WRAP(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options),
        (type, id, info, options), CT_OP_WAITPID, CT_CLASS_SYSCALL,
        type == P_PID ? (int64_t)id : -1)

/* Not interposed one by one: what they wait for inside the C library counts as one wait. */
CT_WRAP(int, system, (const char *command), (command), CT_OP_SYSTEM, CT_CLASS_SYSCALL, 0)

CT_REAL(FILE *, popen, (const char *command, const char *type))

FILE *popen(const char *command, const char *type)
{
    CT_NEED_REAL(popen);
    FILE *stream = real_popen(command, type);
    if (stream != NULL)
        ct_fd_forget(fileno(stream));
    return stream;
}

/* It waits for a child, whose number only the C library knows. */
CT_REAL(int, pclose, (FILE * stream))
static inline __attribute__((always_inline))
CT_TIMED(int, timed_pclose, pclose, (FILE * stream), (stream), CT_OP_PCLOSE, true, CT_CLASS_SYSCALL,
         0, CT_ERRNO_OUTCOME, real_pclose(stream))

    int pclose(FILE *stream)
{
    ct_fd_forget(fileno(stream)); /* before: the number may be another thread's at once */
    return timed_pclose(stream);
}

/* ---- The process itself. ---- */

CT_REAL(int, prctl, (int option, ...))

int prctl(int option, ...)
{
    va_list arguments;
    unsigned long values[4];

    CT_NEED_REAL(prctl);
    va_start(arguments, option);
    for (int i = 0; i < 4; i++)
        values[i] = va_arg(arguments, unsigned long);
    va_end(arguments);
    uint64_t when_ns = option == PR_SET_SECCOMP ? ct_process_filter_begin() : 0;
    int result = real_prctl(option, values[0], values[1], values[2], values[3]);
    ct_process_filter_end(when_ns, result == 0);
    if (result == 0 && option == PR_SET_NAME) {
        ct_process_renamed();
        ct_thread_renamed();
    }
    return result;
}

CT_REAL(int, mlockall, (int flags))

int mlockall(int flags)
{
    CT_NEED_REAL(mlockall);
    ct_self_settle();
    int result = real_mlockall(flags);
    int saved_errno = errno;
    ct_tables_unlock();
    errno = saved_errno;
    return result;
}

/* ---- Processes. ---- */

CT_REAL(int, setns, (int fd, int type))

int setns(int fd, int type)
{
    CT_NEED_REAL(setns);
    ct_self_settle();
    if (ct_board != NULL)
        ct_emit_reach_doorbell();
    ct_clock_expect_namespace();
    int result = real_setns(fd, type);
    if (result == 0 && ct_self_enter() != NULL)
        ct_clock_find_namespace();
    return result;
}

CT_REAL(int, daemon, (int keep_directory, int keep_output))

int daemon(int keep_directory, int keep_output)
{
    CT_NEED_REAL(daemon);
    ct_self_settle();
    int result = real_daemon(keep_directory, keep_output);
    if (result == 0)
        ct_process_forked(NULL);
    return result;
}

CT_REAL(void, _Exit, (int status))

__attribute__((noreturn)) void _Exit(int status)
{
    CT_NEED_REAL(_Exit);
    ct_process_exit(status);
    real__Exit(status);
    __builtin_unreachable();
}
