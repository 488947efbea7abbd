/*
 * What has been written so far. Of a recording that has parts, readers of what came last count from
 * the begin of the oldest part that is left: so does this, to the last wait and thread.
 */
#ifndef CTRACE_RECORD_WRITTEN_H
#define CTRACE_RECORD_WRITTEN_H

#include "schema/events.h"

#include <glib.h>

struct ct_source; /* see provider/writer.h */

struct ct_written_counts {
    uint64_t waits;         /* events */
    uint64_t open_waits;    /* beside those: that boards of images had which were over */
    uint64_t ended_threads; /* before their images */
};

struct ct_written;

struct ct_written *ct_written_new(void);
void ct_written_free(struct ct_written *written);

/* There will be parts. */
void ct_written_expect_parts(struct ct_written *written);

/* An event of a thread, of whatever kind; a wait ended then: readers leave it out of a part that
 * began later. */
void ct_written_add(struct ct_written *written, const struct ct_source *source, enum ct_event event,
                    uint64_t time_ns);
/* A wait that a board had when it was closed, up to then. */
void ct_written_add_open_wait(struct ct_written *written, uint64_t end_ns);
/* What had come has all been written. */
void ct_written_end_round(struct ct_written *written);

/* The image that the process had is over, and its board closed. */
void ct_written_forget_image(struct ct_written *written, int32_t pid);

/* All that comes is written in a part that began then, or in a later one. */
void ct_written_begin_part(struct ct_written *written, uint64_t begin_ns);
/* Then: this thread is there. */
void ct_written_restate_thread(struct ct_written *written, int32_t pid, int32_t tid);

/* What was before the part that began then, whenever it was written. */
void ct_written_before(const struct ct_written *written, uint64_t begin_ns,
                       struct ct_written_counts *before);

/* Parts that began before then will not be asked for. */
void ct_written_forget(struct ct_written *written, uint64_t begin_ns);

/* In all. */
const struct ct_written_counts *ct_written_all(const struct ct_written *written);

#endif
