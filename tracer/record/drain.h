/*
 * What the traced processes have written to their boards' rings, on its way to LTTng: a thread that
 * wakes often enough, and when there is much in a ring. Between ct_drain_lock and _unlock it rests.
 */
#ifndef CTRACE_RECORD_DRAIN_H
#define CTRACE_RECORD_DRAIN_H

#include "boards.h"
#include "control.h"
#include "known_fds.h"
#include "provider/writer.h"
#include "written.h"

#include <glib.h>

/* On a busy machine, what fetches events must not stand in line behind what writes them: nice(2).
 */
#define CT_DRAIN_PRIORITY -10

struct ct_drain;

/* All are borrowed. */
struct ct_drain *ct_drain_new(struct ct_session_directory *directory, struct ct_boards *boards,
                              const struct ct_writer *writer);

/* The thread first calls `is_taken`: events are held if LTTng does not take them yet. */
void ct_drain_start(struct ct_drain *drain, gboolean (*is_taken)(void *user), void *user);

/* Ends the thread, if there is one. */
void ct_drain_stop(struct ct_drain *drain);

void ct_drain_lock(struct ct_drain *drain);
void ct_drain_unlock(struct ct_drain *drain);

/*
 * Locked, or without a thread: writes what was in the rings when it began. FALSE if LTTng does not
 * take it; from then on events are held.
 */
gboolean ct_drain_now(struct ct_drain *drain);

/* From the beginning: what images say of their descriptors and threads is remembered. */
void ct_drain_expect_parts(struct ct_drain *drain);

/* What they say: locked, to be said again. NULL: it is not remembered. Borrowed. */
struct ct_known_fds *ct_drain_fds(const struct ct_drain *drain);

/* What it has written, and others may count of their own: locked, or without a thread. Borrowed. */
struct ct_written *ct_drain_written(const struct ct_drain *drain);

/* Locked: whether LTTng takes events. Where it does not, they wait in the rings. */
void ct_drain_hold(struct ct_drain *drain, gboolean is_held);

/* How many images said that what they write has another format than ours. */
uint64_t ct_drain_foreign_images(const struct ct_drain *drain);

void ct_drain_free(struct ct_drain *drain);

#endif
