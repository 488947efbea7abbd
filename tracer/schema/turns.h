/*
 * Turns: a connection of a stream socket turns when its other side answers. On one that the program
 * opened, a turn is a call: from what it wrote to the first of what it reads then. On one that it
 * accepted, a turn is a request: from what it read to the first of what it writes then. Which of
 * several messages of one side an answer is for is not known: they are of one turn.
 *
 * And what a wait for any of several descriptors was ended by; and a thread's rounds: how many such
 * waits, and looks that cannot wait, have returned in it. What it does in one round follows on what
 * it read and wrote before in that round.
 */
#ifndef CTRACE_SCHEMA_TURNS_H
#define CTRACE_SCHEMA_TURNS_H

#include <stdint.h>

enum ct_turn_kind {
    CT_TURN_CALL,
    CT_TURN_REQUEST,
    CT_TURN_KIND_COUNT,
};

enum ct_turn_outcome {
    CT_TURN_ANSWERED,
    CT_TURN_CLOSED,   /* a call: the peer closed the connection instead */
    CT_TURN_GIVEN_UP, /* a call: the program closed the connection before that */
    CT_TURN_OPEN,     /* a call: the program ended before that */
    CT_TURN_OUTCOME_COUNT,
};

/* Where threads end more turns than CT_TURN_INTERVAL times the rate goes into, beyond a burst of
 * some hundred, each is recorded with a probability, and then stands for others: so the cost has a
 * bound. Those that take CT_TURN_LONG times the rate are always recorded. */
#define CT_TURN_WHOLE    1024
#define CT_TURN_INTERVAL 10
#define CT_TURN_LONG     1000
#define CT_TURN_BURST    1024

/* A wait for any of several that took as long has waited: what it told of came then, and not before
 * it began. Where its thread had been away for long before, the kernel is asked whether it did. */
#define CT_ROUND_WAITED_NS 10000
#define CT_ROUND_AWAY_NS   1000000

/*
 * A connection's direction turned, `lag_ns` before the event's timestamp. The turn had
 * begun `duration_ns` before that, with what thread `begin_tid` wrote or read; the last of several
 * such messages came `spread_ns` after the first. The event's thread read or wrote the answer.
 * It began and ended in these rounds of its threads. `lead_ns` before it began, in round
 * `lead_round`, a call's connection was opened, if it is the first on it; or so long at most may
 * the first message of a request have lain unread. 0: not known. It stands for so many turns, in
 * parts of CT_TURN_WHOLE.
 */
#define CT_EVENT_TURN(F) \
    F(U64, duration_ns)  \
    F(U64, spread_ns)    \
    F(U64, lead_ns)      \
    F(U64, lag_ns)       \
    F(I32, fd)           \
    F(I32, begin_tid)    \
    F(U32, stands_for)   \
    F(U32, lead_round)   \
    F(U32, begin_round)  \
    F(U32, end_round)    \
    F(U8, kind)          \
    F(U8, outcome)

/* What a descriptor that ended a wait was to the program then. */
enum ct_fd_role {
    CT_FD_ROLE_UNKNOWN,  /* nothing of this */
    CT_FD_ROLE_ACCEPTED, /* a connection that others opened */
    CT_FD_ROLE_OPENED,   /* one that it opened itself, */
    CT_FD_ROLE_AWAITED,  /* and on which it waited for the answer, or to be let in */
    CT_FD_ROLE_COUNT,
};

/*
 * The object of a wait in poll, select or epoll_wait: below, the number of descriptors watched or
 * the epoll descriptor; above, once it has ended, the first descriptor that ended it, and its role.
 * 0 there: none did, or it is not known which.
 */
static inline uint64_t ct_set_object(uint64_t object, int fd, enum ct_fd_role role)
{
    return (object & UINT32_MAX) | (uint64_t)(fd + 1) << 32 | (uint64_t)role << 60;
}

static inline uint32_t ct_set_object_of(uint64_t object)
{
    return (uint32_t)object;
}

/* Negative: none. */
static inline int ct_set_object_fd(uint64_t object)
{
    return (int)(object >> 32 & 0xfffffff) - 1;
}

static inline enum ct_fd_role ct_set_object_role(uint64_t object)
{
    return object >> 60 < CT_FD_ROLE_COUNT ? (enum ct_fd_role)(object >> 60) : CT_FD_ROLE_UNKNOWN;
}

#endif
