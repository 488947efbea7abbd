/*
 * The files below a folder, gone through by descriptors: whoever swaps a folder for a link
 * meanwhile leads nobody away. What does not belong to the effective user is not entered, but what
 * our own readers of files of strangers left, confined, where only we can have put it.
 */
#ifndef CTRACE_FILES_TREE_H
#define CTRACE_FILES_TREE_H

#include <glib.h>
#include <stdint.h>
#include <sys/stat.h>

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

/* The same of an open folder, whoever's it is. */
gboolean ct_tree_walk_at(int folder_fd, ct_tree_visit visit, void *data);

/* Nothing is there that has none of these names. */
gboolean ct_tree_has_only(int folder_fd, const char *const names[], size_t count);

/* A file, or a folder with all that is in it. */
void ct_tree_remove(const char *path);
void ct_tree_remove_at(int folder_fd, const char *name);

/* In bytes. */
uint64_t ct_tree_size(const char *path);

/* How much room they take: less, where something of a file was given back. */
uint64_t ct_tree_room(const char *path);

/* What is missing on the disk: whole blocks, and those of folders, too. */
uint64_t ct_tree_blocks(const char *path);

#endif
