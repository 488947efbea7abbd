/* The names of files that appear in a folder. */
#ifndef CTRACE_RECORD_ARRIVALS_H
#define CTRACE_RECORD_ARRIVALS_H

#include <glib.h>

struct ct_arrivals;

/* From now on. NULL: the kernel does not tell. */
struct ct_arrivals *ct_arrivals_new(const char *folder);

/* Readable when there are some. */
int ct_arrivals_fd(const struct ct_arrivals *arrivals);

/* The next one, borrowed until the next call; NULL: there is none yet. */
const char *ct_arrivals_next(struct ct_arrivals *arrivals);

/* Some were not told, since there were too many; since this was last asked. */
gboolean ct_arrivals_missed_some(struct ct_arrivals *arrivals);

void ct_arrivals_free(struct ct_arrivals *arrivals);

#endif
