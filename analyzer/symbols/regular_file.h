/* Opening what a trace names. */
#ifndef CTRACE_REGULAR_FILE_H
#define CTRACE_REGULAR_FILE_H

/* A descriptor to read from, or -1. Never waits: what is a pipe or a device is not opened; and no
 * relative path, which does not say where it begins. */
int ct_open_regular(const char *path);

#endif
