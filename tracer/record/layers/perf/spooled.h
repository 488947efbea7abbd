/* Rings with a spool file for each: what all of perf's sources are. */
#ifndef CTRACE_RECORD_LAYERS_PERF_SPOOLED_H
#define CTRACE_RECORD_LAYERS_PERF_SPOOLED_H

#include "record/layers/source.h"
#include "rings.h"

struct ct_spooled {
    struct ct_rings *rings; /* owned; NULL: given back */
    char *folder;           /* owned; of the spool files */
    int *spool_fds;         /* owned; one for each ring, with room for those to come; or NULL */
};

/*
 * Takes the rings over; their files are made in the context's folder, and what it says of what is
 * given is set. NULL, with the rings freed, and why not if they cannot be.
 */
struct ct_spooled *ct_spooled_new(struct ct_rings *rings, struct ct_capture_context *context,
                                  char **why_not);

/* A ring was added: its file. FALSE and errno. */
gboolean ct_spooled_add(struct ct_spooled *spooled, const struct ct_ring *ring);

/* The same as a source's; `opened` is a struct ct_spooled *. */
void ct_spooled_begin(void *opened, uint64_t time_ns);
void ct_spooled_list_fds(const void *opened, GArray *fds);
gboolean ct_spooled_drain(void *opened, gboolean *has_new_fds);
void ct_spooled_end(void *opened);
gboolean ct_spooled_close(void *opened, char **missing);
void ct_spooled_release(void *opened);
void ct_spooled_free(void *opened);

/* What is left of a source where these are all that there is to it. */
#define CT_SPOOLED_SOURCE                                                                  \
    .begin = ct_spooled_begin, .list_fds = ct_spooled_list_fds, .drain = ct_spooled_drain, \
    .end = ct_spooled_end, .close = ct_spooled_close, .release = ct_spooled_release,       \
    .free = ct_spooled_free

#endif
