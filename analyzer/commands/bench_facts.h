/* What of a run's recording a bench tells: how long it was, and whether there is enough in it. */
#ifndef CTRACE_COMMANDS_BENCH_FACTS_H
#define CTRACE_COMMANDS_BENCH_FACTS_H

#include <glib.h>
#include <stdint.h>

struct ct_bench_facts {
    uint64_t duration_ns; /* from when the program began to when its last process ended */
    uint64_t waits;
    uint64_t samples;
};

/* FALSE and an error: the recording cannot be read. */
gboolean ct_bench_facts_read(const char *directory, struct ct_bench_facts *facts, GError **error);

#endif
