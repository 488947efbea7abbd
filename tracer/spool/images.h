/*
 * The process images that the kernel saw, from fork or exec to the next exec or the end, and which
 * of them no preload was in: only the kernel layer tells of those.
 */
#ifndef CTRACE_SPOOL_IMAGES_H
#define CTRACE_SPOOL_IMAGES_H

#include "system/image_key.h"

#include <glib.h>

struct ct_kernel_image {
    int32_t pid;
    int32_t ppid;
    uint64_t begin_ns;
    uint64_t end_ns;       /* UINT64_MAX: it outlived the recording */
    gboolean is_by_exec;   /* else by fork */
    gboolean ends_by_exec; /* else with the process */
    gboolean is_preloaded;
};

struct ct_images;

/* Reads the rest of all `spools` (struct ct_spool *), which stay as they are. */
struct ct_images *ct_images_new(const GPtrArray *spools);
void ct_images_free(struct ct_images *images);

/* Preloads wrote that they began then: struct ct_image_key. */
void ct_images_mark_preloaded(struct ct_images *images, const GArray *preloaded);

/*
 * The image of `pid` that began then, if only the kernel layer tells of it; else NULL. A child that
 * goes on to execute a program is not worth one: what it did is its parent's doing.
 */
const struct ct_kernel_image *ct_images_find_unpreloaded(const struct ct_images *images,
                                                         int32_t pid, uint64_t begin_ns);

/* The image that `pid` has then. FALSE: none is known, either. */
gboolean ct_images_is_preloaded(const struct ct_images *images, int32_t pid, uint64_t time_ns);

/* The thread, which is said to have been present, was made after that: the kernel tells of it. */
gboolean ct_images_is_told(const struct ct_images *images, int32_t tid);

/* The list of images with a preload, in a file below a recording's `path`, for the converter. */
gboolean ct_preloaded_write(const char *path, const GArray *preloaded);
/* Never NULL. */
GArray *ct_preloaded_read(const char *path);

#endif
