#include "commands/bench_store.h"

#include "files/tree.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static gboolean fail(GError **error, const char *what, const char *path)
{
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot %s %s: %s", what,
                path, g_strerror(errno));
    return FALSE;
}

gboolean ct_bench_store_check_name(const char *name, const char *option, GError **error)
{
    if (!name || (*name && *name != '.' && *name != '-' && !strpbrk(name, "/,*?[")))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s=%s is no name: a word such as baseline, without slashes, commas and patterns",
                option, name);
    return FALSE;
}

gboolean ct_bench_store_open(struct ct_bench_store *store, const char *folder, const char *name,
                             GError **error)
{
    g_autofree char *aside = g_strdup_printf(".%s.%d", name, (int)getpid());

    *store = (struct ct_bench_store){g_strdup(folder), g_strdup(name),
                                     g_build_filename(folder, aside, NULL)};
    return g_mkdir_with_parents(store->aside, 0777) == 0 || fail(error, "make", store->aside);
}

char *ct_bench_store_make(const struct ct_bench_store *store, const char *kind, GError **error)
{
    g_autofree char *path = g_build_filename(store->aside, kind, NULL);

    if (g_mkdir_with_parents(path, 0777) == 0)
        return g_steal_pointer(&path);
    fail(error, "make", path);
    return NULL;
}

char *ct_bench_store_find(const struct ct_bench_store *store, const char *name, const char *kind)
{
    char *path = g_build_filename(store->folder, name, kind, NULL);

    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return path;
    g_free(path);
    return NULL;
}

gboolean ct_bench_store_keep(const struct ct_bench_store *store, GError **error)
{
    g_autofree char *path = g_build_filename(store->folder, store->name, NULL);
    g_autofree char *before = g_strdup_printf("%s.before", store->aside);
    gboolean has_before = g_rename(path, before) == 0;

    if (g_rename(store->aside, path) != 0) {
        int code = errno;

        if (has_before)
            g_rename(before, path);
        errno = code;
        return fail(error, "keep the runs as", path);
    }
    ct_tree_remove(before);
    return TRUE;
}

gboolean ct_bench_store_move(const char *directory, const char *path)
{
    ct_tree_remove(path);
    return g_rename(directory, path) == 0;
}

void ct_bench_store_remove(const char *directory)
{
    g_autofree char *log = g_strconcat(directory, ".log", NULL);

    ct_tree_remove(directory);
    g_unlink(log);
}

void ct_bench_store_close(struct ct_bench_store *store)
{
    if (store->aside)
        ct_tree_remove(store->aside);
    g_free(store->folder);
    g_free(store->name);
    g_free(store->aside);
}
