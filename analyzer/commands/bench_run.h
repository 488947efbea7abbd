/* One run of a program that is recorded, for so long at most: what hangs is killed. */
#ifndef CTRACE_COMMANDS_BENCH_RUN_H
#define CTRACE_COMMANDS_BENCH_RUN_H

#include <glib.h>
#include <stdint.h>

enum ct_bench_outcome {
    CT_BENCH_DONE,
    CT_BENCH_FAILED, /* its status is not 0 */
    CT_BENCH_HUNG,   /* and was killed; the recording tells where */
    CT_BENCH_INTERRUPTED
};

struct ct_bench_command {
    char *const *argv;   /* borrowed; ctrace-record with all that it is given */
    const char *log;     /* borrowed; where what the program and the recorder say goes */
    uint64_t timeout_ns; /* 0: for as long as it takes */
};

/* `status` is that of the program, as a shell says it. -1: it could not be begun, with an error. */
int ct_bench_run(const struct ct_bench_command *command, int *status, GError **error);

/* Ctrl-C, and what asks a program to end, ends the run instead of this process from now on. */
void ct_bench_hold_signals(void);
/* Which of them came; 0: none. */
int ct_bench_interrupted_by(void);

#endif
