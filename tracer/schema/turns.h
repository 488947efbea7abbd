/*
 * Turns: a connection of a stream socket turns when its other side answers. On one that the program
 * opened, a turn is a call: from what it wrote to the first of what it reads then. On one that it
 * accepted, a turn is a request: from what it read to the first of what it writes then. Which of
 * several messages of one side an answer is for is not known: they are of one turn.
 *
 * And what a wait for any of several descriptors was ended by.
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
