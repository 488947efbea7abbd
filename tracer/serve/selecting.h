/* Whose threads are looked at: those of what an agent serves. */
#ifndef CTRACE_SERVE_SELECTING_H
#define CTRACE_SERVE_SELECTING_H

#include "accounts/selection.h"
#include "serve/served.h"

/* NULL: an error, or nothing is served yet. */
struct ct_selection *ct_served_select(const struct ct_served *served, GError **error);

#endif
