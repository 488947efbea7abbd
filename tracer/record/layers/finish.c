#include "finish.h"

#include "files/tree.h"
#include "sandbox/sandbox.h"
#include "spool/images.h"
#include "spool/spool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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
    if (totals->unpreloaded_processes > 0)
        totals->unpreloaded_names = g_strsplit(g_strchomp(names), "\n", -1);
    return TRUE;
}

/* In the child: without who waits for it, it would be in the way of whoever finishes the recording.
 */
static void end_with_parent(void *parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != GPOINTER_TO_INT(parent))
        _exit(1);
}

/* The error is G_FILE_ERROR_INTR if somebody killed the converter. */
static gboolean run(const char *path, const struct ct_kernel_scope *scope,
                    struct ct_kernel_totals *totals, GError **error)
{
    g_autofree char *converter = find_converter();
    g_autofree char *root = g_strdup_printf("%d", scope->root_pid);
    g_autofree char *frames = g_strdup_printf("%u", scope->stack_frames);
    g_autofree char *deserted =
        g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)scope->deserted_until_ns);
    g_autofree char *begin = g_strdup_printf("%" G_GUINT64_FORMAT, (guint64)scope->begin_ns);
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    char *follows = scope->follows_children ? "1" : "0";
    char *argv[] = {converter, ".", root, follows, frames, deserted, begin, NULL};
    g_autoptr(GError) failure = NULL;
    int status;

    /* It begins there: `path` may mean something to us alone. */
    if (!g_spawn_sync(path, argv, NULL, G_SPAWN_DEFAULT, end_with_parent, GINT_TO_POINTER(getpid()),
                      &out, &err, &status, &failure)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot run %s: %s", converter,
                    failure->message);
        return FALSE;
    }
    if (g_spawn_check_wait_status(status, &failure) && parse_totals(out, totals))
        return TRUE;
    gboolean is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    g_set_error(error, G_FILE_ERROR, is_killed ? G_FILE_ERROR_INTR : G_FILE_ERROR_FAILED,
                "it could not be written%s: %s", is_killed ? "" : ", is the disk full?",
                *last_words(err) != '\0' ? last_words(err)
                : failure != NULL        ? failure->message
                                         : "");
    return FALSE;
}

static gboolean has_anything(const struct ct_kernel_totals *totals)
{
    return totals->events + totals->samples + totals->lost + totals->samples_lost > 0;
}

/* What a killed recorder left may only tell how it was when the part began that is kept: of a whole
 * recording, that is what there is. */
static gboolean has_happened(const struct ct_kernel_scope *scope, struct ct_kernel_totals *totals,
                             GError **error)
{
    if (scope->begin_ns == 0 || scope->deserted_until_ns == 0 || totals->told_until_ns != 0 ||
        !has_anything(totals))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "the recorder was killed before anything was on the disk of what happened in what "
                "is kept");
    return FALSE;
}

static void forget(struct ct_kernel_totals *totals)
{
    g_strfreev(totals->unpreloaded_names);
    *totals = (struct ct_kernel_totals){0};
}

static gboolean take_over(const char *path, const char *kernel, GError **error)
{
    g_autofree char *converted = g_build_filename(path, CT_SPOOL_KERNEL, NULL);

    ct_tree_remove(kernel);
    if (rename(converted, kernel) == 0) {
        ct_sandbox_take_back(kernel);
        return TRUE;
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot make %s: %s", kernel,
                g_strerror(errno));
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
    g_autoptr(GError) failure = NULL;
    gboolean is_done = run(path, scope, totals, &failure);
    if (g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_INTR)) {
        g_clear_error(&failure);
        is_done = run(path, scope, totals, &failure);
    }

    is_done = is_done && has_happened(scope, totals, &failure);
    if (is_done && has_anything(totals))
        is_done = take_over(path, kernel, &failure);
    if (!is_done)
        forget(totals);
    if (failure != NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    ct_spool_remove(path);
    return is_done;
}

void ct_kernel_note_preloaded(const char *path, const GArray *preloaded)
{
    g_autofree char *spool = g_build_filename(path, CT_SPOOL_FOLDER, NULL);

    if (g_file_test(spool, G_FILE_TEST_IS_DIR))
        ct_preloaded_write(path, preloaded);
}
