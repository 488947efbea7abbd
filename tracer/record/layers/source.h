/*
 * What can tell of a part of what the kernel knows: BPF, perf with privilege, perf without, /proc.
 * Each writes to spool files of its own. The first of ct_capture_sources that can give something is
 * asked for it; of what one cannot, the next is asked.
 */
#ifndef CTRACE_RECORD_LAYERS_SOURCE_H
#define CTRACE_RECORD_LAYERS_SOURCE_H

#include "capture.h"
#include "spool/spool_format.h"

#include <glib.h>
#include <sys/types.h>

/* What a source can give; bits. */
enum ct_capture_gift {
    CT_GIVES_SCHED = 1,   /* when threads get and lose CPUs */
    CT_GIVES_CALLS = 2,   /* system calls */
    CT_GIVES_SAMPLES = 4, /* where threads run */
    CT_GIVES_PRESENT = 8, /* what was there before it began, as the kernel would have told it */
};

/* A process that came into the cgroup that is recorded; or, of the machine, one whose parent is not
 * recorded. */
struct ct_joined {
    pid_t pid;
    uint64_t time_ns; /* not later than that */
};

/* Whom it is to tell of, and how. */
struct ct_capture_context {
    const char *path;           /* borrowed; the recording's */
    const char *folder;         /* borrowed; for spool files; it is there */
    pid_t launched;             /* from its next exec on, with all its children to come */
    struct ct_running *running; /* borrowed; instead, those that run already; or NULL */
    /* Borrowed; struct ct_joined. Whoever follows them adds, and whoever says what they are takes
     * them; the drainer's. */
    GArray *joined;
    gboolean follows_children;
    gboolean is_begun; /* else nothing is recorded until `begin` */
    gboolean wants_calls;
    gboolean wants_wakers; /* with calls: where those were that let others go on */
    uint64_t rate_ns;      /* what lasts less need not be told in full */
    uint32_t cpu_hz;
    unsigned given; /* bits; by those that were opened before */
    /* Of the best of those: what is known by it. */
    enum ct_rings_kind kind;
    struct ct_formats formats;
};

struct ct_capture_source {
    const char *layer; /* see capture_words.h */
    enum ct_capture_origin origin;
    const char *tells; /* what is missing without it; NULL: all of the layer */
    unsigned gives;    /* bits */
    /* What takes long and is nobody's, in a thread of its own before `open`; never NULL. Adds to
     * *promised what it gives for sure. Or NULL: there is nothing of that kind. */
    void *(*prepare)(unsigned *promised);
    /*
     * Opens it; takes `prepared` over, which is NULL if others promised all that it gives. NULL: it
     * cannot be had, and *missing is why not. Else it may be what is missing of it.
     */
    void *(*open)(struct ct_capture_context *context, void *prepared, char **missing);
    /* As of `time_ns` (CLOCK_MONOTONIC): when it is not begun yet. */
    void (*begin)(void *opened, uint64_t time_ns);
    /* The process, which no preload is in, runs its program now. Or NULL. */
    void (*describe)(void *opened, pid_t pid);
    /* Another part of the recording begins: what is told from now on is to be understood without
     * what was told before. Then it is drained. Or NULL. */
    void (*begin_part)(void *opened, uint32_t part);
    /* Then: as of `time_ns` there are these images that a preload is in, struct ct_image_key, and
     * others. Returns how many bytes say so. Or NULL. */
    uint64_t (*restate)(void *opened, const GArray *preloaded, uint64_t time_ns);
    /* Adds what is to wake whoever drains it: struct pollfd. Or NULL. */
    void (*list_fds)(const void *opened, GArray *fds);
    /* In another thread: what came is written. FALSE and errno if it cannot be. *has_new_fds if
     * they are to be listed again. */
    gboolean (*drain)(void *opened, gboolean *has_new_fds);
    /* As drain, but tells also what else would be told once it is over. Or NULL: that is all. */
    gboolean (*bring_out)(void *opened, gboolean *has_new_fds);
    /* In that thread, too: no more is recorded; what there is, is drained once more. Or NULL. */
    void (*end)(void *opened);
    /* Then: what else is missing, if anything, is *missing. FALSE and errno if not all is on disk.
     */
    gboolean (*close)(void *opened, char **missing);
    /* Gives back what the kernel gave, in a process of its own if that takes long. Or NULL. */
    void (*release)(void *opened);
    void (*free)(void *opened_or_prepared);
};

/* In the order in which they are asked; NULL at the end. */
extern const struct ct_capture_source *const ct_capture_sources[];

#endif
