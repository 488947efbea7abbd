/*
 * System calls of our own, by the instruction itself: past our hook of syscall(), past whoever else
 * interposes that, and without a page of the C library, which would be a fault in each process.
 */
#ifndef CTRACE_PRELOAD_CORE_RAW_H
#define CTRACE_PRELOAD_CORE_RAW_H

#include <sys/syscall.h>

/* The call's result as the kernel gives it: an error is -errno. errno itself stays as it is. */
long ct_raw_syscall(long number, long a, long b, long c, long d, long e, long f);

#define CT_SYSCALL_0(number)                ct_raw_syscall(number, 0, 0, 0, 0, 0, 0)
#define CT_SYSCALL_1(number, a)             ct_raw_syscall(number, (long)(a), 0, 0, 0, 0, 0)
#define CT_SYSCALL_2(number, a, b)          ct_raw_syscall(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define CT_SYSCALL_3(number, a, b, c)       CT_SYSCALL_6(number, a, b, c, 0, 0, 0)
#define CT_SYSCALL_4(number, a, b, c, d)    CT_SYSCALL_6(number, a, b, c, d, 0, 0)
#define CT_SYSCALL_5(number, a, b, c, d, e) CT_SYSCALL_6(number, a, b, c, d, e, 0)
#define CT_SYSCALL_6(number, a, b, c, d, e, f) \
    ct_raw_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#define CT_SYSCALL_OF(number, a, b, c, d, e, f, name, ...) name

/* With a number and up to six arguments, numbers or pointers. */
#define ct_syscall(...)                                                                \
    CT_SYSCALL_OF(__VA_ARGS__, CT_SYSCALL_6, CT_SYSCALL_5, CT_SYSCALL_4, CT_SYSCALL_3, \
                  CT_SYSCALL_2, CT_SYSCALL_1, CT_SYSCALL_0, )                          \
    (__VA_ARGS__)

#endif
