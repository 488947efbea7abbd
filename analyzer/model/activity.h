/*
 * What a reading is at, for whoever watches it: the reader may die of what it reads, and then
 * cannot tell. In memory that both share.
 */
#ifndef CTRACE_ACTIVITY_H
#define CTRACE_ACTIVITY_H

#include <glib.h>
#include <stdint.h>
#include <string.h>

#define CT_ACTIVITY_NAME_SIZE 1024

/* Where symbols are kept: the recording and the user's cache. */
#define CT_SYMBOLS_PLACES 2

/* Debug files that are lacking, by build id in hexadecimal: of more, none is asked for. */
#define CT_LACKING_MAX   256
#define CT_BUILD_ID_SIZE 65

struct ct_activity {
    char file[CT_ACTIVITY_NAME_SIZE]; /* that is being read, or "" */
    double share_read;                /* of the recording, or of its symbols: 0 to 1 */
    gboolean is_naming;               /* it was read, and its symbols are looked up */
    gboolean has_remarks;             /* something is said about the result, too */
    int64_t remarks_at;               /* where that begins, in all that was said */
    int output_error;                 /* errno: what it made could not be written; or 0 */
    unsigned packet_cpu_s;            /* of CPU time that a packet may take */
    void (*on_step)(struct ct_activity *activity); /* the reader's: it got on; or NULL */

    /* What is kept of the reading. The descriptors are the reader's. */
    int index_fd;     /* of an earlier one, or this one's once it is whole; -1: there is none */
    int new_index_fd; /* where it goes; -1: it is not kept */
    int index_aside_fd;
    gboolean has_read;         /* the trace was read, and `index_fd` is of that */
    gboolean is_index_read;    /* an earlier one is being relied on */
    gboolean is_index_refused; /* and was of no use: all must be read once more, without it */
    gboolean is_index_new;     /* this one's is whole, and worth keeping */

    /* The symbols that were found for it. */
    int symbols_fds[CT_SYMBOLS_PLACES]; /* by earlier commands; -1: there are none */
    int new_symbols_fd;                 /* where those go with what is found now; -1: nowhere */
    gboolean is_symbols_in_recording;   /* there; else in the user's cache */
    gboolean is_symbols_read;           /* earlier ones are being relied on */
    gboolean is_symbols_new;            /* there are more, all are written, and worth keeping */
    GHashTable *debug_files; /* borrowed; build id -> path of those that were asked for, "" if
                                nobody has it; NULL: nobody is to be asked */
    unsigned lacking_count;
    char lacking[CT_LACKING_MAX][CT_BUILD_ID_SIZE]; /* for this attempt's parent */
};

/* The reader turns to this file. NULL: nobody watches. */
static inline void ct_activity_turn_to(struct ct_activity *activity, const char *file)
{
    if (activity != NULL && strncmp(activity->file, file, sizeof(activity->file) - 1) != 0)
        g_strlcpy(activity->file, file, sizeof(activity->file));
}

/* The reader got on. */
static inline void ct_activity_step(struct ct_activity *activity)
{
    if (activity != NULL && activity->on_step != NULL)
        activity->on_step(activity);
}

#endif
