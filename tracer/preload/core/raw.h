/* System calls of our own, past our hook of syscall(). */
#ifndef CTRACE_PRELOAD_CORE_RAW_H
#define CTRACE_PRELOAD_CORE_RAW_H

#include <sys/syscall.h>

typedef long (*ct_syscall_function)(long number, ...);

extern ct_syscall_function ct_real_syscall;

/* libc's syscall(), found when it is first needed. */
ct_syscall_function ct_raw_syscall(void);

/* As syscall(): -1 and errno on failure. */
#define ct_syscall(...) \
    ((ct_real_syscall != NULL ? ct_real_syscall : ct_raw_syscall())(__VA_ARGS__))

#endif
