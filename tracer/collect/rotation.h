/*
 * How folders of profiles are thinned out as they grow old: what was collected is kept a day as it
 * is, then a week in profiles of ten minutes, and after that in hours. What time it is, is said by
 * who asks. No I/O.
 */
#ifndef CTRACE_COLLECT_ROTATION_H
#define CTRACE_COLLECT_ROTATION_H

#include <glib.h>

/* As collected, ten minutes, an hour. */
enum { CT_ROTATION_LEVELS = 3 };

struct ct_rotation_folder {
    gint64 from_s; /* since 1970 */
    guint level;
    gboolean is_stuck; /* it cannot be merged */
    guint64 bytes;     /* on the disk */
    char *name;        /* owned by who owns the folder */
};

struct ct_rotation_limits {
    gint64 keep_s;     /* older ones go */
    guint64 bytes_max; /* of all together: the oldest go first */
};

enum ct_rotation_kind { CT_ROTATION_NOTHING, CT_ROTATION_REMOVE, CT_ROTATION_MERGE };

/* `first` is to be removed; or it and others, by `members`, become one. */
struct ct_rotation_step {
    enum ct_rotation_kind kind;
    guint first;   /* an index of the folders */
    gint64 from_s; /* of what they become, as is the next */
    guint level;
    GArray *members; /* owned; guint, indices of the folders; NULL: there are none */
};

/* What is to be done next. `folders` is of struct ct_rotation_folder, by their time. */
void ct_rotation_next(struct ct_rotation_step *step, const GArray *folders,
                      const struct ct_rotation_limits *limits, gint64 now_s);
void ct_rotation_step_clear(struct ct_rotation_step *step);

/* How long a folder of a level covers; 0: as long as was collected. */
gint64 ct_rotation_length_s(guint level);

/* What a folder's name has behind its time: "", "_10min", "_1h". */
const char *ct_rotation_suffix(guint level);

#endif
