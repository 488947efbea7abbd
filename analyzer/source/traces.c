#include "source/traces.h"

#include "files/regular_file.h"
#include "source/error.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* LTTng nests its traces five deep. */
#define DEPTH_MAX  12
#define TRACES_MAX 256

/* Says of the first one only: what is wrong with one is wrong with all, as a rule. */
static void note_unreadable(struct ct_traces *traces, const char *path, int number)
{
    if (!traces->unreadable)
        traces->unreadable = g_strdup_printf("cannot read '%s': %s", path, g_strerror(number));
}

static gboolean is_readable(struct ct_traces *traces, const char *path, int mode)
{
    if (access(path, mode) == 0)
        return TRUE;
    note_unreadable(traces, path, errno);
    return FALSE;
}

/* The trace in `folder`: babeltrace2 reads all files of a trace or none. */
static void add_trace(struct ct_traces *traces, const char *path, GDir *folder)
{
    const char *name;

    while ((name = g_dir_read_name(folder))) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        if (g_file_test(file, G_FILE_TEST_IS_REGULAR) && !is_readable(traces, file, R_OK))
            return;
    }
    g_ptr_array_add(traces->paths, g_strdup(path));
}

static void search(const char *path, unsigned depth, struct ct_traces *traces)
{
    g_autofree char *metadata = g_build_filename(path, "metadata", NULL);
    const char *name;

    /* A folder that can be listed but not entered would seem to hold nothing. */
    if (traces->paths->len > TRACES_MAX || !is_readable(traces, path, R_OK | X_OK))
        return;
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);

    if (folder && ct_regular_file_is(metadata)) {
        add_trace(traces, path, folder);
        return;
    }
    while (folder && depth < DEPTH_MAX && (name = g_dir_read_name(folder))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            search(child, depth + 1, traces);
    }
}

/* What the parts of a recording are called. */
static gboolean is_part(const char *name)
{
    return g_str_equal(name, "ust") || g_str_equal(name, "kernel") || g_str_equal(name, "closing");
}

/* The directory of the recording that a trace is part of: what its parts lie in. A trace that is
 * in no such part is taken to be a part of `directory`. */
static char *recording_of(const char *trace, const char *directory)
{
    g_autofree char *at = g_strdup(trace);
    gboolean is_inside = FALSE;

    while (strlen(at) > strlen(directory)) {
        g_autofree char *name = g_path_get_basename(at);

        if (is_inside && !is_part(name))
            return g_steal_pointer(&at);
        is_inside = is_part(name);

        char *parent = g_path_get_dirname(at);

        g_free(at);
        at = parent;
    }
    return g_strdup(directory);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of several recordings, the one that `directory` itself is. FALSE if it is none of them. */
static gboolean choose_recording(const char *directory, GPtrArray *paths, GError **error)
{
    g_autoptr(GPtrArray) recordings = g_ptr_array_new_with_free_func(g_free);
    guint own_count = 0;

    for (guint i = 0; i < paths->len; i++) {
        char *recording = recording_of(paths->pdata[i], directory);

        own_count += g_str_equal(recording, directory);
        g_ptr_array_add(recordings, recording);
    }
    for (guint i = paths->len; own_count > 0 && i-- > 0;) {
        if (!g_str_equal(recordings->pdata[i], directory))
            g_ptr_array_remove_index(paths, i);
    }
    for (guint i = 1; own_count == 0 && i < recordings->len; i++) {
        if (!g_str_equal(recordings->pdata[i], recordings->pdata[0])) {
            g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_SEVERAL,
                        "there is more than one recording below '%s': name one of them, such as "
                        "'%s'",
                        directory, (char *)recordings->pdata[0]);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean check_directory(const char *directory, GError **error)
{
    struct stat status;

    if (stat(directory, &status) == 0 && S_ISDIR(status.st_mode))
        return TRUE;
    if (errno == ENOENT)
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_FOUND,
                    "there is no '%s': name the directory of a recording, or make one with "
                    "'ctrace record -o %s PROGRAM'",
                    directory, directory);
    else if (stat(directory, &status) == 0)
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_FOUND,
                    "'%s' is a file: a recording is a directory, as 'ctrace record' makes it",
                    directory);
    else
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_FOUND, "cannot read '%s': %s",
                    directory, g_strerror(errno));
    return FALSE;
}

static gboolean find(const char *directory, struct ct_traces *traces, GError **error)
{
    if (!check_directory(directory, error))
        return FALSE;
    search(directory, 0, traces);
    if (traces->paths->len == 0 && traces->unreadable) {
        g_set_error_literal(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_FOUND, traces->unreadable);
        return FALSE;
    }
    if (traces->paths->len == 0) {
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_FOUND,
                    "there is no trace in '%s' (no CTF metadata file below it): name the "
                    "directory that 'ctrace record' made",
                    directory);
        return FALSE;
    }
    if (traces->paths->len > TRACES_MAX) {
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_SEVERAL,
                    "there are more than %d traces below '%s', which no recording has: name one",
                    TRACES_MAX, directory);
        return FALSE;
    }
    g_ptr_array_sort(traces->paths, compare_paths);
    return choose_recording(directory, traces->paths, error);
}

gboolean ct_traces_find(const char *directory, struct ct_traces *traces, GError **error)
{
    /* As it is compared with what lies below it: without a slash at its end. */
    g_autofree char *plain = g_strdup(directory);

    for (size_t length = strlen(plain); length > 1 && plain[length - 1] == '/';)
        plain[--length] = '\0';
    *traces = (struct ct_traces){.paths = g_ptr_array_new_with_free_func(g_free)};
    if (find(plain, traces, error))
        return TRUE;
    ct_traces_clear(traces);
    return FALSE;
}

void ct_traces_clear(struct ct_traces *traces)
{
    g_clear_pointer(&traces->paths, g_ptr_array_unref);
    g_clear_pointer(&traces->unreadable, g_free);
}
