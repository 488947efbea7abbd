/*
 * What was found of the addresses in a recording's modules, kept for the next command: by what the
 * module is (its build id, wherever its file is) and the address in it. Also that there is nothing
 * to be found, with what there was to look at then.
 *
 * The file is as little trusted as a trace is: of one that is damaged nothing is taken.
 */
#ifndef CTRACE_SYMBOL_CACHE_H
#define CTRACE_SYMBOL_CACHE_H

#include "symbols/symbols.h"

/* What stands at an address. All strings are the cache's, and UTF-8. */
struct ct_cached_symbol {
    uint64_t address;   /* in the file */
    uint64_t start;     /* where its function begins, as far as that is known without a name */
    size_t frame_count; /* 0: there is no symbol */
    struct ct_symbol_frame frames[];
};

struct ct_cached_variable {
    uint64_t address;
    const char *name; /* with the offset in it; "": there is none */
};

/* A module. */
struct ct_cached_module {
    char *identity;                 /* owned */
    gboolean is_seen;               /* its file was looked for; else nothing else is set */
    enum ct_symbol_problem problem; /* why it could not be used: then nothing is known of it */
    gboolean is_complete;           /* nothing that may come could add to it */
    gboolean is_go;                 /* the program was made by Go's compiler */
    gboolean has_code;
    struct ct_code_segment code; /* in addresses of the file */
    uint64_t file_state;         /* of its file, as it was used: by size and time */
    uint64_t places_state;       /* of all places where its symbols may be */
    const char *debug_link;      /* the name of its debug file; "": it tells none */
    const char *missing_split;   /* a file of debug information that was not there, or "" */
    GHashTable *symbols;         /* owned; address -> struct ct_cached_symbol * */
    GHashTable *variables;       /* owned; address -> struct ct_cached_variable * */
};

struct ct_symbol_cache {
    GHashTable *modules;   /* owned; identity -> struct ct_cached_module * */
    GStringChunk *strings; /* owned */
    gboolean has_changed;  /* since it was made or loaded */
};

struct ct_symbol_cache *ct_symbol_cache_new(void);
void ct_symbol_cache_free(struct ct_symbol_cache *cache);
typedef struct ct_symbol_cache ct_symbol_cache; /* for g_autoptr(ct_symbol_cache) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_symbol_cache, ct_symbol_cache_free)

/* The module of that identity; a new one, if there is none. Borrowed. */
struct ct_cached_module *ct_symbol_cache_module(struct ct_symbol_cache *cache,
                                                const char *identity);

/* One that is in no cache. */
struct ct_cached_module *ct_cached_module_new(const char *identity);
void ct_cached_module_free(struct ct_cached_module *module);

/* For one whose tables were taken: nothing is known of its addresses. */
void ct_cached_module_clear(struct ct_cached_module *module);

/* Copies the frames, whose strings are the cache's. Borrowed. */
const struct ct_cached_symbol *ct_cached_module_add_symbol(struct ct_cached_module *module,
                                                           uint64_t address, uint64_t start,
                                                           const struct ct_symbol_frame *frames,
                                                           size_t frame_count);
void ct_cached_module_add_variable(struct ct_cached_module *module, uint64_t address,
                                   const char *name);

/*
 * Adds what the file holds. Of a module that is there already, the better is kept. FALSE: the file
 * is not what was written, and the cache is empty then.
 */
gboolean ct_symbol_cache_load(struct ct_symbol_cache *cache, int fd);

/* Writes an empty file. FALSE: it could not be written. */
gboolean ct_symbol_cache_save(const struct ct_symbol_cache *cache, int fd);

/* The same without the checksum: what a file's content is worth. */
gboolean ct_symbol_cache_read(struct ct_symbol_cache *cache, const uint8_t *bytes, size_t size);

#endif
