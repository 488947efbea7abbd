/* Reads a trace directory through babeltrace2. */
#ifndef CTRACE_INGEST_H
#define CTRACE_INGEST_H

#include "model/sink.h"

#define CT_INGEST_ERROR ct_ingest_error_quark()
GQuark ct_ingest_error_quark(void);

enum ct_ingest_error {
    CT_INGEST_ERROR_NOT_FOUND,  /* no such directory, or no trace in it, or none to be read */
    CT_INGEST_ERROR_SEVERAL,    /* recordings below the directory, which is none itself */
    CT_INGEST_ERROR_DAMAGED,    /* cannot be read as CTF at all */
    CT_INGEST_ERROR_VERSION,    /* written by another ctrace */
    CT_INGEST_ERROR_NOT_CTRACE, /* a trace, but with no event of ours */
    CT_INGEST_ERROR_FAILED
};

/*
 * Reads the whole trace below `directory` once, filling `model` and calling each of the
 * `sink_count` sinks for every interval that has at least part of it in the trace. A trace
 * that ends early gives what is there, with model->capture.is_complete FALSE. Sinks hear of the
 * progress after each packet.
 */
gboolean ct_ingest(const char *directory, struct ct_model *model, const struct ct_sink *sinks,
                   size_t sink_count, GError **error);

#endif
