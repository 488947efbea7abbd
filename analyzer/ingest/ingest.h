/* Reads a recording: the records of its traces go through the assembler into the model. */
#ifndef CTRACE_INGEST_H
#define CTRACE_INGEST_H

#include "model/sink.h"

#include "source/error.h"

/*
 * Reads the whole trace below `directory` once, filling `model` and calling each of the
 * `sink_count` sinks for every interval that has at least part of it in the trace. A trace
 * that ends early gives what is there, with model->capture.is_complete FALSE. Sinks hear of the
 * progress after each packet; of all else by another thread, until this returns.
 */
gboolean ct_ingest(const char *directory, struct ct_model *model, const struct ct_sink *sinks,
                   size_t sink_count, GError **error);

#endif
