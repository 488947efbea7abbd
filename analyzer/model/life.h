/* What a thread did inside a window, by class: rows of tables, totals of pictures. */
#ifndef CTRACE_LIFE_H
#define CTRACE_LIFE_H

#include "model/timeline.h"

struct ct_life {
    const struct ct_thread *thread; /* borrowed */
    struct ct_window alive;         /* cut to the window */
    uint64_t class_ns[CT_CLASS_COUNT];
};

/* `waited_ns` is what its waits inside the window took by class, as recorded and weighted; NULL: it
 * had none. What is no wait is running. The classes add up to the time that it was alive. */
struct ct_life ct_life_inside(const struct ct_thread *thread, const struct ct_window *window,
                              const uint64_t *waited_ns);

/* From the first thread's start to the last one's end: a recorder is there before its program. The
 * whole recording where there are no threads, or none lived for any time. */
struct ct_window ct_lives_extent(const struct ct_model *model);

#endif
