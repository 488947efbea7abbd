/*
 * replay FILE|FOLDER...: hands each file to the fuzz target that it is linked with, as libFuzzer
 * would: how inputs that were found stay tests, with any compiler.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned count;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* FALSE if it cannot be read. */
static gboolean replay_file(const char *path)
{
    g_autofree char *bytes = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;

    if (!g_file_get_contents(path, &bytes, &size, &error)) {
        fprintf(stderr, "replay: %s\n", error->message);
        return FALSE;
    }
    /* Not with the byte that GLib puts behind it: what reads too far is to be seen. */
    uint8_t *exact = malloc(size);

    if (size > 0)
        memcpy(exact, bytes, size);
    printf("%s\n", path);
    fflush(stdout); /* it may be the last thing that it says */
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    count++;
    return TRUE;
}

static gboolean replay(const char *path)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    gboolean success = TRUE;
    const char *name;

    if (!folder)
        return replay_file(path);
    while ((name = g_dir_read_name(folder)))
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++)
        success = replay(names->pdata[i]) && success;
    return success;
}

int main(int argc, char **argv)
{
    gboolean success = TRUE;

    for (int i = 1; i < argc; i++)
        success = replay(argv[i]) && success;
    if (success && count > 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "replay: %u inputs were read\n", count);
    return EXIT_FAILURE;
}
