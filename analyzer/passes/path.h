/* The chain that led to a moment of a thread, summed up: see path_walk.h. */
#ifndef CTRACE_PASSES_PATH_H
#define CTRACE_PASSES_PATH_H

#include "passes/path_walk.h"

#define CT_PATH_ERROR ct_path_error_quark()
GQuark ct_path_error_quark(void);

enum ct_path_error {
    CT_PATH_ERROR_NOBODY /* there is no such thread, or not at that time */
};

/* A thread's part in it: what it did, to the nanosecond. */
struct ct_path_thread {
    struct ct_thread *thread; /* borrowed; NULL: nobody */
    uint64_t ns;
    uint64_t running_ns;
    uint64_t runnable_ns;
    uint64_t woken_ns;
    uint64_t waiting_ns; /* for what nobody who is recorded let it go on from */
    uint64_t unknown_ns;
    uint64_t count; /* of the times for which the chain was on it */
};

/* What one thread did at one place. */
struct ct_path_row {
    struct ct_thread *thread; /* borrowed; NULL: nobody */
    enum ct_class class;
    enum ct_path_reason reason;
    struct ct_path_place place;
    uint64_t ns;
    uint64_t count; /* of stretches */
    struct ct_path_stretch longest;
    char *object; /* owned; what that waited for: a descriptor's, or NULL */
};

/* One of the longest stretches. */
struct ct_path_long {
    struct ct_path_stretch stretch;
    char *object; /* owned; the same */
};

struct ct_path {
    struct ct_path_question question; /* its store may be gone */
    uint64_t stretch_count;
    uint64_t hop_count; /* from one thread to another */
    GArray *threads;    /* owned; struct ct_path_thread, that with the most time first */
    GArray *rows;       /* owned; struct ct_path_row, the same */
    GArray *longest;    /* owned; struct ct_path_long: no more than asked for, in order of time */
};

/* With so many of its stretches, the longest. NULL: an error. */
struct ct_path *ct_path_find(const struct ct_path_question *question, guint longest,
                             GError **error);
void ct_path_free(struct ct_path *path);
typedef struct ct_path ct_path; /* for g_autoptr(ct_path) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_path, ct_path_free)

/*
 * Sets thread and window of a question whose store and model are set: where the chain ends, and
 * from when on it is followed. Of those selected it is the first process's first thread; of several
 * threads that are named, the one that ends last. The window is the asked one, or NULL: from the
 * first thread's start; it ends where the thread does. FALSE: nobody is selected, or was there.
 */
gboolean ct_path_choose(struct ct_path_question *question, const struct ct_selection *selection,
                        const struct ct_window *window, GError **error);

#endif
