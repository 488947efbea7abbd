/* Control page, doorbell and board for a process that may not open them: see schema/board.h. */
#ifndef CTRACE_PRELOAD_CORE_HANDOUT_H
#define CTRACE_PRELOAD_CORE_HANDOUT_H

#include <stdbool.h>

struct ct_handout {
    int control_fd; /* open to read */
    int doorbell_fd;
    int board_fd; /* of a board of full size, open to write */
};

/*
 * Asks the recorder in whose session `directory` this is, and waits for no longer than a moment.
 * FALSE and no descriptors if there is none that answers. The caller closes them.
 */
bool ct_handout_ask(const char *directory, struct ct_handout *handout);

#endif
