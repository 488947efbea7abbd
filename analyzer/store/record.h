/*
 * What lanes hold: records of a beginning, an end, a place in the order in which they came, and
 * what their kind has beside that. What is the same for many is an attribute, known to a block
 * once.
 */
#ifndef CTRACE_STORE_RECORD_H
#define CTRACE_STORE_RECORD_H

#include "schema/operations.h"

#include <stddef.h>
#include <stdint.h>

enum ct_lane_kind {
    CT_LANE_INTERVALS,    /* of a thread */
    CT_LANE_RUNS,         /* of a thread: when it was on a CPU */
    CT_LANE_SAMPLES,      /* of a thread */
    CT_LANE_WAKES,        /* of a thread: whom it let go on */
    CT_LANE_TURNS,        /* of a thread: those that it ended */
    CT_LANE_CPU_RUNS,     /* of a CPU: who was on it */
    CT_LANE_OBJECT_WAITS, /* of an object: who waited for it */
    CT_LANE_RELEASES,     /* of an object: who let go of it. Begin and end are its number there */
    CT_LANE_KIND_COUNT
};

/* The records of a block, at most, and the blocks or pages of a page. */
#define CT_BLOCK_RECORDS 128
#define CT_PAGE_ENTRIES  64

#define CT_NUMBERS_MAX 14
#define CT_STRINGS_MAX 4
#define CT_LOOSE_MAX   8

struct ct_attribute {
    uint64_t numbers[CT_NUMBERS_MAX];
    const char *strings[CT_STRINGS_MAX]; /* borrowed; or NULL */
};

struct ct_store_record {
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t sequence; /* over all lanes */
    uint64_t loose[CT_LOOSE_MAX];
    const struct ct_attribute *attribute; /* borrowed */
};

/* What a kind's records have; numbers, strings and loose values beyond that are 0. */
struct ct_lane_layout {
    uint8_t numbers;
    uint8_t strings;
    uint8_t loose;
    uint8_t running; /* bits of the loose values that go up from record to record */
};

extern const struct ct_lane_layout ct_lane_layouts[CT_LANE_KIND_COUNT];

/* What stands where in the attributes and loose values of each kind. */
enum { /* intervals */
       CT_INTERVAL_OP,
       CT_INTERVAL_CLASS,
       CT_INTERVAL_FLAGS,
       CT_INTERVAL_OBJECT,
       CT_INTERVAL_STACK,
       CT_INTERVAL_OWNER,
       CT_INTERVAL_WAKER, /* its number plus one; 0: none */
       CT_INTERVAL_WAKER_STACK,
       CT_INTERVAL_WAKER_OP,
       CT_INTERVAL_WEIGHT_TIME, /* the weight is this by the time of the whole wait; 0: see flags */
       CT_INTERVAL_FD,
       CT_INTERVAL_FD_KIND,
       CT_INTERVAL_FD_WATCHED,
       CT_INTERVAL_RELEASES, /* the number of the object's lane plus one; 0: none */
       CT_INTERVAL_NUMBERS
};
enum {
    CT_INTERVAL_CALL_NAME,
    CT_INTERVAL_INSTEAD,
    CT_INTERVAL_LOCAL,
    CT_INTERVAL_PEER,
    CT_INTERVAL_STRINGS
};
enum {
    CT_INTERVAL_LEAD,     /* how long before it the wait began */
    CT_INTERVAL_TAIL,     /* how long after it the wait ended */
    CT_INTERVAL_PREVIOUS, /* how long before it the part before ended */
    CT_INTERVAL_WEIGHT,   /* the bits of it, if neither 1 nor told by a time */
    CT_INTERVAL_RESULT,
    CT_INTERVAL_WAKE, /* how long before the wait's end it was woken */
    CT_INTERVAL_FIRST_RELEASE,
    CT_INTERVAL_RELEASE_COUNT,
    CT_INTERVAL_LOOSE
};
enum {
    CT_INTERVAL_IS_OPEN = 1,
    CT_INTERVAL_IS_OUTSIDE = 2,
    CT_INTERVAL_IS_FOR_LOCK = 4,
    CT_INTERVAL_HAS_FD = 8,
    CT_INTERVAL_HAS_PREVIOUS = 16,
    CT_INTERVAL_HAS_WEIGHT = 32, /* other than 1 */
    CT_INTERVAL_HAS_WAKE = 64,
    CT_INTERVAL_IS_ENDED_BY_FD = 128,
    CT_INTERVAL_ROLE = 256, /* enum ct_fd_role times this */
};
enum { CT_RUN_CPU, CT_RUN_NUMBERS };
enum { CT_SAMPLE_STACK, CT_SAMPLE_FLAGS, CT_SAMPLE_PERIOD, CT_SAMPLE_NUMBERS };
enum { CT_SAMPLE_IN_KERNEL = 1, CT_SAMPLE_IS_PARTIAL = 2 };
enum { CT_WAKE_THREAD, CT_WAKE_NUMBERS }; /* who went on */
enum { CT_WAKE_INTERVAL, CT_WAKE_LOOSE }; /* how long before the wake its interval began */
enum {
    CT_TURN_KIND,
    CT_TURN_OUTCOME,
    CT_TURN_BEGIN_THREAD, /* its number plus one; 0: not known */
    CT_TURN_FD,
    CT_TURN_HAS_FD,
    CT_TURN_FD_KIND,
    CT_TURN_NUMBERS
};
enum { CT_TURN_LOCAL, CT_TURN_PEER, CT_TURN_STRINGS };
enum {
    CT_TURN_SPREAD, /* from its begin to its last message */
    CT_TURN_WEIGHT, /* in parts of CT_TURN_WHOLE, beyond a whole one */
    CT_TURN_LEAD,
    CT_TURN_LEAD_ROUND,
    CT_TURN_BEGIN_ROUND,
    CT_TURN_END_ROUND,
    CT_TURN_LOOSE
};
enum { CT_CPU_RUN_THREAD, CT_CPU_RUN_NUMBERS };
enum { CT_OBJECT_WAIT_THREAD, CT_OBJECT_WAIT_NUMBERS };
enum { CT_RELEASE_THREAD, CT_RELEASE_STACK, CT_RELEASE_OP, CT_RELEASE_NUMBERS };
enum { CT_RELEASE_TIME, CT_RELEASE_LOOSE };

/* What is known of some records of a lane without looking at them. */
struct ct_summary {
    uint64_t first_begin_ns;
    uint64_t last_begin_ns;
    uint64_t last_end_ns;
    uint64_t first_sequence;
    uint64_t count;
    uint64_t longest_ns; /* of the longest: the first of them */
    uint64_t longest_begin_ns;
    uint64_t longest_sequence;
    uint64_t class_ns[CT_CLASS_COUNT];  /* of intervals by class; of others all are RUNNING */
    uint64_t unseen_ns[CT_CLASS_COUNT]; /* what sampled ones stand for beside their own time */
};

void ct_summary_add(struct ct_summary *summary, const struct ct_summary *more);

/* Of records of one lane, such as those of a block. */
void ct_summary_set(struct ct_summary *summary, enum ct_lane_kind kind,
                    const struct ct_store_record *records, size_t count);

/* The weight of an interval's record. */
double ct_record_weight(const struct ct_store_record *record);

/* What a wait that stands for `weight` of them takes beside its own time. */
uint64_t ct_unseen_ns(double weight, uint64_t duration_ns);

#endif
