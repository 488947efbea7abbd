/* Whose waits are asked for, by name or number. */
#ifndef CTRACE_SELECTION_H
#define CTRACE_SELECTION_H

#include "model/model.h"

/* Every one, where a list is NULL or empty. NULL-terminated lists of ids and names; names may hold
 * * and ?. */
struct ct_selection {
    const char *const *processes; /* borrowed */
    const char *const *threads;   /* borrowed */
};

gboolean ct_selection_is_all(const struct ct_selection *selection);
gboolean ct_selection_has_process(const struct ct_selection *selection,
                                  const struct ct_process *process);
/* Its process must be selected, too. */
gboolean ct_selection_has_thread(const struct ct_selection *selection,
                                 const struct ct_thread *thread);

#endif
