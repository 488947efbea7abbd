/* The session's files: the control page, and a board for each image. */
#ifndef CTRACE_PRELOAD_LIFE_SESSION_H
#define CTRACE_PRELOAD_LIFE_SESSION_H

#include "preload/core/board.h"

/* Of the session in that folder, whose name must stay; NULL if nobody records there. */
const struct ct_control *ct_session_map_control(const char *directory);

/* A new board in a file of its own, of which the header is mapped; NULL if it is not to be had. */
struct ct_board *ct_session_make_board(uint64_t start_ns);

/* Says to the recorder why this image has no board. */
void ct_session_refuse(uint64_t start_ns, enum ct_refusal refusal);

/* A board that was handed to us is of no use: the image is not followed. */
void ct_session_close(void);

#endif
