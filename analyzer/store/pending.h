/*
 * Records that a lane holds back, so that those which come late are in order: a thread's waits that
 * other waits interrupted, and times that the kernel tells of, which nobody took.
 */
#ifndef CTRACE_STORE_PENDING_H
#define CTRACE_STORE_PENDING_H

#include "store/record.h"

#include <glib.h>

/* So many at most, and so many stay when there are: a multiple of a block's. */
#define CT_PENDING_MAX  1024
#define CT_PENDING_KEPT 512
G_STATIC_ASSERT(CT_PENDING_MAX == 2 * CT_PENDING_KEPT && CT_PENDING_KEPT % CT_BLOCK_RECORDS == 0);

/* Empty at first. Who adds to it takes of it no less than a block, but at the end. */
struct ct_pending {
    struct ct_store_record *records; /* owned; of the highest capacity, a ring */
    size_t first;
    size_t count;
    size_t capacity;
    gboolean is_unordered; /* some of these came before one that began, or came, earlier */
};

/* There are fewer than CT_PENDING_MAX. */
void ct_pending_add(struct ct_pending *pending, const struct ct_store_record *record);

/* By their begin, before any is taken. */
void ct_pending_order(struct ct_pending *pending);

/* When the first one begins; there is one. */
uint64_t ct_pending_begin_ns(const struct ct_pending *pending);

/* Takes the first ones, a block at most, in the order of their sequence. They stay where they are
 * until the next call. */
const struct ct_store_record *ct_pending_take(struct ct_pending *pending, size_t count);

void ct_pending_clear(struct ct_pending *pending);

#endif
