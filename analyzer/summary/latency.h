/*
 * How long calls took that waited: by operation, by object and by place, each with its percentiles;
 * and of the slowest hundredth at each place, what they waited for. A call counts with its whole
 * length, also where it lies partly outside of the scope, and one that never ended with what there
 * is of it.
 *
 * Each of the three tables adds up to the whole. Memory grows with what is told apart, up to a
 * limit: what is beyond is one row.
 */
#ifndef CTRACE_LATENCY_H
#define CTRACE_LATENCY_H

#include "summary/histogram.h"
#include "summary/report.h"

/* So many rows of a table are told apart, and of the slowest at one place. */
#define CT_LATENCY_ROWS 4096
#define CT_LATENCY_SLOW 64

enum ct_latency_table {
    CT_LATENCY_OPERATIONS,
    CT_LATENCY_OBJECTS,
    CT_LATENCY_PLACES,
    CT_LATENCY_TABLE_COUNT
};

/* What some of the slowest waited for. */
struct ct_latency_slow {
    enum ct_class class;
    char *object; /* owned; "" for none */
    char *waker;  /* owned; the names of threads, without what differs in them; "" if unknown */
    double count;
    double total_ns;
};

struct ct_latency_row {
    gboolean is_others; /* all beyond the limit */
    char *object;       /* owned; of objects; "" for none */
    enum ct_op op;      /* of operations and places */
    char *call_name;    /* owned; of a system call without an operation of its own; or NULL */
    /* Of places; borrowed; of several that are the same for a reader, the first. */
    const struct ct_process *process;
    guint process_count;
    uint32_t stack_id;
    struct ct_histogram *times; /* owned */
    double open_count;          /* of calls that never ended */
    double idle_ns;             /* of calls that waited for work: see passes/idle.h */

    /* Of places: those that took at least so long, a hundredth of all or more. */
    uint64_t slow_from_ns;
    double slow_count;
    double slow_total_ns;
    double slow_runnable_ns; /* of that, waiting for a CPU */
    GPtrArray *slow;         /* owned; struct ct_latency_slow *, the most time first */
};

struct ct_latency {
    /* Owned; struct ct_latency_row *, most time first, and last those that mostly waited for work.
     */
    GPtrArray *tables[CT_LATENCY_TABLE_COUNT];
    struct ct_histogram *all; /* owned */
};

void ct_latency_free(struct ct_latency *latency);

/* What a pool waits for takes the most time of all, and delays nobody. */
gboolean ct_latency_row_is_idle(const struct ct_latency_row *row);

/*
 * Asks the store for all in the scope, twice. The rows are of the report's model and symbols,
 * whatever model the store has. NULL: an error.
 */
struct ct_latency *ct_latency_find(const struct ct_report *report, struct ct_store *store,
                                   const struct ct_store_scope *scope, GError **error);

#endif
