#include "store/key.h"

#include "schema/recording_files.h"
#include "store/reader_digest.h"

#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 12
#define FILES_MAX (1U << 17)

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static gboolean is_own(const char *name, unsigned depth)
{
    static const char *const own[] = {
        CT_INDEX_FILE,     CT_INDEX_NEW, CT_SYMBOLS_FILE, CT_SYMBOLS_NEW, CT_NOTES_FILE,
        CT_NOTES_FILE_NEW, NULL};

    return depth == 0 && g_strv_contains(own, name);
}

static void add_file(GChecksum *sum, const char *name, const struct stat *status)
{
    const int64_t facts[] = {(int64_t)status->st_mode,        (int64_t)status->st_size,
                             (int64_t)status->st_dev,         (int64_t)status->st_ino,
                             (int64_t)status->st_mtim.tv_sec, (int64_t)status->st_mtim.tv_nsec};

    g_checksum_update(sum, (const guchar *)name, (gssize)strlen(name) + 1);
    g_checksum_update(sum, (const guchar *)facts, sizeof(facts));
}

/* Names are told from the recording on, of whose path `root` bytes are: it may be moved. FALSE:
 * there are too many. */
static gboolean add_folder(GChecksum *sum, const char *path, size_t root, unsigned depth,
                           unsigned *left)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (folder && (name = g_dir_read_name(folder)) && names->len < *left)
        g_ptr_array_add(names, g_strdup(name));
    if (!folder || names->len >= *left)
        return FALSE;
    *left -= names->len;
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *child = g_build_filename(path, names->pdata[i], NULL);
        struct stat status, target;

        if (is_own(names->pdata[i], depth) || lstat(child, &status) != 0)
            continue;
        /* A folder's own times are those of what is put into it. */
        if (S_ISDIR(status.st_mode)) {
            if (depth < DEPTH_MAX && !add_folder(sum, child, root, depth + 1, left))
                return FALSE;
            continue;
        }
        add_file(sum, child + root, &status);
        if (S_ISLNK(status.st_mode) && stat(child, &target) == 0)
            add_file(sum, "", &target);
    }
    return TRUE;
}

gboolean ct_store_key(const char *directory, uint8_t key[CT_STORE_KEY_SIZE])
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    unsigned left = FILES_MAX;
    gsize size = CT_STORE_KEY_SIZE;

    g_checksum_update(sum, (const guchar *)CT_READER_DIGEST, sizeof(CT_READER_DIGEST));
    if (!add_folder(sum, directory, strlen(directory), 0, &left))
        return FALSE;
    g_checksum_get_digest(sum, key, &size);
    return TRUE;
}
