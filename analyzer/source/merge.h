/*
 * A babeltrace2 sink component with one input for each stream, which hands the
 * events of all streams on in the order of their clock. It does the merging
 * itself: babeltrace2's muxer costs as much per event as reading it does, and
 * ends the whole run when one stream is damaged.
 */
#ifndef CTRACE_SOURCE_MERGE_H
#define CTRACE_SOURCE_MERGE_H

#include "source/decode.h"

struct ct_merge_result {
    uint64_t event_count; /* of any provider */
    uint64_t unknown_events;
    uint64_t events_lost;
    uint64_t packets_lost;
    uint64_t kernel_events_lost;
    uint64_t samples_lost;
    uint64_t first_ns; /* of our events, but the kernel's; UINT64_MAX and 0 if there are none */
    uint64_t last_ns;
    int64_t epoch_offset_ns;
    char *damage; /* owned; what was wrong with the first stream that broke off, or NULL */
};

struct ct_merge_events {
    void *user;
    /* FALSE stops the reading. */
    gboolean (*on_record)(void *user, const struct ct_record *record);
    /* The time of it begins about now. */
    void (*on_loss)(void *user, const struct ct_kernel_loss *loss);
    /* At the end of each packet; so many were read. */
    void (*on_packet)(void *user, uint64_t packets_read);
    /* Before babeltrace2 is asked for more of a trace; its source's name. */
    void (*on_trace)(void *user, const char *name);
};

/* Adds the sink to `graph` and connects every output of the sources. Reads as the graph runs. */
struct ct_merge;
struct ct_merge *ct_merge_new(const struct ct_merge_events *events);
gboolean ct_merge_connect(struct ct_merge *merge, bt_graph *graph, GPtrArray *sources,
                          GError **error);
const struct ct_merge_result *ct_merge_result(const struct ct_merge *merge);
/* After the graph is gone. */
void ct_merge_free(struct ct_merge *merge);

/* babeltrace2's account of the error that just happened, which it then forgets. */
char *ct_take_babeltrace_error(void);

#endif
