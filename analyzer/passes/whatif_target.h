/* What of a recording is to be changed: a function, a lock or a thread. */
#ifndef CTRACE_PASSES_WHATIF_TARGET_H
#define CTRACE_PASSES_WHATIF_TARGET_H

#include "store/store.h"
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

/* It is the thread that is meant, or the lock; or the function is in that stack. */
gboolean ct_whatif_is_thread(const struct ct_whatif *what, const struct ct_thread *thread);
gboolean ct_whatif_is_lock(const struct ct_whatif *what, struct ct_symbolizer *symbolizer,
                           const struct ct_store_object *object);
gboolean ct_whatif_has_function(const struct ct_whatif *what, struct ct_symbolizer *symbolizer,
                                const struct ct_process *process, uint32_t stack_id);

#endif
