/* What the command lines of the programs have in common. */
#ifndef CTRACE_CLI_COMMAND_H
#define CTRACE_CLI_COMMAND_H

#include <glib.h>

/* The one recording that is named, or the default one; borrowed. NULL: several are named. `named`
 * may be NULL. */
const char *ct_command_directory(char *const *named, GError **error);

/* --version. Returns the exit status. */
int ct_command_print_version(void);

#endif
