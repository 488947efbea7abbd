/* One recording, as its own parts know it: what begins and tends it, and what cuts it. */
#ifndef CTRACE_RECORD_RECORDING_STATE_H
#define CTRACE_RECORD_RECORDING_STATE_H

#include "engine.h"
#include "keeping.h"
#include "recording.h"
#include "room.h"
#include "trace.h"

struct ct_recording {
    char *path;               /* owned; absolute; for people and other processes; where it is now */
    char *moved_from;         /* owned; where it was made, if it was moved; or NULL */
    gboolean is_removed;      /* somebody has removed it */
    char *place;              /* owned; the same for us, see struct ct_output */
    char *preload;            /* owned */
    struct ct_engine *engine; /* owned */
    struct ct_trace *trace;   /* owned */
    GString *missing;         /* owned; notes, see capture_words.h */
    struct ct_kernel_totals kernel_totals;
    struct ct_running *attached; /* borrowed; NULL: nothing */
    gboolean has_calls;          /* the kernel told of system calls */
    gboolean lacks_samples;      /* it was to take some, but nothing ran for long enough */
    gboolean is_settled;         /* which images are unpreloaded */
    gboolean is_adopted;         /* another process began it */
    gboolean is_snapshot;        /* then: that one goes on with it, elsewhere */
    gboolean was_cut;            /* and ended it, but could not finish it */
    gboolean has_begun;          /* when it was cut: the delay was over */
    uint64_t end_ns;             /* then */
    uint64_t events_lost;        /* once it is cut: by LTTng */
    uint64_t lost_ns; /* when it was found that no event is taken any more; 0: they are */
    struct ct_room room;
    gboolean keeps_newest;      /* and nothing else of it: */
    struct ct_keeping keeping;  /* owned; then */
    uint64_t bytes_unasked;     /* that it had before it was to begin: on standby */
    gboolean is_told_too_small; /* that its size is, for what there is */
    char *advice;               /* owned; what its user is to be told; or NULL */
    char *stopped;              /* owned; when, and for want of which room; or NULL */
    gboolean is_unfinished;     /* its boards are kept */
};

/* Finds out whether somebody has moved or removed the recording's folder. */
void ct_recording_follow_folder(struct ct_recording *recording);

/* The control page that the traced processes see. */
static inline struct ct_control *ct_recording_control(const struct ct_recording *recording)
{
    return recording->engine->directory->control;
}

#endif
