/* Who made a thread or process, and which child's end somebody waited for. */
#ifndef CTRACE_PASSES_PATH_LINKS_H
#define CTRACE_PASSES_PATH_LINKS_H

#include "passes/path_walk.h"

/* A time limit has passed; a wake that came at the same time was somebody else's. */
gboolean ct_path_has_timed_out(const struct ct_interval *wait);

/* Did another thread let it go on, as the recording tells? */
gboolean ct_path_is_woken(const struct ct_interval *wait);

struct ct_path_links;

/* The model is borrowed. */
struct ct_path_links *ct_path_links_new(const struct ct_model *model);
void ct_path_links_free(struct ct_path_links *links);

/* NULL: unknown, or not recorded. */
struct ct_thread *ct_path_links_creator(const struct ct_path_links *links,
                                        const struct ct_thread *thread, enum ct_path_via *via);

/* The thread that ended the wait for it by its own end, or its process's, before `at_ns`: of a
 * join or a wait for a child. NULL: none is known. */
struct ct_thread *ct_path_links_ended(const struct ct_path_links *links,
                                      const struct ct_interval *wait, uint64_t at_ns);

#endif
