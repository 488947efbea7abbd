#include "symbols/demangle.h"

#include <libiberty/demangle.h>
#include <stddef.h>
#include <string.h>

char *ct_demangle(const char *name)
{
    if (strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0)
        return NULL;
    /* Tries Rust before C++: Rust's older names are valid C++ names, with a hash for a last part.
     */
    return cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
}
