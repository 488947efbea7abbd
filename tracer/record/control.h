/* The session directory on tmpfs, with what every traced process is told. */
#ifndef CTRACE_RECORD_CONTROL_H
#define CTRACE_RECORD_CONTROL_H

#include "schema/board.h"
#include "shared_memory.h"

#include <glib.h>

struct ct_session_directory {
    char *path; /* owned */
    /* Owned; our own copy of what the traced processes are told, which is what counts. They see it
     * once it is published. */
    struct ct_control *control;
    struct ct_shared_memory *published; /* owned */
    struct ct_shared_memory *doorbell;  /* owned */
    int lock_fd; /* on the directory, which only its owner can open, as long as somebody records */
    uint64_t first_ticks; /* when the clock was first read, in both units */
    uint64_t first_ns;
};

/* Makes the directory, under a name of its own. */
struct ct_session_directory *ct_session_directory_new(uint64_t rate_ns, gboolean follows_children,
                                                      GError **error);

/*
 * The directory of a recording to `output` whose recorder is gone. NULL and an error if there is
 * none, or if the recorder is alive.
 */
struct ct_session_directory *ct_session_directory_adopt(const char *output, GError **error);

/*
 * The path of the directory of a recording to `output` that goes on. Caller frees. NULL: there is
 * none; *is_left then tells whether one was left unfinished.
 */
char *ct_session_directory_find_living(const char *output, gboolean *is_left);

/* What the recorder with that directory tells at this moment. FALSE: it has gone. */
gboolean ct_session_directory_read(const char *path, struct ct_control *control);

/* The recordings to `output` that were left unfinished are gone: another one takes their place. */
void ct_session_directories_drop(const char *output);

/*
 * The recordings to `output` that were left unfinished are at `new_output` now, for who wants to
 * finish them; those that were there are gone.
 */
void ct_session_directories_move(const char *output, const char *new_output);

/* Removes the directory with all that is in it. Processes that have it mapped keep their maps. */
void ct_session_directory_free(struct ct_session_directory *directory);

/* Leaves the directory there for `ctrace recover`, and forgets it. */
void ct_session_directory_keep(struct ct_session_directory *directory);

/* Tells the traced processes what is in `control` now. */
void ct_session_directory_publish(const struct ct_session_directory *directory);

/* Tells them that events are being taken: threads that wait for room go on waiting. */
void ct_session_directory_note_progress(struct ct_session_directory *directory);

/* Tells whoever watches what is live in the heaps. */
void ct_session_directory_note_heap(struct ct_session_directory *directory,
                                    const struct ct_heap_sum *sum);

/* Compares the tick with CLOCK_MONOTONIC again: the longer the run, the better the rate. */
void ct_session_directory_calibrate(struct ct_session_directory *directory);

/* Both clocks at one moment. */
void ct_clock_read(const struct ct_control *control, uint64_t *ticks, uint64_t *ns);

#endif
