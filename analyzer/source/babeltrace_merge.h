/*
 * A babeltrace2 sink component with one input for each stream, which hands the
 * events of all streams on in the order of their clock. It does the merging
 * itself: babeltrace2's muxer costs as much per event as reading it does, and
 * ends the whole run when one stream is damaged.
 */
#ifndef CTRACE_SOURCE_BABELTRACE_MERGE_H
#define CTRACE_SOURCE_BABELTRACE_MERGE_H

#include "source/babeltrace_decode.h"
#include "source/source.h"

struct ct_merge;

/* Both are borrowed until it is freed. */
struct ct_merge *ct_merge_new(const struct ct_source_events *events,
                              struct ct_source_result *result);
/* Adds the sink to `graph` and connects every output of the sources, which have the paths of their
 * traces for names. Reads as the graph runs. */
gboolean ct_merge_connect(struct ct_merge *merge, bt_graph *graph, GPtrArray *sources,
                          GError **error);
/* After the graph is gone. */
void ct_merge_free(struct ct_merge *merge);

/* babeltrace2's account of the error that just happened, which it then forgets. */
char *ct_take_babeltrace_error(void);

#endif
