/* Waits that stand in an event as columns: for readers, which hand them on one by one. */
#ifndef CTRACE_SOURCE_WAIT_COLUMNS_H
#define CTRACE_SOURCE_WAIT_COLUMNS_H

#include "source/source.h"

/* Hands the record on, or all waits that are in it. FALSE: stop. */
gboolean ct_source_hand_on(const struct ct_source_events *events, const struct ct_record *record);

#endif
