/* What the recorder has a spool converted with, and what the converter says of it. */
#ifndef CTRACE_SPOOL_CONVERSION_H
#define CTRACE_SPOOL_CONVERSION_H

#include <glib.h>
#include <stdint.h>

/* TOTAL(name): what was written, and what not. */
#define CT_KERNEL_TOTALS(TOTAL)                                                                  \
    TOTAL(events)                                                                                \
    TOTAL(lost)                  /* of all tasks of the machine, where that was recorded */      \
    TOTAL(unpreloaded_processes) /* images that no preload was in */                             \
    TOTAL(unpreloaded_threads)   /* theirs */                                                    \
    TOTAL(told_until_ns)         /* the last that happened, and does not only tell how it was */ \
    TOTAL(reasons)               /* of times off the CPU in none of the calls */                 \
    TOTAL(samples)                                                                               \
    TOTAL(samples_partial) /* of those: their stacks could not be followed to the end */         \
    TOTAL(samples_lost)

struct ct_kernel_totals {
#define CT_TOTAL_MEMBER(name) uint64_t name;
    CT_KERNEL_TOTALS(CT_TOTAL_MEMBER)
#undef CT_TOTAL_MEMBER
    char **unpreloaded_names; /* owned; see ct_unpreloaded_events_image_names(); NULL: there are no
                                 such images */
};

/* What is to be written. */
struct ct_kernel_scope {
    int32_t root_pid; /* the program that was launched; 0: what was present */
    gboolean follows_children;
    uint32_t stack_frames; /* so many of a stack are kept */
    /* 0, or: nobody took what the kernel told after the last event in the spool, up to then. */
    uint64_t deserted_until_ns;
    uint64_t begin_ns; /* what came before is not wanted; 0: everything is */
};

#endif
