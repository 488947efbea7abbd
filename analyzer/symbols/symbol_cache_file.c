/* The file of a symbol cache: a header, the strings, and the modules with all that is known of
 * each, in order. */
#include "store/bytes.h"
#include "store/format.h"
#include "store/tree.h"
#include "symbols/symbol_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* More than the symbols of any recording. */
#define SIZE_MAX_BYTES (UINT64_C(1) << 29)

struct header {
    char magic[CT_SYMBOLS_MAGIC_SIZE];
    uint32_t version;  /* as this machine writes numbers: on another kind it is another version */
    uint32_t checksum; /* of what follows */
    uint64_t size;     /* of that */
};
_Static_assert(sizeof(struct header) == 24, "it has no holes");

/* What a module is, as bits. */
enum { IS_SEEN = 1, IS_COMPLETE = 2, IS_GO = 4, HAS_CODE = 8 };

/* ---- Writing ---- */

struct writer {
    struct ct_bytes strings; /* owned, as are the next two */
    struct ct_bytes modules;
    GHashTable *numbers; /* string -> its number, of all */
};

static uint64_t number_of(struct writer *writer, const char *string)
{
    void *number;

    if (g_hash_table_lookup_extended(writer->numbers, string, NULL, &number))
        return GPOINTER_TO_UINT(number);
    guint next = g_hash_table_size(writer->numbers);

    g_hash_table_insert(writer->numbers, (void *)string, GUINT_TO_POINTER(next));
    ct_bytes_put_string(&writer->strings, string);
    return next;
}

static void put_string(struct writer *writer, const char *string)
{
    ct_bytes_put(&writer->modules, number_of(writer, string));
}

static void put_frame(struct writer *writer, const struct ct_symbol_frame *frame)
{
    put_string(writer, frame->function);
    put_string(writer, frame->system_name);
    put_string(writer, frame->file);
    ct_bytes_put(&writer->modules, frame->line);
    ct_bytes_put(&writer->modules, (uint64_t)frame->start_line << 1 | (frame->is_inlined != 0));
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t first = **(const uint64_t *const *)a, second = **(const uint64_t *const *)b;

    return (first > second) - (first < second);
}

/* By address. Both kinds of what is known begin with theirs. */
static GPtrArray *in_order(GHashTable *table)
{
    GPtrArray *values = g_ptr_array_sized_new(g_hash_table_size(table));
    GHashTableIter each;
    void *value;

    g_hash_table_iter_init(&each, table);
    while (g_hash_table_iter_next(&each, NULL, &value))
        g_ptr_array_add(values, value);
    g_ptr_array_sort(values, compare_keys);
    return values;
}

static void put_symbols(struct writer *writer, const struct ct_cached_module *module)
{
    g_autoptr(GPtrArray) symbols = in_order(module->symbols);
    uint64_t last = 0;

    ct_bytes_put(&writer->modules, symbols->len);
    for (guint i = 0; i < symbols->len; i++) {
        const struct ct_cached_symbol *symbol = symbols->pdata[i];

        ct_bytes_put(&writer->modules, symbol->address - last);
        ct_bytes_put(&writer->modules, ct_zigzag(symbol->address - symbol->start));
        ct_bytes_put(&writer->modules, symbol->frame_count);
        for (size_t k = 0; k < symbol->frame_count; k++)
            put_frame(writer, &symbol->frames[k]);
        last = symbol->address;
    }
}

static void put_variables(struct writer *writer, const struct ct_cached_module *module)
{
    g_autoptr(GPtrArray) variables = in_order(module->variables);
    uint64_t last = 0;

    ct_bytes_put(&writer->modules, variables->len);
    for (guint i = 0; i < variables->len; i++) {
        const struct ct_cached_variable *variable = variables->pdata[i];

        ct_bytes_put(&writer->modules, variable->address - last);
        put_string(writer, variable->name);
        last = variable->address;
    }
}

static void put_module(struct writer *writer, const struct ct_cached_module *module)
{
    struct ct_bytes *bytes = &writer->modules;

    put_string(writer, module->identity);
    ct_bytes_put(bytes, (module->is_seen ? IS_SEEN : 0) | (module->is_complete ? IS_COMPLETE : 0) |
                            (module->is_go ? IS_GO : 0) | (module->has_code ? HAS_CODE : 0));
    ct_bytes_put(bytes, module->problem);
    ct_bytes_put(bytes, module->code.begin);
    ct_bytes_put(bytes, module->code.end);
    ct_bytes_put(bytes, module->code.file_offset);
    ct_bytes_put(bytes, module->file_state);
    ct_bytes_put(bytes, module->places_state);
    put_string(writer, module->debug_link);
    put_string(writer, module->missing_split);
    put_symbols(writer, module);
    put_variables(writer, module);
}

static int compare_identities(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_modules(struct writer *writer, GHashTable *modules)
{
    guint count;
    g_autofree void **identities = g_hash_table_get_keys_as_array(modules, &count);

    qsort(identities, count, sizeof(*identities), compare_identities);
    ct_bytes_put(&writer->modules, count);
    for (guint i = 0; i < count; i++)
        put_module(writer, g_hash_table_lookup(modules, identities[i]));
}

static gboolean write_all(int fd, struct ct_bytes *content)
{
    const struct header header = {.magic = CT_SYMBOLS_MAGIC,
                                  .version = CT_SYMBOLS_VERSION,
                                  .checksum = ct_store_checksum(content->bytes, content->size),
                                  .size = content->size};
    struct ct_store_out out = {.fd = fd};

    ct_store_out_put(&out, &header, sizeof(header));
    ct_store_out_put(&out, content->bytes, content->size);
    gboolean is_written = ct_store_out_flush(&out);

    ct_store_out_clear(&out);
    return is_written;
}

gboolean ct_symbol_cache_save(const struct ct_symbol_cache *cache, int fd)
{
    struct writer writer = {.numbers = g_hash_table_new(g_str_hash, g_str_equal)};
    struct ct_bytes content = {0};

    put_modules(&writer, cache->modules);
    ct_bytes_put(&content, g_hash_table_size(writer.numbers));
    ct_bytes_put_all(&content, writer.strings.bytes, writer.strings.size);
    ct_bytes_put_all(&content, writer.modules.bytes, writer.modules.size);
    gboolean is_written = content.size <= SIZE_MAX_BYTES && write_all(fd, &content);

    ct_bytes_clear(&content);
    ct_bytes_clear(&writer.strings);
    ct_bytes_clear(&writer.modules);
    g_hash_table_unref(writer.numbers);
    return is_written;
}

/* ---- Reading ---- */

struct reader {
    struct ct_bytes_input input;
    GPtrArray *strings; /* owned; const char *, of the cache */
    GArray *frames;     /* owned; scratch space */
};

static void take_strings(struct reader *reader, GStringChunk *chunk)
{
    for (uint64_t left = ct_bytes_take_count(&reader->input); left > 0; left--) {
        const char *string = ct_bytes_take_string(&reader->input);

        if (!string || !g_utf8_validate(string, -1, NULL)) {
            reader->input.is_bad = TRUE;
            return;
        }
        g_ptr_array_add(reader->strings, g_string_chunk_insert(chunk, string));
    }
}

static const char *take_string(struct reader *reader)
{
    uint64_t number = ct_bytes_take(&reader->input);

    if (number < reader->strings->len)
        return reader->strings->pdata[number];
    reader->input.is_bad = TRUE;
    return "";
}

static uint32_t take_line(struct reader *reader, uint64_t value)
{
    reader->input.is_bad |= value > INT32_MAX;
    return (uint32_t)value;
}

static void take_frame(struct reader *reader)
{
    struct ct_symbol_frame frame = {.function = take_string(reader)};

    frame.system_name = take_string(reader);
    frame.file = take_string(reader);
    frame.line = take_line(reader, ct_bytes_take(&reader->input));
    uint64_t start = ct_bytes_take(&reader->input);

    frame.start_line = take_line(reader, start >> 1);
    frame.is_inlined = start & 1;
    g_array_append_val(reader->frames, frame);
}

static void take_symbols(struct reader *reader, struct ct_cached_module *module)
{
    struct ct_bytes_input *input = &reader->input;
    uint64_t address = 0;

    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        address += ct_bytes_take(input);
        uint64_t start = address - ct_unzigzag(ct_bytes_take(input));

        g_array_set_size(reader->frames, 0);
        for (uint64_t more = ct_bytes_take_count(input); more > 0 && !input->is_bad; more--)
            take_frame(reader);
        ct_cached_module_add_symbol(module, address, start, (const void *)reader->frames->data,
                                    reader->frames->len);
    }
}

static void take_variables(struct reader *reader, struct ct_cached_module *module)
{
    struct ct_bytes_input *input = &reader->input;
    uint64_t address = 0;

    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        address += ct_bytes_take(input);
        ct_cached_module_add_variable(module, address, take_string(reader));
    }
}

static void take_facts(struct reader *reader, struct ct_cached_module *module)
{
    uint64_t bits = ct_bytes_take(&reader->input);
    uint64_t problem = ct_bytes_take(&reader->input);

    reader->input.is_bad |= problem >= CT_SYMBOL_PROBLEM_COUNT;
    module->is_seen = (bits & IS_SEEN) != 0;
    module->is_complete = (bits & IS_COMPLETE) != 0;
    module->is_go = (bits & IS_GO) != 0;
    module->has_code = (bits & HAS_CODE) != 0;
    module->problem = problem < CT_SYMBOL_PROBLEM_COUNT ? (enum ct_symbol_problem)problem
                                                        : CT_SYMBOL_PROBLEM_NONE;
    module->code.begin = ct_bytes_take(&reader->input);
    module->code.end = ct_bytes_take(&reader->input);
    module->code.file_offset = ct_bytes_take(&reader->input);
    module->file_state = ct_bytes_take(&reader->input);
    module->places_state = ct_bytes_take(&reader->input);
    module->debug_link = take_string(reader);
    module->missing_split = take_string(reader);
    /* It is a file's name, in folders that are looked into. */
    reader->input.is_bad |= strchr(module->debug_link, '/') != NULL;
}

/* What says most: all that there is, something, or why there is nothing. */
static int worth(const struct ct_cached_module *module)
{
    return !module->is_seen ? 0 : module->problem ? 1 : module->is_complete ? 3 : 2;
}

static void take_module(struct reader *reader, struct ct_symbol_cache *cache)
{
    struct ct_cached_module *module = ct_cached_module_new(take_string(reader));
    const struct ct_cached_module *present = g_hash_table_lookup(cache->modules, module->identity);

    take_facts(reader, module);
    take_symbols(reader, module);
    take_variables(reader, module);
    if (present && worth(present) > worth(module))
        ct_cached_module_free(module);
    else
        g_hash_table_replace(cache->modules, module->identity, module);
}

gboolean ct_symbol_cache_read(struct ct_symbol_cache *cache, const uint8_t *bytes, size_t size)
{
    struct reader reader = {.input = {bytes, bytes + size, FALSE},
                            .strings = g_ptr_array_new(),
                            .frames = g_array_new(FALSE, FALSE, sizeof(struct ct_symbol_frame))};

    take_strings(&reader, cache->strings);
    for (uint64_t left = ct_bytes_take_count(&reader.input); left > 0 && !reader.input.is_bad;
         left--)
        take_module(&reader, cache);
    gboolean is_whole = !reader.input.is_bad && reader.input.at == reader.input.end;

    g_ptr_array_unref(reader.strings);
    g_array_unref(reader.frames);
    return is_whole;
}

static uint8_t *read_content(int fd, size_t *size)
{
    struct header header;
    struct stat status;

    if (fstat(fd, &status) != 0 || !ct_store_read_at(fd, &header, sizeof(header), 0) ||
        memcmp(header.magic, CT_SYMBOLS_MAGIC, sizeof(header.magic)) != 0 ||
        header.version != CT_SYMBOLS_VERSION || header.size > SIZE_MAX_BYTES ||
        (uint64_t)status.st_size != sizeof(header) + header.size)
        return NULL;
    g_autofree uint8_t *content = g_malloc(header.size + 1);

    *size = header.size;
    if (!ct_store_read_at(fd, content, header.size, sizeof(header)) ||
        ct_store_checksum(content, header.size) != header.checksum)
        return NULL;
    return g_steal_pointer(&content);
}

gboolean ct_symbol_cache_load(struct ct_symbol_cache *cache, int fd)
{
    size_t size = 0;
    g_autofree uint8_t *content = read_content(fd, &size);
    gboolean is_loaded = content && ct_symbol_cache_read(cache, content, size);

    if (!is_loaded)
        g_hash_table_remove_all(cache->modules);
    return is_loaded;
}
