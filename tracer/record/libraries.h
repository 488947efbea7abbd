/* The parts of ctrace that are loaded at run time, found from where this program is. */
#ifndef CTRACE_RECORD_LIBRARIES_H
#define CTRACE_RECORD_LIBRARIES_H

#include "provider/writer.h"

#include <glib.h>

/* Where LTTng looks for the path of a clock plug-in. */
#define CT_CLOCK_VARIABLE "LTTNG_UST_CLOCK_PLUGIN"

#define CT_PRELOAD_LIBRARY "libctrace-preload.so"
#define CT_CLOCK_LIBRARY   "libctrace-clock.so"

#define CT_HEAP_LIBRARY      "libctrace-heap.so"
#define CT_HEAP_MAPS_LIBRARY "libctrace-heap-maps.so"

/* The paths of the libraries that the traced program loads, as its loader takes them, with that one
 * of the two that hook its allocator; or NULL. Caller frees. */
char *ct_preload_find(const char *heap_library, GError **error);

/* The path of the clock that LTTng's daemons need here, or NULL if their own will do. Caller frees.
 */
char *ct_clock_find(void);

/* Loading the writer registers us with the session daemon. It stays loaded. */
const struct ct_writer *ct_writer_load(GError **error);

#endif
