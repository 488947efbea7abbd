/* The CTF classes and fields of the kernel's events, as schema/kernel_events.h names them. */
#ifndef CTRACE_CONVERT_EVENT_CLASSES_H
#define CTRACE_CONVERT_EVENT_CLASSES_H

#include "schema/kernel_events.h"

#include <babeltrace2/babeltrace.h>
#include <glib.h>

struct ct_event_classes;

/* In a class of streams for all events, but for the samples, which have one of their own. */
struct ct_event_classes *ct_event_classes_new(bt_trace_class *trace_class,
                                              bt_clock_class *clock_class, gboolean has_samples);
void ct_event_classes_free(struct ct_event_classes *classes);

bt_stream_class *ct_event_classes_borrow_stream_class(struct ct_event_classes *classes,
                                                      gboolean is_for_samples);

/* The class of the record's event. Borrowed. */
const bt_event_class *ct_event_classes_find(struct ct_event_classes *classes,
                                            const struct ct_kernel_record *record);

/* Set the fields of a packet of a stream, and of an event of the record's class. */
void ct_event_classes_fill_packet(bt_packet *packet, uint32_t cpu);
void ct_event_classes_fill(bt_event *event, const struct ct_kernel_record *record);

#endif
