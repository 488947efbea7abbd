/*
 * Waits that cannot end: each of some threads waits for what the next one holds, or the holder has
 * exited, or nobody is left who could end them. Looked for among the waits that were open when the
 * recording, or their process, ended.
 */
#ifndef CTRACE_PASSES_HANGS_H
#define CTRACE_PASSES_HANGS_H

#include "store/store.h"

enum ct_hang_kind {
    CT_HANG_DEADLOCK,    /* the last one's holder is the first one */
    CT_HANG_SELF,        /* one thread alone: it waits for a lock that it holds */
    CT_HANG_HOLDER_GONE, /* one wait; its holder has exited */
    CT_HANG_LOST_WAKE /* all threads of a process wait, and none is left to wake these: probably a
                         wake-up came too early, or never */
};

/* "deadlock", "self-deadlock", "abandoned lock", "lost wake-up". */
const char *ct_hang_kind_name(enum ct_hang_kind kind);

/* May a wait that goes on at the end be one that cannot end? Where none may, nothing hangs. */
gboolean ct_hang_may_be(enum ct_op op);

/* A wait, and whom it is for. */
struct ct_hang_wait {
    struct ct_interval interval;    /* without `fd` and `releases` */
    const struct ct_thread *holder; /* borrowed; of the lock, or the thread to be joined; NULL: what
                                       it waits for has none */
    const struct ct_thread *signaller; /* borrowed; who signalled it last; NULL: not known */
    uint64_t signal_ns;
};

struct ct_hang {
    enum ct_hang_kind kind;
    GArray *waits;     /* owned; struct ct_hang_wait; each holder is the next one's thread; of
                          LOST_WAKE, the     waits that nobody is left to end */
    uint64_t since_ns; /* when the last of these waits began */
    guint behind;      /* so many other threads wait for one of these, or for one that does */
};

/* struct ct_hang *, the one first in which, or behind which, most threads wait. Only waits without
 * a time limit. NULL: an error. The caller owns it. */
GPtrArray *ct_hangs_find(struct ct_store *store, const struct ct_model *model, GError **error);

#endif
