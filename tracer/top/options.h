/* What ctrace top is asked for. */
#ifndef CTRACE_TOP_OPTIONS_H
#define CTRACE_TOP_OPTIONS_H

#include <glib.h>
#include <stdint.h>

struct ct_top_options {
    GPtrArray *targets; /* owned; words of ids and names; NULL: none is given */
    char *cgroup;       /* owned; or NULL */
    uint64_t delay_ns;
    guint lines_max; /* 0: all */
    gboolean is_once;
    gboolean is_csv;
    gboolean is_unfolded;
    gboolean is_plain; /* no colours */
    gboolean is_version;
};

gboolean ct_top_options_parse(struct ct_top_options *options, char **argv, GError **error);
void ct_top_options_clear(struct ct_top_options *options);

#endif
