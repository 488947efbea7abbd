/*
 * What the end of a thread would have been, had a function, a lock or a thread taken another time:
 * what of a recording's running and waiting is theirs, and a replay with that changed.
 */
#ifndef CTRACE_PASSES_WHATIF_H
#define CTRACE_PASSES_WHATIF_H

#include "passes/replay.h"
#include "symbols/symbols.h"

#define CT_WHATIF_ERROR ct_whatif_error_quark()
GQuark ct_whatif_error_quark(void);

enum ct_whatif_error {
    CT_WHATIF_ERROR_UNKNOWN,  /* nothing is called so */
    CT_WHATIF_ERROR_AMBIGUOUS /* several are */
};

/* TARGET(symbol, what it is called). */
#define CT_WHATIF_KINDS(KIND)  \
    KIND(FUNCTION, "function") \
    KIND(LOCK, "lock")         \
    KIND(THREAD, "thread")

enum ct_whatif_kind {
#define CT_WHATIF_KIND_SYMBOL(symbol, name) CT_WHATIF_##symbol,
    CT_WHATIF_KINDS(CT_WHATIF_KIND_SYMBOL)
#undef CT_WHATIF_KIND_SYMBOL
        CT_WHATIF_KIND_COUNT
};

const char *ct_whatif_kind_name(enum ct_whatif_kind kind);

/* What is to be changed, and how. */
struct ct_whatif {
    enum ct_whatif_kind kind;
    const char *name; /* borrowed; without the kind */
    double factor;    /* so many times the time */
    gboolean is_gone; /* a lock: nobody waits for it any more */
};

/* "function:NAME", "lock:NAME", "thread:NAME"; or a name, of whichever has it. */
gboolean ct_whatif_find(struct ct_store *store, const struct ct_model *model,
                        struct ct_symbolizer *symbolizer, const char *text, struct ct_whatif *what,
                        GError **error);

struct ct_whatif_result {
    uint64_t before_ns;
    uint64_t kept_ns;    /* where each still goes on after the one after whom it did */
    uint64_t free_ns;    /* where nobody waits for a lock any longer than before */
    uint64_t changed_ns; /* of what all threads did, this is what is changed: an estimate, of
                            functions */
    uint64_t samples;    /* by which: of functions, those in them */
};

gboolean ct_whatif_run(const struct ct_path_question *question, struct ct_symbolizer *symbolizer,
                       const struct ct_whatif *what, struct ct_whatif_result *result,
                       GError **error);

#endif
