/*
 * What held a program up: at most seven findings, those that cost the most time first, in plain
 * words. Each is made by a rule, of which there is a table; ctrace-findings(7) has a section on
 * each.
 */
#ifndef CTRACE_FINDINGS_H
#define CTRACE_FINDINGS_H

#include "model/life.h"
#include "passes/findings/evidence.h"
#include "passes/peers.h"
#include "symbols/symbols.h"

#define CT_FINDINGS_MAX 7

struct ct_finding {
    const char *rule; /* its name, as the manual has it */
    uint64_t cost_ns; /* the time that threads waited for it, all together */
    char *text;       /* owned; a sentence or two */
    char *command;    /* owned; that shows more: what comes after "ctrace" */
    /* Where most of that was; borrowed from the symbolizer; NULL: unknown. */
    const struct ct_symbol_frame *place;
    gboolean is_end; /* nothing goes on any more */
};

/* All borrowed. */
struct ct_findings_input {
    const struct ct_model *model;
    struct ct_symbolizer *symbolizer;
    struct ct_idle *idle; /* of the same model */
    const struct ct_evidence *evidence;
    const GArray *lives;    /* struct ct_life, of the threads that it is about */
    const GPtrArray *hangs; /* struct ct_hang *; or NULL */
    gboolean has_all_waits; /* none was left out: what threads ran is known */
    const GPtrArray *peers; /* struct ct_peer *; or NULL */
    uint64_t length_ns;     /* of the time that it is about */
};

/* "ctrace report waits DIR"; without a directory where it is NULL. Free with g_free(). */
char *ct_finding_command(const struct ct_finding *finding, const char *directory);

struct ct_findings {
    GPtrArray *list; /* owned; struct ct_finding * */
    char *nothing;   /* owned; what it did where there are none; else NULL */
};

/* What it says is of the input, which must outlive it. */
struct ct_findings *ct_findings_new(const struct ct_findings_input *input);
void ct_findings_free(struct ct_findings *findings);

#endif
