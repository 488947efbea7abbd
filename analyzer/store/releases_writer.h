/*
 * Who let go of one object, each told once: waits that overlap have releases in common. All that a
 * wait has stand one after the other, so that it needs no more than the first one's number.
 */
#ifndef CTRACE_STORE_RELEASES_WRITER_H
#define CTRACE_STORE_RELEASES_WRITER_H

#include "model/sink.h"
#include "store/lane_writer.h"

struct ct_releases_writer;

/* The lane is borrowed. */
struct ct_releases_writer *ct_releases_writer_new(struct ct_lane_writer *lane);
void ct_releases_writer_free(struct ct_releases_writer *writer);
struct ct_lane_writer *ct_releases_writer_lane(const struct ct_releases_writer *writer);

/* The number of the first of a wait's releases, all of which have numbers then, one after the
 * other. */
uint64_t ct_releases_writer_find(struct ct_releases_writer *writer, const struct ct_wake *releases,
                                 size_t count);

/* After that: the next of those that are new, with its number; NULL: no more. */
const struct ct_wake *ct_releases_writer_next(struct ct_releases_writer *writer,
                                              const struct ct_wake *releases, size_t count,
                                              uint64_t *number);

/* Looks no further back from now on than a few. */
void ct_releases_writer_forget(struct ct_releases_writer *writer);

#endif
