/* The dynamic loader of the C library that ctrace was built for. */
#ifndef CTRACE_SYSTEM_OWN_LOADER_H
#define CTRACE_SYSTEM_OWN_LOADER_H

#include <stddef.h>

/* The loader that this program was linked for, as is the preload; "" if there is none. */
void ct_own_loader(char *loader, size_t size);

#endif
