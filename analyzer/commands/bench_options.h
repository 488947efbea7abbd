/* The command line of ctrace bench. */
#ifndef CTRACE_COMMANDS_BENCH_OPTIONS_H
#define CTRACE_COMMANDS_BENCH_OPTIONS_H

#include <glib.h>
#include <stdint.h>

/* What is recorded at a time. */
struct ct_bench_kind {
    const char *name;
    const char *options[3]; /* of ctrace record */
    const char *what;
};

struct ct_bench_options {
    char **program; /* owned, as are the next */
    char *kinds_typed;
    char *save;
    char *base;
    char *folder;
    char **record;  /* options for ctrace record */
    char **fail_on; /* checks for ctrace diff */
    char *warmup_typed;
    char *benchtime_typed;
    char *timeout_typed;
    int runs;
    gboolean is_version;

    /* What was made of them. */
    GPtrArray *kinds; /* owned; const struct ct_bench_kind *, borrowed */
    guint warmup_runs;
    uint64_t warmup_ns; /* or for so long; 0: by runs */
    uint64_t benchtime_ns;
    uint64_t timeout_ns;
};

gboolean ct_bench_options_parse(struct ct_bench_options *options, char **argv, GError **error);
void ct_bench_options_clear(struct ct_bench_options *options);

#endif
