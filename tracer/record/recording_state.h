/* One recording, as its own parts know it: what begins and tends it, and what cuts it. */
#ifndef CTRACE_RECORD_RECORDING_STATE_H
#define CTRACE_RECORD_RECORDING_STATE_H

#include "drain.h"
#include "handout.h"
#include "record/layers/capture.h"
#include "recording.h"
#include "room.h"
#include "session.h"
#include "sessiond.h"

#define CT_NS_PER_S UINT64_C(1000000000)

struct ct_recording {
    char *path;                             /* owned; absolute; for people and other processes */
    char *place;                            /* owned; the same for us, see struct ct_output */
    char *trace_path;                       /* owned; where the session writes, below `place` */
    char *missing;                          /* owned; layers that are not there */
    char *preload;                          /* owned */
    struct ct_sessiond *sessiond;           /* owned */
    struct ct_session *session;             /* owned */
    struct ct_session_directory *directory; /* owned */
    struct ct_boards *boards;               /* owned */
    struct ct_drain *drain;                 /* owned */
    struct ct_handout *handout;             /* owned; until it is cut, or NULL */
    struct ct_kernel_capture *kernel;       /* owned; NULL: it is not wanted, or not ours */
    struct ct_kernel_totals kernel_totals;
    GArray *attached;    /* owned; pid_t; NULL: none */
    guint noted;         /* so many images with a preload are noted for its end */
    gboolean has_calls;  /* the kernel told of system calls */
    gboolean is_settled; /* which images are unpreloaded */
    struct ct_closing closing;
    const gint *ended_by; /* borrowed; a signal while it gets ready; or NULL */
    gboolean is_adopted;  /* another process began it */
    gboolean was_cut;     /* and ended it, but could not finish it */
    uint64_t end_ns;
    gboolean has_begun; /* when it was cut: the delay was over */
    uint64_t events_lost;
    uint64_t lost_ns; /* when it was found that no event is taken any more; 0: they are */
    struct ct_room room;
    char *stopped;          /* owned; when, and for want of which room; or NULL */
    gboolean was_full;      /* the disk, at some time */
    gboolean is_unfinished; /* its boards are kept */
};

static inline uint64_t ct_recording_now_ns(const struct ct_recording *recording)
{
    uint64_t ticks, ns;

    ct_clock_read(recording->directory->control, &ticks, &ns);
    return ns;
}

#endif
