/* What some threads did in a window, summed up: exactly what lies in it. */
#ifndef CTRACE_VIEW_AREA_H
#define CTRACE_VIEW_AREA_H

#include "view/reader/reader.h"

#define CT_VIEW_BUCKETS  64
#define CT_VIEW_LONG_MAX 20

/* Intervals that have one thing in common: what is set of the key says which. */
struct ct_view_sum {
    const struct ct_process *process; /* borrowed; or NULL */
    enum ct_op op;
    const char *call_name; /* borrowed; or NULL */
    enum ct_class class;
    enum ct_object object_kind;
    uint64_t object;
    uint32_t stack_id;
    /* Beyond the key. */
    uint64_t ns;
    double waits;          /* that were begun, with those that sampled ones stand for */
    struct ct_store_id id; /* of one of them */
};

struct ct_view_thread_sum {
    struct ct_thread *thread; /* borrowed */
    uint64_t class_ns[CT_CLASS_COUNT];
    uint64_t unseen_ns[CT_CLASS_COUNT];
    double waits;
};

struct ct_view_long {
    struct ct_store_id id;
    uint64_t end_ns;
    uint64_t inside_ns;
    enum ct_class class;
};

enum ct_view_grouping { CT_VIEW_OPS, CT_VIEW_OBJECTS, CT_VIEW_STACKS, CT_VIEW_GROUPINGS };

struct ct_view_area {
    struct ct_window window;
    GArray *threads;                       /* owned; struct ct_view_thread_sum */
    GHashTable *groups[CT_VIEW_GROUPINGS]; /* owned; struct ct_view_sum *, owned, as sets */
    GArray *longest;                       /* owned; struct ct_view_long, the longest first */
    double bucket_waits[CT_VIEW_BUCKETS];  /* by whole waits' durations: [2^i, 2^(i+1)) ns */
    uint64_t bucket_ns[CT_VIEW_BUCKETS];   /* what of those lies in the window */
};

void ct_view_area_init(struct ct_view_area *area, const struct ct_window *window);
void ct_view_area_clear(struct ct_view_area *area);

/* Reads what a thread did in the window. FALSE: an error. */
gboolean ct_view_area_add(struct ct_view_area *area, const struct ct_view_reader *reader,
                          struct ct_thread *thread, GError **error);

/* const struct ct_view_sum *, the most time first. The caller owns the array. */
GPtrArray *ct_view_area_list(const struct ct_view_area *area, enum ct_view_grouping grouping);

/* What was called; else the state. Borrowed. */
const char *ct_view_sum_name(const struct ct_view_sum *sum);

#endif
