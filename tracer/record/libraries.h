/* The parts of ctrace that are loaded at run time, found from where this program is. */
#ifndef CTRACE_RECORD_LIBRARIES_H
#define CTRACE_RECORD_LIBRARIES_H

#include "provider/writer.h"

#include <glib.h>

#define CT_PRELOAD_LIBRARY "libctrace-preload.so"

/* The path of the library that the traced program loads. */
char *ct_preload_find(GError **error);

/* Loading the writer registers us with the session daemon. It stays loaded. */
const struct ct_writer *ct_writer_load(GError **error);

#endif
