/* What the parts of a store share: its lanes, and records that become intervals again. */
#ifndef CTRACE_STORE_LANES_H
#define CTRACE_STORE_LANES_H

#include "store/block.h"
#include "store/store.h"
#include "store/tree.h"

struct ct_store_lane {
    enum ct_lane_kind kind;
    uint64_t subject;
    struct ct_entry root; /* of no record: it is empty */
};

struct ct_store {
    int fd;                 /* borrowed */
    struct ct_model *model; /* borrowed */
    uint64_t size;          /* of the file */
    uint64_t record_count;
    GPtrArray *processes;                       /* owned; the model's, as the file has them */
    GArray *lanes;                              /* owned; struct ct_store_lane */
    GHashTable *by_subject[CT_LANE_KIND_COUNT]; /* owned; subject -> position in lanes, plus one */
    GArray *objects;                            /* owned; struct ct_store_object */
    GArray *cpus;                               /* owned; uint32_t, in order */
    struct ct_release_cache *releases;          /* owned */
};

/* NULL: nothing is there. */
const struct ct_store_lane *ct_store_lane(const struct ct_store *store, enum ct_lane_kind kind,
                                          uint64_t subject);
const struct ct_store_lane *ct_store_thread_lane(const struct ct_store *store,
                                                 enum ct_lane_kind kind,
                                                 const struct ct_thread *thread);

/* NULL: the number is none. */
struct ct_thread *ct_store_thread(const struct ct_store *store, uint64_t number);

/* For one question. */
static inline struct ct_tree_reader ct_store_reader(const struct ct_store *store)
{
    return (struct ct_tree_reader){store->fd, store->size};
}

/* FALSE, always. */
gboolean ct_store_fail(GError **error);

/* Does what is summed up touch the window? NULL: all does. */
static inline gboolean ct_touches(const struct ct_window *window, uint64_t begin_ns,
                                  uint64_t end_ns)
{
    return !window || (end_ns >= window->begin_ns && begin_ns <= window->end_ns);
}

/*
 * The interval of a record of this thread, with its releases, valid until the next one; `fd` is
 * where its descriptor is put. FALSE: the record is none.
 */
gboolean ct_store_make_interval(struct ct_store *store, struct ct_thread *thread,
                                const struct ct_store_record *record, struct ct_interval *interval,
                                struct ct_fd *fd);
gboolean ct_store_make_sample(struct ct_thread *thread, const struct ct_store_record *record,
                              struct ct_sample *sample);

/* The same of a turn. */
gboolean ct_store_make_turn(struct ct_store *store, struct ct_thread *thread,
                            const struct ct_store_record *record, struct ct_turn *turn,
                            struct ct_fd *fd);

/* ---- Releases of objects, of which those of late are kept decoded ---- */

struct ct_release_cache *ct_release_cache_new(void);
void ct_release_cache_free(struct ct_release_cache *cache);

#endif
