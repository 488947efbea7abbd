/*
 * How much room a recording takes on its disk, and what there is: it is to stop while there is
 * enough to finish it. What the kernel told is on the disk twice for a moment then.
 */
#ifndef CTRACE_RECORD_ROOM_H
#define CTRACE_RECORD_ROOM_H

#include <glib.h>
#include <stdint.h>

struct ct_room {
    const char *path;  /* borrowed; the recording's, for people */
    const char *place; /* borrowed; the same for us */
    uint64_t max_size; /* that it may have; 0: whatever there is room for */
    uint64_t size;     /* when it was last looked at */
};

/* Why the recording is to stop now, since it may not be possible at the next look; NULL: it can go
 * on. Caller frees. */
char *ct_room_check(struct ct_room *room);

/* The disk is so full that only the space set aside is left, or less. */
gboolean ct_room_is_none(const char *place);

#endif
