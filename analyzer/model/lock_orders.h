/* The set of a process's lock orders. */
#ifndef CTRACE_LOCK_ORDERS_H
#define CTRACE_LOCK_ORDERS_H

#include <glib.h>

GHashTable *ct_lock_orders_new(void);

#endif
