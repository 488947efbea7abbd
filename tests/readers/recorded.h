/* What a reader made of a recording, to be held against what another one made of it. */
#ifndef CTRACE_TESTS_RECORDED_H
#define CTRACE_TESTS_RECORDED_H

#include "source/source.h"

/* One record or loss, by what it says. */
struct recorded_event {
    guint64 all;         /* a hash of all of it */
    guint64 but_strings; /* and of all but its strings */
    gboolean has_empty;  /* one of its strings is empty */
};

struct recorded {
    gboolean is_read;               /* the reader took it */
    GArray *events;                 /* owned; struct recorded_event */
    struct ct_source_result result; /* its damage is owned */
};

/* Clear it, whatever comes of it. */
void recorded_read(struct recorded *recorded, const struct ct_source_reader *reader,
                   const char *directory);
void recorded_clear(struct recorded *recorded);

/* NULL if what the direct reader made of it is what it has to be; else what is not, for people.
 * Caller frees. */
char *recorded_compare(const struct recorded *direct, const struct recorded *oracle);

#endif
