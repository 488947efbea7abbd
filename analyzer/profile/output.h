/* Getting bytes out: compressed, and whole or not at all. */
#ifndef CTRACE_OUTPUT_H
#define CTRACE_OUTPUT_H

#include <glib.h>

/* As gzip does it. The same input gives the same output. */
GBytes *ct_output_gzip(GBytes *bytes, GError **error);

/*
 * Makes `path` hold `bytes`: a file is written aside and renamed; what is no regular file, such as
 * /dev/stdout or a pipe, is written to as it is.
 */
gboolean ct_output_write_file(const char *path, GBytes *bytes, GError **error);

/* Writes all of `bytes` to a descriptor, which `name` stands for in errors. Refuses terminals. */
gboolean ct_output_write_fd(int fd, const char *name, GBytes *bytes, GError **error);

#endif
