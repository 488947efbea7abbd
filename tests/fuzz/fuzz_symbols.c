/*
 * The symbols that were kept with a recording, as if the checksum was right. Whatever the bytes
 * are, all strings are text, what is taken can be kept again and says the same then, and a module's
 * file is asked for what is not in it.
 */
#include "fuzz.h"
#include "symbols/module_symbols.h"

#include <sys/mman.h>
#include <unistd.h>

static void check_text(const char *text)
{
    FUZZ_REQUIRE(text != NULL && g_utf8_validate(text, -1, NULL));
}

static void check_symbol(const struct ct_cached_symbol *symbol)
{
    for (size_t i = 0; i < symbol->frame_count; i++) {
        check_text(symbol->frames[i].function);
        check_text(symbol->frames[i].system_name);
        check_text(symbol->frames[i].file);
        FUZZ_REQUIRE(symbol->frames[i].line <= INT32_MAX);
    }
}

static void check_module(const struct ct_cached_module *module)
{
    GHashTableIter each;
    void *value;

    FUZZ_REQUIRE(module->problem < CT_SYMBOL_PROBLEM_COUNT);
    check_text(module->identity);
    check_text(module->debug_link);
    check_text(module->missing_split);
    g_hash_table_iter_init(&each, module->symbols);
    while (g_hash_table_iter_next(&each, NULL, &value))
        check_symbol(value);
    g_hash_table_iter_init(&each, module->variables);
    while (g_hash_table_iter_next(&each, NULL, &value))
        check_text(((const struct ct_cached_variable *)value)->name);
}

static guint count_symbols(const struct ct_symbol_cache *cache)
{
    GHashTableIter each;
    void *value;
    guint count = 0;

    g_hash_table_iter_init(&each, cache->modules);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct ct_cached_module *module = value;

        check_module(module);
        count += 1 + g_hash_table_size(module->symbols) + g_hash_table_size(module->variables);
    }
    return count;
}

static void check_kept_again(const struct ct_symbol_cache *cache)
{
    g_autoptr(ct_symbol_cache) again = ct_symbol_cache_new();
    int fd = memfd_create("symbols", MFD_CLOEXEC);

    FUZZ_REQUIRE(fd >= 0 && ct_symbol_cache_save(cache, fd));
    FUZZ_REQUIRE(ct_symbol_cache_load(again, fd));
    FUZZ_REQUIRE(count_symbols(again) == count_symbols(cache));
    close(fd);
}

/* As a command does whose model has a module of that identity. */
static void ask_modules(struct ct_symbol_cache *cache, uint64_t address)
{
    g_autofree void **identities = g_hash_table_get_keys_as_array(cache->modules, NULL);

    for (void **identity = identities; *identity; identity++) {
        const struct ct_module_file file = {CT_MODULE_ELF, *identity, "/no/such/file", "0000"};
        struct ct_module_symbols *symbols = ct_module_symbols_new(cache, NULL, &file);
        const struct ct_cached_symbol *symbol = ct_module_symbols_find(symbols, address);
        struct ct_code_segment code;

        if (symbol)
            check_symbol(symbol);
        ct_module_symbols_find_variable(symbols, address);
        ct_module_symbols_find_code(symbols, &code);
        ct_module_symbols_settle(symbols);
        FUZZ_REQUIRE(ct_module_symbols_problem(symbols) < CT_SYMBOL_PROBLEM_COUNT);
        ct_module_symbols_free(symbols);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint64_t address = fuzz_take_u8(&input);
    g_autoptr(ct_symbol_cache) cache = ct_symbol_cache_new();

    if (!ct_symbol_cache_read(cache, input.at, input.left))
        return 0;
    check_kept_again(cache);
    ask_modules(cache, address);
    check_kept_again(cache);
    return 0;
}
