/* Running processes, by their names. */
#ifndef CTRACE_SYSTEM_NAMED_H
#define CTRACE_SYSTEM_NAMED_H

#include <glib.h>
#include <sys/types.h>

/* Whether the process is named so: as it named itself, or by the file that it executes, where that
 * may be looked at. */
gboolean ct_is_named(pid_t pid, const char *name);

/* Those that are named so, but this one. Of pid_t, in ascending order. Caller unrefs. */
GArray *ct_named_find(const char *name);

/* Programs whose names are near, as "nginx (12, 13), engine (40)"; empty if none is. Caller frees.
 */
char *ct_named_near(const char *name);

/* All programs that run, for a shell to choose from: "12\tnginx" of each, and the names alone, each
 * once. Caller frees with g_strfreev(). */
char **ct_named_list_pids(void);
char **ct_named_list(void);

#endif
