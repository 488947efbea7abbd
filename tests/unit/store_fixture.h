/* A recording made up at random, kept as it was told, and the store that was made of it. */
#ifndef CTRACE_STORE_FIXTURE_H
#define CTRACE_STORE_FIXTURE_H

#include "store/builder.h"
#include "store/store.h"

/* Anything that a sink is told, with all that it refers to. */
struct told {
    enum { TOLD_INTERVAL, TOLD_RUN, TOLD_SAMPLE, TOLD_TURN } kind;
    struct ct_interval interval;
    struct ct_run run;
    struct ct_sample sample;
    struct ct_turn turn;
};

struct store_fixture {
    struct ct_model *model;  /* owned; that the store was made of */
    GArray *told;            /* owned; struct told: of that model's threads */
    GPtrArray *owned;        /* owned; what they refer to */
    GRand *rand;             /* owned */
    struct ct_interval last; /* that was made up; with borrowed members */
    int fd;                  /* owned; the store */
    struct ct_model *loaded; /* owned; the same model, from the store */
    struct ct_store *store;  /* owned */
};

/* So many threads of two processes, and about so many intervals of each. */
void store_fixture_init(struct store_fixture *fixture, guint32 seed, guint threads,
                        guint intervals);
void store_fixture_clear(struct store_fixture *fixture);

/* The store of it, in a file in memory; the caller closes it. */
int store_fixture_build(const struct store_fixture *fixture, const GArray *told);

/* What a store hands on: an array of struct told, whose `owned` takes what they refer to. */
struct ct_sink told_sink(struct store_fixture *fixture);

/* As one line each: the same for the same. */
char *told_text(const struct told *told);

/* When it happened. */
uint64_t told_begin_ns(const struct told *told);
uint64_t told_end_ns(const struct told *told);

#endif
