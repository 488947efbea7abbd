/*
 * What a comparison is asked to fail on: "sync.delay>+10%".
 *
 *     GATE    = SUBJECT "." METRIC ( ">" | "<" ) LIMIT  |  "duration" ( ">" | "<" ) LIMIT
 *     SUBJECT = the name of a state  |  KIND ":" NAME
 *     LIMIT   = ( "+" | "-" ) N "%"  |  [ "+" | "-" ] ( TIME | N )
 *
 * With a sign, the limit is of the change; without one, of the new side.
 */
#ifndef CTRACE_DIFF_GATE_H
#define CTRACE_DIFF_GATE_H

#include "diff/compare.h"

enum ct_limit_kind {
    CT_LIMIT_SHARE,  /* so many times the old side */
    CT_LIMIT_CHANGE, /* so much more than it */
    CT_LIMIT_VALUE
};

struct ct_gate {
    char *text;           /* owned; as it was given */
    gboolean is_duration; /* of the runs; else of a row's metric: */
    enum ct_digest_kind kind;
    char *name; /* owned */
    enum ct_metric metric;
    gboolean is_above; /* fails beyond the limit; else below it */
    enum ct_limit_kind limit_kind;
    double limit;
};

/* NULL: an error, which shows where. */
struct ct_gate *ct_gate_parse(const char *text, GError **error);
void ct_gate_free(struct ct_gate *gate);

/* As exit statuses are. */
enum ct_outcome { CT_PASSED, CT_REGRESSED, CT_CANNOT_TELL, CT_OUTCOMES };

const char *ct_outcome_name(enum ct_outcome outcome);

struct ct_verdict {
    const struct ct_gate *gate; /* borrowed */
    enum ct_outcome outcome;
    double p;    /* that it is beyond the limit by chance */
    char *words; /* owned; the values; and why it cannot be told */
};

/* struct ct_verdict *, one of each gate (struct ct_gate *): of all together, a wrong one is no more
 * likely than CT_ALPHA. The caller owns the list. */
GPtrArray *ct_gates_judge(const GPtrArray *gates, const struct ct_diff *diff);

/* Of all of them: REGRESSED if one is, else CANNOT_TELL if one is. */
enum ct_outcome ct_gates_outcome(const GPtrArray *verdicts);

#endif
