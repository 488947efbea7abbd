/*
 * Which intervals a selection of waits lets through: in one place for all commands. A store hands
 * on what it lets through, and nothing else.
 */
#ifndef CTRACE_PASSES_FILTER_H
#define CTRACE_PASSES_FILTER_H

#include "model/selection.h"
#include "passes/idle.h"

struct ct_filter;

/* All are borrowed. */
struct ct_filter *ct_filter_new(const struct ct_selection *selection,
                                struct ct_symbolizer *symbolizer, struct ct_idle *idle);
void ct_filter_free(struct ct_filter *filter);
typedef struct ct_filter ct_filter; /* for g_autoptr(ct_filter) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_filter, ct_filter_free)

/* For a store's scope. NULL: it lets through all. Borrows the filter. */
const struct ct_interval_filter *ct_filter_of_intervals(const struct ct_filter *filter);

/* What runs is no wait: it is asked for by class and place, but not where it is operations or
 * objects that are. */
gboolean ct_filter_lets_running(struct ct_filter *filter, const struct ct_process *process,
                                uint32_t stack_id);

/* Time in this class of which no more is known than that. */
gboolean ct_filter_lets_class(const struct ct_filter *filter, enum ct_class class);
const struct ct_selection *ct_filter_selection(const struct ct_filter *filter);

/* What is asked for, and was in no interval that it was asked of, a line each: strings that the
 * caller owns. */
GPtrArray *ct_filter_complaints(const struct ct_filter *filter);

#endif
