/* Linker names of C++ and Rust as a programmer writes them. */
#ifndef CTRACE_DEMANGLE_H
#define CTRACE_DEMANGLE_H

/* Allocated (free with free()), or NULL if `name` is not mangled. */
char *ct_demangle(const char *name);

#endif
