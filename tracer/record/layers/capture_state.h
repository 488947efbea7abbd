/* The kernel layer of one recording, as its own parts know it. */
#ifndef CTRACE_RECORD_LAYERS_CAPTURE_STATE_H
#define CTRACE_RECORD_LAYERS_CAPTURE_STATE_H

#include "capture.h"
#include "source.h"

/* A source that is used. */
struct use {
    const struct ct_capture_source *source;
    void *opened; /* owned; or what was prepared; NULL: neither */
};

struct ct_kernel_capture {
    struct ct_capture_context context; /* strings owned; `joined` too */
    unsigned wished;                   /* bits; see enum ct_capture_gift */
    enum ct_capture_origin origin;     /* of what is wished */
    GThread *opener;                   /* owned; until attached */
    GThread *drainer;                  /* owned; or NULL */
    struct use *uses;                  /* owned; for each of ct_capture_sources */
    guint count;                       /* of them */
    char *why_no_samples;              /* owned; or NULL */
    GString *missing;                  /* owned */
    GMutex lock;                       /* while it is drained */
    GHashTable *parts;    /* owned; number -> owned sizes of the spool's files when it began */
    int stop_fd;          /* readable when draining is to end */
    gboolean has_new_fds; /* the drainer is to look at them anew */
    int begin_fd;         /* readable when recording begins while draining */
    int error; /* errno of the write that failed, or 0; the drainer's until it is joined */
};

/* Locked. TRUE if there are other descriptors than before. A full disk ends the kernel's part only:
 * the rest has its own reserve. */
gboolean ct_kernel_capture_drain(struct ct_kernel_capture *capture);

#endif
