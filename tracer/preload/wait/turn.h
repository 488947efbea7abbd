/*
 * The turns of connections: see schema/turns.h. A descriptor that is none costs a look at what is
 * cached of it. Where threads read and write one connection at once, so that who answered what is
 * open, a turn is left out rather than guessed.
 */
#ifndef CTRACE_PRELOAD_WAIT_TURN_H
#define CTRACE_PRELOAD_WAIT_TURN_H

#include "fd.h"
#include "schema/turns.h"

/* The program has accepted the connection, */
void ct_turn_accepted(int fd);
/* or opens it: is_pending: connect() has not waited for that. Not all of these are connections. */
void ct_turn_connected(int fd, bool is_pending);
/* It is about to close it. */
void ct_turn_closing(int fd);
void ct_turn_closing_range(unsigned first, unsigned last);
/* Or to make it another number of `source`. */
void ct_turn_replacing(int fd, int source);
/* And all that are still open. */
void ct_turns_end(void);

/* The descriptors are those of a child of fork: what its parent began is not its own. */
void ct_turns_forked(void);

enum ct_fd_role ct_turn_role(int fd);

/* After a read, which has returned `result`; errno stays. */
void ct_turn_after_read(int fd, int64_t result);

/* What a write has done to a turn. */
struct ct_turn_step {
    uint64_t first_ticks;
    uint64_t last_ticks;
    uint64_t end_ticks;
    uint64_t lead_ticks; /* 0: not known */
    uint32_t lead_round;
    uint32_t begin_round;
    int32_t tid; /* who began it; 0: not known */
    uint32_t number;
    enum { CT_TURN_STEP_NONE, CT_TURN_STEP_BEGUN, CT_TURN_STEP_ENDED } what;
};

/* Before a write, since the answer may be there before it returns; and after it. */
void ct_turn_before_write(int fd, struct ct_turn_step *step);
void ct_turn_after_write(int fd, const struct ct_turn_step *step, int64_t result);

static inline void ct_turn_begin_write(int fd, struct ct_turn_step *step)
{
    step->what = CT_TURN_STEP_NONE;
    if (__builtin_expect(ct_fd_has_turns(fd), 0))
        ct_turn_before_write(fd, step);
}

static inline void ct_turn_end_write(int fd, const struct ct_turn_step *step, int64_t result)
{
    if (__builtin_expect(step->what != CT_TURN_STEP_NONE, 0))
        ct_turn_after_write(fd, step, result);
}

static inline void ct_turn_read(int fd, int64_t result)
{
    if (__builtin_expect(ct_fd_has_turns(fd), 0))
        ct_turn_after_read(fd, result);
}

#endif
