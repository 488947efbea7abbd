#include "ingest/traces.h"

#include "ingest/ingest.h"

#include <errno.h>
#include <string.h>

/* LTTng nests its traces five deep. */
#define DEPTH_MAX  12
#define TRACES_MAX 10000

static void search(const char *path, unsigned depth, GPtrArray *found)
{
    g_autoptr(GDir) folder = NULL;
    g_autofree char *metadata = g_build_filename(path, "metadata", NULL);
    const char *name;

    if (found->len >= TRACES_MAX)
        return;
    if (g_file_test(metadata, G_FILE_TEST_IS_REGULAR)) {
        g_ptr_array_add(found, g_strdup(path));
        return;
    }
    if (depth >= DEPTH_MAX)
        return;
    folder = g_dir_open(path, 0, NULL);
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            search(child, depth + 1, found);
    }
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *ct_traces_find(const char *directory, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) folder = NULL;

    if (!g_file_test(directory, G_FILE_TEST_EXISTS)) {
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_FOUND,
                    "there is no '%s': name the directory of a recording, or make one with "
                    "'ctrace record -o %s PROGRAM'",
                    directory, directory);
        return NULL;
    }
    if (!g_file_test(directory, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_FOUND,
                    "'%s' is a file: a recording is a directory, as 'ctrace record' makes it",
                    directory);
        return NULL;
    }
    folder = g_dir_open(directory, 0, NULL);
    if (!folder) {
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_FOUND,
                    "cannot read the directory '%s': %s", directory, g_strerror(errno));
        return NULL;
    }
    search(directory, 0, found);
    if (found->len == 0) {
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_FOUND,
                    "there is no trace in '%s' (no CTF metadata file below it): name the "
                    "directory that 'ctrace record' made",
                    directory);
        return NULL;
    }
    g_ptr_array_sort(found, compare_paths);
    return g_steal_pointer(&found);
}
