#include "symbols/module_symbols.h"

#include "symbols/jit_map.h"
#include "symbols/symbol_file.h"
#include "symbols/vdso.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

struct ct_module_symbols {
    struct ct_symbol_cache *cache;   /* borrowed */
    struct ct_cached_module *cached; /* borrowed from it */
    struct ct_activity *activity;    /* borrowed; or NULL */
    enum ct_module_kind kind;
    char *path;     /* owned */
    char *build_id; /* owned */
    gboolean is_tried;
    struct ct_symbol_file *file;    /* owned; NULL: not opened, or it cannot be used */
    struct ct_jit_map *jit_map;     /* owned; the same */
    enum ct_symbol_problem problem; /* why it could not be opened */
    gboolean is_lacking;            /* what was asked could not be told therefore */
    GArray *frames;                 /* owned; scratch space */
};

/* ---- What there is to look at ---- */

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * HASH_PRIME;
    return hash;
}

/* By size and time, as far as it is there. */
static uint64_t add_place(uint64_t hash, const char *path)
{
    struct stat status;
    uint64_t facts[3] = {0};

    if (path && path[0] == '/' && stat(path, &status) == 0) {
        facts[0] = (uint64_t)status.st_size;
        facts[1] = (uint64_t)status.st_mtim.tv_sec;
        facts[2] = (uint64_t)status.st_mtim.tv_nsec + 1;
    }
    return add_bytes(hash, facts, sizeof(facts));
}

/* It is the running kernel's, whichever that is. */
static uint64_t add_kernel(uint64_t hash)
{
    struct utsname kernel;

    if (uname(&kernel) != 0)
        return hash;
    hash = add_bytes(hash, kernel.release, strlen(kernel.release));
    return add_bytes(hash, kernel.version, strlen(kernel.version));
}

static uint64_t file_state(const struct ct_module_symbols *symbols)
{
    if (symbols->kind == CT_MODULE_COPY)
        return HASH_BEGIN + g_file_test(symbols->path, G_FILE_TEST_EXISTS);
    return ct_is_vdso(symbols->path) ? add_kernel(HASH_BEGIN)
                                     : add_place(HASH_BEGIN, symbols->path);
}

/* What a server had for it; "": it was not asked, or has none. */
static const char *fetched_file(const struct ct_module_symbols *symbols)
{
    GHashTable *files = symbols->activity ? symbols->activity->debug_files : NULL;
    const char *path = files ? g_hash_table_lookup(files, symbols->build_id) : NULL;

    return path ? path : "";
}

/* Where libdw looks for the debug file of that name. */
static uint64_t add_debug_link(uint64_t hash, const char *path, const char *name)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *beside = g_build_filename(folder, name, NULL);
    g_autofree char *below = g_build_filename(folder, ".debug", name, NULL);
    g_autofree char *installed = g_build_filename(CT_DEBUG_FOLDER, folder, name, NULL);

    return add_place(add_place(add_place(hash, beside), below), installed);
}

static uint64_t places_state(const struct ct_module_symbols *symbols)
{
    const struct ct_cached_module *cached = symbols->cached;
    g_autofree char *debug_path = ct_symbol_file_debug_path(symbols->build_id);
    uint64_t hash = add_place(file_state(symbols), debug_path);

    if (*fetched_file(symbols))
        hash = add_place(hash, fetched_file(symbols));
    if (*cached->debug_link && symbols->path[0] == '/')
        hash = add_debug_link(hash, symbols->path, cached->debug_link);
    return *cached->missing_split ? add_place(hash, cached->missing_split) : hash;
}

/* ---- The file ---- */

/* It has no build id to tell it by, and is not what was looked at before. */
static gboolean is_another(const struct ct_module_symbols *symbols)
{
    const struct ct_cached_module *cached = symbols->cached;

    return symbols->kind == CT_MODULE_ELF && !*symbols->build_id && cached->is_seen &&
           !cached->problem && cached->file_state != file_state(symbols);
}

static struct ct_symbol_file *open_file(struct ct_module_symbols *symbols)
{
    const struct ct_symbol_file_place place = {symbols->path, symbols->build_id,
                                               fetched_file(symbols)};

    return ct_symbol_file_open(&place, symbols->cache->strings, &symbols->problem);
}

static gboolean open_once(struct ct_module_symbols *symbols)
{
    if (symbols->is_tried)
        return symbols->file || symbols->jit_map;
    ct_activity_turn_to(symbols->activity, symbols->path);
    if (symbols->kind == CT_MODULE_JIT)
        symbols->jit_map = ct_jit_map_open(symbols->path);
    else if (is_another(symbols))
        symbols->problem = CT_SYMBOL_PROBLEM_CHANGED;
    else
        symbols->file = open_file(symbols);
    if (symbols->kind == CT_MODULE_JIT && !symbols->jit_map)
        symbols->problem = CT_SYMBOL_PROBLEM_UNREADABLE;
    symbols->is_tried = TRUE;
    return symbols->file || symbols->jit_map;
}

static void take_facts(struct ct_module_symbols *symbols)
{
    struct ct_cached_module *cached = symbols->cached;

    cached->is_seen = TRUE;
    cached->is_complete = FALSE;
    cached->problem = symbols->problem;
    cached->debug_link = cached->missing_split = "";
    cached->has_code = cached->is_go = FALSE;
    if (symbols->file) {
        g_autofree char *link = g_utf8_make_valid(ct_symbol_file_debug_link(symbols->file), -1);

        if (!strchr(link, '/'))
            cached->debug_link = g_string_chunk_insert_const(symbols->cache->strings, link);
        cached->is_go = ct_symbol_file_is_go(symbols->file);
        cached->has_code = ct_symbol_file_find_code(symbols->file, &cached->code);
    }
    cached->file_state = file_state(symbols);
}

/* ---- Lookups ---- */

static void add_jit_frame(struct ct_module_symbols *symbols, uint64_t address)
{
    const char *name = ct_jit_map_find(symbols->jit_map, address);
    struct ct_symbol_frame frame = {.file = ""};

    if (!name)
        return;
    frame.function = frame.system_name = g_string_chunk_insert_const(symbols->cache->strings, name);
    g_array_append_val(symbols->frames, frame);
}

static const struct ct_cached_symbol *look_up(struct ct_module_symbols *symbols, uint64_t address)
{
    uint64_t start = address;

    ct_activity_turn_to(symbols->activity, symbols->path);
    g_array_set_size(symbols->frames, 0);
    if (symbols->jit_map)
        add_jit_frame(symbols, address);
    else
        ct_symbol_file_add_frames(symbols->file, address, symbols->frames);
    if (symbols->frames->len == 0 && symbols->file)
        start = ct_symbol_file_function_start(symbols->file, address);
    ct_activity_step(symbols->activity);
    symbols->cache->has_changed = TRUE;
    return ct_cached_module_add_symbol(symbols->cached, address, start,
                                       (const void *)symbols->frames->data, symbols->frames->len);
}

static const char *look_up_variable(struct ct_module_symbols *symbols, uint64_t address)
{
    const char *name = symbols->file ? ct_symbol_file_data(symbols->file, address) : NULL;

    symbols->cache->has_changed = TRUE;
    ct_cached_module_add_variable(symbols->cached, address, name ? name : "");
    return name;
}

/* ---- What was kept ---- */

static int worth(const struct ct_cached_symbol *symbol)
{
    return symbol->frame_count == 0 ? 0 : symbol->frames[0].line == 0 ? 1 : 2;
}

/* All that was asked before: another file with the same build id may say more, or less. */
static void look_up_again(struct ct_module_symbols *symbols)
{
    struct ct_cached_module *cached = symbols->cached;
    g_autoptr(GHashTable) earlier = g_steal_pointer(&cached->symbols);
    g_autoptr(GHashTable) earlier_variables = g_steal_pointer(&cached->variables);
    GHashTableIter each;
    void *value;

    ct_cached_module_clear(cached);
    g_hash_table_iter_init(&each, earlier);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct ct_cached_symbol *symbol = value;

        if (worth(look_up(symbols, symbol->address)) < worth(symbol))
            ct_cached_module_add_symbol(cached, symbol->address, symbol->start, symbol->frames,
                                        symbol->frame_count);
    }
    g_hash_table_iter_init(&each, earlier_variables);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct ct_cached_variable *variable = value;

        if (!look_up_variable(symbols, variable->address))
            ct_cached_module_add_variable(cached, variable->address, variable->name);
    }
}

/* What was found stands for the file that was recorded, whatever has become of that since. */
static void refresh(struct ct_module_symbols *symbols)
{
    struct ct_cached_module *cached = symbols->cached;
    gboolean was_usable = cached->is_seen && !cached->problem;

    if (cached->is_complete || (cached->is_seen && cached->places_state == places_state(symbols)))
        return;
    symbols->cache->has_changed = TRUE;
    if (open_once(symbols) || !was_usable)
        take_facts(symbols);
    if (was_usable && open_once(symbols))
        look_up_again(symbols);
    cached->places_state = places_state(symbols);
}

struct ct_module_symbols *ct_module_symbols_new(struct ct_symbol_cache *cache,
                                                struct ct_activity *activity,
                                                const struct ct_module_file *file)
{
    struct ct_module_symbols *symbols = g_new0(struct ct_module_symbols, 1);

    symbols->cache = cache;
    symbols->cached = ct_symbol_cache_module(cache, file->identity);
    symbols->activity = activity;
    symbols->kind = file->kind;
    symbols->path = g_strdup(file->path);
    symbols->build_id = g_strdup(file->build_id);
    symbols->frames = g_array_new(FALSE, FALSE, sizeof(struct ct_symbol_frame));
    refresh(symbols);
    return symbols;
}

void ct_module_symbols_free(struct ct_module_symbols *symbols)
{
    ct_symbol_file_free(symbols->file);
    ct_jit_map_free(symbols->jit_map);
    g_free(symbols->path);
    g_free(symbols->build_id);
    g_array_unref(symbols->frames);
    g_free(symbols);
}

/* A server may have its debug file, if one may be asked, and was not. The C library's lines are not
 * looked up anyway, and of what nothing was asked nothing is missing. */
static void note_lacking(const struct ct_module_symbols *symbols)
{
    struct ct_activity *activity = symbols->activity;
    const char *build_id = symbols->build_id;

    if (!activity || !activity->debug_files || activity->lacking_count >= CT_LACKING_MAX ||
        symbols->kind == CT_MODULE_JIT || ct_is_vdso(symbols->path) || !*build_id ||
        strlen(build_id) >= CT_BUILD_ID_SIZE ||
        g_hash_table_contains(activity->debug_files, build_id) ||
        ct_symbol_file_is_c_library(symbols->path))
        return;
    g_strlcpy(activity->lacking[activity->lacking_count++], build_id, CT_BUILD_ID_SIZE);
}

/* Something was asked of it, now or before, and no debug information told it. */
static gboolean is_lacking(const struct ct_module_symbols *symbols)
{
    gboolean is_asked = symbols->is_lacking || g_hash_table_size(symbols->cached->symbols) > 0;

    if (symbols->file)
        return is_asked && !ct_symbol_file_has_debug_info(symbols->file);
    return is_asked && !symbols->cached->is_complete;
}

void ct_module_symbols_settle(struct ct_module_symbols *symbols)
{
    struct ct_cached_module *cached = symbols->cached;

    if (is_lacking(symbols))
        note_lacking(symbols);
    if (!symbols->file || cached->is_complete)
        return;
    g_autofree char *missing = g_utf8_make_valid(ct_symbol_file_missing_split(symbols->file), -1);

    cached->is_complete = ct_symbol_file_is_complete(symbols->file);
    cached->missing_split = g_string_chunk_insert_const(symbols->cache->strings, missing);
    cached->places_state = places_state(symbols);
}

/* ---- Questions ---- */

/* Whether its file can be asked what nobody has asked before. */
static gboolean can_ask(struct ct_module_symbols *symbols)
{
    gboolean is_open = !symbols->cached->problem && open_once(symbols);

    symbols->is_lacking = symbols->is_lacking || !is_open;
    return is_open;
}

const struct ct_cached_symbol *ct_module_symbols_find(struct ct_module_symbols *symbols,
                                                      uint64_t address)
{
    const struct ct_cached_symbol *found = g_hash_table_lookup(symbols->cached->symbols, &address);

    return found || !can_ask(symbols) ? found : look_up(symbols, address);
}

const char *ct_module_symbols_find_variable(struct ct_module_symbols *symbols, uint64_t address)
{
    const struct ct_cached_variable *found =
        g_hash_table_lookup(symbols->cached->variables, &address);

    if (found)
        return *found->name ? found->name : NULL;
    return can_ask(symbols) ? look_up_variable(symbols, address) : NULL;
}

gboolean ct_module_symbols_find_code(const struct ct_module_symbols *symbols,
                                     struct ct_code_segment *segment)
{
    *segment = symbols->cached->code;
    return symbols->cached->has_code;
}

gboolean ct_module_symbols_is_go(const struct ct_module_symbols *symbols)
{
    return symbols->cached->is_go;
}

enum ct_symbol_problem ct_module_symbols_problem(const struct ct_module_symbols *symbols)
{
    return symbols->cached->problem ? symbols->cached->problem
           : symbols->is_lacking    ? symbols->problem
                                    : CT_SYMBOL_PROBLEM_NONE;
}

gboolean ct_module_symbols_lacks_split(const struct ct_module_symbols *symbols)
{
    return symbols->file ? *ct_symbol_file_missing_split(symbols->file) != '\0'
                         : *symbols->cached->missing_split != '\0';
}
