/*
 * The files below a recording's directory, gone through by descriptors: whoever swaps a folder for
 * a link meanwhile leads nobody away. What does not belong to the effective user is not entered.
 */
#ifndef CTRACE_RECORD_TREE_H
#define CTRACE_RECORD_TREE_H

#include <glib.h>
#include <stdint.h>
#include <sys/stat.h>

/* Disk space that is set aside while recording. */
#define CT_TREE_RESERVE "reserve"

/* A folder that belongs to the effective user, to be gone through; or -1 and errno. */
int ct_tree_open(int at, const char *name);

/*
 * What is called for everything below a folder, folders after what is in them, with the folder that
 * it is in. TRUE ends the walk.
 */
typedef gboolean (*ct_tree_visit)(int folder_fd, const char *name, const struct stat *status,
                                  void *data);

/* TRUE if the walk was ended; nothing is done if `path` is no folder of ours. */
gboolean ct_tree_walk(const char *path, ct_tree_visit visit, void *data);

/* Nothing but the parts of a recording is there, and a CTF trace is among it. */
gboolean ct_tree_is_recording(int folder_fd);

gboolean ct_tree_is_empty(int folder_fd);

/* Is that all there is in an open folder? */
gboolean ct_tree_has_only(int folder_fd, const char *name);

/* A file, or a folder with all that is in it. */
void ct_tree_remove(const char *path);

/* Only the parts of a recording, and not the directory itself. */
void ct_tree_remove_parts(int folder_fd);

/* In bytes. */
uint64_t ct_tree_size(const char *path);

#endif
