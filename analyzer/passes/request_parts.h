/*
 * Where the time of a request went: what the threads did that worked on it. Who these were is known
 * where one thread read and answered it; where two did, by who woke whom. What may have been so, or
 * not, is said to be: nothing is guessed.
 */
#ifndef CTRACE_PASSES_REQUEST_PARTS_H
#define CTRACE_PASSES_REQUEST_PARTS_H

#include "passes/request.h"

/* Sets link and all that follows. FALSE: an error. */
gboolean ct_request_take_apart(struct ct_request *request, struct ct_store *store, GError **error);

#endif
