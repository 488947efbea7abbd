/* Facts about a recording's waits, gathered wait by wait while it is read. */
#ifndef CTRACE_FACT_FINDER_H
#define CTRACE_FACT_FINDER_H

#include "model/sink.h"
#include "model/wait_facts.h"

/* Adds to the facts what each interval tells. */
void ct_fact_finder_add(struct ct_wait_facts *facts, const struct ct_interval *interval);
struct ct_sink ct_fact_finder_sink(struct ct_wait_facts *facts);

/* Is it a sleep, by what was called? */
gboolean ct_op_is_sleep(enum ct_op op, enum ct_class class);

/*
 * The ends of a connection, or what else a descriptor is: NULL where it has none. One end of a
 * connection has a number of its own each time; where numbers tell which, it is left out, so that a
 * server's connections are one, as are those to one server. Borrowed from the descriptor.
 */
void ct_fd_find_ends(const struct ct_fd *fd, enum ct_fd_role role, const char **local,
                     const char **peer);

#endif
