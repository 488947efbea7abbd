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

struct ct_activity {
    char file[CT_ACTIVITY_NAME_SIZE]; /* that is being read, or "" */
    double share_read;                /* of the recording: 0 to 1 */
    int64_t remarks_at;    /* where what is said about the result begins, in all that was said */
    unsigned packet_cpu_s; /* of CPU time that a packet may take */
    void (*on_step)(struct ct_activity *activity); /* the reader's: it got on; or NULL */
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
