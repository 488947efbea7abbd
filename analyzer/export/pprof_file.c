#include "export/pprof_file.h"

#include "export/gzip.h"
#include "export/pprof_message.h"
#include "files/regular_file.h"

#include <errno.h>
#include <string.h>

/* A file, and what is in it: more is no profile that anybody looks at. */
#define FILE_SIZE_MAX    ((gsize)256 << 20)
#define PROFILE_SIZE_MAX ((gsize)512 << 20)

G_DEFINE_QUARK(ct - pprof - error, ct_pprof_error)

const char *ct_pprof_file_string(const struct ct_pprof_file *file, int64_t index)
{
    return file->profile->string_table[index];
}

const Pprof__Mapping *ct_pprof_file_mapping(const struct ct_pprof_file *file, uint64_t id)
{
    return g_hash_table_lookup(file->mappings, &id);
}

const Pprof__Location *ct_pprof_file_location(const struct ct_pprof_file *file, uint64_t id)
{
    return g_hash_table_lookup(file->locations, &id);
}

const Pprof__Function *ct_pprof_file_function(const struct ct_pprof_file *file, uint64_t id)
{
    return g_hash_table_lookup(file->functions, &id);
}

int64_t ct_pprof_add(int64_t a, int64_t b)
{
    int64_t sum;

    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return a < 0 ? INT64_MIN : INT64_MAX;
}

int64_t ct_pprof_negate(int64_t a)
{
    return a == INT64_MIN ? INT64_MAX : -a;
}

/* ---- Checking ---- */

static gboolean has_string(const Pprof__Profile *profile, int64_t index)
{
    return index >= 0 && (uint64_t)index < profile->n_string_table;
}

static gboolean is_value_type(const Pprof__Profile *profile, const Pprof__ValueType *type)
{
    return has_string(profile, type->type) && has_string(profile, type->unit);
}

static const char *check_header(const Pprof__Profile *profile)
{
    if (profile->n_string_table == 0 || *profile->string_table[0] != '\0')
        return "its table of strings does not begin with the empty one";
    if (profile->n_sample_type == 0)
        return "it does not say what its values are";
    for (size_t i = 0; i < profile->n_sample_type; i++)
        if (!is_value_type(profile, profile->sample_type[i]))
            return "a type of values has no name";
    if (profile->period_type && !is_value_type(profile, profile->period_type))
        return "its period has no name";
    for (size_t i = 0; i < profile->n_comment; i++)
        if (!has_string(profile, profile->comment[i]))
            return "a comment is not among its strings";
    if (!has_string(profile, profile->default_sample_type) ||
        !has_string(profile, profile->drop_frames) || !has_string(profile, profile->keep_frames))
        return "its header has a string that it does not have";
    return NULL;
}

/* FALSE: the id is 0, or there already. */
static gboolean add_id(GHashTable *table, uint64_t *id, void *message)
{
    return *id != 0 && g_hash_table_insert(table, id, message);
}

static const char *check_mappings(const struct ct_pprof_file *file)
{
    const Pprof__Profile *profile = file->profile;

    for (size_t i = 0; i < profile->n_mapping; i++) {
        Pprof__Mapping *mapping = profile->mapping[i];

        if (!add_id(file->mappings, &mapping->id, mapping))
            return "two mappings have one id, or one has none";
        if (!has_string(profile, mapping->filename) || !has_string(profile, mapping->build_id))
            return "a mapping has a name that is not among its strings";
    }
    return NULL;
}

static const char *check_functions(const struct ct_pprof_file *file)
{
    const Pprof__Profile *profile = file->profile;

    for (size_t i = 0; i < profile->n_function; i++) {
        Pprof__Function *function = profile->function[i];

        if (!add_id(file->functions, &function->id, function))
            return "two functions have one id, or one has none";
        if (!has_string(profile, function->name) || !has_string(profile, function->system_name) ||
            !has_string(profile, function->filename))
            return "a function has a name that is not among its strings";
    }
    return NULL;
}

static const char *check_locations(const struct ct_pprof_file *file)
{
    const Pprof__Profile *profile = file->profile;

    for (size_t i = 0; i < profile->n_location; i++) {
        Pprof__Location *location = profile->location[i];

        if (!add_id(file->locations, &location->id, location))
            return "two locations have one id, or one has none";
        if (location->mapping_id && !ct_pprof_file_mapping(file, location->mapping_id))
            return "a location is in a mapping that is not there";
        for (size_t line = 0; line < location->n_line; line++)
            if (location->line[line]->function_id &&
                !ct_pprof_file_function(file, location->line[line]->function_id))
                return "a location is in a function that is not there";
    }
    return NULL;
}

static gboolean is_label(const Pprof__Profile *profile, const Pprof__Label *label)
{
    return has_string(profile, label->key) && has_string(profile, label->str) &&
           has_string(profile, label->num_unit);
}

static const char *check_samples(const struct ct_pprof_file *file)
{
    const Pprof__Profile *profile = file->profile;

    for (size_t i = 0; i < profile->n_sample; i++) {
        const Pprof__Sample *sample = profile->sample[i];

        if (sample->n_value != profile->n_sample_type)
            return "a sample has other values than the profile";
        for (size_t at = 0; at < sample->n_location_id; at++)
            if (!ct_pprof_file_location(file, sample->location_id[at]))
                return "a sample has a location that is not there";
        for (size_t at = 0; at < sample->n_label; at++)
            if (!is_label(profile, sample->label[at]))
                return "a label is not among its strings";
    }
    return NULL;
}

static gboolean check(const struct ct_pprof_file *file, GError **error)
{
    static const char *(*const checks[])(const struct ct_pprof_file *file) = {
        check_mappings, check_functions, check_locations, check_samples};
    const char *fault = check_header(file->profile);

    for (size_t i = 0; i < G_N_ELEMENTS(checks) && !fault; i++)
        fault = checks[i](file);
    if (fault)
        g_set_error(error, CT_PPROF_ERROR, CT_PPROF_ERROR_DAMAGED, "%s is a damaged profile: %s",
                    file->name, fault);
    return fault == NULL;
}

/* ---- Reading ---- */

static gboolean is_compressed(GBytes *bytes)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(bytes, &size);

    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

static GHashTable *new_table(void)
{
    return g_hash_table_new(g_int64_hash, g_int64_equal);
}

static struct ct_pprof_file *parse(GBytes *plain, const char *name, GError **error)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(plain, &size);
    Pprof__Profile *profile = size > 0 ? pprof__profile__unpack(NULL, size, data) : NULL;

    if (!profile) {
        g_set_error(error, CT_PPROF_ERROR, CT_PPROF_ERROR_DAMAGED,
                    "%s is no profile of pprof's, or not all of it: those are written by ctrace "
                    "pprof, and by Go's runtime/pprof",
                    name);
        return NULL;
    }
    g_autoptr(ct_pprof_file) file = g_new0(struct ct_pprof_file, 1);

    file->profile = profile;
    file->name = g_strdup(name);
    file->mappings = new_table();
    file->locations = new_table();
    file->functions = new_table();
    return check(file, error) ? g_steal_pointer(&file) : NULL;
}

struct ct_pprof_file *ct_pprof_file_parse(GBytes *bytes, const char *name, GError **error)
{
    g_autoptr(GBytes) plain =
        is_compressed(bytes) ? ct_gunzip(bytes, PROFILE_SIZE_MAX, error) : g_bytes_ref(bytes);

    if (plain)
        return parse(plain, name, error);
    g_prefix_error(error, "%s: ", name);
    return NULL;
}

struct ct_pprof_file *ct_pprof_file_read(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    char *data;
    gsize size;

    if (!ct_regular_file_read(path, FILE_SIZE_MAX, &data, &size)) {
        g_set_error(error, CT_PPROF_ERROR, CT_PPROF_ERROR_UNREADABLE, "cannot read %s: %s", path,
                    errno == EINVAL ? "it is no plain file" : g_strerror(errno));
        return NULL;
    }
    bytes = g_bytes_new_take(data, size);
    return ct_pprof_file_parse(bytes, path, error);
}

void ct_pprof_file_free(struct ct_pprof_file *file)
{
    if (!file)
        return;
    g_hash_table_unref(file->mappings);
    g_hash_table_unref(file->locations);
    g_hash_table_unref(file->functions);
    pprof__profile__free_unpacked(file->profile, NULL);
    g_free(file->name);
    g_free(file);
}

/* ---- What it says ---- */

int64_t ct_pprof_file_time_ns(const struct ct_pprof_file *file)
{
    return MAX(file->profile->time_nanos, 0);
}

int64_t ct_pprof_file_duration_ns(const struct ct_pprof_file *file)
{
    return MAX(file->profile->duration_nanos, 0);
}

guint64 ct_pprof_file_sample_count(const struct ct_pprof_file *file)
{
    return file->profile->n_sample;
}

const char *ct_pprof_file_value_name(const struct ct_pprof_file *file, int value)
{
    return ct_pprof_file_string(file, file->profile->sample_type[value]->type);
}

const char *ct_pprof_file_value_unit(const struct ct_pprof_file *file, int value)
{
    return ct_pprof_file_string(file, file->profile->sample_type[value]->unit);
}

int ct_pprof_file_find_value(const struct ct_pprof_file *file, const char *name, GError **error)
{
    int count = (int)MIN(file->profile->n_sample_type, G_MAXINT);
    const char *wanted =
        name ? name : ct_pprof_file_string(file, file->profile->default_sample_type);
    g_autoptr(GString) names = g_string_new(NULL);

    for (int i = 0; i < count; i++) {
        if (strcmp(ct_pprof_file_value_name(file, i), wanted) == 0)
            return i;
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", ct_pprof_file_value_name(file, i));
    }
    if (!name)
        return count - 1;
    g_set_error(error, CT_PPROF_ERROR, CT_PPROF_ERROR_NO_VALUE,
                "%s has no values called %s; it has %s", file->name, name, names->str);
    return -1;
}

/* ---- Sums ---- */

static struct ct_pprof_sum *find_sum(GHashTable *sums, const char *name)
{
    struct ct_pprof_sum *sum = g_hash_table_lookup(sums, name);

    if (!sum) {
        sum = g_new0(struct ct_pprof_sum, 1);
        g_hash_table_insert(sums, g_strdup(name), sum);
    }
    return sum;
}

/* Each function once, however often it is on the stack. */
static void add_cumulative(const struct ct_pprof_file *file, const Pprof__Location *location,
                           int64_t value, GHashTable *sums, GHashTable *seen)
{
    for (size_t i = 0; i < location->n_line; i++) {
        const Pprof__Function *function =
            ct_pprof_file_function(file, location->line[i]->function_id);
        struct ct_pprof_sum *sum =
            function ? find_sum(sums, ct_pprof_file_string(file, function->name)) : NULL;

        if (sum && g_hash_table_add(seen, sum))
            sum->cumulative = ct_pprof_add(sum->cumulative, value);
    }
    if (location->n_line == 0) {
        g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", location->address);
        struct ct_pprof_sum *sum = find_sum(sums, address);

        if (g_hash_table_add(seen, sum))
            sum->cumulative = ct_pprof_add(sum->cumulative, value);
    }
}

static void add_flat(const struct ct_pprof_file *file, const Pprof__Location *leaf, int64_t value,
                     GHashTable *sums)
{
    const Pprof__Function *function =
        leaf->n_line > 0 ? ct_pprof_file_function(file, leaf->line[0]->function_id) : NULL;
    g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", leaf->address);
    struct ct_pprof_sum *sum =
        find_sum(sums, function ? ct_pprof_file_string(file, function->name) : address);

    sum->flat = ct_pprof_add(sum->flat, value);
}

GHashTable *ct_pprof_file_sum(const struct ct_pprof_file *file, int value, int64_t *total)
{
    GHashTable *sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    *total = 0;
    for (size_t i = 0; i < file->profile->n_sample; i++) {
        const Pprof__Sample *sample = file->profile->sample[i];
        int64_t amount = sample->value[value];

        *total = ct_pprof_add(*total, amount);
        g_hash_table_remove_all(seen);
        for (size_t at = 0; at < sample->n_location_id; at++)
            add_cumulative(file, ct_pprof_file_location(file, sample->location_id[at]), amount,
                           sums, seen);
        if (sample->n_location_id > 0)
            add_flat(file, ct_pprof_file_location(file, sample->location_id[0]), amount, sums);
    }
    return sums;
}
