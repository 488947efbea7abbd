/*
 * Sinks that are told by a thread of their own, in the order in which it happened, while the trace
 * is read on. What they are lent is copied, but for descriptors' texts: those stay until on_flush.
 */
#ifndef CTRACE_INGEST_RELAY_H
#define CTRACE_INGEST_RELAY_H

#include "model/sink.h"

struct ct_relay;

/* The sinks are borrowed. Where no thread can be had, the caller's tells them. */
struct ct_relay *ct_relay_new(const struct ct_sink *sinks, size_t sink_count);
/* Once it has told them all. */
void ct_relay_free(struct ct_relay *relay);

/* Borrows the relay. */
struct ct_sink ct_relay_sink(struct ct_relay *relay);

#endif
