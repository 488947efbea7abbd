/* What the recorded images have said of their descriptors, to be said again. */
#ifndef CTRACE_RECORD_KNOWN_FDS_H
#define CTRACE_RECORD_KNOWN_FDS_H

#include "provider/writer.h"

#include <glib.h>

struct ct_known_fds;

struct ct_known_fds *ct_known_fds_new(void);
void ct_known_fds_free(struct ct_known_fds *fds);

/* The image that the process has now says so. Beyond a limit, that is forgotten, which is noted. */
void ct_known_fds_note(struct ct_known_fds *fds, int32_t pid, const struct ct_event_fd *event);

/* The process has another image now, which has said nothing yet. */
void ct_known_fds_forget(struct ct_known_fds *fds, int32_t pid);

/* Writes what those say that are among `living`, struct ct_image_key; the others are forgotten.
 * Returns about how much the recording gets by that. */
size_t ct_known_fds_restate(struct ct_known_fds *fds, const GArray *living,
                            const struct ct_writer *writer);

/* Then: something that one of those said was forgotten. */
gboolean ct_known_fds_forgets(const struct ct_known_fds *fds);

#endif
