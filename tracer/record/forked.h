/*
 * Children of fork that have no board of their own, as their parent's board tells of them. What it
 * says is copied and checked, as all that is on a board.
 */
#ifndef CTRACE_RECORD_FORKED_H
#define CTRACE_RECORD_FORKED_H

#include "board_map.h"

struct ct_forked {
    enum ct_forked_state state; /* from ALIVE on */
    gboolean is_start_told;
    gboolean is_end_told;
    struct ct_board_identity identity;
    uint64_t start_ticks;
    uint64_t end_ticks; /* when EXECED or EXITED */
    uint64_t end_ns;
    int32_t exit_status;
    struct ct_board_noted successor;
    char name[CT_THREAD_NAME_SIZE + 1];
    char cwd[CT_FORKED_TEXT_SIZE + 1];
    char path[CT_FORKED_TEXT_SIZE + 1];
};

/* How many are to be asked for. */
uint32_t ct_forked_count(const struct ct_board_map *map);

/* FALSE: there is none, or what is said of it makes no sense. */
gboolean ct_forked_read(const struct ct_board_map *map, uint32_t index, uint64_t now_ns,
                        struct ct_forked *forked);

/* May there be something new of it? Without reading all of it. */
gboolean ct_forked_is_news(const struct ct_board_map *map, uint32_t index);

/* Its start, or its end, is told from now on. FALSE: it has changed meanwhile. */
gboolean ct_forked_tell_start(const struct ct_board_map *map, uint32_t index,
                              const struct ct_forked *forked);
gboolean ct_forked_tell_end(const struct ct_board_map *map, uint32_t index,
                            const struct ct_forked *forked);

/* Nothing of it is needed any more. */
void ct_forked_free(const struct ct_board_map *map, uint32_t index);

#endif
