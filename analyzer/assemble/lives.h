/*
 * Processes and threads: which of them an id means, now and of those told of at the end. A pid that
 * executes a program, or is used again, means another image from then on.
 */
#ifndef CTRACE_ASSEMBLE_LIVES_H
#define CTRACE_ASSEMBLE_LIVES_H

#include "assemble/binding.h"
#include "assemble/image.h"
#include "source/record.h"

struct ct_thread_state;

/* How long a thread waited in all, as its process counts it. */
struct ct_class_totals {
    uint64_t net_ns;
    uint64_t sync_ns;
    uint64_t syscall_ns;
    uint64_t sleep_ns;
};

struct ct_thread_life {
    gboolean has_name;
    gboolean has_start;            /* a thread_start was seen */
    gboolean has_before;           /* it was told of as what is left of the recording began */
    uint64_t last_ns;              /* the last live event */
    struct ct_class_totals before; /* what is left of the recording */
};

struct ct_lives;

/* Both are borrowed. */
struct ct_lives *ct_lives_new(struct ct_model *model, struct ct_binding *binding);
void ct_lives_free(struct ct_lives *lives);

/* ---- Images ---- */

/* The pid has an image that started then from now on; of one without preload, events that another
 * ctrace's wrote are still left out. NULL beyond the limits, which is counted. */
struct ct_image *ct_lives_begin_image(struct ct_lives *lives, int32_t pid, uint64_t start_ns,
                                      gboolean is_preloaded);
/* The image of another format, that `pid` has from now on, is left out, and counted. */
void ct_lives_skip_image(struct ct_lives *lives, int32_t pid,
                         const struct ct_event_process_start *start);
/* The newest image of the pid; or NULL. */
struct ct_image *ct_lives_image(const struct ct_lives *lives, int32_t pid);
/* The image that a closing event speaks of. One whose start was lost gets it from here. NULL: it is
 * left out. */
struct ct_image *ct_lives_told_image(struct ct_lives *lives, int32_t pid, uint64_t start_ns);
/* When the last of its threads gave a sign of life. */
uint64_t ct_lives_last_sign_ns(const struct ct_image *image);

/* A recording has one rate: what one process says holds for those whose start was lost, too. */
void ct_lives_set_rate(struct ct_lives *lives, struct ct_image *image, uint64_t rate_ns);
/* See ct_assembler_set_rate_finder(). */
void ct_lives_set_rate_finder(struct ct_lives *lives, uint64_t (*find)(void *user), void *user);

/* ---- Threads ---- */

/* The newest one of the id. NULL beyond the limits, which is counted. */
struct ct_thread_state *ct_lives_add_thread(struct ct_lives *lives, struct ct_image *image,
                                            int32_t tid, uint64_t start_ns);
/* The same of one whose id the thread has had up to now, which may have ended without a word. */
struct ct_thread_state *ct_lives_replace_thread(struct ct_lives *lives,
                                                struct ct_thread_state *thread, uint64_t start_ns);
/* The live thread that wrote the record. One not seen before started at `start_ns` or earlier. */
struct ct_thread_state *ct_lives_live_thread(struct ct_lives *lives, const struct ct_record *record,
                                             uint64_t start_ns);
/* Is it among those that are known? */
gboolean ct_lives_knows_thread(const struct ct_lives *lives, int32_t pid, int32_t tid);

/* It writes that it starts, or another one that has its id by now. */
void ct_lives_start_thread(struct ct_lives *lives, struct ct_thread_state *thread, uint64_t time_ns,
                           const struct ct_event_thread_start *start);
/* Which thread forked a child, be it known by now or not; and the first thread of one is known. */
void ct_lives_note_fork(struct ct_lives *lives, int32_t child_pid, int32_t forker_tid);
void ct_lives_set_forker(struct ct_lives *lives, struct ct_thread_state *first);
/* All that it gave sign of is from before that time. */
gboolean ct_lives_was_seen_before(const struct ct_thread_state *thread, uint64_t time_ns);
/* It has ended, and waits no more. */
void ct_lives_end_thread(struct ct_thread_state *thread, uint64_t time_ns);
/* The thread that a closing event speaks of. */
struct ct_thread_state *ct_lives_told_thread(struct ct_lives *lives, struct ct_image *image,
                                             int32_t tid, uint64_t start_ns);

/* It was there as what is left of the recording began, but ended before that was told. */
gboolean ct_lives_is_of_before(const struct ct_thread_state *thread);

/* Its totals, up to its end or the recording's. */
void ct_lives_set_totals(struct ct_thread_state *thread, const struct ct_class_totals *totals);
/* Its totals when what is left of the recording began. */
void ct_lives_note_totals_before(struct ct_thread_state *thread,
                                 const struct ct_class_totals *totals);

void ct_lives_name_thread(struct ct_thread_state *thread, const char *name);
/* At the end: one without a name has its process's. */
void ct_lives_settle_name(struct ct_thread_state *thread);

/* ---- Threads of images without preload ---- */

/* NULL: it is known already. */
struct ct_thread_state *ct_lives_add_unpreloaded(struct ct_lives *lives, struct ct_image *image,
                                                 int32_t tid, uint64_t start_ns);
/* TRUE: it was the last one of its image. */
gboolean ct_lives_end_unpreloaded(struct ct_lives *lives, struct ct_thread_state *thread);
/* The one that has the id now; or NULL. */
struct ct_thread_state *ct_lives_find_unpreloaded(const struct ct_lives *lives, int32_t tid);

#endif
