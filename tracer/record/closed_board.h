/* What the board of an image says when the trace is cut, or the image has ended, as events. */
#ifndef CTRACE_RECORD_CLOSED_BOARD_H
#define CTRACE_RECORD_CLOSED_BOARD_H

#include "board_map.h"
#include "heap_history.h"
#include "provider/writer.h"
#include "written.h"

#include <glib.h>

/* One board while it is written out. */
struct ct_closed_board {
    const struct ct_board_map *map;        /* borrowed */
    const struct ct_board_identity *image; /* borrowed; its */
    struct ct_board_head head;
    const char *title;                    /* borrowed; how it called itself last; or NULL */
    struct ct_heap_history *heap_history; /* borrowed; or NULL */
    const struct ct_writer *writer;       /* borrowed */
    uint64_t ns_per_tick;
    uint64_t now_ticks;
    uint64_t now_ns;
    uint64_t begin_ticks; /* of the recording */
    uint64_t end_ns;      /* of the image, or the cut */
    gboolean is_over;
    gboolean is_lost;
    gboolean is_damaged; /* what it counts is left out */
    gboolean has_parts;  /* the recording */
};

/* When its ticks were so many: within the image's life. */
uint64_t ct_closed_board_time(const struct ct_closed_board *board, uint64_t ticks);

/* `cwd` NULL: as the board has it; the same below. */
void ct_closed_board_write_process(const struct ct_closed_board *board, const char *cwd);
/* Unless there is nothing that has an address: `has_kernel`, the kernel may have told of some. */
void ct_closed_board_write_modules(const struct ct_closed_board *board, gboolean has_kernel);
void ct_closed_board_write_stacks(const struct ct_closed_board *board);

/* What it and its threads are, and have counted, up to now: it goes on. Returns about how much the
 * recording gets by that. */
size_t ct_closed_board_restate(const struct ct_closed_board *board, const char *cwd,
                               struct ct_written *written);

/* With their counters and their waits: gives how many are in one, and has `written`, which may be
 * NULL, count them. */
guint ct_closed_board_write_threads(const struct ct_closed_board *board,
                                    struct ct_written *written);

#endif
