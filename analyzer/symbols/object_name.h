/* What a reader calls the variable that threads wait for. */
#ifndef CTRACE_SYMBOLS_OBJECT_NAME_H
#define CTRACE_SYMBOLS_OBJECT_NAME_H

#include "symbols/symbols.h"

/* What CPython's threads take turns by, whose variable's name says nothing of it. */
#define CT_PYTHON_GIL "Python's GIL"

/* "queue_lock", "state+0x18", or as it is known where it is a well-known program's; NULL if the
 * kind has no address, or there is no variable. Borrowed. */
const char *ct_object_find_name(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                                enum ct_object kind, uint64_t address, uint64_t time_ns);

#endif
