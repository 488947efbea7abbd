/* Waiting for a signal. */
#include "wrap.h"

#include <signal.h>
#include <unistd.h>

#define CT_WRAP_SIGNAL(name, params, args, op) \
    CT_WRAP(int, name, params, args, op, CT_CLASS_SLEEP, 0)

CT_WRAP_PTHREAD(sigwait, (const sigset_t *restrict set, int *restrict signal), (set, signal),
                CT_OP_SIGWAIT, CT_CLASS_SLEEP, 0)
CT_WRAP_SIGNAL(sigwaitinfo, (const sigset_t *restrict set, siginfo_t *restrict info), (set, info),
               CT_OP_SIGWAIT)
CT_WRAP_SIGNAL(sigtimedwait,
               (const sigset_t *restrict set, siginfo_t *restrict info,
                const struct timespec *restrict timeout),
               (set, info, timeout), CT_OP_SIGWAIT)
CT_WRAP_SIGNAL(sigsuspend, (const sigset_t *mask), (mask), CT_OP_SIGSUSPEND)
CT_WRAP_SIGNAL(pause, (void), (), CT_OP_PAUSE)
