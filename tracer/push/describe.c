#include "push/describe.h"

#include "cli/worker.h"
#include "export/gzip.h"
#include "export/pprof_message.h"
#include "trend/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NS_PER_S INT64_C(1000000000)

/* Larger profiles than any that is known. */
#define FILE_SIZE_MAX (INT64_C(256) << 20)

/* Of a file: its path and what is wrong with it; the program, when it began and how long it is in
 * nanoseconds, and the names and units of its values. */
#define ROW_TYPE  "(sssxxa(ss))"
#define ROWS_TYPE "a" ROW_TYPE

#define UNKNOWN_PROGRAM "unknown"

static const char gzip_magic[] = {'\x1f', '\x8b'};

struct job {
    GPtrArray *files; /* struct ct_trend_file *, owned */
};

/* ---- Which files ---- */

static void file_free(void *data)
{
    struct ct_trend_file *file = data;

    g_free(file->path);
    g_free(file->kind);
    g_free(file);
}

static gboolean add_file(GPtrArray *files, const char *path, GError **error)
{
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *folder_name = g_path_get_basename(folder);
    struct stat status;

    if (stat(path, &status) != 0) {
        int number = errno;

        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number), "cannot read '%s': %s",
                    path, g_strerror(number));
        return FALSE;
    }
    struct ct_trend_file *file = g_new0(struct ct_trend_file, 1);

    file->path = g_strdup(path);
    file->named_ns = ct_trend_named_time(name);
    if (file->named_ns == 0)
        file->named_ns = ct_trend_named_time(folder_name);
    file->written_ns = (int64_t)status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec;
    g_ptr_array_add(files, file);
    return TRUE;
}

static gboolean add_folder(GPtrArray *files, const char *path, GError **error)
{
    g_autoptr(GPtrArray) found = ct_trend_files_find(path, error);

    if (!found)
        return FALSE;
    if (found->len == 0) {
        g_set_error(error, CT_TREND_ERROR, CT_TREND_ERROR_NOTHING,
                    "no profile is in %s: their names end in .pb.gz, .pb, .pprof or .prof", path);
        return FALSE;
    }
    g_ptr_array_extend_and_steal(files, g_steal_pointer(&found));
    return TRUE;
}

/* ---- In the worker ---- */

static const char *program_of(const struct ct_pprof_file *file)
{
    const Pprof__Profile *profile = file->profile;
    const char *path =
        profile->n_mapping > 0 ? ct_pprof_file_string(file, profile->mapping[0]->filename) : "";
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void add_row(GVariantBuilder *rows, const struct ct_trend_file *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ct_pprof_file) read = ct_pprof_file_read(file->path, &error);
    g_autofree char *path = g_utf8_make_valid(file->path, -1);
    g_autofree char *problem = g_utf8_make_valid(error ? error->message : "", -1);
    g_autofree char *program = g_utf8_make_valid(read ? program_of(read) : "", -1);

    g_variant_builder_open(rows, G_VARIANT_TYPE(ROW_TYPE));
    g_variant_builder_add(rows, "s", path);
    g_variant_builder_add(rows, "s", problem);
    g_variant_builder_add(rows, "s", program);
    g_variant_builder_add(rows, "x", read ? ct_pprof_file_time_ns(read) : 0);
    g_variant_builder_add(rows, "x", read ? ct_pprof_file_duration_ns(read) : 0);
    g_variant_builder_open(rows, G_VARIANT_TYPE("a(ss)"));
    for (size_t i = 0; read && i < read->profile->n_sample_type; i++) {
        g_autofree char *name = g_utf8_make_valid(ct_pprof_file_value_name(read, (int)i), -1);
        g_autofree char *unit = g_utf8_make_valid(ct_pprof_file_value_unit(read, (int)i), -1);

        g_variant_builder_add(rows, "(ss)", name, unit);
    }
    g_variant_builder_close(rows);
    g_variant_builder_close(rows);
}

static int work(void *user, struct ct_activity *activity)
{
    const struct job *job = user;
    GVariantBuilder rows;

    (void)activity;
    g_variant_builder_init(&rows, G_VARIANT_TYPE(ROWS_TYPE));
    for (guint i = 0; i < job->files->len; i++)
        add_row(&rows, job->files->pdata[i]);
    g_autoptr(GVariant) made = g_variant_ref_sink(g_variant_builder_end(&rows));

    fwrite(g_variant_get_data(made), 1, g_variant_get_size(made), stdout);
    return EXIT_SUCCESS;
}

/* ---- What it told ---- */

static struct ct_push_profile *make_profile(const struct ct_trend_file *file, const char *program,
                                            int64_t time_ns, int64_t duration_ns)
{
    struct ct_push_profile *profile = ct_push_profile_new();

    profile->origin = g_strdup(file->path);
    profile->application = g_strdup(program);
    profile->begin_ns = time_ns > 0          ? time_ns
                        : file->named_ns > 0 ? file->named_ns
                                             : file->written_ns;
    profile->begin_ns = MAX(profile->begin_ns, 0);
    profile->end_ns = duration_ns > 0 && profile->begin_ns <= INT64_MAX - duration_ns
                          ? profile->begin_ns + duration_ns
                          : profile->begin_ns;
    return profile;
}

static void read_row(GVariant *row, const struct ct_trend_file *file, const char *application,
                     char *const *labels, struct ct_push_file *made)
{
    g_autoptr(GVariantIter) values = NULL;
    const char *path;
    const char *problem;
    const char *program;
    const char *name;
    const char *unit;
    int64_t time_ns;
    int64_t duration_ns;

    g_variant_get(row, "(&s&s&sxxa(ss))", &path, &problem, &program, &time_ns, &duration_ns,
                  &values);
    if (*problem != '\0') {
        made->problem = g_strdup(problem);
        return;
    }
    if (application)
        program = application;
    else if (!ct_push_check_application(program, NULL))
        program = UNKNOWN_PROGRAM;
    made->profile = make_profile(file, program, time_ns, duration_ns);
    made->profile->labels = g_strdupv((char **)labels);
    while (g_variant_iter_next(values, "(&s&s)", &name, &unit))
        ct_push_profile_add_value(made->profile, name, unit);
}

static void push_file_free(void *data)
{
    struct ct_push_file *file = data;

    ct_push_profile_free(file->profile);
    g_free(file->problem);
    g_free(file);
}

/* The worker read files of strangers: its answer is as theirs. */
static GPtrArray *read_rows(GBytes *bytes, const GPtrArray *files, const char *application,
                            char *const *labels)
{
    GPtrArray *made = g_ptr_array_new_with_free_func(push_file_free);
    g_autoptr(GVariant) rows =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(ROWS_TYPE), bytes, FALSE));
    gsize count = g_variant_n_children(rows);

    for (guint i = 0; i < files->len; i++) {
        struct ct_push_file *file = g_new0(struct ct_push_file, 1);

        g_ptr_array_add(made, file);
        if (i < count) {
            g_autoptr(GVariant) row = g_variant_get_child_value(rows, i);

            read_row(row, files->pdata[i], application, labels, file);
        } else {
            file->problem = g_strdup("it was not read");
        }
    }
    return made;
}

GPtrArray *ct_push_describe(char *const *paths, const char *application, char *const *labels,
                            GError **error)
{
    struct job job = {g_ptr_array_new_with_free_func(file_free)};
    struct ct_worker_result result = {0};
    GPtrArray *made = NULL;
    gboolean is_found = TRUE;

    for (char *const *path = paths; is_found && *path; path++)
        is_found = g_file_test(*path, G_FILE_TEST_IS_DIR) ? add_folder(job.files, *path, error)
                                                          : add_file(job.files, *path, error);
    if (is_found && ct_worker_run(paths[0], work, &job, &result, error)) {
        made = read_rows(result.output, job.files, application, labels);
        ct_worker_result_clear(&result);
    }
    g_ptr_array_unref(job.files);
    return made;
}

gboolean ct_push_load(struct ct_push_profile *profile, GError **error)
{
    struct stat status;
    char *contents;
    gsize size;

    if (stat(profile->origin, &status) == 0 &&
        (!S_ISREG(status.st_mode) || status.st_size > FILE_SIZE_MAX)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "%s is no file, or larger than any profile", profile->origin);
        return FALSE;
    }
    if (!g_file_get_contents(profile->origin, &contents, &size, error))
        return FALSE;
    g_autoptr(GBytes) bytes = g_bytes_new_take(contents, size);

    /* Parca takes no other. */
    if (size >= sizeof(gzip_magic) && memcmp(contents, gzip_magic, sizeof(gzip_magic)) == 0)
        profile->bytes = g_steal_pointer(&bytes);
    else
        profile->bytes = ct_gzip(bytes, error);
    return profile->bytes != NULL;
}
