/*
 * How objects are written for people, and figures. Every string returned is allocated: the caller
 * frees it with g_free().
 */
#ifndef CTRACE_FORMAT_H
#define CTRACE_FORMAT_H

#include "model/sink.h"
#include "text/figures.h"

/* "nice 19", "real-time 50": of a thread whose priority is known. */
char *ct_format_priority(const struct ct_thread_sched *sched);

/* Of a weighted sum: the next whole number, or UINT64_MAX where it does not fit. */
uint64_t ct_rounded(double value);

/* What stands for frames that were left out: "[at least 1,024 frames omitted]". */
char *ct_format_omitted(const struct ct_stack *stack);

/* What the wait was for: "mutex 0x7f...", "fd 7 inet socket 127.0.0.1:6379 -> 127.0.0.1:50112",
 * "thread 42 (worker)", "munmap", "ended by eventfd"; "" where the operation has no object. */
char *ct_format_object(const struct ct_interval *interval);

/* What was called for what: "read on fd 3", "system call munmap", "epoll_wait, ended by inet socket
 * -> 127.0.0.1:80". `name` is the operation's. */
char *ct_format_call(enum ct_op op, const char *name, const char *object);

#endif
