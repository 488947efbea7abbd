/* The closing events: what the boards say when a trace is cut, or a process has ended. */
#ifndef CTRACE_RECORD_CLOSING_H
#define CTRACE_RECORD_CLOSING_H

#include "boards.h"
#include "control.h"
#include "deaths.h"
#include "provider/writer.h"
#include "unpreloaded.h"
#include "written.h"

#include <glib.h>

/* What was recorded so far, over all boards that have been closed. */
struct ct_closing_totals {
    uint64_t processes; /* images */
    uint64_t threads;
    uint64_t early_processes; /* of them: over before the recording began, if it did begin */
    uint64_t early_threads;
    uint64_t unexited_threads; /* that ended with their image, and did not say so themselves */
    uint64_t waits;            /* that ended, and were recorded */
    uint64_t waits_at_end;     /* beside those: open when the recording ended, or just over */
    uint64_t events_lost;      /* there was no room in a ring */
    uint64_t stacks_lost;
    uint64_t threads_lost;
    uint64_t modules_lost;
    uint64_t held_up_ns; /* threads waited for room in their rings */
};

/* What there is when a part of the recording begins. */
struct ct_part_before {
    struct ct_closing_totals totals; /* what was counted, but waits */
    uint64_t restated_bytes;         /* about so much is said again */
    gboolean forgets_fds;            /* not all that was said of descriptors */
};

struct ct_closing {
    const struct ct_session_directory *directory; /* borrowed */
    struct ct_boards *boards;                     /* borrowed */
    const struct ct_writer *writer;               /* borrowed; or NULL */
    struct ct_deaths *deaths;                     /* borrowed; NULL if nobody has watched */
    uint64_t watched_until_ns;                    /* then: when somebody last did */
    uint64_t cut_ns; /* what is later on a board is beyond the recording; UINT64_MAX: nothing is */
    gboolean are_copies;        /* the boards, of that time: who lives on them lived then */
    struct ct_written *written; /* borrowed; of what was written of boards; NULL: nobody asks */
    gboolean has_parts;         /* a second one has begun */
    gboolean has_kernel;        /* a layer that takes stacks of any process */
    struct ct_unpreloaded *unpreloaded; /* owned */
    struct ct_closing_totals totals;
};

/* When the last image ended; now, if one has not. 0 if there is no board. */
uint64_t ct_closing_find_end_ns(struct ct_closing *closing);

/* Writes and removes the boards of images that are over and have been drained. */
void ct_closing_write_ended(struct ct_closing *closing);

/*
 * Instead, while nothing can be written: counts and removes the boards of images that are over, if
 * they began at or after `since_ns`, of which there is no event that would need them; or all that
 * are more than `kept`.
 */
void ct_closing_drop_ended(struct ct_closing *closing, uint64_t since_ns, guint kept);

/* What images that are not closed are, and what they have counted, for whoever has no more of them
 * than what comes from now on. Adds who goes on: struct ct_image_key. Returns about how much the
 * recording gets by that. */
size_t ct_closing_restate(struct ct_closing *closing, GArray *living);

/* What was counted of images and threads that were over, and lost of all. */
void ct_closing_sum(struct ct_closing *closing, struct ct_closing_totals *totals);

/* Takes from the boards that are left which images have none. */
void ct_closing_find_unpreloaded(struct ct_closing *closing);

/*
 * Writes all boards, whose threads' open waits end now. They stay, for another try if this one
 * does not reach the disk. Without a writer they are only counted.
 */
void ct_closing_write_all(struct ct_closing *closing);

#endif
