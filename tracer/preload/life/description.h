/* What the process is: its program, arguments and folder, on its board and as its first event. */
#ifndef CTRACE_PRELOAD_LIFE_DESCRIPTION_H
#define CTRACE_PRELOAD_LIFE_DESCRIPTION_H

#include "preload/core/self.h"

/* What is to have a board. */
struct ct_image {
    const struct ct_board *parent; /* borrowed; of the process that forked this one; or NULL */
    int32_t parent_pid;
    bool is_told;           /* the recorder has told of its begin already */
    char *const *arguments; /* borrowed; where the program has not been able to change them */
    uint64_t start_ns;
};

/* On a new board. */
void ct_process_describe(struct ct_board *board, const struct ct_image *image);

/* The image's first event, once, before its first thread's; at that time. */
void ct_process_announce(struct ct_self *self, uint64_t ticks);

/* Was the begin of this thread, the image's first one, told with the image's? */
bool ct_process_is_told(int32_t tid);

#endif
