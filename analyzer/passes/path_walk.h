/*
 * The chain of running and waiting that led to a moment of a thread, followed from there back:
 * while the thread runs, or is runnable, the chain is on it; where it waited, the chain goes to
 * whoever let it go on, at that time, and so on to the window's begin. Memory does not grow with
 * it.
 */
#ifndef CTRACE_PASSES_PATH_WALK_H
#define CTRACE_PASSES_PATH_WALK_H

#include "store/store.h"

/* Why the chain is on a thread. REASON(symbol, name). */
#define CT_PATH_REASONS(REASON)                                                           \
    REASON(GOES_ON, "goes_on") /* it ran, or was runnable */                              \
    REASON(WOKEN, "woken")     /* it had been let go on, and had not gone on yet */       \
    REASON(TIMED, "timed")     /* it waited for time to pass */                           \
    REASON(OUTSIDE, "outside") /* it waited for what is not recorded: disks, peers */     \
    REASON(UNKNOWN, "unknown") /* it is not known who let it go on */                     \
    REASON(OPEN, "open")       /* it waited still at the end */                           \
    REASON(AHEAD, "ahead")     /* it waited already when what it had let go on went on */ \
    REASON(NOBODY, "nobody")   /* no thread that is recorded */

enum ct_path_reason {
#define CT_PATH_REASON_SYMBOL(symbol, name) CT_PATH_REASON_##symbol,
    CT_PATH_REASONS(CT_PATH_REASON_SYMBOL)
#undef CT_PATH_REASON_SYMBOL
        CT_PATH_REASON_COUNT
};

const char *ct_path_reason_name(enum ct_path_reason reason);

/* How the chain came to a stretch. VIA(symbol, name). */
#define CT_PATH_VIAS(VIA)                                           \
    VIA(ITSELF, "itself") /* it did something else before */        \
    VIA(WAKE, "wake")     /* the one before let it go on */         \
    VIA(EXIT, "exit")     /* the one before ended */                \
    VIA(CREATE, "create") /* the one before created the thread */   \
    VIA(FORK, "fork")     /* the same of the process */             \
    VIA(EXEC, "exec")     /* the one before executed its program */ \
    VIA(HOLD, "hold")     /* the one before held the lock still */  \
    VIA(BEGIN, "begin")   /* the window begins there */

enum ct_path_via {
#define CT_PATH_VIA_SYMBOL(symbol, name) CT_PATH_VIA_##symbol,
    CT_PATH_VIAS(CT_PATH_VIA_SYMBOL)
#undef CT_PATH_VIA_SYMBOL
        CT_PATH_VIA_COUNT
};

const char *ct_path_via_name(enum ct_path_via via);

/* A place in the code. */
struct ct_path_place {
    uint32_t stack_id;   /* in the thread's process; 0: unknown */
    enum ct_op op;       /* which the stack called, or was about to; NONE: unknown, or none */
    gboolean is_sampled; /* the stack ran there; else it ran until that stack called it */
};

/* A time for which the chain was on one thread, which did one thing. */
struct ct_path_stretch {
    uint64_t begin_ns;
    uint64_t end_ns;
    struct ct_thread *thread; /* borrowed; NULL: of NOBODY */
    enum ct_class class;      /* RUNNING, RUNNABLE, or what it waited in */
    enum ct_path_reason reason;
    struct ct_path_place place; /* of a wait, where it waited */
    uint64_t object;            /* of a wait; see struct ct_interval */
    const char *call_name;      /* the same */
    struct ct_store_id id;      /* of the wait; without thread: it is none */
    enum ct_path_via via;
    struct ct_thread *before;  /* borrowed; the one before; NULL: of ITSELF and BEGIN */
    struct ct_path_place from; /* of WAKE: where that one let it go on */
};

/* What is asked: how the thread got to the window's end. It is alive then, or ends there, and was
 * there after the window's begin. */
struct ct_path_question {
    struct ct_store *store;       /* borrowed */
    const struct ct_model *model; /* borrowed; the store's */
    struct ct_thread *thread;     /* borrowed */
    struct ct_window window;
};

/* From the last to the first: each ends where the one before begins, and all together are the
 * window. */
typedef void ct_path_visit(void *user, const struct ct_path_stretch *stretch);

gboolean ct_path_walk(const struct ct_path_question *question, ct_path_visit *visit, void *user,
                      GError **error);

#endif
