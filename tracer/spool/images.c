#include "images.h"

#include "spool.h"

#include <stdlib.h>
#include <string.h>

#define PRELOADED_FILE CT_SPOOL_FOLDER "/preloaded"

struct ct_images {
    GArray *images;      /* owned; struct ct_kernel_image, by pid, then begin */
    GHashTable *current; /* owned; pid -> index in `images` + 1; while they are collected */
    GHashTable *threads; /* owned; pid -> how many there are; while they are collected */
    GHashTable *present; /* owned; a set of tids that were present; while they are collected */
    GHashTable *told;    /* owned; a set of those whose beginning the kernel told of as well */
};

static int compare_times(const void *a, const void *b)
{
    const struct ct_raw_record *first = a;
    const struct ct_raw_record *second = b;

    return (first->time_ns > second->time_ns) - (first->time_ns < second->time_ns);
}

static GArray *read_lives(const GPtrArray *spools)
{
    GArray *records = g_array_new(FALSE, FALSE, sizeof(struct ct_raw_record));

    for (guint i = 0; i < spools->len; i++) {
        struct ct_spool ahead = *(const struct ct_spool *)spools->pdata[i];
        struct ct_raw_record record;

        while (ct_spool_read_life(&ahead, &record))
            g_array_append_val(records, record);
    }
    g_array_sort(records, compare_times);
    return records;
}

static void end(struct ct_images *images, int32_t pid, uint64_t time_ns, gboolean is_by_exec)
{
    guint index = GPOINTER_TO_UINT(g_hash_table_lookup(images->current, GINT_TO_POINTER(pid)));

    if (index == 0)
        return;
    struct ct_kernel_image *image =
        &g_array_index(images->images, struct ct_kernel_image, index - 1);
    image->end_ns = time_ns;
    image->ends_by_exec = is_by_exec;
    g_hash_table_remove(images->current, GINT_TO_POINTER(pid));
}

static void set_threads(struct ct_images *images, int32_t pid, int count)
{
    g_hash_table_insert(images->threads, GINT_TO_POINTER(pid), GINT_TO_POINTER(count));
}

static int count_threads(const struct ct_images *images, int32_t pid)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(images->threads, GINT_TO_POINTER(pid)));
}

static void begin(struct ct_images *images, const struct ct_kernel_image *image)
{
    end(images, image->pid, image->begin_ns, image->is_by_exec);
    g_array_append_val(images->images, *image);
    g_hash_table_insert(images->current, GINT_TO_POINTER(image->pid),
                        GUINT_TO_POINTER(images->images->len));
    set_threads(images, image->pid, 1);
}

static int32_t parent_of(const struct ct_images *images, int32_t pid)
{
    guint index = GPOINTER_TO_UINT(g_hash_table_lookup(images->current, GINT_TO_POINTER(pid)));

    return index == 0 ? 0 : g_array_index(images->images, struct ct_kernel_image, index - 1).ppid;
}

/* What is present is looked up a little later than it should be. */
static void note_task(struct ct_images *images, const struct ct_raw_record *record)
{
    gpointer tid = GINT_TO_POINTER(record->as.task.tid);

    if (record->kind == CT_RAW_FORK && record->cpu == CT_SPOOL_NO_CPU)
        g_hash_table_add(images->present, tid);
    else if (g_hash_table_remove(images->present, tid) && record->kind == CT_RAW_FORK)
        g_hash_table_add(images->told, tid);
}

static gboolean is_known(const struct ct_images *images, int32_t pid)
{
    return g_hash_table_contains(images->current, GINT_TO_POINTER(pid));
}

static void add(struct ct_images *images, const struct ct_raw_record *record)
{
    struct ct_kernel_image image = {.begin_ns = record->time_ns, .end_ns = UINT64_MAX};
    int32_t pid = record->as.task.pid;

    if (record->kind == CT_RAW_FORK || record->kind == CT_RAW_EXIT)
        note_task(images, record);
    switch (record->kind) {
    case CT_RAW_FORK:
        if (pid == record->as.task.parent_pid) {
            set_threads(images, pid, count_threads(images, pid) + 1);
            break;
        }
        if (record->cpu == CT_SPOOL_NO_CPU && is_known(images, pid))
            break; /* it was present, and goes on */
        image.pid = pid;
        image.ppid = record->as.task.parent_pid;
        begin(images, &image);
        break;
    case CT_RAW_NAME:
        if (!record->as.name.is_exec)
            break;
        image.pid = record->as.name.pid;
        image.ppid = parent_of(images, image.pid);
        image.is_by_exec = TRUE;
        begin(images, &image);
        break;
    case CT_RAW_EXIT:
        if (count_threads(images, pid) <= 1)
            end(images, pid, record->time_ns, FALSE);
        set_threads(images, pid, count_threads(images, pid) - 1);
        break;
    default:
        break;
    }
}

static int compare_images(const void *a, const void *b)
{
    const struct ct_kernel_image *first = a;
    const struct ct_kernel_image *second = b;

    if (first->pid != second->pid)
        return first->pid < second->pid ? -1 : 1;
    return (first->begin_ns > second->begin_ns) - (first->begin_ns < second->begin_ns);
}

struct ct_images *ct_images_new(const GPtrArray *spools)
{
    struct ct_images *images = g_new0(struct ct_images, 1);
    g_autoptr(GArray) lives = read_lives(spools);

    images->images = g_array_new(FALSE, FALSE, sizeof(struct ct_kernel_image));
    images->current = g_hash_table_new(NULL, NULL);
    images->threads = g_hash_table_new(NULL, NULL);
    images->present = g_hash_table_new(NULL, NULL);
    images->told = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < lives->len; i++)
        add(images, &g_array_index(lives, struct ct_raw_record, i));
    g_array_sort(images->images, compare_images);
    return images;
}

void ct_images_free(struct ct_images *images)
{
    if (images == NULL)
        return;
    g_array_unref(images->images);
    g_hash_table_unref(images->current);
    g_hash_table_unref(images->threads);
    g_hash_table_unref(images->present);
    g_hash_table_unref(images->told);
    g_free(images);
}

/* The last image of `pid` that had begun by then, or NULL. */
static struct ct_kernel_image *find(const struct ct_images *images, int32_t pid, uint64_t time_ns)
{
    const struct ct_kernel_image key = {.pid = pid, .begin_ns = time_ns};
    guint low = 0, high = images->images->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (compare_images(&g_array_index(images->images, struct ct_kernel_image, middle), &key) <=
            0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    struct ct_kernel_image *image = &g_array_index(images->images, struct ct_kernel_image, low - 1);
    return image->pid == pid ? image : NULL;
}

void ct_images_mark_preloaded(struct ct_images *images, const GArray *preloaded)
{
    for (guint i = 0; i < preloaded->len; i++) {
        const struct ct_image_key *key = &g_array_index(preloaded, struct ct_image_key, i);
        struct ct_kernel_image *image = find(images, key->pid, key->start_ns);

        if (image != NULL && key->start_ns <= image->end_ns)
            image->is_preloaded = TRUE;
    }
}

const struct ct_kernel_image *ct_images_find_unpreloaded(const struct ct_images *images,
                                                         int32_t pid, uint64_t begin_ns)
{
    const struct ct_kernel_image *image = find(images, pid, begin_ns);

    if (image == NULL || image->begin_ns != begin_ns || image->is_preloaded ||
        (!image->is_by_exec && image->ends_by_exec))
        return NULL;
    return image;
}

gboolean ct_images_is_preloaded(const struct ct_images *images, int32_t pid, uint64_t time_ns)
{
    const struct ct_kernel_image *image = find(images, pid, time_ns);

    return image != NULL && image->is_preloaded;
}

gboolean ct_images_is_told(const struct ct_images *images, int32_t tid)
{
    return g_hash_table_contains(images->told, GINT_TO_POINTER(tid));
}

gboolean ct_preloaded_write(const char *path, const GArray *preloaded)
{
    g_autofree char *file = g_build_filename(path, PRELOADED_FILE, NULL);

    return g_file_set_contents(file, preloaded->data,
                               (gssize)(preloaded->len * sizeof(struct ct_image_key)), NULL);
}

GArray *ct_preloaded_read(const char *path)
{
    g_autofree char *file = g_build_filename(path, PRELOADED_FILE, NULL);
    GArray *preloaded = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));
    g_autofree char *data = NULL;
    gsize size;

    if (g_file_get_contents(file, &data, &size, NULL))
        g_array_append_vals(preloaded, data, (guint)(size / sizeof(struct ct_image_key)));
    return preloaded;
}
