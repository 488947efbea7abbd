#include "commands/diff_sides.h"

#include "diff/statistics.h"
#include "ingest/ingest.h"
#include "source/traces.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static gboolean is_recording(const char *directory, gboolean *has_several)
{
    g_autoptr(GError) failure = NULL;
    struct ct_traces traces;

    if (ct_traces_find(directory, &traces, &failure)) {
        ct_traces_clear(&traces);
        return TRUE;
    }
    *has_several = g_error_matches(failure, CT_INGEST_ERROR, CT_INGEST_ERROR_SEVERAL);
    return FALSE;
}

/* Those inside of it, sorted; what is none is left for whoever reads it to complain about. */
static void add_directory(GPtrArray *list, const char *directory)
{
    g_autoptr(GPtrArray) inside = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) folder = NULL;
    gboolean has_several = FALSE;
    const char *name;

    if (!is_recording(directory, &has_several) && has_several)
        folder = g_dir_open(directory, 0, NULL);
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename(directory, name, NULL);

        if (g_file_test(path, G_FILE_TEST_IS_DIR) && is_recording(path, &has_several))
            g_ptr_array_add(inside, g_steal_pointer(&path));
    }
    if (inside->len == 0)
        g_ptr_array_add(inside, g_strdup(directory));
    g_ptr_array_sort(inside, compare_paths);
    for (guint i = 0; i < inside->len; i++)
        g_ptr_array_add(list, g_strdup(inside->pdata[i]));
}

/* Files beside the recordings, such as their logs, are none of them. */
static gboolean add_pattern(GPtrArray *list, const char *pattern, GError **error)
{
    guint count = list->len;
    glob_t found = {0};
    gboolean is_found = glob(pattern, 0, NULL, &found) == 0;

    for (size_t i = 0; is_found && i < found.gl_pathc; i++) {
        if (g_file_test(found.gl_pathv[i], G_FILE_TEST_IS_DIR))
            add_directory(list, found.gl_pathv[i]);
    }
    globfree(&found);
    if (list->len > count)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                is_found ? "'%s' stands for no folder: a recording is one"
                         : "there is nothing that '%s' stands for",
                pattern);
    return FALSE;
}

static gboolean add_name(GPtrArray *list, const char *name, GError **error)
{
    if (!*name) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "a recording has no name: write a,b without a comma before or after");
        return FALSE;
    }
    if (!g_file_test(name, G_FILE_TEST_EXISTS) && strpbrk(name, "*?["))
        return add_pattern(list, name, error);
    add_directory(list, name);
    return TRUE;
}

GPtrArray *ct_diff_side_list(const char *text, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    /* A name may have a comma in it. */
    gboolean is_one = g_file_test(text, G_FILE_TEST_EXISTS) || !*text;
    g_auto(GStrv) names =
        is_one ? g_strdupv((char *[]){(char *)text, NULL}) : g_strsplit(text, ",", -1);

    for (char **name = names; *name; name++) {
        if (!add_name(list, *name, error))
            return NULL;
    }
    return g_steal_pointer(&list);
}

static gboolean check_side(const GPtrArray *list, GHashTable *known, GError **error)
{
    if (list->len > CT_VALUES_MAX) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "a side has %u recordings: no more than %d are compared", list->len,
                    CT_VALUES_MAX);
        return FALSE;
    }
    for (guint i = 0; i < list->len; i++) {
        char *path = realpath(list->pdata[i], NULL);
        char *key = g_strdup(path ? path : list->pdata[i]);

        free(path);
        if (!g_hash_table_add(known, key)) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                        "'%s' is named twice: a run counts once, and proves nothing against itself",
                        (const char *)list->pdata[i]);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean ct_diff_sides_check(const GPtrArray *old, const GPtrArray *new, GError **error)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    return check_side(old, known, error) && check_side(new, known, error);
}
