/*
 * A flight recorder: what a recording that goes on keeps of the last stretch is written out, as a
 * recording of its own, each time that there is a reason to: into a folder, under a name by time
 * and reason. There is at most one in a given time, and of so many the oldest goes: nothing is to
 * fill the disk. For one thread, which has a main loop.
 */
#ifndef CTRACE_SERVE_FLIGHT_H
#define CTRACE_SERVE_FLIGHT_H

#include <glib.h>

struct ct_flight;

/* What `--flight` and its companions say. */
struct ct_flight_limits {
    guint64 stretch_ns; /* what is to be kept at least, if the bytes suffice */
    guint64 bytes;      /* of what is kept, and so about of each that is written out */
    guint64 gap_ns;     /* at most one in that time */
    guint count;        /* so many in all; the oldest goes for the next */
};

struct ct_flight_request {
    struct ct_flight_limits limits;
    const char *programs; /* the folder that the commands are in; borrowed, as are the next two */
    const char *living;   /* the recording that goes on */
    const char *folder;   /* where it is written to; made when it is needed */
};

struct ct_flight *ct_flight_new(const struct ct_flight_request *request);
/* Waits for what is being written. */
void ct_flight_free(struct ct_flight *flight);

/*
 * Writes out what is kept now, and says so on standard error with the path and the command that
 * reads it; `reason`, such as "signal" or "wait.sync > 200ms", is told, too. Returns at once. FALSE:
 * it is not, since the last one was a moment ago, or one is being written; of the first that is left
 * out so, that is said.
 */
gboolean ct_flight_write_out(struct ct_flight *flight, const char *reason);

#endif
