/* The boards of a recording's processes, mapped as they appear in the session directory. */
#ifndef CTRACE_RECORD_BOARDS_H
#define CTRACE_RECORD_BOARDS_H

#include "board_map.h"
#include "heap_history.h"
#include "schema/control.h"
#include "system/image_key.h"

#include <glib.h>

struct ct_mapped_board {
    char *path;               /* owned */
    struct ct_board_map *map; /* owned */
    gboolean is_lost;         /* its file was cut short: nothing of it is used any more */
    char *title; /* owned; the command line that the process had when it was last looked at, where
                    that is another than the board has; or NULL */
    struct ct_heap_history *heap_history; /* owned; NULL: it was never looked at */
};

struct ct_boards;

/* `directory` is the session's path; NULL: there is none, and boards are added one by one. */
struct ct_boards *ct_boards_new(const char *directory);

/*
 * Maps what is new, and gives all: struct ct_mapped_board *, borrowed. Where a board is may change
 * with it.
 */
GPtrArray *ct_boards_update(struct ct_boards *boards);

/* Maps the board in that file, which may be closed then. */
enum ct_board_state ct_boards_add(struct ct_boards *boards, const char *path, int fd);

/* A file that was long incomplete is looked at less and less often; but now. */
void ct_boards_look_again(struct ct_boards *boards);

/* Looks at how those that live call themselves: a board has what they were called at first. */
void ct_boards_read_titles(struct ct_boards *boards);

/* Looks at what is live in their heaps, with record --heap. */
void ct_boards_look_at_heaps(struct ct_boards *boards, uint64_t now_ns);

/* What those looks found, of images that have not said that they end. */
void ct_boards_sum_heaps(const struct ct_boards *boards, uint64_t now_ns, struct ct_heap_sum *sum);

/* One that has no board of its own. */
void ct_boards_add_image(struct ct_boards *boards, int32_t pid, uint64_t start_ns);

/* Is there a board of it? */
gboolean ct_boards_have(const struct ct_boards *boards, int32_t pid, uint64_t start_ns);

/* The images of all that were ever mapped: struct ct_image_key, borrowed. */
const GArray *ct_boards_images(const struct ct_boards *boards);

/* How many images could not have a board, by enum ct_refusal. Borrowed. */
const uint64_t *ct_boards_refused(const struct ct_boards *boards);

void ct_boards_add_refused(struct ct_boards *boards, enum ct_refusal refusal, uint64_t count);

/* Why not. */
const char *ct_refusal_reason(enum ct_refusal refusal);

/* What a process said on its board cannot be: the recording is to say so. */
void ct_boards_note_damaged(struct ct_boards *boards, int32_t pid);

/* Those of which that was noted: int32_t, each once. Borrowed. */
const GArray *ct_boards_damaged(const struct ct_boards *boards);

/* All its events have been fetched, or are lost. */
gboolean ct_board_is_drained(const struct ct_mapped_board *board);

/* The process is over, and nothing of the board is needed: its file is removed. */
void ct_boards_remove(struct ct_boards *boards, struct ct_mapped_board *board);

/* And what was mapped of those, at once: see ct_shared_memory_unmap_all. */
void ct_boards_unmap_removed(struct ct_boards *boards);

/* Unmaps them. The files stay. */
void ct_boards_free(struct ct_boards *boards);

#endif
