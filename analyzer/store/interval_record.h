/* An interval as the record of a lane; see interval.c for the way back. */
#ifndef CTRACE_STORE_INTERVAL_RECORD_H
#define CTRACE_STORE_INTERVAL_RECORD_H

#include "model/sink.h"
#include "store/record.h"

/* All but its sequence and its releases. Strings are the interval's; both are empty before. */
void ct_interval_record_set(const struct ct_interval *interval, struct ct_store_record *record,
                            struct ct_attribute *attribute);

/*
 * The last intervals of a thread, by what makes their attributes: most are one of them again. They
 * are forgotten before attributes go, or texts of descriptors.
 */
struct ct_known_interval {
    struct ct_interval interval;
    struct ct_fd fd;                      /* if it has one */
    const struct ct_attribute *attribute; /* borrowed; NULL: none is known */
};
struct ct_known_intervals {
    struct ct_known_interval last[4];
    unsigned next; /* to make room for another one */
};

/* The attribute of an interval that differs from one of these in no more than its times, and sets
 * the record; or NULL. */
const struct ct_attribute *ct_known_intervals_find(const struct ct_known_intervals *known,
                                                   const struct ct_interval *interval,
                                                   struct ct_store_record *record);
void ct_known_intervals_add(struct ct_known_intervals *known, const struct ct_interval *interval,
                            const struct ct_attribute *attribute);

#endif
