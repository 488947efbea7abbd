/*
 * Where the time of a request went in a thread that serves several at once. What the thread does
 * follows on what it read last: until it reads or writes another connection, or asks for what is
 * ready, it is taken to work for that one. What it asks of a peer meanwhile is of that request
 * where the thread has shown that it is done with those it read before. All else is said not to be
 * known.
 */
#ifndef CTRACE_PASSES_REQUEST_LOOP_H
#define CTRACE_PASSES_REQUEST_LOOP_H

#include "passes/request.h"

/* Of one that its reader answered: sets its parts and calls, and its link to IN_LOOP; or leaves it
 * as it is where that cannot be told. FALSE: an error. */
gboolean ct_request_take_apart_in_loop(struct ct_request *request, struct ct_store *store,
                                       GError **error);

/* What the reader did while the request may have lain unread: sets its unread_parts. */
gboolean ct_request_tell_unread(struct ct_request *request, struct ct_store *store, GError **error);

#endif
