/* What the process is: its program, arguments and folder, on its board and as its first event. */
#ifndef CTRACE_PRELOAD_LIFE_DESCRIPTION_H
#define CTRACE_PRELOAD_LIFE_DESCRIPTION_H

#include "preload/core/self.h"

/* On a new board; `parent` is that of the process that forked this one, or NULL. */
void ct_process_describe(struct ct_board *board, const struct ct_board *parent, int32_t parent_pid,
                         uint64_t start_ns);

/* The image's first event, once, before its first thread's. */
void ct_process_announce(struct ct_self *self);

#endif
