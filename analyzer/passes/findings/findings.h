/*
 * What held a program up: at most seven findings, those that cost the most time first, in plain
 * words. Each is made by a rule, of which there is a table; ctrace-findings(7) has a section on
 * each.
 */
#ifndef CTRACE_FINDINGS_H
#define CTRACE_FINDINGS_H

#include "model/life.h"
#include "passes/findings/evidence.h"
#include "passes/lock_holding.h"
#include "passes/path.h"
#include "passes/peers.h"
#include "symbols/symbols.h"

#define CT_FINDINGS_MAX 7

/* The rule of what began as one of locks, once it is known what the holders did. */
#define CT_FINDINGS_INVERSION "priority inversion"

#define CT_FINDING_UNKNOWN (-1.0)

struct ct_finding {
    const char *rule; /* its name, as the manual has it */
    uint64_t cost_ns; /* the time that threads waited for it, all together */
    char *text;       /* owned; a sentence or two */
    /* What shows more: what comes after "ctrace", and of whom alone: owned; struct ct_thread *,
     * borrowed. NULL: of everybody. */
    const char *command;
    GPtrArray *whom;
    char *what_if; /* owned; a second one, that tells what a change would bring; or NULL */
    GArray *locks; /* owned; struct ct_lock_key: those that it names, the first ones; or NULL */
    /* Where it shows: from when to when, and which one was the longest, of which thread (borrowed);
     * zero and NULL where that is not known. */
    struct ct_window when;
    struct ct_window longest;
    uint64_t longest_ns; /* it may have been able to run in between */
    const struct ct_thread *longest_of;
    GPtrArray *threads; /* owned; struct ct_thread *, borrowed: those that it speaks of */
    /* Where most of that was; borrowed from the symbolizer; NULL: unknown. */
    const struct ct_symbol_frame *place;
    double cpus_used; /* on average, by all threads during these waits; or UNKNOWN */
    gboolean is_end;  /* nothing goes on any more */
    gboolean is_risk; /* it has cost nothing yet */
};

/* All borrowed. */
struct ct_findings_input {
    const struct ct_model *model;
    struct ct_symbolizer *symbolizer;
    struct ct_idle *idle; /* of the same model */
    const struct ct_evidence *evidence;
    const GArray *lives;         /* struct ct_life, of the threads that it is about */
    const GPtrArray *hangs;      /* struct ct_hang *; or NULL */
    const GPtrArray *inversions; /* struct ct_inversion *; or NULL */
    gboolean has_all_waits;      /* none was left out: what threads ran is known */
    const GPtrArray *peers;      /* struct ct_peer *; or NULL */
    const struct ct_path *path;  /* of whatever model; or NULL */
    uint64_t length_ns;          /* of the time that it is about */
};

struct ct_findings {
    GPtrArray *list; /* owned; struct ct_finding * */
    char *nothing;   /* owned; what it did where there are none; else NULL */
    /* On average: so many CPUs ran the threads that it is about. 0: there is no kernel layer. */
    double busy_cpus;
    guint cpus; /* on which they ran at any time; 0: not known */
};

/* What it says is of the input, which must outlive it. */
struct ct_findings *ct_findings_new(const struct ct_findings_input *input);

/* The locks that they name, struct ct_lock_key. The caller owns it. */
GArray *ct_findings_locks(const struct ct_findings *findings);

/* Says of those what their holders did: struct ct_lock_holding *, of whatever model. */
void ct_findings_add_holders(struct ct_findings *findings, const struct ct_findings_input *input,
                             const GPtrArray *holdings);

/* Says of all of them how much of the CPUs was used meanwhile, as far as that is known. */
void ct_findings_add_cpu_use(struct ct_findings *findings, const struct ct_cpu_use *use);
void ct_findings_free(struct ct_findings *findings);

#endif
