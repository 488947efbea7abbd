/* What the command lines of the programs have in common. */
#ifndef CTRACE_CLI_COMMAND_H
#define CTRACE_CLI_COMMAND_H

#include <glib.h>

/* The one recording that is named, or the default one; borrowed. NULL: several are named. `named`
 * may be NULL. */
const char *ct_command_directory(char *const *named, GError **error);

/* Columns of text for standard output: what $COLUMNS says, the terminal's, or 100. */
guint ct_command_width(void);

/* --width=WIDTH; 0: it is not given. */
gboolean ct_command_check_width(int width, GError **error);

/* --version. Returns the exit status. */
int ct_command_print_version(void);

#endif
