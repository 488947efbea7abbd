/*
 * The symbols of one module: what an earlier command has found, else what its file says. The file
 * is opened when something is asked of which nothing was kept, or when there may be more to be
 * found than there was then; whether so is seen by looking where its files would be.
 */
#ifndef CTRACE_MODULE_SYMBOLS_H
#define CTRACE_MODULE_SYMBOLS_H

#include "symbols/symbol_cache.h"

enum ct_module_kind {
    CT_MODULE_ELF,
    CT_MODULE_COPY, /* an ELF file that lies in the recording, and stays what it is */
    CT_MODULE_JIT   /* a list of the functions that were made at run time */
};

/* Where a module is, and what it is. */
struct ct_module_file {
    enum ct_module_kind kind;
    const char *identity; /* wherever it is */
    const char *path;
    const char *build_id; /* "" if it has none */
};

struct ct_module_symbols;

/* `cache` and `activity`, which may be NULL, are borrowed; the file's strings only during the call.
 */
struct ct_module_symbols *ct_module_symbols_new(struct ct_symbol_cache *cache,
                                                struct ct_activity *activity,
                                                const struct ct_module_file *file);
void ct_module_symbols_free(struct ct_module_symbols *symbols);

/* What stands at an address in the file; NULL: it cannot be told now. Borrowed. */
const struct ct_cached_symbol *ct_module_symbols_find(struct ct_module_symbols *symbols,
                                                      uint64_t address);

/* The variable there, or NULL. Borrowed. */
const char *ct_module_symbols_find_variable(struct ct_module_symbols *symbols, uint64_t address);

/* The executable segment, in addresses of the file. FALSE: it is not known. */
gboolean ct_module_symbols_find_code(const struct ct_module_symbols *symbols,
                                     struct ct_code_segment *segment);
gboolean ct_module_symbols_is_go(const struct ct_module_symbols *symbols);

/* Why something that was asked could not be told. */
enum ct_symbol_problem ct_module_symbols_problem(const struct ct_module_symbols *symbols);

/* Debug information is missing that the file tells of. */
gboolean ct_module_symbols_lacks_split(const struct ct_module_symbols *symbols);

/* No more will be asked: what is kept of it says by what it was found. */
void ct_module_symbols_settle(struct ct_module_symbols *symbols);

#endif
