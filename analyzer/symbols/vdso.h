/* The code that the kernel puts into every process, which is in no file. */
#ifndef CTRACE_VDSO_H
#define CTRACE_VDSO_H

#include <glib.h>

/* Is this the path of a module that is the vdso? */
gboolean ct_is_vdso(const char *path);

/* A descriptor of a file with this machine's own, or -1. The caller closes it. */
int ct_vdso_open(void);

#endif
