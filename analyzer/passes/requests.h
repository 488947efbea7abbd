/*
 * The requests that the program served: by server, how long each took from the first that was read
 * of it until the first of its answer was written, on one connection that the program accepted. And
 * of the slowest, where that time went.
 */
#ifndef CTRACE_PASSES_REQUESTS_H
#define CTRACE_PASSES_REQUESTS_H

#include "passes/durations.h"
#include "passes/request_parts.h"

struct ct_server {
    char *address;                    /* owned; its own end; "": it is not known */
    gboolean is_others;               /* all beyond those that are told apart */
    const struct ct_process *process; /* borrowed; the first that answered for it */
    guint process_count;
    struct ct_durations requests;    /* from when they were read */
    struct ct_durations with_unread; /* from when they may have come, at the earliest */
    double handed_over;    /* of them, those that another thread answered than had read them */
    GHashTable *processes; /* owned; const struct ct_process *, as a set */
};

struct ct_requests {
    GPtrArray *servers; /* owned; struct ct_server *, that with the most time first */
    GPtrArray *slowest; /* owned; struct ct_request *, the slowest first */
};

/* `slowest`: so many are kept. NULL: an error. Requests that were answered in the scope count. */
struct ct_requests *ct_requests_list(struct ct_store *store, const struct ct_store_scope *scope,
                                     guint slowest, GError **error);
/* The slowest are taken apart, too. */
struct ct_requests *ct_requests_find(struct ct_store *store, const struct ct_store_scope *scope,
                                     guint slowest, GError **error);
void ct_requests_free(struct ct_requests *requests);
typedef struct ct_requests ct_requests; /* for g_autoptr(ct_requests) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_requests, ct_requests_free)

#endif
