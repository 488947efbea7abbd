/*
 * Debug files that servers have, for programs whose own is not here: asked for where the user says
 * so, by DEBUGINFOD_URLS (debuginfod(8)), and never else. The child that reads a recording has no
 * network: it says which it lacks, and is run again once they are here.
 */
#ifndef CTRACE_CLI_DEBUG_FILES_H
#define CTRACE_CLI_DEBUG_FILES_H

#include "model/activity.h"

struct ct_debug_files {
    GHashTable *paths; /* owned; build id -> path, both owned; "": no server has it. NULL: none is
                          to be asked */
};

void ct_debug_files_init(struct ct_debug_files *files);
void ct_debug_files_clear(struct ct_debug_files *files);

/* Asks for those that the activity says are lacking, unless they were asked for. TRUE if one has
 * come. */
gboolean ct_debug_files_fetch(struct ct_debug_files *files, const struct ct_activity *activity);

#endif
