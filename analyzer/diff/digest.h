/*
 * What one recording counts for where several are compared: sums and percentiles by state,
 * operation, place, lock and peer, under names that another build of the program has, too: those of
 * functions and variables, never addresses or lines.
 */
#ifndef CTRACE_DIFF_DIGEST_H
#define CTRACE_DIFF_DIGEST_H

#include "schema/events.h"

#include <glib.h>
#include <stdint.h>

/* KIND(symbol, name, what its table is called, what is summed up in it). */
#define CT_DIGEST_KINDS(KIND)                                                                \
    KIND(STATE, "state", "STATES", "all of the threads' time, by what they did")             \
    KIND(OPERATION, "op", "OPERATIONS", "waits, by what was called")                         \
    KIND(LOCK, "lock", "LOCKS", "waits for locks, conditions, semaphores, by their names")   \
    KIND(FUNCTION, "place", "PLACES", "waits, by the function that a programmer would name") \
    KIND(STACK, "stack", "STACKS", "waits, by all functions of their stacks")                \
    KIND(PEER, "peer", "PEERS", "calls to peers that were answered")                         \
    KIND(SERVER, "server", "REQUESTS", "requests that the program answered, by server")      \
    KIND(CAUSE, "cause", "CAUSES", "all of the threads' time, each moment once")

enum ct_digest_kind {
#define CT_DIGEST_KIND_SYMBOL(symbol, name, title, what) CT_DIGEST_##symbol,
    CT_DIGEST_KINDS(CT_DIGEST_KIND_SYMBOL)
#undef CT_DIGEST_KIND_SYMBOL
        CT_DIGEST_KIND_COUNT
};

const char *ct_digest_kind_name(enum ct_digest_kind kind);
const char *ct_digest_kind_title(enum ct_digest_kind kind);

/* Rows of a kind that are told apart; the rest is one, of this name. */
#define CT_DIGEST_ROWS   4096
#define CT_DIGEST_OTHERS "(all others)"

/* The cause of all that is idle. */
#define CT_DIGEST_IDLE "waiting for work"

struct ct_digest_row {
    enum ct_digest_kind kind;
    enum ct_class class; /* UNKNOWN where it is none's */
    char *name;          /* owned */
    char *detail;        /* owned; of a cause, where most of it was; or "" */
    double count;        /* with the weights of sampled waits, as all sums */
    double delay_ns;     /* of its class, in the time asked for */
    double idle_ns;      /* of that */
    double length_ns;    /* of whole waits, with what they were runnable or interrupted */
    double p50_ns;       /* of whole waits; of none: 0 */
    double p99_ns;
};

struct ct_digest {
    char *directory; /* owned */
    char *layers;    /* owned; live ones, as the recording has them */
    uint64_t duration_ns;
    uint64_t rate_ns;
    double requests; /* that it answered */
    GPtrArray *rows; /* owned; struct ct_digest_row * */
};

struct ct_digest *ct_digest_new(const char *directory);
void ct_digest_free(struct ct_digest *digest);
typedef struct ct_digest ct_digest; /* for g_autoptr(ct_digest) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_digest, ct_digest_free)

struct ct_digest_row *ct_digest_add(struct ct_digest *digest, enum ct_digest_kind kind,
                                    enum ct_class class, const char *name);

/* From one process to another. NULL: it is no run, or one that cannot be. */
GBytes *ct_digest_pack(const struct ct_digest *digest);
struct ct_digest *ct_digest_unpack(GBytes *packed);

#endif
