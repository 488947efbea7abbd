#include "export/otlp_profile.h"

#include "export/otlp_attributes.h"
#include "export/pprof_message.h"

#include "otlp_profiles.pb-c.h"

#include <string.h>

#define BUILD_ID_KEY    "process.executable.build_id.gnu"
#define PROFILE_ID_SIZE 16

/* Fields are set together with the flag that they are. */
#define SET(message, field, number) ((message)->has_##field = TRUE, (message)->field = (number))

#define DEFINE_NEW(name, type, init)    \
    static type *name(void)             \
    {                                   \
        type *message = g_new(type, 1); \
                                        \
        init(message);                  \
        return message;                 \
    }

DEFINE_NEW(new_value, Otlp__AnyValue, otlp__any_value__init)
DEFINE_NEW(new_attribute, Otlp__KeyValueAndUnit, otlp__key_value_and_unit__init)
DEFINE_NEW(new_mapping, Otlp__Mapping, otlp__mapping__init)
DEFINE_NEW(new_function, Otlp__Function, otlp__function__init)
DEFINE_NEW(new_line, Otlp__Line, otlp__line__init)
DEFINE_NEW(new_location, Otlp__Location, otlp__location__init)
DEFINE_NEW(new_stack, Otlp__Stack, otlp__stack__init)
DEFINE_NEW(new_link, Otlp__Link, otlp__link__init)
DEFINE_NEW(new_value_type, Otlp__ValueType, otlp__value_type__init)
DEFINE_NEW(new_sample, Otlp__Sample, otlp__sample__init)
DEFINE_NEW(new_profile, Otlp__Profile, otlp__profile__init)
DEFINE_NEW(new_scope, Otlp__InstrumentationScope, otlp__instrumentation_scope__init)
DEFINE_NEW(new_scope_profiles, Otlp__ScopeProfiles, otlp__scope_profiles__init)
DEFINE_NEW(new_resource, Otlp__Resource, otlp__resource__init)
DEFINE_NEW(new_resource_profiles, Otlp__ResourceProfiles, otlp__resource_profiles__init)
DEFINE_NEW(new_dictionary, Otlp__ProfilesDictionary, otlp__profiles_dictionary__init)

/* All messages and their lists are free_unpacked()'s to free. */
struct converter {
    const struct ct_pprof_file *file;
    GHashTable *indices;    /* owned; what it has -> its index in a table */
    GHashTable *stack_keys; /* owned; GBytes (owned) -> the same, as is the next */
    GHashTable *attribute_keys;
    GPtrArray *strings; /* owned; the lists of the dictionary */
    GPtrArray *mappings;
    GPtrArray *locations;
    GPtrArray *functions;
    GPtrArray *attributes;
    GPtrArray *stacks;
};

static int32_t add(GPtrArray *table, void *message)
{
    g_ptr_array_add(table, message);
    return (int32_t)table->len - 1;
}

/* The list, which is the message's from now on. */
static void *take_list(GPtrArray *table, size_t *count)
{
    *count = table->len;
    return g_ptr_array_free(table, FALSE);
}

static int32_t index_of(const struct converter *converter, const void *theirs)
{
    return theirs ? GPOINTER_TO_INT(g_hash_table_lookup(converter->indices, theirs)) : 0;
}

static void set_index(struct converter *converter, const void *theirs, int32_t index)
{
    g_hash_table_insert(converter->indices, (void *)theirs, GINT_TO_POINTER(index));
}

/* ---- The dictionary ---- */

static int32_t known(GHashTable *keys, GBytes *key)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(keys, key));
}

static void keep(GHashTable *keys, GBytes *key, int32_t index)
{
    g_hash_table_insert(keys, g_bytes_ref(key), GINT_TO_POINTER(index));
}

static int32_t add_attribute(struct converter *converter, const Pprof__Label *label)
{
    const int64_t words[] = {label->key, label->str, label->num, label->num_unit};
    g_autoptr(GBytes) key = g_bytes_new(words, sizeof(words));
    int32_t index = known(converter->attribute_keys, key);

    if (index != 0)
        return index;
    Otlp__KeyValueAndUnit *attribute = new_attribute();

    SET(attribute, key_strindex, (int32_t)label->key);
    attribute->value = new_value();
    if (label->str != 0) {
        attribute->value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
        attribute->value->string_value =
            g_utf8_make_valid(ct_pprof_file_string(converter->file, label->str), -1);
    } else {
        attribute->value->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
        attribute->value->int_value = label->num;
    }
    SET(attribute, unit_strindex, (int32_t)label->num_unit);
    index = add(converter->attributes, attribute);
    keep(converter->attribute_keys, key, index);
    return index;
}

static void add_mappings(struct converter *converter)
{
    const Pprof__Profile *profile = converter->file->profile;
    int32_t key = add(converter->strings, g_strdup(BUILD_ID_KEY));

    for (size_t i = 0; i < profile->n_mapping; i++) {
        const Pprof__Mapping *theirs = profile->mapping[i];
        Otlp__Mapping *mapping = new_mapping();

        SET(mapping, memory_start, theirs->memory_start);
        SET(mapping, memory_limit, theirs->memory_limit);
        SET(mapping, file_offset, theirs->file_offset);
        SET(mapping, filename_strindex, (int32_t)theirs->filename);
        if (theirs->build_id != 0) {
            const Pprof__Label label = {.key = key, .str = theirs->build_id};

            mapping->n_attribute_indices = 1;
            mapping->attribute_indices = g_new(int32_t, 1);
            mapping->attribute_indices[0] = add_attribute(converter, &label);
        }
        set_index(converter, theirs, add(converter->mappings, mapping));
    }
}

static void add_functions(struct converter *converter)
{
    const Pprof__Profile *profile = converter->file->profile;

    for (size_t i = 0; i < profile->n_function; i++) {
        const Pprof__Function *theirs = profile->function[i];
        Otlp__Function *function = new_function();

        SET(function, name_strindex, (int32_t)theirs->name);
        SET(function, system_name_strindex, (int32_t)theirs->system_name);
        SET(function, filename_strindex, (int32_t)theirs->filename);
        SET(function, start_line, theirs->start_line);
        set_index(converter, theirs, add(converter->functions, function));
    }
}

static void add_lines(struct converter *converter, Otlp__Location *location,
                      const Pprof__Location *theirs)
{
    location->n_lines = theirs->n_line;
    location->lines = g_new0(Otlp__Line *, theirs->n_line + 1);
    for (size_t i = 0; i < theirs->n_line; i++) {
        const Pprof__Function *function =
            ct_pprof_file_function(converter->file, theirs->line[i]->function_id);

        location->lines[i] = new_line();
        SET(location->lines[i], function_index, index_of(converter, function));
        SET(location->lines[i], line, theirs->line[i]->line);
    }
}

static void add_locations(struct converter *converter)
{
    const Pprof__Profile *profile = converter->file->profile;

    for (size_t i = 0; i < profile->n_location; i++) {
        const Pprof__Location *theirs = profile->location[i];
        Otlp__Location *location = new_location();

        SET(location, mapping_index,
            index_of(converter, ct_pprof_file_mapping(converter->file, theirs->mapping_id)));
        SET(location, address, theirs->address);
        add_lines(converter, location, theirs);
        set_index(converter, theirs, add(converter->locations, location));
    }
}

/* Of samples that differ in their labels, or values, alone there is one. */
static int32_t add_stack(struct converter *converter, const Pprof__Sample *sample)
{
    g_autoptr(GBytes) key =
        g_bytes_new(sample->location_id, sample->n_location_id * sizeof(*sample->location_id));
    int32_t index = sample->n_location_id > 0 ? known(converter->stack_keys, key) : 0;

    if (index != 0 || sample->n_location_id == 0)
        return index;
    Otlp__Stack *stack = new_stack();

    stack->n_location_indices = sample->n_location_id;
    stack->location_indices = g_new(int32_t, sample->n_location_id);
    for (size_t i = 0; i < sample->n_location_id; i++)
        stack->location_indices[i] =
            index_of(converter, ct_pprof_file_location(converter->file, sample->location_id[i]));
    index = add(converter->stacks, stack);
    keep(converter->stack_keys, key, index);
    return index;
}

/* ---- Profiles ---- */

/* No key may be there twice. */
static gboolean is_first_of_key(const Pprof__Sample *sample, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (sample->label[i]->key == sample->label[index]->key)
            return FALSE;
    return TRUE;
}

static Otlp__Sample *make_sample(struct converter *converter, const Pprof__Sample *theirs,
                                 size_t value)
{
    Otlp__Sample *sample = new_sample();

    SET(sample, stack_index, add_stack(converter, theirs));
    sample->attribute_indices = g_new(int32_t, theirs->n_label + 1);
    for (size_t i = 0; i < theirs->n_label; i++)
        if (is_first_of_key(theirs, i))
            sample->attribute_indices[sample->n_attribute_indices++] =
                add_attribute(converter, theirs->label[i]);
    sample->n_values = 1;
    sample->values = g_new(int64_t, 1);
    sample->values[0] = theirs->value[value];
    return sample;
}

static Otlp__ValueType *make_type(const Pprof__ValueType *theirs)
{
    Otlp__ValueType *type = new_value_type();

    SET(type, type_strindex, (int32_t)theirs->type);
    SET(type, unit_strindex, (int32_t)theirs->unit);
    return type;
}

/* The same of the same profile, so that one that comes twice is known. */
static void set_id(Otlp__Profile *profile, const GChecksum *content, size_t value)
{
    GChecksum *checksum = g_checksum_copy(content);
    const guint64 number = GUINT64_TO_LE(value);
    guint8 digest[32];
    gsize size = sizeof(digest);

    g_checksum_update(checksum, (const guchar *)&number, sizeof(number));
    g_checksum_get_digest(checksum, digest, &size);
    g_checksum_free(checksum);
    profile->has_profile_id = TRUE;
    profile->profile_id.len = PROFILE_ID_SIZE;
    profile->profile_id.data = g_memdup2(digest, PROFILE_ID_SIZE);
}

/* Samples without such a value are left out. */
static Otlp__Profile *make_profile(struct converter *converter,
                                   const struct ct_otlp_profile_origin *origin, size_t value)
{
    const Pprof__Profile *theirs = converter->file->profile;
    Otlp__Profile *profile = new_profile();
    GPtrArray *samples = g_ptr_array_new();

    for (size_t i = 0; i < theirs->n_sample; i++)
        if (theirs->sample[i]->value[value] != 0)
            g_ptr_array_add(samples, make_sample(converter, theirs->sample[i], value));
    profile->samples = take_list(samples, &profile->n_samples);
    profile->sample_type = make_type(theirs->sample_type[value]);
    SET(profile, time_unix_nano, (uint64_t)origin->begin_ns);
    SET(profile, duration_nano, origin->duration_ns);
    if (theirs->period_type)
        profile->period_type = make_type(theirs->period_type);
    SET(profile, period, theirs->period);
    return profile;
}

static Otlp__ScopeProfiles *make_profiles(struct converter *converter,
                                          const struct ct_otlp_profile_origin *origin)
{
    const Pprof__Profile *theirs = converter->file->profile;
    Otlp__ScopeProfiles *scoped = new_scope_profiles();
    GChecksum *content = g_checksum_new(G_CHECKSUM_SHA256);
    size_t size = pprof__profile__get_packed_size(theirs);
    g_autofree uint8_t *packed = g_malloc(size + 1);

    g_checksum_update(content, packed, (gssize)pprof__profile__pack(theirs, packed));
    g_checksum_update(content, (const guchar *)origin->service, -1);
    scoped->scope = new_scope();
    scoped->scope->name = g_strdup("ctrace");
    scoped->scope->version = g_strdup(CTRACE_VERSION);
    scoped->n_profiles = theirs->n_sample_type;
    scoped->profiles = g_new0(Otlp__Profile *, theirs->n_sample_type + 1);
    for (size_t i = 0; i < theirs->n_sample_type; i++) {
        scoped->profiles[i] = make_profile(converter, origin, i);
        set_id(scoped->profiles[i], content, i);
    }
    g_checksum_free(content);
    return scoped;
}

static Otlp__Resource *make_resource(const struct ct_otlp_profile_origin *origin)
{
    Otlp__Resource *resource = new_resource();
    const struct ct_otlp_attributes attributes = {&resource->attributes, &resource->n_attributes};

    ct_otlp_add_text(&attributes, "service.name", origin->service);
    for (char *const *label = origin->labels; label && *label; label++) {
        const char *equals = strchr(*label, '=');
        g_autofree char *key = g_strndup(*label, (gsize)(equals - *label));

        ct_otlp_add_text(&attributes, key, equals + 1);
    }
    return resource;
}

/* ---- The request ---- */

static void begin_dictionary(struct converter *converter)
{
    const Pprof__Profile *profile = converter->file->profile;

    converter->indices = g_hash_table_new(NULL, NULL);
    converter->stack_keys =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    converter->attribute_keys =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    converter->strings = g_ptr_array_new();
    converter->mappings = g_ptr_array_new();
    converter->locations = g_ptr_array_new();
    converter->functions = g_ptr_array_new();
    converter->attributes = g_ptr_array_new();
    converter->stacks = g_ptr_array_new();
    add(converter->strings, g_strdup(""));
    for (size_t i = 1; i < profile->n_string_table; i++)
        add(converter->strings, g_utf8_make_valid(profile->string_table[i], -1));
    add(converter->mappings, new_mapping());
    add(converter->locations, new_location());
    add(converter->functions, new_function());
    add(converter->attributes, new_attribute());
    add(converter->stacks, new_stack());
    add_mappings(converter);
    add_functions(converter);
    add_locations(converter);
}

static Otlp__ProfilesDictionary *end_dictionary(struct converter *converter)
{
    Otlp__ProfilesDictionary *dictionary = new_dictionary();

    dictionary->n_link_table = 1;
    dictionary->link_table = g_new(Otlp__Link *, 1);
    dictionary->link_table[0] = new_link();
    dictionary->string_table = take_list(converter->strings, &dictionary->n_string_table);
    dictionary->mapping_table = take_list(converter->mappings, &dictionary->n_mapping_table);
    dictionary->location_table = take_list(converter->locations, &dictionary->n_location_table);
    dictionary->function_table = take_list(converter->functions, &dictionary->n_function_table);
    dictionary->attribute_table = take_list(converter->attributes, &dictionary->n_attribute_table);
    dictionary->stack_table = take_list(converter->stacks, &dictionary->n_stack_table);
    g_hash_table_unref(converter->indices);
    g_hash_table_unref(converter->stack_keys);
    g_hash_table_unref(converter->attribute_keys);
    return dictionary;
}

GBytes *ct_otlp_profile(const struct ct_pprof_file *file,
                        const struct ct_otlp_profile_origin *origin)
{
    struct converter converter = {.file = file};
    Otlp__ExportProfilesServiceRequest request = OTLP__EXPORT_PROFILES_SERVICE_REQUEST__INIT;
    Otlp__ResourceProfiles *of_resource = new_resource_profiles();

    begin_dictionary(&converter);
    of_resource->resource = make_resource(origin);
    of_resource->n_scope_profiles = 1;
    of_resource->scope_profiles = g_new(Otlp__ScopeProfiles *, 1);
    of_resource->scope_profiles[0] = make_profiles(&converter, origin);
    request.n_resource_profiles = 1;
    request.resource_profiles = &of_resource;
    request.dictionary = end_dictionary(&converter);
    size_t size = otlp__export_profiles_service_request__get_packed_size(&request);
    uint8_t *packed = g_malloc(size + 1);

    otlp__export_profiles_service_request__pack(&request, packed);
    otlp__resource_profiles__free_unpacked(of_resource, NULL);
    otlp__profiles_dictionary__free_unpacked(request.dictionary, NULL);
    return g_bytes_new_take(packed, size);
}
