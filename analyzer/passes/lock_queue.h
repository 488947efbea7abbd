/* How many threads were in line for one object at once. */
#ifndef CTRACE_PASSES_LOCK_QUEUE_H
#define CTRACE_PASSES_LOCK_QUEUE_H

#include "store/store.h"

/* The most of them in the scope, of the object of that number. FALSE: an error. */
gboolean ct_lock_queue_longest(struct ct_store *store, guint object,
                               const struct ct_store_scope *scope, guint *longest, GError **error);

#endif
