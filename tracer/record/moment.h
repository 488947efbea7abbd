/*
 * A recording at one moment, as its recorder tells it to who makes a snapshot: in a session
 * directory of that one, copies of all boards, and a file with what only the recorder knows.
 */
#ifndef CTRACE_RECORD_MOMENT_H
#define CTRACE_RECORD_MOMENT_H

#include "boards.h"
#include "closing.h"
#include "control.h"

#include <glib.h>

/* Where the recorder is asked for it, in its session directory; and how: the name of the session
 * directory for it follows. */
#define CT_MOMENT_SOCKET "asked"
#define CT_MOMENT_WORD   "moment "

struct ct_moment {
    struct ct_control control; /* as of a recording that ended then */
    struct ct_closing_totals totals;
    uint64_t refused[CT_REFUSAL_COUNT];
    uint64_t deserted;
    GArray *damaged;   /* owned; int32_t pid */
    GArray *images;    /* owned; struct ct_image_key, that had boards */
    GHashTable *sizes; /* owned; inode, guint64 * -> size, guint64 *: of all files of the folder */
    GVariant *unpreloaded; /* owned; see ct_unpreloaded_save() */
    char *missing;         /* owned; notes, see capture_words.h */
    char *stopped;         /* owned; what is lost, and why; "": nothing */
    gboolean has_calls;
};

void ct_moment_init(struct ct_moment *moment);
void ct_moment_clear(struct ct_moment *moment);

/* In that folder. FALSE and an error. */
gboolean ct_moment_save(const struct ct_moment *moment, const char *folder, GError **error);

/* FALSE and an error if there is none that this ctrace understands. `moment` is empty. */
gboolean ct_moment_load(struct ct_moment *moment, const char *folder, GError **error);

void ct_moment_add_size(struct ct_moment *moment, guint64 inode, guint64 size);
/* FALSE: the file was not there then. */
gboolean ct_moment_find_size(const struct ct_moment *moment, guint64 inode, guint64 *size);

#endif
