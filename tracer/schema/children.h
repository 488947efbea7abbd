/* What a board says of the children of its process: those that have no board of their own. */
#ifndef CTRACE_SCHEMA_CHILDREN_H
#define CTRACE_SCHEMA_CHILDREN_H

#include <stdatomic.h>
#include <stdint.h>

#define CT_THREAD_NAME_SIZE 16

/* Images that a process has begun, and that the library is not in. */
#define CT_BOARD_MAX_UNSEEN    16
#define CT_UNSEEN_NAME_SIZE    56
#define CT_UNSEEN_NAME_UNKNOWN "(others)"

struct ct_board_unseen {
    _Atomic uint32_t count; /* of the same name, for the same reason; stored last */
    uint32_t obstacle;      /* enum ct_obstacle */
    char name[CT_UNSEEN_NAME_SIZE];
};

/*
 * A child of fork until it has a board of its own, which it makes before its first call that may
 * wait: most children live to execute another program, and never make one. It is on its parent's
 * board, which is kept for it. The parent claims an entry before it forks, the child fills it in,
 * the recorder frees it when the child is over.
 */
enum ct_forked_state {
    CT_FORKED_FREE,
    CT_FORKED_CLAIMED, /* of a child that is still to be forked, or has not got far */
    CT_FORKED_ALIVE,   /* or killed */
    CT_FORKED_MOVING,  /* a board of its own is made, which will tell of it */
    CT_FORKED_EXECED,
    CT_FORKED_EXITED,
};

/* With the state: what the recorder has written of it. The rest is only changed while the child
 * is in no other hands, by compare and exchange. */
#define CT_FORKED_STATE_MASK UINT64_C(0xff)
#define CT_FORKED_START_TOLD UINT64_C(0x100)
#define CT_FORKED_END_TOLD   UINT64_C(0x200)

#define CT_FORKED_TEXT_SIZE 192

struct ct_board_forked {
    _Atomic uint64_t state; /* enum ct_forked_state, and what was told; stored last */
    int32_t pid;
    int32_t exit_status;
    uint64_t start_ns;
    uint64_t start_ticks;
    uint64_t end_ns; /* when EXECED or EXITED */
    uint64_t end_ticks;
    char name[CT_THREAD_NAME_SIZE];
    struct ct_board_unseen successor; /* when EXECED; for no reason, maybe seen */
    char cwd[CT_FORKED_TEXT_SIZE];
    char path[CT_FORKED_TEXT_SIZE]; /* when EXECED */
};

_Static_assert(sizeof(struct ct_board_unseen) == 64, "unseen layout");
_Static_assert(sizeof(struct ct_board_forked) == 512, "forked layout");

#endif
