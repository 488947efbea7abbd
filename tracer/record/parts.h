/* What a recording's directory consists of: one with anything else in it is none. */
#ifndef CTRACE_RECORD_PARTS_H
#define CTRACE_RECORD_PARTS_H

#include <glib.h>

/* Disk space that is set aside while recording. */
#define CT_RESERVE "reserve"

/* Nothing but the parts of a recording is there, and a CTF trace is among it. */
gboolean ct_parts_are_recording(int folder_fd);

/* All parts, and not the directory itself. */
void ct_parts_remove(int folder_fd);

#endif
