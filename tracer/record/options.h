/* The command line of ctrace record. */
#ifndef CTRACE_RECORD_OPTIONS_H
#define CTRACE_RECORD_OPTIONS_H

#include "record/layers/capture.h"

#include <glib.h>
#include <stdint.h>

#define CT_DEFAULT_OUTPUT "ctrace.data"

struct ct_record_options {
    char *output;  /* owned */
    char *standby; /* owned; a socket's path: nothing is recorded until it is asked for; or NULL */
    uint64_t rate_ns;
    uint32_t stack_frames;  /* so many of a stack are kept */
    uint64_t heap_rate;     /* bytes: see schema/heap.h; or CT_HEAP_OFF */
    gboolean heap_has_maps; /* what the program maps is of it, too */
    uint32_t classes;       /* of the waits to record: bits 1 << class */
    uint64_t delay_ns;      /* 0: at once */
    uint64_t duration_ns;   /* 0: until the program ends */
    uint64_t max_size;      /* bytes of the recording; 0: as much as there is room for */
    gboolean keeps_newest;  /* of a recording that would have more; else it ends */
    uint64_t keep_ns;       /* and of that about so much; 0: all that there is room for */
    gboolean no_follow;
    gboolean lossless; /* threads wait where there is no room for an event */
    struct ct_kernel_wishes kernel;
    const char *kernel_option; /* what of it was asked for by name: its lack is said; or NULL */
    GPtrArray *targets;        /* owned; running processes to record: see targets.h; or NULL */
    char *cgroup;              /* owned; instead, all that is in it: see cgroup.h; or NULL */
    gboolean is_of_machine;    /* instead, all that runs */
    char **program;            /* owned; name and arguments; NULL: what runs already is recorded */
    char *hint;                /* owned; what may be wrong if there is no such program; or NULL */
};

/* FALSE and an error if the line makes no sense. May exit after --help or --version. */
gboolean ct_record_options_parse(struct ct_record_options *options, char **argv, GError **error);

/* It is to record what runs already. */
gboolean ct_record_options_attach(const struct ct_record_options *options);

void ct_record_options_clear(struct ct_record_options *options);

#endif
