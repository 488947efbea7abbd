#include "mutate.h"

#include "files/tree.h"

#include <glib/gstdio.h>
#include <string.h>

/* Of all packets that ctrace writes: what comes before the events. */
#define PACKET_START 84

struct file {
    char *path;  /* owned */
    char *bytes; /* owned */
    gsize size;
    gboolean is_metadata;
};

struct mutation {
    char *directory;      /* owned */
    GPtrArray *files;     /* owned; struct file * */
    guint stream_count;   /* these come first */
    struct file *changed; /* borrowed; NULL: none */
    char *description;    /* owned */
};

static void free_file(void *data)
{
    struct file *file = data;

    g_free(file->path);
    g_free(file->bytes);
    g_free(file);
}

/* Nothing of it is to outlast the test. */
static gboolean write_file(const char *path, const char *bytes, gsize size)
{
    return g_file_set_contents_full(path, bytes, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600,
                                    NULL);
}

static void copy_file(struct mutation *mutation, const char *from, const char *to, const char *name)
{
    struct file *file = g_new0(struct file, 1);

    file->path = g_strdup(to);
    file->is_metadata = strcmp(name, "metadata") == 0;
    if (!g_file_get_contents(from, &file->bytes, &file->size, NULL) ||
        !write_file(to, file->bytes, file->size) ||
        (file->size < PACKET_START && !file->is_metadata)) {
        free_file(file);
        return;
    }
    g_ptr_array_insert(mutation->files, file->is_metadata ? -1 : 0, file);
    mutation->stream_count += !file->is_metadata;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Indexes are left out: they would have to be changed, too. */
static void copy_folder(struct mutation *mutation, const char *from, const char *to)
{
    g_autoptr(GDir) folder = g_dir_open(from, 0, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *found;

    g_mkdir(to, 0700);
    while (folder && (found = g_dir_read_name(folder)))
        g_ptr_array_add(names, g_strdup(found));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *source = g_build_filename(from, name, NULL);
        g_autofree char *target = g_build_filename(to, name, NULL);

        if (strcmp(name, "index") == 0)
            continue;
        if (g_file_test(source, G_FILE_TEST_IS_DIR))
            copy_folder(mutation, source, target);
        else
            copy_file(mutation, source, target, name);
    }
}

struct mutation *mutation_new(const char *directory)
{
    struct mutation *mutation = g_new0(struct mutation, 1);

    mutation->directory = g_dir_make_tmp("ctrace-mutation-XXXXXX", NULL);
    mutation->files = g_ptr_array_new_with_free_func(free_file);
    if (mutation->directory)
        copy_folder(mutation, directory, mutation->directory);
    if (mutation->stream_count > 0)
        return mutation;
    mutation_free(mutation);
    return NULL;
}

const char *mutation_directory(const struct mutation *mutation)
{
    return mutation->directory;
}

/* ---- Changes ---- */

struct change {
    GRand *random;
    char *bytes;
    gsize size;
    gsize begin; /* of where it may be */
};

static gsize place(const struct change *change, gsize size)
{
    gsize room = change->size - change->begin;

    return change->begin + (room > size ? g_rand_int(change->random) % (room - size) : 0);
}

static void flip(struct change *change)
{
    change->bytes[place(change, 1)] ^= (char)(1 << g_rand_int_range(change->random, 0, 8));
}

static void overwrite(struct change *change)
{
    static const guint8 values[] = {0, 1, 0x7f, 0x80, 0xff};
    gsize size = MIN((gsize)g_rand_int_range(change->random, 1, 9), change->size - change->begin);

    memset(change->bytes + place(change, size),
           values[g_rand_int_range(change->random, 0, G_N_ELEMENTS(values))], size);
}

static void move(struct change *change)
{
    gsize size = MIN((gsize)g_rand_int_range(change->random, 1, 200), change->size - change->begin);

    memmove(change->bytes + place(change, size), change->bytes + place(change, size), size);
}

static void cut(struct change *change)
{
    change->size = place(change, 1);
}

static const struct {
    const char *name;
    void (*apply)(struct change *change);
} changes[] = {
    {"flip", flip}, {"flip", flip}, {"overwrite", overwrite}, {"move", move}, {"cut", cut}};

/* Where changes matter: one in the first packet's start, some in its first events, others in all.
 */
static void choose_place(struct change *change, const struct file *file, gsize full_size)
{
    guint where = (guint)g_rand_int_range(change->random, 0, 8);

    change->begin = 0;
    change->size = full_size;
    if (file->is_metadata || where >= 6)
        return;
    if (where == 0) {
        change->begin = 20;
        change->size = PACKET_START;
    } else {
        change->begin = PACKET_START;
        change->size = where < 4 ? MIN(full_size, 4000) : full_size;
    }
}

const char *mutation_apply(struct mutation *mutation, guint32 seed)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    guint choice = g_rand_int(random);
    struct file *file = mutation->files->pdata[seed % 16 == 0 ? choice % mutation->files->len
                                                              : choice % mutation->stream_count];
    g_autofree char *bytes = g_memdup2(file->bytes, file->size);
    gsize size = file->size;
    guint count = 1 + (guint)g_rand_int_range(random, 0, 3);
    g_autoptr(GString) description = g_string_new(file->path);

    for (guint i = 0; i < count && size > PACKET_START; i++) {
        struct change change = {.random = random, .bytes = bytes};
        guint kind = (guint)g_rand_int_range(random, 0, G_N_ELEMENTS(changes));

        choose_place(&change, file, size);
        if (changes[kind].apply == cut && g_rand_int_range(random, 0, 4) != 0)
            kind = 0;
        changes[kind].apply(&change);
        if (changes[kind].apply == cut)
            size = change.size;
        g_string_append_printf(description, " %s", changes[kind].name);
    }
    write_file(file->path, bytes, size);
    mutation->changed = file;
    g_free(mutation->description);
    mutation->description = g_strdup(description->str);
    return mutation->description;
}

void mutation_undo(struct mutation *mutation)
{
    const struct file *file = mutation->changed;

    if (file)
        write_file(file->path, file->bytes, file->size);
    mutation->changed = NULL;
}

void mutation_free(struct mutation *mutation)
{
    if (mutation->directory)
        ct_tree_remove(mutation->directory);
    g_ptr_array_unref(mutation->files);
    g_free(mutation->directory);
    g_free(mutation->description);
    g_free(mutation);
}
