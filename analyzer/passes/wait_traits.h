/* What the rule of idle or delay asks of a wait; see ct_idle_cause(). */
#ifndef CTRACE_PASSES_WAIT_TRAITS_H
#define CTRACE_PASSES_WAIT_TRAITS_H

#include "model/sink.h"

struct ct_wait_traits {
    const struct ct_thread *thread; /* borrowed, as all here */
    const struct ct_thread *waker;  /* NULL: unknown */
    enum ct_op op;
    enum ct_class class;
    uint32_t stack_id;
    gboolean is_for_lock;
    uint64_t object;         /* 0: it is a descriptor, or has none */
    enum ct_fd_role fd_role; /* of what ended a wait for any of several; then is_ended_by_fd */
    gboolean is_ended_by_fd;
    enum ct_fd_kind fd_kind; /* of a descriptor; see ct_fd_find_ends() */
    const char *local;
    const char *peer;
};

struct ct_wait_traits ct_wait_traits_of(const struct ct_interval *interval);

#endif
