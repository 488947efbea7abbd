/* The files below a recording's directory. */
#ifndef CTRACE_RECORD_TREE_H
#define CTRACE_RECORD_TREE_H

#include <glib.h>
#include <stdint.h>

/* Disk space that is set aside while recording. */
#define CT_TREE_RESERVE "reserve"

/* Nothing but the parts of a recording is there, and a CTF trace is among it. */
gboolean ct_tree_is_recording(const char *path);

gboolean ct_tree_is_empty(const char *path);

void ct_tree_remove(const char *path);

/* Only the parts of a recording, and not the directory itself. */
void ct_tree_remove_parts(const char *path);

/* In bytes. */
uint64_t ct_tree_size(const char *path);

#endif
