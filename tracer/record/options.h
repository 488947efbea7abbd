/* The command line of ctrace record. */
#ifndef CTRACE_RECORD_OPTIONS_H
#define CTRACE_RECORD_OPTIONS_H

#include <glib.h>
#include <stdint.h>

#define CT_DEFAULT_OUTPUT "ctrace.data"

struct ct_record_options {
    char *output; /* owned */
    uint64_t rate_ns;
    uint32_t classes;     /* of the waits to record: bits 1 << class */
    uint64_t delay_ns;    /* 0: at once */
    uint64_t duration_ns; /* 0: until the program ends */
    gboolean no_follow;
    gboolean wants_kernel; /* as much of the kernel layer as there is */
    gboolean needs_kernel; /* and it is to be said loudly if that is not all */
    char **program;        /* owned; name and arguments */
};

/* FALSE and an error if the line makes no sense. May exit after --help or --version. */
gboolean ct_record_options_parse(struct ct_record_options *options, int argc, char **argv,
                                 GError **error);

void ct_record_options_clear(struct ct_record_options *options);

#endif
