/* One recording from start to cut: session daemon, session, boards and writer together. */
#ifndef CTRACE_RECORD_RECORDING_H
#define CTRACE_RECORD_RECORDING_H

#include "closing.h"
#include "launch.h"
#include "options.h"
#include "output.h"
#include "record/layers/finish.h"
#include "system/running.h"

#include <glib.h>
#include <sys/types.h>

struct ct_recording;

/*
 * Gets everything ready for a program to be launched, or processes to be attached to; `command` is
 * what these are, `launch` is borrowed. NULL and an error if tracing cannot start, or if a signal
 * ended the launch; then no session is left.
 */
struct ct_recording *ct_recording_new(const struct ct_record_options *options, const char *command,
                                      const struct ct_output *output,
                                      const struct ct_launch *launch, GError **error);

/* Takes over a recording whose recorder was killed, to cut it; and owns `directory`. */
struct ct_recording *ct_recording_adopt(const struct ct_output *output,
                                        struct ct_session_directory *directory, GError **error);

/*
 * A snapshot of a recording that goes on: `directory` has the boards and what `moment` says of the
 * recording, as the folder has its files as they were then. To be cut at once. Owns the directory.
 */
struct ct_moment;
struct ct_recording *ct_recording_new_snapshot(const struct ct_output *output,
                                               struct ct_session_directory *directory,
                                               const struct ct_moment *moment, GError **error);

/* What the launch needs to know. */
const struct ct_session_directory *ct_recording_directory(const struct ct_recording *recording);
const char *ct_recording_path(const struct ct_recording *recording);
const char *ct_recording_preload(const struct ct_recording *recording);
pid_t ct_recording_daemon_group(const struct ct_recording *recording);

/*
 * To be called when there is the program's process, before it executes the program. Returns what
 * of the kernel layer is missing and why, or NULL. Borrowed.
 */
const char *ct_recording_attach(struct ct_recording *recording, pid_t pid);

/* To be called when that process executes the program, if the preload does not see all of it, for
 * that `obstacle`. */
void ct_recording_describe(struct ct_recording *recording, pid_t pid, const char *name,
                           enum ct_obstacle obstacle);

/*
 * Instead, to be called with processes that run already, borrowed. Sets *missing to what of the
 * kernel layer is missing and why, or NULL. Borrowed. FALSE if that is all of it.
 */
gboolean ct_recording_attach_running(struct ct_recording *recording, struct ct_running *running,
                                     const char **missing);

/* Then: why the wish for CPU samples is not fulfilled, or NULL. Borrowed. */
const char *ct_recording_why_no_samples(const struct ct_recording *recording);

/* Until now the hooks rest: to be called before the launch, or when the delay is over. */
void ct_recording_begin(struct ct_recording *recording);

/* To be called about once a second: keeps the clock's rate and closes boards of ended processes. */
void ct_recording_tend(struct ct_recording *recording);

/* As often as CT_HEAP_LOOK_NS says, or more: looks at what is live on the heaps. */
void ct_recording_look_at_heaps(struct ct_recording *recording);

/* With --keep=newest: another part of it is to begin, which takes a moment. */
gboolean ct_recording_wants_part(const struct ct_recording *recording);
void ct_recording_begin_part(struct ct_recording *recording);
/* Then: what is to be told, or NULL. Caller frees. */
char *ct_recording_take_advice(struct ct_recording *recording);

/* When many processes have ended: closes their boards. */
void ct_recording_close_ended(struct ct_recording *recording);

/* Why the recording is to be cut now, for want of room, or NULL: to be called often, since what may
 * be written until the next time counts. Borrowed. */
const char *ct_recording_check_room(struct ct_recording *recording);

/* Instead of being cut, it is to be freed: nothing of it will be used. */
void ct_recording_stop(struct ct_recording *recording);

/*
 * Cuts the trace. `exit_status` is the program's, or -1. FALSE and an error if the trace is not
 * complete; what is on disk stays.
 */
gboolean ct_recording_cut(struct ct_recording *recording, int exit_status, GError **error);

/* After the cut: the closing events could not be written. The boards are kept for another try. */
gboolean ct_recording_is_unfinished(const struct ct_recording *recording);

/* Why there are no waits where a recording has not begun. */
#define CT_RECORDING_NOT_BEGUN "it ended before --delay was over"

struct ct_recording_summary {
    const char *path;       /* borrowed */
    const char *moved_from; /* borrowed; where it was made, if somebody moved it; or NULL */
    gboolean is_removed;    /* by somebody: there is no recording */
    gboolean is_snapshot;   /* of a recording that goes on */
    const char *attached;   /* borrowed; processes that ran already; NULL: a program was launched */
    gboolean has_begun;
    uint64_t duration_ns;
    uint64_t bytes;
    uint64_t events_lost;
    struct ct_kernel_totals kernel;
    gboolean lacks_kernel;  /* it was wanted, but told nothing */
    gboolean lacks_samples; /* the same */
    struct ct_closing_totals totals;
    uint64_t foreign_images; /* of another format, by what they say */
    const uint64_t *refused; /* borrowed; images that could not have a board, by enum ct_refusal */
    const GArray *damaged;   /* borrowed; int32_t pid: of these boards nothing is counted */
    const GArray *unpreloaded; /* borrowed; struct ct_unpreloaded_images; or NULL */
    gboolean has_calls;        /* the kernel told of system calls, and so of theirs */
    gboolean was_stopped;      /* for want of room: what came later is not recorded */
    gboolean was_dropped;      /* what came first, as --keep asks */
    uint64_t dropped_ns;       /* so much of it; 0: that is not known */
    uint64_t dropped_bytes;
    uint64_t exceeded_bytes; /* what is kept is more than that, and a part more; 0: it is not */
    gboolean has_no_waits;   /* how many waits there are of what is kept, nobody knows */
};

/* After the cut. */
void ct_recording_summary(const struct ct_recording *recording,
                          struct ct_recording_summary *summary);

void ct_recording_free(struct ct_recording *recording);

#endif
