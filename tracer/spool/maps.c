#include "maps.h"

#include "elf_file.h"
#include "objects.h"
#include "schema/recording_files.h"

#include <string.h>
#include <sys/stat.h>

#define VDSO_PATH "[vdso]"

/* 64-bit programs have it far above; others could not reach it there. */
#define VDSO_END_32_BIT (UINT64_C(1) << 32)

/* What stands there calls main(), or the program whose loader it is. */
#define ENTRY_CODE_SIZE 64

struct file {
    struct ct_mapped_file mapped; /* first */
    gboolean is_read;
    struct ct_elf_file *elf; /* owned; NULL: it is none */
};

/* Shared by a process and its children until one of them maps something. */
struct space {
    guint users;
    uint64_t version;
    uint64_t image;
    gboolean is_32_bit;
    GArray *mappings; /* owned; struct ct_mapping, by begin */
};

struct ct_maps {
    GHashTable *spaces; /* owned; pid -> struct space * */
    GHashTable *files;  /* owned; "key:path" -> struct file *: see ct_object_key() */
    uint64_t versions;  /* given so far */
    char *copies;       /* owned; their folder, or NULL */
};

static void release_space(void *data)
{
    struct space *space = data;

    if (--space->users > 0)
        return;
    g_array_unref(space->mappings);
    g_free(space);
}

static void free_file(void *data)
{
    struct file *file = data;

    g_free((char *)file->mapped.path);
    g_free((char *)file->mapped.build_id);
    g_free((char *)file->mapped.copy);
    g_free((char *)file->mapped.place);
    ct_elf_file_free(file->elf);
    g_free(file);
}

struct ct_maps *ct_maps_new(const char *path)
{
    struct ct_maps *maps = g_new0(struct ct_maps, 1);

    if (path != NULL)
        maps->copies = g_build_filename(path, CT_OBJECTS_FOLDER, NULL);
    maps->spaces = g_hash_table_new_full(NULL, NULL, NULL, release_space);
    maps->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_file);
    return maps;
}

void ct_maps_free(struct ct_maps *maps)
{
    g_hash_table_unref(maps->spaces);
    g_hash_table_unref(maps->files);
    g_free(maps->copies);
    g_free(maps);
}

/* ---- Files ---- */

static const struct ct_elf_file *read_elf(struct file *file)
{
    if (!file->is_read && file->mapped.path[0] == '/' && file->mapped.place[0] != '\0')
        file->elf = ct_elf_file_read(file->mapped.place);
    file->is_read = TRUE;
    return file->elf;
}

/* The file that is there is another one than was mapped. What has a build id is known by that. */
static gboolean is_another(const struct ct_raw_record *record)
{
    struct stat status;

    return record->as.mapping.inode != 0 && stat(record->as.mapping.path, &status) == 0 &&
           status.st_ino != record->as.mapping.inode;
}

/* Where to read it: its copy, if there is one. "" if what is there is not it. */
static void find_place(const struct ct_maps *maps, struct file *file, const char *key,
                       const struct ct_raw_record *record)
{
    g_autofree char *copy = maps->copies != NULL ? g_build_filename(maps->copies, key, NULL) : NULL;
    gboolean has_copy = copy != NULL && g_file_test(copy, G_FILE_TEST_IS_REGULAR);

    file->mapped.copy = g_strdup(has_copy ? key : "");
    file->mapped.place = has_copy             ? g_steal_pointer(&copy)
                         : is_another(record) ? g_strdup("")
                                              : g_strdup(record->as.mapping.path);
}

static struct file *get_file(struct ct_maps *maps, const struct ct_raw_record *record)
{
    const char *path = record->as.mapping.path;
    const char *build_id = record->as.mapping.build_id;
    g_autofree char *object = ct_object_key(build_id, record->as.mapping.major,
                                            record->as.mapping.minor, record->as.mapping.inode);
    g_autofree char *key = g_strdup_printf("%s:%s", object, path);
    struct file *file = g_hash_table_lookup(maps->files, key);

    if (file != NULL)
        return file;
    file = g_new0(struct file, 1);
    file->mapped.path = g_strdup(path);
    file->mapped.build_id = g_strdup(build_id);
    find_place(maps, file, object, record);
    /* Where the kernel does not tell the build, it is that of the file that is there. */
    if (*build_id == '\0' && read_elf(file) != NULL) {
        g_free((char *)file->mapped.build_id);
        file->mapped.build_id = g_strdup(file->elf->build_id);
    }
    g_hash_table_insert(maps->files, g_steal_pointer(&key), file);
    return file;
}

gboolean ct_mapping_bias(const struct ct_mapping *mapping, uint64_t *bias)
{
    struct file *file = (struct file *)mapping->file;

    if (strcmp(file->mapped.path, VDSO_PATH) == 0) {
        *bias = mapping->begin;
        return TRUE;
    }
    return read_elf(file) != NULL && strcmp(file->elf->build_id, file->mapped.build_id) == 0 &&
           ct_elf_file_bias(file->elf, mapping->begin, mapping->file_offset, bias);
}

gboolean ct_mapping_object(const struct ct_mapping *mapping, struct ct_mapped_object *object)
{
    const struct file *file = (const struct file *)mapping->file;

    if (!ct_mapping_bias(mapping, &object->bias))
        return FALSE;
    object->begin = mapping->begin;
    object->end = mapping->end;
    for (guint i = 0; file->elf != NULL && i < file->elf->segment_count; i++) {
        const struct ct_elf_segment *segment = &file->elf->segments[i];

        object->begin = MIN(object->begin, object->bias + segment->address);
        object->end = MAX(object->end, object->bias + segment->address + segment->memory_size);
    }
    return TRUE;
}

gboolean ct_mapping_is_entry(const struct ct_mapping *mapping, uint64_t address)
{
    struct file *file = (struct file *)mapping->file;
    uint64_t bias;

    if (!ct_mapping_bias(mapping, &bias) || file->elf == NULL || file->elf->entry == 0)
        return FALSE;
    return address - bias - file->elf->entry < ENTRY_CODE_SIZE;
}

/* ---- Spaces ---- */

static struct space *new_space(struct ct_maps *maps)
{
    struct space *space = g_new0(struct space, 1);

    space->users = 1;
    space->version = space->image = ++maps->versions;
    space->mappings = g_array_new(FALSE, FALSE, sizeof(struct ct_mapping));
    return space;
}

static void set_space(struct ct_maps *maps, int32_t pid, struct space *space)
{
    g_hash_table_insert(maps->spaces, GINT_TO_POINTER(pid), space);
}

static struct space *find_space(const struct ct_maps *maps, int32_t pid)
{
    return g_hash_table_lookup(maps->spaces, GINT_TO_POINTER(pid));
}

/* The process's alone, to be changed. */
static struct space *own_space(struct ct_maps *maps, int32_t pid)
{
    struct space *space = find_space(maps, pid);

    if (space != NULL && space->users == 1) {
        space->version = ++maps->versions;
        return space;
    }
    struct space *own = new_space(maps);

    if (space != NULL) {
        own->image = space->image;
        own->is_32_bit = space->is_32_bit;
        g_array_append_vals(own->mappings, space->mappings->data, space->mappings->len);
    }
    set_space(maps, pid, own);
    return own;
}

/* The first mapping that ends beyond the address, or how many there are. */
static guint find_index(const struct ct_mapping *mappings, guint count, uint64_t address)
{
    guint begin = 0, end = count;

    while (begin < end) {
        guint middle = begin + (end - begin) / 2;

        if (mappings[middle].end <= address)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static struct ct_mapping *mapping_at(const GArray *mappings, guint index)
{
    return &g_array_index(mappings, struct ct_mapping, index);
}

/* Takes the range out of those that it lies in; returns where one of that range belongs. */
static guint cut_out(GArray *mappings, uint64_t begin, uint64_t end)
{
    guint at = find_index((const struct ct_mapping *)(void *)mappings->data, mappings->len, begin);
    guint last = at;

    if (at < mappings->len && mapping_at(mappings, at)->begin < begin) {
        struct ct_mapping rest = *mapping_at(mappings, at);

        mapping_at(mappings, at)->end = begin;
        at++;
        last = at;
        if (rest.end > end) {
            rest.file_offset += end - rest.begin;
            rest.begin = end;
            g_array_insert_val(mappings, at, rest);
        }
    }
    while (last < mappings->len && mapping_at(mappings, last)->end <= end)
        last++;
    if (last < mappings->len && mapping_at(mappings, last)->begin < end) {
        struct ct_mapping *cut = mapping_at(mappings, last);

        cut->file_offset += end - cut->begin;
        cut->begin = end;
    }
    if (last > at)
        g_array_remove_range(mappings, at, last - at);
    return at;
}

static void add_mapping(struct ct_maps *maps, const struct ct_raw_record *record)
{
    struct ct_mapping mapping = {
        .begin = record->as.mapping.begin,
        .end = record->as.mapping.begin + record->as.mapping.size,
        .file_offset = record->as.mapping.file_offset,
    };

    if (mapping.begin >= mapping.end)
        return;
    struct space *space = own_space(maps, record->as.mapping.pid);
    guint at = cut_out(space->mappings, mapping.begin, mapping.end);

    mapping.file = &get_file(maps, record)->mapped;
    g_array_insert_val(space->mappings, at, mapping);
    if (strcmp(mapping.file->path, VDSO_PATH) == 0)
        space->is_32_bit = mapping.end <= VDSO_END_32_BIT;
}

static void fork_space(struct ct_maps *maps, int32_t parent_pid, int32_t pid)
{
    struct space *space = find_space(maps, parent_pid);

    if (pid == parent_pid) /* a thread */
        return;
    if (space != NULL)
        space->users++;
    set_space(maps, pid, space != NULL ? space : new_space(maps));
}

void ct_maps_add(struct ct_maps *maps, const struct ct_raw_record *record)
{
    switch (record->kind) {
    case CT_RAW_MAPPING:
        add_mapping(maps, record);
        break;
    case CT_RAW_FORK:
        fork_space(maps, record->as.task.parent_pid, record->as.task.pid);
        break;
    case CT_RAW_NAME:
        if (record->as.name.is_exec)
            set_space(maps, record->as.name.pid, new_space(maps));
        break;
    default:
        break;
    }
}

gboolean ct_maps_get(const struct ct_maps *maps, int32_t pid, struct ct_address_space *space)
{
    const struct space *found = find_space(maps, pid);

    if (found == NULL)
        return FALSE;
    space->mappings = (const struct ct_mapping *)(void *)found->mappings->data;
    space->count = found->mappings->len;
    space->version = found->version;
    space->image = found->image;
    space->is_32_bit = found->is_32_bit;
    return TRUE;
}

const struct ct_mapping *ct_address_space_find(const struct ct_address_space *space,
                                               uint64_t address)
{
    guint at = find_index(space->mappings, space->count, address);

    return at < space->count && space->mappings[at].begin <= address ? &space->mappings[at] : NULL;
}
