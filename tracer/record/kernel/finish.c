#include "finish.h"

#include "../tree.h"
#include "images.h"
#include "spool.h"

#include <string.h>

#define CONVERTER "ctrace-kernel-convert"

/* Beside this program, in a build tree and when installed. */
static char *find_converter(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *place = g_path_get_dirname(self != NULL ? self : "/");

    return g_build_filename(place, CONVERTER, NULL);
}

/* The last line of what it said. */
static const char *last_words(char *text)
{
    g_strchomp(text);
    const char *line = strrchr(text, '\n');

    return line != NULL ? line + 1 : text;
}

/* FALSE if the text is not that of all totals. */
static gboolean parse_totals(const char *text, struct ct_kernel_totals *totals)
{
    char *end = (char *)text;

#define PARSE_TOTAL(name)                            \
    text = end;                                      \
    totals->name = g_ascii_strtoull(text, &end, 10); \
    if (end == text)                                 \
        return FALSE;
    CT_KERNEL_TOTALS(PARSE_TOTAL)
#undef PARSE_TOTAL
    /* Then the names, one in a line. */
    end += strspn(end, " \n");
    g_autofree char *names = g_utf8_make_valid(end, -1);
    if (totals->hidden_processes > 0)
        totals->hidden_names = g_strsplit(g_strchomp(names), "\n", -1);
    return TRUE;
}

static gboolean run(const char *path, const struct ct_kernel_scope *scope,
                    struct ct_kernel_totals *totals, GError **error)
{
    g_autofree char *converter = find_converter();
    g_autofree char *root = g_strdup_printf("%d", scope->root_pid);
    g_autofree char *frames = g_strdup_printf("%u", scope->stack_frames);
    g_autofree char *deserted =
        g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)scope->deserted_until_ns);
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    char *follows = scope->follows_children ? "1" : "0";
    char *argv[] = {converter, ".", root, follows, frames, deserted, NULL};
    g_autoptr(GError) failure = NULL;
    int status;

    /* It begins there: `path` may mean something to us alone. */
    if (!g_spawn_sync(path, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, &err, &status,
                      &failure)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot run %s: %s", converter,
                    failure->message);
        return FALSE;
    }
    if (g_spawn_check_wait_status(status, &failure) && parse_totals(out, totals))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "it could not be written, is the disk "
                "full? %s",
                *last_words(err) != '\0' ? last_words(err)
                : failure != NULL        ? failure->message
                                         : "");
    return FALSE;
}

gboolean ct_kernel_finish(const char *path, const struct ct_kernel_scope *scope,
                          const GArray *preloaded, struct ct_kernel_totals *totals, GError **error)
{
    g_autofree char *spool = g_build_filename(path, CT_SPOOL_FOLDER, NULL);
    g_autofree char *kernel = g_build_filename(path, "kernel", NULL);

    *totals = (struct ct_kernel_totals){0};
    if (!g_file_test(spool, G_FILE_TEST_IS_DIR))
        return TRUE;
    g_autoptr(GArray) all = ct_preloaded_read(path);
    g_array_append_vals(all, preloaded->data, preloaded->len);
    ct_preloaded_write(path, all);
    gboolean is_done = run(path, scope, totals, error);

    ct_spool_remove(path);
    if (!is_done) {
        ct_tree_remove(kernel);
        *totals = (struct ct_kernel_totals){0};
    }
    return is_done;
}

void ct_kernel_note_preloaded(const char *path, const GArray *preloaded)
{
    g_autofree char *spool = g_build_filename(path, CT_SPOOL_FOLDER, NULL);

    if (g_file_test(spool, G_FILE_TEST_IS_DIR))
        ct_preloaded_write(path, preloaded);
}
