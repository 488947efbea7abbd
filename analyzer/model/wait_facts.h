/*
 * What it takes all waits of a recording to tell, and each of them is judged by: which sockets are
 * a server's, who sleeps for a moment again and again, who waits for work. See passes/idle.h for
 * the rule that asks.
 */
#ifndef CTRACE_WAIT_FACTS_H
#define CTRACE_WAIT_FACTS_H

#include "schema/operations.h"

#include <glib.h>
#include <stdint.h>

/* Sleeps of one thread at one place. */
struct ct_wait_sleeps {
    guint thread; /* its number */
    uint32_t stack_id;
    enum ct_op op;
    double count; /* with the weights of sampled waits, as the total */
    double total_ns;
};

/* A thread's calls that wait for whatever may come. */
struct ct_wait_unasked {
    double ns;
    double events; /* how many of them were for any of several descriptors */
};

/* Bounded: what came when there was no room any more is not told. */
struct ct_wait_facts {
    GHashTable *servers; /* owned; ports, or UNIX sockets' names, that others connected to: a set */
    GHashTable *peers;   /* owned; of each own end, the first other end; while it is gathered */
    GPtrArray *sleeps;   /* owned; struct ct_wait_sleeps *, by when each came first */
    GHashTable *sleeps_of; /* owned; finds one by its key */
    GArray *unasked;       /* owned; struct ct_wait_unasked, by the thread's number */
};

struct ct_wait_facts *ct_wait_facts_new(void);
void ct_wait_facts_free(struct ct_wait_facts *facts);

/* What others connected to, or connected from. */
void ct_wait_facts_add_server(struct ct_wait_facts *facts, const char *local);
void ct_wait_facts_add_connection(struct ct_wait_facts *facts, const char *local, const char *peer);
void ct_wait_facts_add_sleeps(struct ct_wait_facts *facts, const struct ct_wait_sleeps *sleeps);
void ct_wait_facts_add_unasked(struct ct_wait_facts *facts, guint thread,
                               const struct ct_wait_unasked *more);

/* Do others connect to this end? */
gboolean ct_wait_facts_is_server(const struct ct_wait_facts *facts, const char *local);
/* NULL: that thread never slept there. */
const struct ct_wait_sleeps *ct_wait_facts_sleeps(const struct ct_wait_facts *facts, guint thread,
                                                  enum ct_op op, uint32_t stack_id);
struct ct_wait_unasked ct_wait_facts_unasked(const struct ct_wait_facts *facts, guint thread);

#endif
