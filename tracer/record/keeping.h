/*
 * Which parts of a recording are kept that may have no more than so much room, and is to have what
 * came last: it has a few parts, and those go first that are oldest.
 */
#ifndef CTRACE_RECORD_KEEPING_H
#define CTRACE_RECORD_KEEPING_H

#include "closing.h"

#include <glib.h>

/* So many parts have room, where each is not too small for one. */
#define CT_KEPT_PARTS 8

/* A part is no smaller: what is there is said again in each. */
#define CT_KEPT_PART_MIN UINT64_C(1000000)

/* Parts that follow each other faster would be nothing but what is said again. */
#define CT_KEPT_NS_MIN UINT64_C(1000000000)

/* For two parts. */
#define CT_KEPT_SIZE_MIN (2 * CT_KEPT_PART_MIN)

struct ct_kept_part {
    uint32_t number;       /* 0: the recording began with it */
    uint64_t begin_ns;     /* 0: see above */
    uint64_t bytes_before; /* that the recording had */
    struct ct_part_before before;
};

struct ct_keeping {
    uint64_t max_size;      /* of what is kept */
    uint64_t part_size;     /* what is larger is to be followed by another one */
    uint64_t keep_ns;       /* what is older is not kept; 0: it may be of any age */
    GArray *parts;          /* owned; struct ct_kept_part, of which there is one */
    uint64_t bytes_dropped; /* up to now */
    uint64_t size;          /* of what is kept, when it was last looked at */
    uint64_t growth;        /* see ct_keeping_look() */
    guint looks_too_large;  /* the last looks found it far too large */
};

/* So many parts last as long as what is kept, where it is not to be older than so long. */
#define CT_KEPT_AGES 4

/* Of a recording that may have so much. */
uint64_t ct_keeping_part_size(uint64_t max_size);

void ct_keeping_init(struct ct_keeping *keeping, uint64_t max_size, uint64_t keep_ns);
void ct_keeping_clear(struct ct_keeping *keeping);

/* Of those that are kept. Borrowed, until there is another part. */
const struct ct_kept_part *ct_keeping_oldest(const struct ct_keeping *keeping);
const struct ct_kept_part *ct_keeping_newest(const struct ct_keeping *keeping);

/* Is another part to begin, where what is kept has `size` bytes? What is there is said again when a
 * part begins: that does not count, unless a part is half of all; and what comes after it is to be
 * as much at least. */
gboolean ct_keeping_wants_part(const struct ct_keeping *keeping, uint64_t size);
void ct_keeping_add(struct ct_keeping *keeping, const struct ct_kept_part *part);

/* Has the newest part lasted so long that another is to begin? The first one began at `begin_ns`.
 */
gboolean ct_keeping_is_due(const struct ct_keeping *keeping, uint64_t begin_ns, uint64_t now_ns);
/* How many parts, the oldest first, have nothing that is young enough to be kept. */
guint ct_keeping_outlived(const struct ct_keeping *keeping, uint64_t now_ns);

/* What is kept has that size now. It may grow until the next look by as much as it did lately at
 * most: what the kernel tells comes in bursts. */
void ct_keeping_look(struct ct_keeping *keeping, uint64_t size);

/* How many parts are to go, the oldest first, before it grows by so much. All but two may have to,
 * since the newest may have begun just now; all but one where it is too large by a part already. */
guint ct_keeping_excess(const struct ct_keeping *keeping);
/* It has been far too large for a while: nothing can be dropped any more. */
gboolean ct_keeping_has_failed(const struct ct_keeping *keeping);

/* What is said again takes too much of it for parts that follow each other. */
gboolean ct_keeping_is_too_small(const struct ct_keeping *keeping);

/* They are not wanted any more; then they are gone, and what is kept has that size. */
void ct_keeping_drop(struct ct_keeping *keeping, guint count);
void ct_keeping_shrink(struct ct_keeping *keeping, uint64_t size);

/* What --keep asks for, with --max-size; NULL: nothing. */
gboolean ct_keeping_check(const char *keep, uint64_t max_size, gboolean *keeps_newest,
                          uint64_t *keep_ns, GError **error);

#endif
