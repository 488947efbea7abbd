/* A process image as the assembler knows it: how it is called, and when it ends. */
#ifndef CTRACE_ASSEMBLE_IMAGE_H
#define CTRACE_ASSEMBLE_IMAGE_H

#include "model/model.h"

/* The stacks that the kernel took of it: the tables' alone. */
struct ct_kernel_stacks {
    GHashTable *known; /* owned; struct ct_stack *, borrowed from the process; or NULL */
    uint32_t count;    /* of all that ever were in it */
};

struct ct_image {
    struct ct_process process; /* first: the model frees it */
    gboolean is_implicit;      /* no process_start was seen; a closing event may adopt it */
    gboolean has_exec;         /* an exec event came: the next image of the pid ends this one */
    uint64_t exec_ns;          /* then: when */
    gboolean is_replaced;      /* the kernel told of an exec: its tasks make another one's calls */
    gboolean has_ended;
    gboolean is_restated;        /* it was there as what is left of the recording began */
    guint live_threads;          /* of one without preload */
    GHashTable *counters_before; /* owned; of what is gone of the recording; NULL: none */
    struct ct_kernel_stacks kernel_stacks;
};

static inline struct ct_image *ct_image_of(const struct ct_thread *thread)
{
    return (struct ct_image *)thread->process;
}

/* Replaces an owned string. */
void ct_assign_string(char **owned, const char *value);

void ct_image_describe(struct ct_image *image, const char *exe, const char *args, const char *cwd);
/* The same at its end, when it may call itself something else. */
void ct_image_describe_end(struct ct_image *image, const char *exe, const char *args,
                           const char *cwd);

void ct_image_begin_exec(struct ct_image *image, uint64_t time_ns);
/* If nobody has said when it ended. */
void ct_image_end(struct ct_image *image, uint64_t end_ns);
/* Its exec's end: the next image of the pid began at `next_start_ns`. */
void ct_image_end_exec(struct ct_image *image, uint64_t next_start_ns);

#endif
