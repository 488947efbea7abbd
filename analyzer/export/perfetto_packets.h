/* The packets of a Perfetto trace, one after the other into a file: one sequence, on which texts
 * are told once and then go by their number. */
#ifndef CTRACE_PERFETTO_PACKETS_H
#define CTRACE_PERFETTO_PACKETS_H

#include "perfetto.pb-c.h"

#include <glib.h>
#include <stdio.h>

/* Numbers of texts are of one of these. */
enum ct_perfetto_intern {
    CT_PERFETTO_CATEGORY,
    CT_PERFETTO_EVENT_NAME,
    CT_PERFETTO_ANNOTATION_NAME,
    CT_PERFETTO_ANNOTATION_VALUE,
    CT_PERFETTO_INTERN_COUNT
};

struct ct_perfetto_packets;

/* Writes the first packet: the clocks, which say the same time at that moment. `out` is borrowed.
 */
struct ct_perfetto_packets *ct_perfetto_packets_new(FILE *out, uint64_t monotonic_ns,
                                                    int64_t epoch_offset_ns);
void ct_perfetto_packets_free(struct ct_perfetto_packets *packets);
typedef struct ct_perfetto_packets ct_perfetto_packets; /* for g_autoptr(ct_perfetto_packets) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_perfetto_packets, ct_perfetto_packets_free)

/* The text's number in the packet that is written next. */
uint64_t ct_perfetto_packets_intern(struct ct_perfetto_packets *packets,
                                    enum ct_perfetto_intern kind, const char *text);

/* Sets what all packets of the sequence have, and writes it. */
void ct_perfetto_packets_write(struct ct_perfetto_packets *packets, Perfetto__TracePacket *packet);

#endif
