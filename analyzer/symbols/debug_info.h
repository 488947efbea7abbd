/*
 * What debug information says about an address: the source line, and the functions around it.
 * The functions of a compilation unit are listed once, when the first address in it is looked up:
 * libdw's own search reads the whole unit for every address, a millisecond each in C++.
 */
#ifndef CTRACE_DEBUG_INFO_H
#define CTRACE_DEBUG_INFO_H

#include <elfutils/libdwfl.h>
#include <glib.h>
#include <stdint.h>

struct ct_debug_info;

/* `module` is borrowed. */
struct ct_debug_info *ct_debug_info_new(Dwfl_Module *module);
void ct_debug_info_free(struct ct_debug_info *info);

/* Some of it is in other files (.dwo): the path of the first that was looked for and is not there,
 * "" if none lacks. Borrowed. */
const char *ct_debug_info_missing_split(const struct ct_debug_info *info);

struct ct_debug_place {
    Dwarf_Line *line; /* NULL if unknown */
    GArray *scopes;   /* Dwarf_Die: the innermost inlined function first, the real one last */
};

/* Looks `address` up, and fills `place`, whose array the caller made. FALSE if nothing is known. */
gboolean ct_debug_info_find(struct ct_debug_info *info, uint64_t address,
                            struct ct_debug_place *place);

/*
 * The name of a function with the namespaces and types that it stands in, for the C++ functions
 * that have no name for the linker: those of one file, when inlined everywhere. NULL if it has
 * none. Borrowed.
 */
const char *ct_debug_info_qualify(struct ct_debug_info *info, Dwarf_Die *function);

#endif
