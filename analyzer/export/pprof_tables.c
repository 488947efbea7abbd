#include "export/pprof_tables.h"

#include "text/safe_text.h"

#include <string.h>

/* What makes a mapping, location or function: the fields used differ, the rest is zero. */
struct key {
    uint64_t words[5];
};

static guint key_hash(const void *data)
{
    const struct key *key = data;
    uint64_t mixed = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(key->words); i++)
        mixed = (mixed ^ key->words[i]) * UINT64_C(0x9e3779b97f4a7c15) + (mixed >> 29);
    return (guint)(mixed >> 32);
}

static gboolean key_equal(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct key)) == 0;
}

void *ct_pprof_tables_allocate(struct ct_pprof_tables *tables, size_t size)
{
    void *memory = g_malloc0(size);
    g_ptr_array_add(tables->memory, memory);
    return memory;
}

int64_t ct_pprof_tables_string(struct ct_pprof_tables *tables, const char *string)
{
    void *id;

    if (g_hash_table_lookup_extended(tables->string_ids, string, NULL, &id))
        return GPOINTER_TO_INT(id);
    /* Viewers write them to terminals. */
    char *safe = ct_safe_line(string);
    if (strcmp(safe, string) != 0) {
        int64_t safe_id = ct_pprof_tables_string(tables, safe);
        g_free(safe);
        return safe_id;
    }
    g_hash_table_insert(tables->string_ids, safe, GINT_TO_POINTER((int)tables->strings->len));
    g_ptr_array_add(tables->strings, safe);
    return tables->strings->len - 1;
}

void ct_pprof_tables_init(struct ct_pprof_tables *tables, struct ct_symbolizer *symbolizer)
{
    tables->symbolizer = symbolizer;
    tables->memory = g_ptr_array_new_with_free_func(g_free);
    tables->strings = g_ptr_array_new();
    tables->string_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    tables->mappings = g_ptr_array_new();
    tables->locations = g_ptr_array_new();
    tables->functions = g_ptr_array_new();
    tables->mapping_keys = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
    tables->location_keys = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
    tables->function_keys = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
    ct_pprof_tables_string(tables, "");
}

void ct_pprof_tables_clear(struct ct_pprof_tables *tables)
{
    g_hash_table_unref(tables->mapping_keys);
    g_hash_table_unref(tables->location_keys);
    g_hash_table_unref(tables->function_keys);
    g_ptr_array_unref(tables->mappings);
    g_ptr_array_unref(tables->locations);
    g_ptr_array_unref(tables->functions);
    g_ptr_array_unref(tables->strings);
    g_hash_table_unref(tables->string_ids);
    g_ptr_array_unref(tables->memory);
}

Pprof__ValueType *ct_pprof_tables_value_type(struct ct_pprof_tables *tables, const char *type,
                                             const char *unit)
{
    Pprof__ValueType *value_type = ct_pprof_tables_allocate(tables, sizeof *value_type);

    pprof__value_type__init(value_type);
    value_type->type = ct_pprof_tables_string(tables, type);
    value_type->unit = ct_pprof_tables_string(tables, unit);
    return value_type;
}

/* Processes that map different files at the same address have a mapping each; those that map the
 * same one, as after fork, share it. */
static Pprof__Mapping *add_mapping(struct ct_pprof_tables *tables, const struct ct_module *module,
                                   const struct ct_code_segment *extent)
{
    int64_t filename = ct_pprof_tables_string(tables, module->path);
    int64_t build_id = ct_pprof_tables_string(tables, module->build_id);
    struct key key = {
        {extent->begin, extent->end, extent->file_offset, (uint64_t)filename, (uint64_t)build_id}};
    Pprof__Mapping *mapping = g_hash_table_lookup(tables->mapping_keys, &key);

    if (!mapping) {
        mapping = ct_pprof_tables_allocate(tables, sizeof *mapping);
        pprof__mapping__init(mapping);
        mapping->memory_start = extent->begin;
        mapping->memory_limit = extent->end;
        mapping->file_offset = extent->file_offset;
        mapping->filename = filename;
        mapping->build_id = build_id;
        g_ptr_array_add(tables->mappings, mapping);
        mapping->id = tables->mappings->len;
        g_hash_table_insert(tables->mapping_keys, g_memdup2(&key, sizeof key), mapping);
    }
    return mapping;
}

void ct_pprof_tables_add_program(struct ct_pprof_tables *tables, const struct ct_module *module)
{
    struct ct_code_segment extent;

    if (!ct_symbolizer_find_code(tables->symbolizer, module, &extent))
        extent = (struct ct_code_segment){module->begin, module->end, 0};
    add_mapping(tables, module, &extent);
}

/* The mapping around `address`: the code of its module, or all of it if that cannot be told. */
static Pprof__Mapping *find_mapping(struct ct_pprof_tables *tables, const struct ct_module *module,
                                    uint64_t address)
{
    struct ct_code_segment extent;

    if (!module)
        return NULL;
    if (!ct_symbolizer_find_code(tables->symbolizer, module, &extent) || address < extent.begin ||
        address >= extent.end)
        extent = (struct ct_code_segment){module->begin, module->end, 0};
    return add_mapping(tables, module, &extent);
}

static uint64_t add_function(struct ct_pprof_tables *tables, const struct ct_symbol_frame *frame)
{
    int64_t name = ct_pprof_tables_string(tables, frame->function);
    int64_t system_name = ct_pprof_tables_string(tables, frame->system_name);
    int64_t filename = ct_pprof_tables_string(tables, frame->file);
    struct key key = {
        {(uint64_t)name, (uint64_t)system_name, (uint64_t)filename, frame->start_line}};
    Pprof__Function *function = g_hash_table_lookup(tables->function_keys, &key);

    if (!function) {
        function = ct_pprof_tables_allocate(tables, sizeof *function);
        pprof__function__init(function);
        function->name = name;
        function->system_name = system_name;
        function->filename = filename;
        function->start_line = frame->start_line;
        g_ptr_array_add(tables->functions, function);
        function->id = tables->functions->len;
        g_hash_table_insert(tables->function_keys, g_memdup2(&key, sizeof key), function);
    }
    return function->id;
}

/* A location that still has to get its lines, or NULL: `id` is one that has them. */
static Pprof__Location *add_location(struct ct_pprof_tables *tables, const struct key *key,
                                     uint64_t *id)
{
    Pprof__Location *location = g_hash_table_lookup(tables->location_keys, key);

    if (location) {
        *id = location->id;
        return NULL;
    }
    location = ct_pprof_tables_allocate(tables, sizeof *location);
    pprof__location__init(location);
    g_ptr_array_add(tables->locations, location);
    *id = location->id = tables->locations->len;
    g_hash_table_insert(tables->location_keys, g_memdup2(key, sizeof *key), location);
    return location;
}

static void set_lines(struct ct_pprof_tables *tables, Pprof__Location *location,
                      const struct ct_symbol_frame *frames, size_t count)
{
    location->n_line = count;
    location->line = ct_pprof_tables_allocate(tables, count * sizeof *location->line);
    for (size_t i = 0; i < count; i++) {
        location->line[i] = ct_pprof_tables_allocate(tables, sizeof **location->line);
        pprof__line__init(location->line[i]);
        location->line[i]->function_id = add_function(tables, &frames[i]);
        location->line[i]->line = frames[i].line;
    }
}

uint64_t ct_pprof_tables_add_name(struct ct_pprof_tables *tables, const char *name)
{
    struct ct_symbol_frame frame = {.function = name, .system_name = name, .file = ""};
    struct key key = {{0, 0, add_function(tables, &frame)}};
    uint64_t id;
    Pprof__Location *location = add_location(tables, &key, &id);

    if (location)
        set_lines(tables, location, &frame, 1);
    return id;
}

static void describe_mapping(Pprof__Mapping *mapping, const struct ct_symbol *symbol)
{
    if (!symbol->is_named)
        return;
    mapping->has_functions = TRUE;
    for (size_t i = 0; i < symbol->frame_count; i++) {
        mapping->has_filenames |= *symbol->frames[i].file != '\0';
        mapping->has_line_numbers |= symbol->frames[i].line != 0;
    }
    /* Lines and inlined calls come from the same debug information. */
    mapping->has_inline_frames = mapping->has_line_numbers;
}

uint64_t ct_pprof_tables_add_call(struct ct_pprof_tables *tables, const struct ct_process *process,
                                  uint64_t return_address, uint64_t time_ns)
{
    const struct ct_symbol *symbol =
        ct_symbolizer_resolve_return(tables->symbolizer, process, return_address, time_ns);
    if (symbol->is_own)
        return 0;

    uint64_t address = return_address - 1;
    Pprof__Mapping *mapping =
        find_mapping(tables, ct_process_module(process, address, time_ns), address);
    struct key key = {{mapping ? mapping->id : 0, address}};
    uint64_t id;
    Pprof__Location *location = add_location(tables, &key, &id);
    if (location) {
        location->address = address;
        location->mapping_id = mapping ? mapping->id : 0;
        set_lines(tables, location, symbol->frames, symbol->frame_count);
        if (mapping)
            describe_mapping(mapping, symbol);
    }
    return id;
}
