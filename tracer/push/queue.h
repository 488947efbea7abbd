/*
 * Sends profiles to one target, in turn, by the main loop of this thread; and tries again what may
 * go well later. What waits is bounded: whoever adds a profile never waits, and the oldest ones are
 * dropped. Whatever is dropped is counted, and told.
 */
#ifndef CTRACE_PUSH_QUEUE_H
#define CTRACE_PUSH_QUEUE_H

#include "push/target.h"

struct ct_push_limits {
    guint profiles_max;  /* that wait, also for another try */
    uint64_t bytes_max;  /* in them, but one may have more */
    guint tries_max;     /* of each profile */
    guint first_wait_ms; /* after the first try; then twice as long each time, */
    guint wait_max_ms;   /* but no longer than this, also where the target asks for longer */
    guint timeout_ms;    /* of one try, from its beginning to its end */
};

struct ct_push_counts {
    uint64_t sent;
    uint64_t retries;
    uint64_t dropped_full;    /* more than may wait had come */
    uint64_t dropped_refused; /* the target does not want it */
    uint64_t dropped_tries;   /* it went wrong too often */
    uint64_t dropped_end;     /* still there when the queue was freed */
};

enum ct_push_outcome { CT_PUSH_SENT, CT_PUSH_RETRIED, CT_PUSH_DROPPED };

/* Told of each; `why` is not for CT_PUSH_SENT. The queue must not be freed by it. */
typedef void ct_push_observe(void *user, enum ct_push_outcome outcome,
                             const struct ct_push_profile *profile, const char *why);

struct ct_push;

/* The target is borrowed. */
struct ct_push *ct_push_new(const struct ct_push_target *target,
                            const struct ct_push_limits *limits, ct_push_observe *observe,
                            void *user);
/* Ends what is under way; tells of what is dropped by that, and then counts it in `counts`, which
 * may be NULL, as may the queue. */
void ct_push_free(struct ct_push *push, struct ct_push_counts *counts);

/* Takes the profile. */
void ct_push_add(struct ct_push *push, struct ct_push_profile *profile);

/* Would another profile of this size be added without one dropped? */
gboolean ct_push_has_room(const struct ct_push *push, uint64_t bytes);

/* Has everything been sent, or dropped? */
gboolean ct_push_is_idle(const struct ct_push *push);

void ct_push_get_counts(const struct ct_push *push, struct ct_push_counts *counts);

#endif
