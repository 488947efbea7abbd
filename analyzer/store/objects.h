/* What is waited for, while a store is made: each object with a lane of its own, once. */
#ifndef CTRACE_STORE_OBJECTS_H
#define CTRACE_STORE_OBJECTS_H

#include "model/sink.h"
#include "store/lane_writer.h"
#include "store/releases_writer.h"

/* Objects with lanes of their own; of more, nothing is told by object. */
#define CT_STORE_OBJECTS_MAX (1U << 16)

struct ct_store_object {
    const struct ct_process *process; /* borrowed; first, with the next two: the key */
    uint64_t id;
    enum ct_object kind;
    struct ct_lane_writer *waits;        /* borrowed; NULL: it was just made */
    struct ct_releases_writer *releases; /* owned; NULL: none */
};

struct ct_store_objects {
    GPtrArray *list;                /* owned; struct ct_store_object *, owned: by number */
    GHashTable *all;                /* owned; the same, as a set */
    struct ct_store_object **slots; /* owned; borrowed from it, by hash, or NULL */
};

void ct_store_objects_init(struct ct_store_objects *objects);
void ct_store_objects_clear(struct ct_store_objects *objects);

/* NULL: it is nothing that others wait for, too; or there are too many. */
struct ct_store_object *ct_store_objects_find(struct ct_store_objects *objects,
                                              const struct ct_interval *interval);

#endif
