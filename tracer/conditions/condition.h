/*
 * Conditions on what programs do, as they are typed: "wait.sync > 200ms", "deadlock". Here is what
 * there is, and what each means; no I/O.
 */
#ifndef CTRACE_CONDITIONS_CONDITION_H
#define CTRACE_CONDITIONS_CONDITION_H

#include "schema/operations.h"

#include <glib.h>
#include <stdint.h>

enum ct_condition_kind {
    CT_CONDITION_WAIT,     /* a thread is in one wait of a class */
    CT_CONDITION_STATE,    /* a thread is in a state, whatever it waits for one after the other */
    CT_CONDITION_MEMORY,   /* a process has so much of it */
    CT_CONDITION_HEAP,     /* so much is live in the heaps of all of them together */
    CT_CONDITION_DEADLOCK, /* threads wait for each other's mutexes in a circle */
};

struct ct_condition {
    char *text; /* owned; as it was typed */
    enum ct_condition_kind kind;
    enum ct_class class; /* of WAIT and STATE */
    uint64_t bound;      /* it is to be more: ns, or bytes */
    GPatternSpec *names; /* owned; only threads of such names, or processes; NULL: all */
};

/* NULL: an error, which says what there is. */
struct ct_condition *ct_condition_parse(const char *text, GError **error);
void ct_condition_free(struct ct_condition *condition);

#endif
