/* Which waits are asked for: whose, and of what kind. */
#ifndef CTRACE_SELECTION_H
#define CTRACE_SELECTION_H

#include "model/model.h"

/* Every one, where a member is 0 or NULL, or a list empty. NULL-terminated lists of ids and names;
 * names may hold * and ?. All are borrowed. */
struct ct_selection {
    const char *const *processes;
    const char *const *threads;
    uint32_t classes;              /* bits 1 << enum ct_class */
    const char *const *operations; /* as they are called in what is written */
    const char *const *objects;    /* what was waited for, by its name, address or number */
    const GRegex *place;           /* matches one of the stack's functions, or its file:line */
    uint64_t min_ns;               /* the least that a wait lasted as a whole */
    gboolean is_without_idle;
};

/* Everybody's. */
gboolean ct_selection_is_all_threads(const struct ct_selection *selection);
/* Of every kind. */
gboolean ct_selection_is_all_waits(const struct ct_selection *selection);
/* If one is selected, all of its class are. */
gboolean ct_selection_is_by_class(const struct ct_selection *selection);
gboolean ct_selection_is_all(const struct ct_selection *selection);

gboolean ct_selection_has_process(const struct ct_selection *selection,
                                  const struct ct_process *process);
/* Its process must be selected, too. */
gboolean ct_selection_has_thread(const struct ct_selection *selection,
                                 const struct ct_thread *thread);
gboolean ct_selection_has_class(const struct ct_selection *selection, enum ct_class class);

/* "processes redis*, 4711; threads io_*; waits of class net"; "" where it is everything. Free with
 * g_free(). */
char *ct_selection_describe(const struct ct_selection *selection);

/* "waits of class net or sync, for *_lock, of 1.00 ms or more"; "" where it is all of them. Free
 * with g_free(). */
char *ct_selection_describe_waits(const struct ct_selection *selection);

#endif
