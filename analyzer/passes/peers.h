/*
 * Whom the program called: by peer, how long it took from what the program wrote last until the
 * first of the answer could be read. Only connections that the program opened itself, and that the
 * library inside of it saw.
 */
#ifndef CTRACE_PASSES_PEERS_H
#define CTRACE_PASSES_PEERS_H

#include "passes/durations.h"
#include "store/store.h"

struct ct_peer {
    char *address;                   /* owned; "": it has none, or none is known */
    enum ct_fd_kind kind;            /* of its connections */
    gboolean is_others;              /* all peers beyond those that are told apart */
    const struct ct_process *caller; /* borrowed; the first that called it */
    guint caller_count;              /* processes */
    struct ct_durations answers;     /* of its calls that were answered */
    struct ct_durations failures;    /* of those that were not, but for the next-but-one: */
    double closed;                   /* on which it closed the connection instead, */
    double given_up;                 /* or the program did so; */
    double open;                     /* or which the program's end left open */
    double scattered; /* of those answered: written over more than a tenth of the time, so that it
                         is not clear which of it was answered */
    GHashTable *callers; /* owned; const struct ct_process *, as a set */
};

/* struct ct_peer *, that with the most time first. NULL: an error. The caller owns it. Calls that
 * ended in the scope count. */
GPtrArray *ct_peers_find(struct ct_store *store, const struct ct_store_scope *scope,
                         GError **error);

#endif
