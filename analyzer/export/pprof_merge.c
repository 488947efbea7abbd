#include "export/pprof_merge.h"

#include "export/pprof_message.h"
#include "export/pprof_tables.h"

#include <stdlib.h>
#include <string.h>

/* Mappings that differ in their last page alone are of one file. */
#define PAGE_SIZE 4096

struct merger {
    struct ct_pprof_tables tables;
    GHashTable *keys;   /* owned; GBytes (owned) -> what was made of it, borrowed from the tables */
    GPtrArray *samples; /* owned; Pprof__Sample *, borrowed from the tables */
    gboolean is_base;   /* what is being added is taken away */
    const struct ct_pprof_file *file; /* borrowed; the one that is being added, with the next */
    GHashTable *mappings;             /* owned; its Pprof__Mapping * -> ours, and so on */
    GHashTable *locations;
    GHashTable *functions;
};

/* What a key is of: they are in one table. */
enum key_kind { KEY_MAPPING, KEY_FUNCTION, KEY_LOCATION, KEY_SAMPLE };

static GByteArray *begin_key(enum key_kind kind)
{
    GByteArray *key = g_byte_array_new();

    g_byte_array_append(key, (const guint8 *)&kind, sizeof(kind));
    return key;
}

static void add_to_key(GByteArray *key, uint64_t word)
{
    g_byte_array_append(key, (const guint8 *)&word, sizeof(word));
}

/* What was made of an equal one, or NULL; then `made` is it from now on. Takes the key. */
static void *find_or_keep(struct merger *merger, GByteArray *key, void *made)
{
    GBytes *bytes = g_byte_array_free_to_bytes(key);
    void *known = g_hash_table_lookup(merger->keys, bytes);

    if (known) {
        g_bytes_unref(bytes);
        return known;
    }
    g_hash_table_insert(merger->keys, bytes, made);
    return NULL;
}

static void *allocate(struct merger *merger, size_t count, size_t size)
{
    return ct_pprof_tables_allocate(&merger->tables, MAX(count, 1) * size);
}

static int64_t map_string(struct merger *merger, int64_t index)
{
    return ct_pprof_tables_string(&merger->tables, ct_pprof_file_string(merger->file, index));
}

/* What a newer format may have there could be an index of theirs. */
static void forget_unknown(ProtobufCMessage *message)
{
    message->n_unknown_fields = 0;
    message->unknown_fields = NULL;
}

/* ---- What samples share ---- */

static const Pprof__Mapping *map_mapping(struct merger *merger, const Pprof__Mapping *theirs)
{
    const Pprof__Mapping *known = theirs ? g_hash_table_lookup(merger->mappings, theirs) : NULL;

    if (known || !theirs)
        return known;
    GByteArray *key = begin_key(KEY_MAPPING);
    Pprof__Mapping *mapping = allocate(merger, 1, sizeof(*mapping));
    uint64_t size = theirs->memory_limit - theirs->memory_start;

    *mapping = *theirs;
    forget_unknown(&mapping->base);
    mapping->filename = map_string(merger, theirs->filename);
    mapping->build_id = map_string(merger, theirs->build_id);
    add_to_key(key, (size + PAGE_SIZE - 1) / PAGE_SIZE);
    add_to_key(key, theirs->file_offset);
    add_to_key(key, (uint64_t)(mapping->build_id ? mapping->build_id : mapping->filename));
    known = find_or_keep(merger, key, mapping);
    if (!known) {
        g_ptr_array_add(merger->tables.mappings, mapping);
        mapping->id = merger->tables.mappings->len;
        known = mapping;
    }
    g_hash_table_insert(merger->mappings, (void *)theirs, (void *)known);
    return known;
}

static const Pprof__Function *map_function(struct merger *merger, const Pprof__Function *theirs)
{
    const Pprof__Function *known = theirs ? g_hash_table_lookup(merger->functions, theirs) : NULL;

    if (known || !theirs)
        return known;
    GByteArray *key = begin_key(KEY_FUNCTION);
    Pprof__Function *function = allocate(merger, 1, sizeof(*function));

    *function = *theirs;
    forget_unknown(&function->base);
    function->name = map_string(merger, theirs->name);
    function->system_name = map_string(merger, theirs->system_name);
    function->filename = map_string(merger, theirs->filename);
    add_to_key(key, (uint64_t)function->name);
    add_to_key(key, (uint64_t)function->system_name);
    add_to_key(key, (uint64_t)function->filename);
    add_to_key(key, (uint64_t)function->start_line);
    known = find_or_keep(merger, key, function);
    if (!known) {
        g_ptr_array_add(merger->tables.functions, function);
        function->id = merger->tables.functions->len;
        known = function;
    }
    g_hash_table_insert(merger->functions, (void *)theirs, (void *)known);
    return known;
}

static void map_lines(struct merger *merger, Pprof__Location *location,
                      const Pprof__Location *theirs, GByteArray *key)
{
    location->line = allocate(merger, theirs->n_line, sizeof(Pprof__Line *));
    for (size_t i = 0; i < theirs->n_line; i++) {
        const Pprof__Function *function = map_function(
            merger, ct_pprof_file_function(merger->file, theirs->line[i]->function_id));

        location->line[i] = allocate(merger, 1, sizeof(Pprof__Line));
        pprof__line__init(location->line[i]);
        location->line[i]->function_id = function ? function->id : 0;
        location->line[i]->line = theirs->line[i]->line;
        add_to_key(key, location->line[i]->function_id);
        add_to_key(key, (uint64_t)location->line[i]->line);
    }
}

/* A file that is mapped elsewhere in another run has its places where the first one had them. */
static uint64_t map_location(struct merger *merger, const Pprof__Location *theirs)
{
    const Pprof__Location *known = g_hash_table_lookup(merger->locations, theirs);

    if (known)
        return known->id;
    GByteArray *key = begin_key(KEY_LOCATION);
    Pprof__Location *location = allocate(merger, 1, sizeof(*location));
    const Pprof__Mapping *before = ct_pprof_file_mapping(merger->file, theirs->mapping_id);
    const Pprof__Mapping *mapping = map_mapping(merger, before);

    pprof__location__init(location);
    location->n_line = theirs->n_line;
    location->is_folded = theirs->is_folded;
    location->mapping_id = mapping ? mapping->id : 0;
    location->address =
        theirs->address + (mapping ? mapping->memory_start - before->memory_start : 0);
    add_to_key(key, location->mapping_id);
    add_to_key(key, location->address);
    add_to_key(key, location->is_folded != 0);
    map_lines(merger, location, theirs, key);
    known = find_or_keep(merger, key, location);
    if (!known) {
        g_ptr_array_add(merger->tables.locations, location);
        location->id = merger->tables.locations->len;
        known = location;
    }
    g_hash_table_insert(merger->locations, (void *)theirs, (void *)known);
    return known->id;
}

/* ---- Samples ---- */

static int compare_labels(const void *a, const void *b)
{
    const Pprof__Label *first = *(Pprof__Label *const *)a, *second = *(Pprof__Label *const *)b;

    if (first->key != second->key)
        return first->key < second->key ? -1 : 1;
    if (first->str != second->str)
        return first->str < second->str ? -1 : 1;
    if (first->num != second->num)
        return first->num < second->num ? -1 : 1;
    return (first->num_unit > second->num_unit) - (first->num_unit < second->num_unit);
}

static void map_labels(struct merger *merger, Pprof__Sample *sample, const Pprof__Sample *theirs,
                       GByteArray *key)
{
    sample->n_label = theirs->n_label;
    sample->label = allocate(merger, theirs->n_label, sizeof(Pprof__Label *));
    for (size_t i = 0; i < theirs->n_label; i++) {
        Pprof__Label *label = allocate(merger, 1, sizeof(*label));

        pprof__label__init(label);
        label->key = map_string(merger, theirs->label[i]->key);
        label->str = map_string(merger, theirs->label[i]->str);
        label->num = theirs->label[i]->num;
        label->num_unit = map_string(merger, theirs->label[i]->num_unit);
        sample->label[i] = label;
    }
    qsort(sample->label, sample->n_label, sizeof(Pprof__Label *), compare_labels);
    for (size_t i = 0; i < sample->n_label; i++) {
        add_to_key(key, (uint64_t)sample->label[i]->key);
        add_to_key(key, (uint64_t)sample->label[i]->str);
        add_to_key(key, (uint64_t)sample->label[i]->num);
        add_to_key(key, (uint64_t)sample->label[i]->num_unit);
    }
}

static gboolean is_nothing(const Pprof__Sample *sample)
{
    for (size_t i = 0; i < sample->n_value; i++)
        if (sample->value[i] != 0)
            return FALSE;
    return TRUE;
}

static void map_sample(struct merger *merger, const Pprof__Sample *theirs)
{
    GByteArray *key = begin_key(KEY_SAMPLE);
    Pprof__Sample *sample = allocate(merger, 1, sizeof(*sample));

    pprof__sample__init(sample);
    sample->n_location_id = theirs->n_location_id;
    sample->location_id = allocate(merger, theirs->n_location_id, sizeof(uint64_t));
    add_to_key(key, theirs->n_location_id);
    for (size_t i = 0; i < theirs->n_location_id; i++) {
        sample->location_id[i] =
            map_location(merger, ct_pprof_file_location(merger->file, theirs->location_id[i]));
        add_to_key(key, sample->location_id[i]);
    }
    map_labels(merger, sample, theirs, key);
    Pprof__Sample *known = find_or_keep(merger, key, sample);

    if (!known) {
        known = sample;
        sample->n_value = theirs->n_value;
        sample->value = allocate(merger, theirs->n_value, sizeof(int64_t));
        g_ptr_array_add(merger->samples, sample);
    }
    for (size_t i = 0; i < theirs->n_value; i++)
        known->value[i] =
            ct_pprof_add(known->value[i],
                         merger->is_base ? ct_pprof_negate(theirs->value[i]) : theirs->value[i]);
}

static void add_file(struct merger *merger, const struct ct_pprof_file *file)
{
    merger->file = file;
    g_hash_table_remove_all(merger->mappings);
    g_hash_table_remove_all(merger->locations);
    g_hash_table_remove_all(merger->functions);
    /* The first one is the main program. */
    if (merger->tables.mappings->len == 0 && file->profile->n_mapping > 0)
        map_mapping(merger, file->profile->mapping[0]);
    for (size_t i = 0; i < file->profile->n_sample; i++)
        if (!is_nothing(file->profile->sample[i]))
            map_sample(merger, file->profile->sample[i]);
}

/* ---- The whole ---- */

static gboolean is_type_alike(const struct ct_pprof_file *a, const Pprof__ValueType *first,
                              const struct ct_pprof_file *b, const Pprof__ValueType *second)
{
    if (!first || !second)
        return first == second;
    return strcmp(ct_pprof_file_string(a, first->type), ct_pprof_file_string(b, second->type)) ==
               0 &&
           strcmp(ct_pprof_file_string(a, first->unit), ct_pprof_file_string(b, second->unit)) == 0;
}

static gboolean is_alike(const struct ct_pprof_file *a, const struct ct_pprof_file *b)
{
    if (a->profile->n_sample_type != b->profile->n_sample_type ||
        !is_type_alike(a, a->profile->period_type, b, b->profile->period_type))
        return FALSE;
    for (size_t i = 0; i < a->profile->n_sample_type; i++)
        if (!is_type_alike(a, a->profile->sample_type[i], b, b->profile->sample_type[i]))
            return FALSE;
    return TRUE;
}

/* "contentions/count delay/nanoseconds" */
static char *describe_types(const struct ct_pprof_file *file)
{
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < file->profile->n_sample_type; i++)
        g_string_append_printf(text, "%s%s/%s", i > 0 ? " " : "",
                               ct_pprof_file_value_name(file, (int)i),
                               ct_pprof_file_value_unit(file, (int)i));
    return g_string_free(text, FALSE);
}

static gboolean check_alike(const struct ct_pprof_file *first, const struct ct_pprof_file *file,
                            GError **error)
{
    if (is_alike(first, file))
        return TRUE;
    g_autofree char *types = describe_types(first);
    g_autofree char *others = describe_types(file);

    g_set_error(error, CT_PPROF_ERROR, CT_PPROF_ERROR_UNLIKE,
                "%s and %s are profiles of different things (%s, and %s): merge those of one kind",
                first->name, file->name, types, others);
    return FALSE;
}

static gboolean check_all(const GPtrArray *files, const struct ct_pprof_file *base, GError **error)
{
    const struct ct_pprof_file *first = files->pdata[0];

    for (guint i = 1; i < files->len; i++)
        if (!check_alike(first, files->pdata[i], error))
            return FALSE;
    return !base || check_alike(first, base, error);
}

static Pprof__ValueType *map_type(struct merger *merger, const struct ct_pprof_file *file,
                                  const Pprof__ValueType *type)
{
    return ct_pprof_tables_value_type(&merger->tables, ct_pprof_file_string(file, type->type),
                                      ct_pprof_file_string(file, type->unit));
}

static void add_comments(struct merger *merger, const struct ct_pprof_file *file, GArray *comments)
{
    for (size_t i = 0; i < file->profile->n_comment; i++) {
        int64_t comment = ct_pprof_tables_string(
            &merger->tables, ct_pprof_file_string(file, file->profile->comment[i]));
        gboolean is_new = TRUE;

        for (guint at = 0; at < comments->len && is_new; at++)
            is_new = g_array_index(comments, int64_t, at) != comment;
        if (is_new)
            g_array_append_val(comments, comment);
    }
}

static void add_header(struct merger *merger, const struct ct_pprof_file *file,
                       Pprof__Profile *profile)
{
    const Pprof__Profile *theirs = file->profile;

    if (theirs->time_nanos > 0 &&
        (profile->time_nanos == 0 || theirs->time_nanos < profile->time_nanos))
        profile->time_nanos = theirs->time_nanos;
    profile->duration_nanos = ct_pprof_add(profile->duration_nanos, MAX(theirs->duration_nanos, 0));
    profile->period = MAX(profile->period, theirs->period);
    if (profile->default_sample_type == 0)
        profile->default_sample_type = ct_pprof_tables_string(
            &merger->tables, ct_pprof_file_string(file, theirs->default_sample_type));
}

/* As of a heap, which is of all the time since the program began. */
static void drop_time(Pprof__Profile *profile, const Pprof__Profile *base)
{
    int64_t base_end = ct_pprof_add(base->time_nanos, MAX(base->duration_nanos, 0));
    int64_t end = ct_pprof_add(profile->time_nanos, profile->duration_nanos);

    if (base_end <= profile->time_nanos || base_end >= end)
        return;
    profile->time_nanos = base_end;
    profile->duration_nanos = end - base_end;
}

static GBytes *encode(struct merger *merger, const GPtrArray *files,
                      const struct ct_pprof_file *base)
{
    const struct ct_pprof_file *first = files->pdata[0];
    g_autoptr(GArray) comments = g_array_new(FALSE, FALSE, sizeof(int64_t));
    Pprof__Profile profile = PPROF__PROFILE__INIT;

    profile.n_sample_type = first->profile->n_sample_type;
    profile.sample_type = allocate(merger, profile.n_sample_type, sizeof(Pprof__ValueType *));
    for (size_t i = 0; i < profile.n_sample_type; i++)
        profile.sample_type[i] = map_type(merger, first, first->profile->sample_type[i]);
    if (first->profile->period_type)
        profile.period_type = map_type(merger, first, first->profile->period_type);
    merger->file = first;
    profile.drop_frames = map_string(merger, first->profile->drop_frames);
    profile.keep_frames = map_string(merger, first->profile->keep_frames);
    for (guint i = 0; i < files->len; i++) {
        add_header(merger, files->pdata[i], &profile);
        add_comments(merger, files->pdata[i], comments);
    }
    if (base)
        drop_time(&profile, base->profile);
    profile.n_comment = comments->len;
    profile.comment = (int64_t *)(void *)comments->data;
    profile.n_sample = merger->samples->len;
    profile.sample = (Pprof__Sample **)merger->samples->pdata;
    profile.n_mapping = merger->tables.mappings->len;
    profile.mapping = (Pprof__Mapping **)merger->tables.mappings->pdata;
    profile.n_location = merger->tables.locations->len;
    profile.location = (Pprof__Location **)merger->tables.locations->pdata;
    profile.n_function = merger->tables.functions->len;
    profile.function = (Pprof__Function **)merger->tables.functions->pdata;
    profile.n_string_table = merger->tables.strings->len;
    profile.string_table = (char **)merger->tables.strings->pdata;

    gsize size = pprof__profile__get_packed_size(&profile);
    uint8_t *bytes = g_malloc(MAX(size, 1));

    pprof__profile__pack(&profile, bytes);
    return g_bytes_new_take(bytes, size);
}

static void drop_nothings(struct merger *merger)
{
    for (guint i = merger->samples->len; i-- > 0;)
        if (is_nothing(merger->samples->pdata[i]))
            g_ptr_array_remove_index(merger->samples, i);
}

GBytes *ct_pprof_merge(const GPtrArray *files, const struct ct_pprof_file *base, GError **error)
{
    struct merger merger = {0};

    if (!check_all(files, base, error))
        return NULL;
    ct_pprof_tables_init(&merger.tables, NULL);
    merger.keys =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    merger.samples = g_ptr_array_new();
    merger.mappings = g_hash_table_new(NULL, NULL);
    merger.locations = g_hash_table_new(NULL, NULL);
    merger.functions = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < files->len; i++)
        add_file(&merger, files->pdata[i]);
    merger.is_base = TRUE;
    if (base)
        add_file(&merger, base);
    drop_nothings(&merger);
    GBytes *bytes = encode(&merger, files, base);

    g_hash_table_unref(merger.keys);
    g_hash_table_unref(merger.mappings);
    g_hash_table_unref(merger.locations);
    g_hash_table_unref(merger.functions);
    g_ptr_array_unref(merger.samples);
    ct_pprof_tables_clear(&merger.tables);
    return bytes;
}
