/*
 * One ELF file and its separate debug file, looked up by the addresses in the file itself. Only
 * this and debug_info.h know libdw.
 */
#ifndef CTRACE_SYMBOL_FILE_H
#define CTRACE_SYMBOL_FILE_H

#include "symbols/symbols.h"

struct ct_symbol_file;

/* Where debug files are installed, by build id or by the path of what they are of. */
#define CT_DEBUG_FOLDER "/usr/lib/debug"

struct ct_symbol_file_place {
    const char *path;
    const char *build_id; /* hexadecimal; "" takes any file */
    const char *fetched;  /* a debug file that a server had for it; "": none */
};

/*
 * Opens the file if it has its build id, else the debug file that is installed for that, or that
 * came from a server. Returns NULL and says in `problem` why not. `strings` is borrowed, holds
 * every string that lookups return, and must outlive it; the place is copied.
 */
struct ct_symbol_file *ct_symbol_file_open(const struct ct_symbol_file_place *place,
                                           GStringChunk *strings, enum ct_symbol_problem *problem);
void ct_symbol_file_free(struct ct_symbol_file *file);

/* The C library's lines and inlined functions are not looked up: see there. */
gboolean ct_symbol_file_is_c_library(const char *path);

/* The debug file that is installed for a build id; NULL: it is no build id. Caller frees. */
char *ct_symbol_file_debug_path(const char *build_id);

/* Appends what stands at `address` to an array of struct ct_symbol_frame: nothing, if unknown. */
void ct_symbol_file_add_frames(struct ct_symbol_file *file, uint64_t address, GArray *frames);

/* Debug information that it tells of was looked for, and is not on this machine: the path of the
 * first such file, or "". Borrowed. */
const char *ct_symbol_file_missing_split(const struct ct_symbol_file *file);

/* The name that its separate debug file has, wherever that is; "" if it tells none. Borrowed. */
const char *ct_symbol_file_debug_link(const struct ct_symbol_file *file);

/* It has debug information: its own, or of a file apart. */
gboolean ct_symbol_file_has_debug_info(const struct ct_symbol_file *file);

/* Something was looked up, and no file that may be installed later could say more. */
gboolean ct_symbol_file_is_complete(const struct ct_symbol_file *file);

/*
 * Where the function around `address` begins, by the unwind tables, or `address` itself: what has
 * no symbol has them all the same.
 */
uint64_t ct_symbol_file_function_start(struct ct_symbol_file *file, uint64_t address);

/* The executable segment, in addresses of the file. FALSE if there is none. */
gboolean ct_symbol_file_find_code(struct ct_symbol_file *file, struct ct_code_segment *segment);

/* TRUE if Go's compiler made it: stripped or not, its runtime has its tables of functions there. */
gboolean ct_symbol_file_is_go(struct ct_symbol_file *file);

/* "variable" or "variable+0x8", or NULL. */
const char *ct_symbol_file_data(struct ct_symbol_file *file, uint64_t address);

#endif
