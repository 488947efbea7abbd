/* Getting bytes out: whole or not at all. */
#ifndef CTRACE_CLI_OUTPUT_H
#define CTRACE_CLI_OUTPUT_H

#include <glib.h>

/*
 * Makes `path` hold `bytes`: a file is written aside and renamed, with the mode of the one that it
 * replaces; a symbolic link stays, and what it leads to is replaced. What is no regular file, such
 * as /dev/stdout or a pipe, is written to as it is.
 */
gboolean ct_output_write_file(const char *path, GBytes *bytes, GError **error);

/* Writes all of `bytes` to a descriptor, which `name` stands for in errors. Refuses terminals. */
gboolean ct_output_write_fd(int fd, const char *name, GBytes *bytes, GError **error);

#endif
