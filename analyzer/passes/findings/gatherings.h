/* Waits of one cause that a reader takes for one thing, whoever waited. */
#ifndef CTRACE_FINDINGS_GATHERINGS_H
#define CTRACE_FINDINGS_GATHERINGS_H

#include "passes/findings/causes.h"

/* What a rule looks at. */
struct ct_findings_case {
    const struct ct_findings_input *input; /* borrowed, as the next */
    const struct ct_causes *causes;
};

struct ct_gathering {
    double total_ns;
    double used_ns; /* of CPUs, by all threads meanwhile */
    double count;
    uint64_t longest_ns;
    struct ct_window when;    /* from the first one's begin to the last one's end */
    struct ct_window longest; /* the longest one, and whose it is; borrowed */
    const struct ct_thread *longest_of;
    double broadcast_count; /* as a wait has them */
    double vain_count;
    double vain_ns;
    const struct ct_evidence_wait *first; /* borrowed; the first one of them */
    GPtrArray *threads;                   /* owned; struct ct_thread *, each once */
    GPtrArray *wakers;                    /* owned; the same, of those who ended the waits */
    const struct ct_thread *first_waker;  /* borrowed; that ended those with the most time */
    double first_waker_ns;
    GPtrArray *targets;                  /* owned; const char *, borrowed: texts of descriptors */
    double most_ns;                      /* at the place where most of the time was: */
    const struct ct_symbol_frame *place; /* borrowed; NULL: unknown */
    GHashTable *places;                  /* owned; struct ct_symbol_frame * -> double *, owned */
    /* Owned; what the other two lists have, as sets; and struct ct_thread * -> double *, owned. */
    GHashTable *known_threads, *known_targets, *waker_ns;
};

/* What the waits of one gathering have in common; free with g_free(). NULL: it is in none. */
typedef char *ct_gathering_key(const struct ct_findings_case *a_case,
                               const struct ct_evidence_wait *wait);

/* struct ct_gathering *, the one with the most time first. The caller owns it. Of all waits,
 * whatever their cause, that have a key; or of those of that cause. */
GPtrArray *ct_gather_all(const struct ct_findings_case *a_case, ct_gathering_key *key);
GPtrArray *ct_gather(const struct ct_findings_case *a_case, enum ct_cause cause,
                     ct_gathering_key *key);

/* Adds what the other one gathered. */
void ct_gathering_merge(struct ct_gathering *gathering, const struct ct_gathering *more);

/* The function, by name, file and line as far as known, at which it waited: "" if unknown. */
char *ct_gathering_place_of(const struct ct_findings_case *a_case,
                            const struct ct_evidence_wait *wait);

/* By what it is of, for most rules: the program and that place. */
ct_gathering_key ct_gathering_key_of_place;

#endif
