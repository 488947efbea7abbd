/* The row that wraps a blocking call. */
#ifndef CTRACE_PRELOAD_HOOKS_WRAP_H
#define CTRACE_PRELOAD_HOOKS_WRAP_H

#include "preload/core/hook.h"
#include "preload/wait/turn.h"
#include "preload/wait/wait.h"

/*
 * A hook that times a call which may block. `may_wait`, `class` and `object` may be expressions of
 * the parameters; `outcome` is one of `result`: what was returned, or the negative errno. `pass` is
 * what a call that is not recorded gives: a call that cannot wait never is.
 */
#define CT_TIMED(type, function, name, params, args, op, may_wait, class, object, outcome, pass) \
    type function params                                                                         \
    {                                                                                            \
        struct ct_wait wait;                                                                     \
        CT_NEED_REAL(name);                                                                      \
        if (!(may_wait) || !ct_wait_begin(&wait, (op), __builtin_return_address(0)))             \
            return pass;                                                                         \
        ct_wait_subject(&wait, (class), (uint64_t)(object));                                     \
        type result = real_##name args;                                                          \
        ct_wait_end(&wait, (outcome));                                                           \
        return result;                                                                           \
    }

#define CT_WRAP_PASS(type, name, params, args, op, may_wait, class, object, outcome, pass) \
    CT_REAL(type, name, params)                                                            \
    CT_TIMED(type, name, name, params, args, op, may_wait, class, object, outcome, pass)

/* The same where more is to be done in the end; `after` is a statement on `result`, also of a call
 * that is not recorded, and leaves errno. */
#define CT_WRAP_AFTER(type, name, params, args, op, may_wait, class, object, after) \
    CT_REAL(type, name, params)                                                     \
    static inline __attribute__((always_inline))                                    \
    CT_TIMED(type, timed_##name, name, params, args, op, may_wait, class, object,   \
             CT_ERRNO_OUTCOME, real_##name args) type name params                   \
    {                                                                               \
        type result = timed_##name args;                                            \
        after;                                                                      \
        return result;                                                              \
    }

/* The same for a read from descriptor `fd`. */
#define CT_WRAP_READER(type, name, params, args, op, may_wait, class) \
    CT_WRAP_AFTER(type, name, params, args, op, may_wait, class, fd, ct_turn_read(fd, result))

/* The same for a write to descriptor `fd`, which may let a reader of the same process go. */
#define CT_WRAP_WRITER(type, name, params, args, op, may_wait, class, pass)                     \
    CT_REAL(type, name, params)                                                                 \
    static inline __attribute__((always_inline))                                                \
    CT_TIMED(type, timed_##name, name, params, args, op, may_wait, class, fd, CT_ERRNO_OUTCOME, \
             pass) type name params                                                             \
    {                                                                                           \
        struct ct_fd_wake wake = ct_fd_wake_begin(fd);                                          \
        struct ct_turn_step step;                                                               \
        ct_turn_begin_write(fd, &step);                                                         \
        type result = timed_##name args;                                                        \
        ct_fd_wake_end(&wake, op, result, __builtin_return_address(0));                         \
        ct_turn_end_write(fd, &step, result);                                                   \
        return result;                                                                          \
    }

#define CT_WRAP_OUTCOME(type, name, params, args, op, class, object, outcome) \
    CT_WRAP_PASS(type, name, params, args, op, true, class, object, outcome, real_##name args)

/* What a call that fails with -1 and errno comes to. */
#define CT_ERRNO_OUTCOME (result < 0 ? -errno : (int64_t)result)

/* One that fails with -1 and errno. */
#define CT_WRAP(type, name, params, args, op, class, object) \
    CT_WRAP_OUTCOME(type, name, params, args, op, class, object, CT_ERRNO_OUTCOME)

/* The same, for calls of which some cannot wait. */
#define CT_WRAP_IF(type, name, params, args, op, may_wait, class, object)                 \
    CT_WRAP_PASS(type, name, params, args, op, may_wait, class, object, CT_ERRNO_OUTCOME, \
                 real_##name args)

/* One that returns an error number. */
#define CT_WRAP_PTHREAD(name, params, args, op, class, object) \
    CT_WRAP_OUTCOME(int, name, params, args, op, class, object, -(int64_t)result)

#endif
