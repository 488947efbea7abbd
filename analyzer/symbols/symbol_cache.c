#include "symbols/symbol_cache.h"

#include <string.h>

static GHashTable *table_new(void)
{
    return g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
}

struct ct_cached_module *ct_cached_module_new(const char *identity)
{
    struct ct_cached_module *module = g_new0(struct ct_cached_module, 1);

    module->identity = g_strdup(identity);
    module->debug_link = module->missing_split = "";
    module->symbols = table_new();
    module->variables = table_new();
    return module;
}

void ct_cached_module_free(struct ct_cached_module *module)
{
    g_free(module->identity);
    g_hash_table_unref(module->symbols);
    g_hash_table_unref(module->variables);
    g_free(module);
}

static void free_module(void *module)
{
    ct_cached_module_free(module);
}

struct ct_symbol_cache *ct_symbol_cache_new(void)
{
    struct ct_symbol_cache *cache = g_new0(struct ct_symbol_cache, 1);

    cache->modules = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_module);
    cache->strings = g_string_chunk_new(4096);
    return cache;
}

void ct_symbol_cache_free(struct ct_symbol_cache *cache)
{
    if (!cache)
        return;
    g_hash_table_unref(cache->modules);
    g_string_chunk_free(cache->strings);
    g_free(cache);
}

struct ct_cached_module *ct_symbol_cache_module(struct ct_symbol_cache *cache, const char *identity)
{
    struct ct_cached_module *module = g_hash_table_lookup(cache->modules, identity);

    if (module)
        return module;
    module = ct_cached_module_new(identity);
    g_hash_table_insert(cache->modules, module->identity, module);
    return module;
}

void ct_cached_module_clear(struct ct_cached_module *module)
{
    module->symbols = table_new();
    module->variables = table_new();
}

const struct ct_cached_symbol *ct_cached_module_add_symbol(struct ct_cached_module *module,
                                                           uint64_t address, uint64_t start,
                                                           const struct ct_symbol_frame *frames,
                                                           size_t frame_count)
{
    struct ct_cached_symbol *symbol = g_malloc(sizeof(*symbol) + frame_count * sizeof(*frames));

    symbol->address = address;
    symbol->start = start;
    symbol->frame_count = frame_count;
    if (frame_count > 0)
        memcpy(symbol->frames, frames, frame_count * sizeof(*frames));
    g_hash_table_replace(module->symbols, &symbol->address, symbol);
    return symbol;
}

void ct_cached_module_add_variable(struct ct_cached_module *module, uint64_t address,
                                   const char *name)
{
    struct ct_cached_variable *variable = g_new(struct ct_cached_variable, 1);

    *variable = (struct ct_cached_variable){address, name};
    g_hash_table_replace(module->variables, &variable->address, variable);
}
