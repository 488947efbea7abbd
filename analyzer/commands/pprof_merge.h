/* ctrace pprof --merge: several profiles as one file. */
#ifndef CTRACE_COMMANDS_PPROF_MERGE_H
#define CTRACE_COMMANDS_PPROF_MERGE_H

/* `files` end with NULL. `base`, which may be NULL, is taken away. `path` NULL: to standard output.
 * Returns the exit status. */
int ct_pprof_merge_files(char *const *files, const char *base, const char *path);

#endif
