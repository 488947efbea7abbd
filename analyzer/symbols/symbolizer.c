/* The symbols of a recording: addresses to functions, a file of which is opened once. */
#include "symbols/jit_map.h"
#include "symbols/symbol_file.h"
#include "symbols/vdso.h"

#include <string.h>

#define ADDRESS_FORMAT "0x%" G_GINT64_MODIFIER "x"

struct object_file {
    const char *name;            /* borrowed from strings: what it is called; "": it is none */
    struct ct_symbol_file *file; /* owned; NULL if it cannot be used */
    struct ct_jit_map *jit_map;  /* owned; of what is in no file; or NULL */
    gboolean is_own;
    gboolean has_warning; /* about what it lacks */
    GHashTable *symbols;  /* owned; address in the file (uint64_t *) -> struct ct_symbol * */
};

struct ct_symbolizer {
    const struct ct_model *model; /* borrowed */
    GHashTable *files;            /* owned; build id or path, and name -> struct object_file * */
    GHashTable *unmapped;         /* owned; process -> struct object_file *: what is in no module */
    GStringChunk *strings;        /* owned */
    GPtrArray *warnings;          /* owned; char * */
    GArray *frames;               /* owned; scratch space */
};

static void object_file_free(void *data)
{
    struct object_file *object = data;
    ct_symbol_file_free(object->file);
    ct_jit_map_free(object->jit_map);
    g_hash_table_unref(object->symbols);
    g_free(object);
}

static GHashTable *symbol_table_new(void)
{
    return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
}

struct ct_symbolizer *ct_symbolizer_new(const struct ct_model *model)
{
    struct ct_symbolizer *symbolizer = g_new0(struct ct_symbolizer, 1);

    symbolizer->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, object_file_free);
    symbolizer->model = model;
    symbolizer->unmapped = g_hash_table_new_full(NULL, NULL, NULL, object_file_free);
    symbolizer->strings = g_string_chunk_new(4096);
    symbolizer->warnings = g_ptr_array_new_with_free_func(g_free);
    symbolizer->frames = g_array_new(FALSE, FALSE, sizeof(struct ct_symbol_frame));
    return symbolizer;
}

void ct_symbolizer_free(struct ct_symbolizer *symbolizer)
{
    if (!symbolizer)
        return;
    g_hash_table_unref(symbolizer->files);
    g_hash_table_unref(symbolizer->unmapped);
    g_string_chunk_free(symbolizer->strings);
    g_ptr_array_unref(symbolizer->warnings);
    g_array_unref(symbolizer->frames);
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

/* Takes the warning over. A file of several names has it once. */
static void add_warning(struct ct_symbolizer *symbolizer, char *warning)
{
    if (g_ptr_array_find_with_equal_func(symbolizer->warnings, warning, g_str_equal, NULL))
        g_free(warning);
    else
        g_ptr_array_add(symbolizer->warnings, warning);
}

/* Modules that are no files are no news to anybody, nor is the vdso of another kernel. */
static void open_file(struct ct_symbolizer *symbolizer, const struct ct_module *module,
                      struct object_file *object)
{
    const char *problem;

    gboolean is_vdso = ct_is_vdso(module->path);

    if (module->path[0] != '/' && !is_vdso)
        return;
    ct_activity_turn_to(symbolizer->model->activity, module->path);
    object->file = ct_symbol_file_open(module->copy ? module->copy : module->path, module->build_id,
                                       symbolizer->strings, &problem);
    if (!object->file && !object->is_own && !is_vdso)
        add_warning(symbolizer,
                    g_strdup_printf("%s %s; its frames show as addresses", module->path, problem));
}

/* A program is called what its process is: its file may have other names, and do other things under
 * those. Caller frees. */
static char *name_module(const struct ct_process *process, const struct ct_module *module)
{
    gboolean is_program = process && process->args[0] && strcmp(process->exe, module->path) == 0;

    return is_program ? g_strdup(process->name) : g_path_get_basename(module->path);
}

/* `process` may be NULL where nothing is to be named. */
static struct object_file *find_file(struct ct_symbolizer *symbolizer,
                                     const struct ct_process *process,
                                     const struct ct_module *module)
{
    const char *file = *module->build_id ? module->build_id
                       : module->copy    ? module->copy
                                         : module->path;
    g_autofree char *name = name_module(process, module);
    g_autofree char *key = g_strconcat(file, "\n", name, NULL);
    struct object_file *object = g_hash_table_lookup(symbolizer->files, key);

    if (!object) {
        g_autofree char *valid = g_utf8_make_valid(name, -1);
        object = g_new0(struct object_file, 1);
        object->name = g_string_chunk_insert_const(symbolizer->strings, valid);
        object->is_own = ct_module_is_own(module);
        object->symbols = symbol_table_new();
        open_file(symbolizer, module, object);
        g_hash_table_insert(symbolizer->files, g_steal_pointer(&key), object);
    }
    return object;
}

/* Code that was made at run time is in no file. */
static struct object_file *find_unmapped(struct ct_symbolizer *symbolizer,
                                         const struct ct_process *process)
{
    struct object_file *object = g_hash_table_lookup(symbolizer->unmapped, process);

    if (!object) {
        object = g_new0(struct object_file, 1);
        object->name = "";
        object->symbols = symbol_table_new();
        if (symbolizer->model->directory)
            object->jit_map = ct_jit_map_open(symbolizer->model->directory, process->pid);
        g_hash_table_insert(symbolizer->unmapped, (void *)process, object);
    }
    return object;
}

static void look_up(struct ct_symbolizer *symbolizer, struct object_file *object, uint64_t address)
{
    ct_activity_turn_to(symbolizer->model->activity, object->name);
    ct_symbol_file_add_frames(object->file, address, symbolizer->frames);
    ct_activity_step(symbolizer->model->activity);
    if (object->has_warning || object->is_own || !ct_symbol_file_lacks_split(object->file))
        return;
    object->has_warning = TRUE;
    add_warning(symbolizer,
                g_strdup_printf("%s has debug information in .dwo files that are not here; its "
                                "functions are named by its symbols, without inlined ones",
                                object->name));
}

static void add_frame(GArray *frames, const char *name)
{
    const struct ct_symbol_frame frame = {.function = name, .system_name = name, .file = ""};

    g_array_append_val(frames, frame);
}

static char *name_place(const struct object_file *object, uint64_t address)
{
    return *object->name ? g_strdup_printf("%s+" ADDRESS_FORMAT, object->name, (guint64)address)
                         : g_strdup_printf(ADDRESS_FORMAT, (guint64)address);
}

static struct ct_symbol *make_symbol(struct ct_symbolizer *symbolizer, struct object_file *object,
                                     uint64_t address)
{
    GArray *frames = symbolizer->frames;

    g_array_set_size(frames, 0);
    const char *jit_name = object->jit_map ? ct_jit_map_find(object->jit_map, address) : NULL;
    if (object->file)
        look_up(symbolizer, object, address);
    else if (jit_name)
        add_frame(frames, jit_name);
    gboolean is_named = frames->len > 0;
    if (!is_named) {
        uint64_t start =
            object->file ? ct_symbol_file_function_start(object->file, address) : address;
        g_autofree char *name = name_place(object, start);
        add_frame(frames, g_string_chunk_insert_const(symbolizer->strings, name));
    }

    size_t frames_size = frames->len * sizeof(struct ct_symbol_frame);
    struct ct_symbol *symbol = g_malloc(sizeof *symbol + frames_size);
    symbol->is_named = is_named;
    symbol->is_own = object->is_own;
    symbol->frame_count = frames->len;
    memcpy(symbol->frames, frames->data, frames_size);
    return symbol;
}

const struct ct_symbol *ct_symbolizer_resolve(struct ct_symbolizer *symbolizer,
                                              const struct ct_process *process, uint64_t address,
                                              uint64_t time_ns)
{
    const struct ct_module *module = ct_process_module(process, address, time_ns);
    struct object_file *object =
        module ? find_file(symbolizer, process, module) : find_unmapped(symbolizer, process);
    uint64_t file_address = module ? address - module->bias : address;
    struct ct_symbol *symbol = g_hash_table_lookup(object->symbols, &file_address);

    if (!symbol) {
        symbol = make_symbol(symbolizer, object, file_address);
        g_hash_table_insert(object->symbols, g_memdup2(&file_address, sizeof file_address), symbol);
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
    struct object_file *object = module ? find_file(symbolizer, process, module) : NULL;

    return object && object->file ? ct_symbol_file_data(object->file, address - module->bias)
                                  : NULL;
}

gboolean ct_symbolizer_is_go(struct ct_symbolizer *symbolizer, const struct ct_module *module)
{
    const struct object_file *object = find_file(symbolizer, NULL, module);

    return object->file && ct_symbol_file_is_go(object->file);
}

gboolean ct_symbolizer_find_code(struct ct_symbolizer *symbolizer, const struct ct_module *module,
                                 struct ct_code_segment *segment)
{
    struct object_file *object = find_file(symbolizer, NULL, module);

    if (!object->file || !ct_symbol_file_find_code(object->file, segment))
        return FALSE;
    segment->begin += module->bias;
    segment->end += module->bias;
    /* The trace's word on where the module was is the one to believe. */
    return segment->begin >= module->begin && segment->end <= module->end &&
           segment->begin < segment->end;
}
