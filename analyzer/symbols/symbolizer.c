/* The symbols of a recording: which module an address is in, and what that says of it. */
#include "schema/recording_files.h"
#include "symbols/code_symbols.h"
#include "symbols/module_symbols.h"
#include "symbols/symbol_file.h"
#include "symbols/vdso.h"

#include <string.h>

#define ADDRESS_FORMAT "0x%" G_GINT64_MODIFIER "x"

/* A module under a name: that of a program is the name it was run by. */
struct named_module {
    const char *name; /* borrowed from the cache's strings; "": it is no module */
    const char *path; /* borrowed from the model, as is the next; "": it is no module */
    const char *build_id;
    struct ct_module_symbols *symbols; /* borrowed; NULL: it is no file */
    gboolean is_own;
    gboolean has_problem_warning;
    gboolean has_split_warning;
    GHashTable *by_address; /* owned; address in the file (uint64_t *) -> struct ct_symbol * */
};

struct ct_symbolizer {
    const struct ct_model *model;  /* borrowed */
    struct ct_symbol_cache *cache; /* owned; NULL until needed */
    GHashTable *files;             /* owned; identity -> struct ct_module_symbols *, owned */
    GHashTable *named;             /* owned; identity and name -> struct named_module *, owned */
    GHashTable *modules;           /* owned; struct ct_module * -> struct named_module * */
    GHashTable *unmapped;          /* owned; process -> struct named_module *, owned */
    struct ct_code_symbols *codes; /* owned */
    GPtrArray *warnings;           /* owned; char * */
};

static void free_file(void *file)
{
    ct_module_symbols_free(file);
}

static void named_module_free(void *data)
{
    struct named_module *named = data;

    g_hash_table_unref(named->by_address);
    g_free(named);
}

struct ct_symbolizer *ct_symbolizer_new(const struct ct_model *model)
{
    struct ct_symbolizer *symbolizer = g_new0(struct ct_symbolizer, 1);

    symbolizer->model = model;
    symbolizer->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_file);
    symbolizer->named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, named_module_free);
    symbolizer->modules = g_hash_table_new(NULL, NULL);
    symbolizer->unmapped = g_hash_table_new_full(NULL, NULL, NULL, named_module_free);
    symbolizer->codes = ct_code_symbols_new();
    symbolizer->warnings = g_ptr_array_new_with_free_func(g_free);
    return symbolizer;
}

void ct_symbolizer_free(struct ct_symbolizer *symbolizer)
{
    if (!symbolizer)
        return;
    g_hash_table_unref(symbolizer->modules);
    g_hash_table_unref(symbolizer->named);
    g_hash_table_unref(symbolizer->unmapped);
    ct_code_symbols_free(symbolizer->codes);
    g_hash_table_unref(symbolizer->files);
    ct_symbol_cache_free(symbolizer->cache);
    g_ptr_array_unref(symbolizer->warnings);
    g_free(symbolizer);
}

const GPtrArray *ct_symbolizer_warnings(const struct ct_symbolizer *symbolizer)
{
    return symbolizer->warnings;
}

gboolean ct_module_is_own(const struct ct_module *module)
{
    const char *slash = strrchr(module->path, '/');
    const char *name = slash ? slash + 1 : module->path;

    return g_str_has_prefix(name, "libctrace-preload.so") || g_str_has_prefix(name, "liblttng-ust");
}

/* ---- What was kept ---- */

/* The model has no activity before it is read. */
static struct ct_symbol_cache *cache_of(struct ct_symbolizer *symbolizer)
{
    struct ct_activity *activity = symbolizer->model->activity;

    if (symbolizer->cache)
        return symbolizer->cache;
    symbolizer->cache = ct_symbol_cache_new();
    for (size_t i = 0; activity && i < G_N_ELEMENTS(activity->symbols_fds); i++) {
        if (activity->symbols_fds[i] < 0)
            continue;
        activity->is_symbols_read = TRUE;
        if (!ct_symbol_cache_load(symbolizer->cache, activity->symbols_fds[i]))
            symbolizer->cache->has_changed = TRUE;
    }
    return symbolizer->cache;
}

gboolean ct_symbolizer_keep(struct ct_symbolizer *symbolizer)
{
    struct ct_activity *activity = symbolizer->model->activity;
    struct ct_symbol_cache *cache = cache_of(symbolizer);
    GHashTableIter each;
    void *file;

    g_hash_table_iter_init(&each, symbolizer->files);
    while (g_hash_table_iter_next(&each, NULL, &file))
        ct_module_symbols_settle(file);
    if (!cache->has_changed)
        return TRUE;
    if (!activity || activity->new_symbols_fd < 0 ||
        !ct_symbol_cache_save(cache, activity->new_symbols_fd))
        return FALSE;
    activity->is_symbols_new = TRUE;
    return TRUE;
}

/* ---- Modules ---- */

/* Takes the warning over. A file of several names has it once. */
static void add_warning(struct ct_symbolizer *symbolizer, char *warning)
{
    if (g_ptr_array_find_with_equal_func(symbolizer->warnings, warning, g_str_equal, NULL))
        g_free(warning);
    else
        g_ptr_array_add(symbolizer->warnings, warning);
}

/* What its file lacks, once. Of the vdso of another kernel it is no news to anybody. */
static void warn(struct ct_symbolizer *symbolizer, struct named_module *named)
{
    enum ct_symbol_problem problem = ct_module_symbols_problem(named->symbols);

    if (named->is_own || *named->name == '\0' || ct_is_vdso(named->path))
        return;
    if (problem && !named->has_problem_warning) {
        named->has_problem_warning = TRUE;
        add_warning(symbolizer, g_strdup_printf("%s %s; its frames show as addresses", named->path,
                                                ct_symbol_problem_words(problem)));
    }
    if (!named->has_split_warning && ct_module_symbols_lacks_split(named->symbols)) {
        named->has_split_warning = TRUE;
        add_warning(symbolizer,
                    g_strdup_printf("%s has debug information in .dwo files that are not here; "
                                    "its functions are named by its symbols, without inlined ones",
                                    named->name));
    }
}

/* A program is called what its process is: its file may have other names, and do other things under
 * those. Caller frees. */
static char *name_module(const struct ct_process *process, const struct ct_module *module)
{
    gboolean is_program = process && process->args[0] && strcmp(process->exe, module->path) == 0;

    return is_program ? g_strdup(process->name) : g_path_get_basename(module->path);
}

/* The same wherever the recording is. Borrowed from the module. */
static const char *identify(const struct ct_symbolizer *symbolizer, const struct ct_module *module)
{
    const char *directory = symbolizer->model->directory;

    if (*module->build_id)
        return module->build_id;
    if (!module->copy)
        return module->path;
    return directory && g_str_has_prefix(module->copy, directory) ? module->copy + strlen(directory)
                                                                  : module->copy;
}

static struct ct_module_symbols *open_file(struct ct_symbolizer *symbolizer,
                                           const struct ct_module_file *file)
{
    struct ct_module_symbols *symbols = g_hash_table_lookup(symbolizer->files, file->identity);

    if (!symbols) {
        symbols = ct_module_symbols_new(cache_of(symbolizer), symbolizer->model->activity, file);
        g_hash_table_insert(symbolizer->files, g_strdup(file->identity), symbols);
    }
    return symbols;
}

/* NULL: it is no file. */
static struct ct_module_symbols *open_module(struct ct_symbolizer *symbolizer,
                                             const struct ct_module *module)
{
    const struct ct_module_file file = {
        .kind = module->copy ? CT_MODULE_COPY : CT_MODULE_ELF,
        .identity = identify(symbolizer, module),
        .path = module->copy ? module->copy : module->path,
        .build_id = module->build_id,
    };

    if (module->path[0] != '/' && !ct_is_vdso(module->path))
        return NULL;
    return open_file(symbolizer, &file);
}

static struct named_module *named_module_new(struct ct_symbolizer *symbolizer, const char *name)
{
    struct named_module *named = g_new0(struct named_module, 1);
    g_autofree char *valid = g_utf8_make_valid(name, -1);

    named->name = g_string_chunk_insert_const(cache_of(symbolizer)->strings, valid);
    named->path = named->build_id = "";
    named->by_address = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return named;
}

/* `process` may be NULL where nothing is to be named. */
static struct named_module *name_anew(struct ct_symbolizer *symbolizer,
                                      const struct ct_process *process,
                                      const struct ct_module *module)
{
    g_autofree char *name = name_module(process, module);
    g_autofree char *key = g_strconcat(identify(symbolizer, module), "\n", name, NULL);
    struct named_module *named = g_hash_table_lookup(symbolizer->named, key);

    if (!named) {
        named = named_module_new(symbolizer, name);
        named->path = module->path;
        named->build_id = module->build_id;
        named->is_own = ct_module_is_own(module);
        named->symbols = open_module(symbolizer, module);
        g_hash_table_insert(symbolizer->named, g_steal_pointer(&key), named);
    }
    if (named->symbols)
        warn(symbolizer, named);
    return named;
}

static struct named_module *find_module(struct ct_symbolizer *symbolizer,
                                        const struct ct_process *process,
                                        const struct ct_module *module)
{
    struct named_module *named = g_hash_table_lookup(symbolizer->modules, module);

    if (!named) {
        named = name_anew(symbolizer, process, module);
        g_hash_table_insert(symbolizer->modules, (void *)module, named);
    }
    return named;
}

/* Code that was made at run time is in no file, but may be in a list that the recording has. */
static struct named_module *find_unmapped(struct ct_symbolizer *symbolizer,
                                          const struct ct_process *process)
{
    struct named_module *named = g_hash_table_lookup(symbolizer->unmapped, process);

    if (!named) {
        const char *directory = symbolizer->model->directory;
        g_autofree char *list = g_strdup_printf(CT_JIT_FOLDER "/%d" CT_JIT_SUFFIX, process->pid);
        g_autofree char *path = directory ? g_build_filename(directory, list, NULL) : NULL;
        const struct ct_module_file file = {CT_MODULE_JIT, list, path, ""};

        named = named_module_new(symbolizer, "");
        named->symbols = path ? open_file(symbolizer, &file) : NULL;
        g_hash_table_insert(symbolizer->unmapped, (void *)process, named);
    }
    return named;
}

/* ---- Symbols ---- */

static char *name_place(const struct named_module *named, uint64_t address)
{
    return *named->name ? g_strdup_printf("%s+" ADDRESS_FORMAT, named->name, (guint64)address)
                        : g_strdup_printf(ADDRESS_FORMAT, (guint64)address);
}

static struct ct_symbol *make_symbol(struct ct_symbolizer *symbolizer, struct named_module *named,
                                     uint64_t address)
{
    const struct ct_cached_symbol *found =
        named->symbols ? ct_module_symbols_find(named->symbols, address) : NULL;
    size_t count = found ? found->frame_count : 0;
    struct ct_symbol *symbol =
        g_malloc(sizeof(*symbol) + MAX(count, 1) * sizeof(symbol->frames[0]));

    *symbol = (struct ct_symbol){count > 0, named->is_own, MAX(count, 1)};
    if (count > 0) {
        memcpy(symbol->frames, found->frames, count * sizeof(symbol->frames[0]));
    } else {
        g_autofree char *place = name_place(named, found ? found->start : address);
        const char *name = g_string_chunk_insert_const(symbolizer->cache->strings, place);

        symbol->frames[0] =
            (struct ct_symbol_frame){.function = name, .system_name = name, .file = ""};
    }
    if (named->symbols)
        warn(symbolizer, named);
    return symbol;
}

const struct ct_symbol *ct_symbolizer_resolve(struct ct_symbolizer *symbolizer,
                                              const struct ct_process *process, uint64_t address,
                                              uint64_t time_ns)
{
    if (ct_is_code_address(address))
        return ct_code_symbols_find(symbolizer->codes, process, address);
    const struct ct_module *module = ct_process_module(process, address, time_ns);
    struct named_module *named =
        module ? find_module(symbolizer, process, module) : find_unmapped(symbolizer, process);
    uint64_t file_address = module ? address - module->bias : address;
    struct ct_symbol *symbol = g_hash_table_lookup(named->by_address, &file_address);

    if (!symbol) {
        symbol = make_symbol(symbolizer, named, file_address);
        g_hash_table_insert(named->by_address, g_memdup2(&file_address, sizeof(file_address)),
                            symbol);
    }
    return symbol;
}

const struct ct_symbol *ct_symbolizer_resolve_return(struct ct_symbolizer *symbolizer,
                                                     const struct ct_process *process,
                                                     uint64_t return_address, uint64_t time_ns)
{
    return ct_symbolizer_resolve(symbolizer, process, return_address - 1, time_ns);
}

const char *ct_symbolizer_resolve_data(struct ct_symbolizer *symbolizer,
                                       const struct ct_process *process, uint64_t address,
                                       uint64_t time_ns)
{
    const struct ct_module *module = ct_process_module(process, address, time_ns);
    struct named_module *named = module ? find_module(symbolizer, process, module) : NULL;

    if (!named || !named->symbols)
        return NULL;
    const char *name = ct_module_symbols_find_variable(named->symbols, address - module->bias);

    warn(symbolizer, named);
    return name;
}

gboolean ct_symbolizer_is_go(struct ct_symbolizer *symbolizer, const struct ct_module *module)
{
    const struct named_module *named = name_anew(symbolizer, NULL, module);

    return named->symbols && ct_module_symbols_is_go(named->symbols);
}

gboolean ct_symbolizer_find_code(struct ct_symbolizer *symbolizer, const struct ct_module *module,
                                 struct ct_code_segment *segment)
{
    const struct named_module *named = name_anew(symbolizer, NULL, module);

    if (!named->symbols || !ct_module_symbols_find_code(named->symbols, segment))
        return FALSE;
    segment->begin += module->bias;
    segment->end += module->bias;
    /* The trace's word on where the module was is the one to believe. */
    return segment->begin >= module->begin && segment->end <= module->end &&
           segment->begin < segment->end;
}

/* ---- What was asked ---- */

static void add_counts(GArray *modules, const struct named_module *named)
{
    enum ct_symbol_problem problem =
        named->symbols ? ct_module_symbols_problem(named->symbols) : CT_SYMBOL_PROBLEM_NONE;
    struct ct_symbolizer_module module = {
        .path = named->path,
        .build_id = named->build_id,
        .problem = problem ? ct_symbol_problem_words(problem) : NULL,
        .is_own = named->is_own,
        .is_vdso = ct_is_vdso(named->path),
        .is_without_lines = ct_symbol_file_is_c_library(named->path),
        .address_count = g_hash_table_size(named->by_address),
    };
    GHashTableIter each;
    void *value;

    g_hash_table_iter_init(&each, named->by_address);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct ct_symbol *symbol = value;

        module.named_count += symbol->is_named ? 1 : 0;
        module.with_line_count += symbol->frames[0].line > 0;
    }
    if (module.address_count > 0)
        g_array_append_val(modules, module);
}

static int compare_modules(const void *a, const void *b)
{
    const struct ct_symbolizer_module *first = a, *second = b;
    int order = strcmp(first->path, second->path);

    if (order != 0)
        return order;
    order = strcmp(first->build_id, second->build_id);
    return order != 0 ? order
                      : (first->address_count > second->address_count) -
                            (first->address_count < second->address_count);
}

GArray *ct_symbolizer_modules(const struct ct_symbolizer *symbolizer)
{
    GArray *modules = g_array_new(FALSE, FALSE, sizeof(struct ct_symbolizer_module));
    GHashTable *tables[] = {symbolizer->named, symbolizer->unmapped};

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        GHashTableIter each;
        void *named;

        g_hash_table_iter_init(&each, tables[i]);
        while (g_hash_table_iter_next(&each, NULL, &named))
            add_counts(modules, named);
    }
    g_array_sort(modules, compare_modules);
    return modules;
}
