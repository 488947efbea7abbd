#include "symbols/code_symbols.h"

struct ct_code_symbols {
    GStringChunk *names; /* owned */
    GHashTable *all;     /* owned; struct key *, owned -> struct ct_symbol *, owned */
};

struct key {
    const struct ct_process *process;
    uint64_t address;
};

static guint key_hash(const void *data)
{
    const struct key *key = data;

    return g_direct_hash(key->process) ^ g_int64_hash(&key->address);
}

static gboolean key_equal(const void *a, const void *b)
{
    const struct key *first = a, *second = b;

    return first->process == second->process && first->address == second->address;
}

struct ct_code_symbols *ct_code_symbols_new(void)
{
    struct ct_code_symbols *symbols = g_new0(struct ct_code_symbols, 1);

    symbols->names = g_string_chunk_new(1024);
    symbols->all = g_hash_table_new_full(key_hash, key_equal, g_free, g_free);
    return symbols;
}

void ct_code_symbols_free(struct ct_code_symbols *symbols)
{
    g_hash_table_unref(symbols->all);
    g_string_chunk_free(symbols->names);
    g_free(symbols);
}

/* Not the name itself, which go tool pprof would take for one of C++ then, and shorten: "<module>"
 * to nothing. Borrowed. */
static const char *system_name(const struct ct_code_symbols *symbols, const struct ct_code *code)
{
    g_autofree char *name =
        g_strdup_printf("%s:%u %s", code->file, code->first_line, code->function);

    return g_string_chunk_insert_const(symbols->names, name);
}

static struct ct_symbol *make_symbol(const struct ct_code_symbols *symbols,
                                     const struct ct_process *process, uint64_t address)
{
    const struct ct_code *code =
        g_hash_table_lookup(process->codes, GUINT_TO_POINTER(ct_code_address_id(address)));
    struct ct_symbol *symbol = g_malloc(sizeof(*symbol) + sizeof(symbol->frames[0]));
    const char *name = code && code->function[0] ? code->function : "a Python function";

    *symbol = (struct ct_symbol){.is_named = code != NULL, .frame_count = 1};
    symbol->frames[0] = (struct ct_symbol_frame){
        .function = name,
        .system_name = code ? system_name(symbols, code) : name,
        .file = code ? code->file : "",
        .line = ct_code_address_line(address),
        .start_line = code ? code->first_line : 0,
        .is_interpreted = TRUE,
    };
    return symbol;
}

const struct ct_symbol *ct_code_symbols_find(struct ct_code_symbols *symbols,
                                             const struct ct_process *process, uint64_t address)
{
    const struct key wanted = {process, address};
    struct ct_symbol *symbol = g_hash_table_lookup(symbols->all, &wanted);

    if (!symbol) {
        symbol = make_symbol(symbols, process, address);
        g_hash_table_insert(symbols->all, g_memdup2(&wanted, sizeof(wanted)), symbol);
    }
    return symbol;
}
