/* A folder that a process has for itself: what another is in the middle of there must be taken
 * neither for its own nor for what is left of one. */
#ifndef CTRACE_FILES_OWN_FOLDER_H
#define CTRACE_FILES_OWN_FOLDER_H

#include <glib.h>

/*
 * Made if it is not there, for the user alone; it is ours until the descriptor that is returned is
 * closed. -1: an error, which names the option that gives another folder.
 */
int ct_own_folder_take(const char *path, const char *option, GError **error);

#endif
