/*
 * A flight recorder: what a recording that goes on keeps of the last stretch is written out, as a
 * recording of its own, each time that there is a reason to: into a folder, under a name by time
 * and reason. There is at most one in a given time, and of so many the oldest goes: nothing is to
 * fill the disk. For one thread, which has a main loop.
 */
#ifndef CTRACE_SERVE_FLIGHT_H
#define CTRACE_SERVE_FLIGHT_H

#include <glib.h>

/* In the folder, the recording that goes on. */
#define CT_FLIGHT_LIVING "running"

struct ct_flight;

/* What --flight says, and the options that go with it. */
struct ct_flight_limits {
    guint64 stretch_ns; /* what is kept, if the bytes suffice */
    guint64 bytes;      /* of what is kept, and so about of each that is written out */
    guint64 gap_ns;     /* at most one in that time */
    guint count;        /* so many in all; the oldest goes for the next; not 0 */
};

struct ct_flight_request {
    struct ct_flight_limits limits;
    const char *programs; /* the folder that the commands are in; borrowed, as is the next */
    const char *folder;   /* where it is written to, and nobody else; made if it is not there */
};

/* NULL: an error. */
struct ct_flight *ct_flight_new(const struct ct_flight_request *request, GError **error);
/* Waits for what is being written. */
void ct_flight_free(struct ct_flight *flight);

/* Is there twice what is kept on its disk? */
gboolean ct_flight_has_room(const struct ct_flight *flight);

/* Where the recording is to lie that goes on. Absolute; borrowed. */
const char *ct_flight_living(const struct ct_flight *flight);

/* What has ctrace-record make that recording. */
void ct_flight_add_words(const struct ct_flight *flight, GStrvBuilder *words);

/*
 * Writes out what is kept now, and says so on standard error with the path and the command that
 * reads it; `reason`, such as "signal" or "wait.sync > 200ms", is told, too. Returns at once.
 * FALSE: it is not, since nothing is recorded, the last one was a moment ago, one is being written,
 * or the disk is too full; of those that are left out so one after the other, that is said of the
 * first.
 */
gboolean ct_flight_write_out(struct ct_flight *flight, const char *reason);

/* Waits for what is being written. */
void ct_flight_settle(struct ct_flight *flight);

/* The recording that went on has ended, and is whole: it is kept as one of those, however soon
 * after the last. None is there: nothing. */
void ct_flight_keep_end(struct ct_flight *flight, const char *reason);

#endif
