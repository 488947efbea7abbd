/* An interval as the record of a lane; see interval.c for the way back. */
#ifndef CTRACE_STORE_INTERVAL_RECORD_H
#define CTRACE_STORE_INTERVAL_RECORD_H

#include "model/sink.h"
#include "store/record.h"

/* All but its sequence and its releases. Strings are the interval's; both are empty before. */
void ct_interval_record_set(const struct ct_interval *interval, struct ct_store_record *record,
                            struct ct_attribute *attribute);

#endif
