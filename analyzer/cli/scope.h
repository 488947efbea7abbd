/* The part of a recording that a program's options ask for. */
#ifndef CTRACE_CLI_PART_H
#define CTRACE_CLI_PART_H

#include "model/selection.h"

struct ct_part {
    char *from; /* owned, as are the next three; NULL: not given */
    char *to;
    char **processes;
    char **threads;
    char *misnamed; /* owned; of --threads, which is another program's option; or NULL */
};

/* --process, --thread, --from and --to. */
void ct_part_add_options(struct ct_part *part, GOptionContext *context);
void ct_part_clear(struct ct_part *part);

/* What is wrong with the options whatever the recording is. */
gboolean ct_part_check(const struct ct_part *part, GError **error);

gboolean ct_part_is_whole_time(const struct ct_part *part);

/* Borrows from the part. */
struct ct_selection ct_part_selection(const struct ct_part *part);

#endif
