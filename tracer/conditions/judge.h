/* Whether conditions hold of what is seen at a look. No I/O. */
#ifndef CTRACE_CONDITIONS_JUDGE_H
#define CTRACE_CONDITIONS_JUDGE_H

#include "conditions/condition.h"

#include <sys/types.h>

/* All of it borrowed. */
struct ct_watched_thread {
    pid_t pid;
    pid_t tid;
    const char *name;
    enum ct_class wait; /* RUNNING: it is in none */
    uint64_t wait_ns;   /* it is in it so long at least */
    enum ct_class state;
    uint64_t state_ns; /* the same */
};

struct ct_watched_process {
    pid_t pid;
    const char *name;
    uint64_t rss_bytes;
};

struct ct_watched {
    const GArray *threads;   /* struct ct_watched_thread */
    const GArray *processes; /* struct ct_watched_process; only if memory is asked for */
    const GArray *circle;    /* pid_t; of a deadlock; or NULL */
    uint64_t heap_bytes;     /* live in the heaps of all; 0: that is not seen */
};

struct ct_judge;

/* Takes the condition. */
struct ct_judge *ct_judge_new(struct ct_condition *condition);
void ct_judge_free(struct ct_judge *judge);

/* Borrowed. */
const struct ct_condition *ct_judge_condition(const struct ct_judge *judge);

/*
 * Of whom it holds now, and did not at the last look: "thread worker (12) of process 10 has waited
 * 212 ms". Of several the first. NULL: of nobody. The caller frees it.
 */
char *ct_judge_look(struct ct_judge *judge, const struct ct_watched *watched);

#endif
