/* What a heap's profile has in place of that of waits: Go's four values. */
#ifndef CTRACE_PPROF_HEAP_H
#define CTRACE_PPROF_HEAP_H

#include "export/pprof.h"
#include "export/pprof_tables.h"

/* Types of the values, which of them is shown, the rate, and what no stack is to begin with. */
void ct_pprof_heap_set_header(struct ct_pprof_tables *tables, const struct ct_pprof_input *input,
                              Pprof__Profile *message);

#endif
