/*
 * flip_bytes DIRECTORY SEED COUNT: changes COUNT bytes of the files below DIRECTORY,
 * chosen by the SEED, as a bad disk would.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void collect(const char *path, GPtrArray *files)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    if (!folder) {
        g_ptr_array_add(files, g_strdup(path));
        return;
    }
    while ((name = g_dir_read_name(folder))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        collect(child, files);
    }
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void flip(const char *path, GRand *random)
{
    g_autofree char *bytes = NULL;
    gsize size;

    if (!g_file_get_contents(path, &bytes, &size, NULL) || size == 0)
        return;
    /* Most of a packet is padding: change what is near the beginning. */
    gsize at = (gsize)g_rand_int_range(random, 0, (gint32)MIN(size, 1500));

    bytes[at] = (char)g_rand_int_range(random, 0, 256);
    g_file_set_contents(path, bytes, (gssize)size, NULL);
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    GRand *random;

    if (argc != 4) {
        fprintf(stderr, "usage: flip_bytes DIRECTORY SEED COUNT\n");
        return 2;
    }
    collect(argv[1], files);
    g_ptr_array_sort(files, compare_paths);
    random = g_rand_new_with_seed((guint32)strtoul(argv[2], NULL, 10));
    for (unsigned long i = strtoul(argv[3], NULL, 10); i > 0 && files->len > 0; i--)
        flip(g_ptr_array_index(files, (guint)g_rand_int_range(random, 0, (gint32)files->len)),
             random);
    g_rand_free(random);
    return 0;
}
