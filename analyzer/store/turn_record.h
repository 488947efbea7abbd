/* A turn as a record of its thread's lane. */
#ifndef CTRACE_STORE_TURN_RECORD_H
#define CTRACE_STORE_TURN_RECORD_H

#include "model/sink.h"
#include "store/record.h"

/* Sets both, of which the strings are the turn's. */
void ct_turn_record_set(const struct ct_turn *turn, struct ct_store_record *record,
                        struct ct_attribute *attribute);

#endif
