/* The boards of a recording's processes, mapped as they appear in the session directory. */
#ifndef CTRACE_RECORD_BOARDS_H
#define CTRACE_RECORD_BOARDS_H

#include "schema/board.h"

#include <glib.h>

struct ct_mapped_board {
    char *path;            /* owned */
    struct ct_board *data; /* owned mapping */
    size_t file_size;
    size_t mapped_size;
    /* What the program said when we looked; it may have written over it since. */
    uint32_t segment_count;
    uint64_t part_offsets[CT_TABLE_COUNT][1 + CT_TABLE_PARTS]; /* 0: not mapped yet */
    char *title; /* owned; the command line that the process had when it was last looked at, where
                    that is another than the board has; or NULL */
};

/* An event ring: of whatever was on the board, what makes sense. */
struct ct_mapped_ring {
    struct ct_board_ring *ring;
    uint32_t size; /* bytes of records */
};

struct ct_boards;

/* A process image, by what identifies it. */
struct ct_image_key {
    int32_t pid;
    uint64_t start_ns;
};

/* `directory` is the session's path. */
struct ct_boards *ct_boards_new(const char *directory);

/*
 * Maps what is new, and gives all: struct ct_mapped_board *, borrowed. Where a board is may change
 * with it.
 */
GPtrArray *ct_boards_update(struct ct_boards *boards);

/* Looks at how those that live call themselves: a board has what they were called at first. */
void ct_boards_read_titles(struct ct_boards *boards);

/* The images of all that were ever mapped: struct ct_image_key, borrowed. */
const GArray *ct_boards_images(const struct ct_boards *boards);

/* How many entries of a table are there, at most `count`. */
uint32_t ct_board_entries(const struct ct_mapped_board *board, enum ct_table table, uint32_t count);

/* One of them. Borrowed. */
void *ct_board_entry(const struct ct_mapped_board *board, enum ct_table table, uint32_t index);

/* How many thread slots of the board have ever been used. */
uint32_t ct_board_slots(const struct ct_mapped_board *board);

/* One of them. Borrowed. */
const struct ct_board_thread *ct_board_thread(const struct ct_mapped_board *board, uint32_t index);

/* A slot's rings, the small one first: how many there are. */
#define CT_SLOT_RINGS 2
uint32_t ct_board_rings(const struct ct_mapped_board *board, uint32_t slot,
                        struct ct_mapped_ring rings[CT_SLOT_RINGS]);

/* How many images could not have a board, by enum ct_refusal. Borrowed. */
const uint64_t *ct_boards_refused(const struct ct_boards *boards);

/* Why not. */
const char *ct_refusal_reason(enum ct_refusal refusal);

/* All its events have been fetched. */
gboolean ct_board_is_drained(const struct ct_mapped_board *board);

/* The process is over, and nothing of the board is needed: it is removed. */
void ct_boards_remove(struct ct_boards *boards, struct ct_mapped_board *board);

/* Unmaps them. The files stay. */
void ct_boards_free(struct ct_boards *boards);

#endif
