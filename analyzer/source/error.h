/* What can go wrong when a recording is read, whoever finds it. */
#ifndef CTRACE_SOURCE_ERROR_H
#define CTRACE_SOURCE_ERROR_H

#include <glib.h>

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

#endif
