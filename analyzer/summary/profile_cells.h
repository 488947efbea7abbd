/*
 * Where a profile's waits are added up: a cell for each place that waits are charged to, with a
 * bucket for each thing that was waited for there.
 */
#ifndef CTRACE_PROFILE_CELLS_H
#define CTRACE_PROFILE_CELLS_H

#include "passes/lock_waits.h"
#include "passes/path_walk.h"

/* Where waits are charged to. The thread is NULL for an unknown holder. */
struct ct_profile_place {
    struct ct_process *process;
    struct ct_thread *thread;
    uint32_t stack_id;
    enum ct_op op;
    enum ct_class state;
    gboolean in_kernel;
    gboolean is_partial;
    gboolean is_hand_off;
};

/*
 * What they were for. A descriptor is the file or the other end that it stands for: its number,
 * and the port that a connection got from the system, are different every time.
 */
struct ct_profile_bucket {
    uint64_t object;       /* where there is no name */
    const char *call_name; /* borrowed from the model; see struct ct_interval */
    enum ct_object object_kind;
    const struct ct_thread *other;
    enum ct_fd_kind fd_kind;
    gboolean is_peer;      /* the name is a socket's other end */
    gboolean is_preempted; /* the name is a task's that got the CPU */
    gboolean is_open;
    gboolean is_idle;
    gboolean is_others;
    char *name;        /* owned; of what a descriptor stands for, or NULL */
    char *object_text; /* owned */
    double count;
    double delay_ns;
};

struct ct_profile_cell {
    struct ct_profile_place place; /* first: a cell is found by it */
    GArray *buckets;               /* owned; struct ct_profile_bucket */
};

/* Where a part of a wait for a lock is charged to: the last one's of those who held it up. */
struct ct_profile_place ct_profile_place_blamed(const struct ct_interval *wait,
                                                const struct ct_lock_part *part);

struct ct_profile_cells;

struct ct_profile_cells *ct_profile_cells_new(void);
void ct_profile_cells_free(struct ct_profile_cells *cells);

/* Makes it, if there is none. */
struct ct_profile_cell *ct_profile_cells_find(struct ct_profile_cells *cells,
                                              const struct ct_profile_place *place);

/* Begins to visit them all, in no order: each is a key. */
void ct_profile_cells_visit(GHashTableIter *iter, const struct ct_profile_cells *cells);

/* What decides whose bucket it is, beside the interval. */
struct ct_profile_subject {
    struct ct_thread *other; /* borrowed; who ended it, or who waited; or NULL */
    gboolean is_idle;
};

/* That of what the interval waited for; beyond a limit, the one of all others. */
struct ct_profile_bucket *ct_profile_cell_bucket(struct ct_profile_cell *cell,
                                                 const struct ct_interval *interval,
                                                 const struct ct_profile_subject *subject);

/* Adds what each moment of the path went to. */
gboolean ct_profile_cells_add_path(struct ct_profile_cells *cells,
                                   const struct ct_path_question *question, GError **error);

#endif
