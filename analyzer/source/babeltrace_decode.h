/*
 * One babeltrace2 event -> one struct of the schema. Fields are found by name once
 * per event class, and by index from then on.
 */
#ifndef CTRACE_SOURCE_BABELTRACE_DECODE_H
#define CTRACE_SOURCE_BABELTRACE_DECODE_H

#include "source/record.h"

#include <babeltrace2/babeltrace.h>
#include <glib.h>

enum ct_decode_kind {
    CT_DECODE_FOREIGN, /* another provider's: not for us */
    CT_DECODE_UNKNOWN, /* of our provider, but not as this schema has it */
    CT_DECODE_KNOWN,
    CT_DECODE_KERNEL /* an event of the kernel layer */
};

struct ct_decoder;
struct ct_decode_class; /* what is known of one event class */

struct ct_decoder *ct_decoder_new(void);
void ct_decoder_free(struct ct_decoder *decoder);

/* Cached by address: classes must outlive the decoder. Never NULL; borrowed. */
const struct ct_decode_class *ct_decoder_find(struct ct_decoder *decoder,
                                              const bt_event_class *event_class);
enum ct_decode_kind ct_decode_class_kind(const struct ct_decode_class *class);
/* For a class of kind KERNEL. */
enum ct_kernel_event ct_decode_class_kernel_event(const struct ct_decode_class *class);

/* For a class of kind KNOWN or KERNEL; the latter's CPU is not in the event. */
void ct_decoder_read(struct ct_decoder *decoder, const struct ct_decode_class *class,
                     const bt_event *event, uint64_t time_ns, struct ct_record *record);

#endif
