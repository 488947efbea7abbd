#include "push/describe.h"

#include "cli/worker.h"
#include "export/gzip.h"
#include "export/otlp_profile.h"
#include "export/pprof_message.h"
#include "files/regular_file.h"
#include "trend/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NS_PER_S INT64_C(1000000000)

/* Of what is made of them: beyond it they are to be sent in parts. */
#define MADE_SIZE_MAX (UINT64_C(512) << 20)

/* Larger profiles than any that is known. */
#define FILE_SIZE_MAX (INT64_C(256) << 20)

/* Of a file: its path and what is wrong with it; the program, when it began and how long it is in
 * nanoseconds, the names and units of its values; and what it is in OpenTelemetry's form, if that
 * is asked for. */
#define ROW_TYPE  "(sssxxa(ss)ay)"
#define ROWS_TYPE "a" ROW_TYPE

#define UNKNOWN_PROGRAM "unknown"

static const char gzip_magic[] = {'\x1f', '\x8b'};

struct job {
    const struct ct_push_question *question;
    GPtrArray *files;   /* struct ct_trend_file *, owned */
    uint64_t made_size; /* in the worker */
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

static const char *application_of(const struct ct_push_question *question, const char *program)
{
    if (question->application)
        return question->application;
    return ct_push_check_application(program, NULL) ? program : UNKNOWN_PROGRAM;
}

static int64_t begin_of(const struct ct_trend_file *file, int64_t time_ns)
{
    int64_t begin_ns = time_ns;

    if (begin_ns <= 0)
        begin_ns = file->named_ns > 0 ? file->named_ns : file->written_ns;
    return MAX(begin_ns, 0);
}

/* Empty, and an error, where it is too much. */
static GBytes *make_otlp(struct job *job, const struct ct_trend_file *file,
                         const struct ct_pprof_file *read, GError **error)
{
    const struct ct_otlp_profile_origin origin = {
        .service = application_of(job->question, program_of(read)),
        .labels = job->question->labels,
        .begin_ns = begin_of(file, ct_pprof_file_time_ns(read)),
        .duration_ns = (uint64_t)MAX(ct_pprof_file_duration_ns(read), 0)};
    g_autoptr(GBytes) made = ct_otlp_profile(read, &origin);

    job->made_size += g_bytes_get_size(made);
    if (job->made_size <= MADE_SIZE_MAX)
        return g_steal_pointer(&made);
    g_set_error(error, CT_PUSH_ERROR, CT_PUSH_ERROR_TOO_MUCH,
                "%s is too much for one time: send fewer files at a time", file->path);
    return g_bytes_new(NULL, 0);
}

static void add_values(GVariantBuilder *rows, const struct ct_pprof_file *read)
{
    g_variant_builder_open(rows, G_VARIANT_TYPE("a(ss)"));
    for (size_t i = 0; read && i < read->profile->n_sample_type; i++) {
        g_autofree char *name = g_utf8_make_valid(ct_pprof_file_value_name(read, (int)i), -1);
        g_autofree char *unit = g_utf8_make_valid(ct_pprof_file_value_unit(read, (int)i), -1);

        g_variant_builder_add(rows, "(ss)", name, unit);
    }
    g_variant_builder_close(rows);
}

static void add_row(struct job *job, GVariantBuilder *rows, const struct ct_trend_file *file)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ct_pprof_file) read = ct_pprof_file_read(file->path, &error);
    g_autoptr(GBytes) made =
        read && job->question->is_otlp ? make_otlp(job, file, read, &error) : g_bytes_new(NULL, 0);
    g_autofree char *path = g_utf8_make_valid(file->path, -1);
    g_autofree char *problem = g_utf8_make_valid(error ? error->message : "", -1);
    g_autofree char *program = g_utf8_make_valid(read ? program_of(read) : "", -1);

    g_variant_builder_open(rows, G_VARIANT_TYPE(ROW_TYPE));
    g_variant_builder_add(rows, "s", path);
    g_variant_builder_add(rows, "s", problem);
    g_variant_builder_add(rows, "s", program);
    g_variant_builder_add(rows, "x", read ? ct_pprof_file_time_ns(read) : 0);
    g_variant_builder_add(rows, "x", read ? ct_pprof_file_duration_ns(read) : 0);
    add_values(rows, read);
    g_variant_builder_add_value(rows,
                                g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, made, TRUE));
    g_variant_builder_close(rows);
}

static int work(void *user, struct ct_activity *activity)
{
    struct job *job = user;
    GVariantBuilder rows;

    (void)activity;
    g_variant_builder_init(&rows, G_VARIANT_TYPE(ROWS_TYPE));
    for (guint i = 0; i < job->files->len; i++)
        add_row(job, &rows, job->files->pdata[i]);
    g_autoptr(GVariant) made = g_variant_ref_sink(g_variant_builder_end(&rows));

    fwrite(g_variant_get_data(made), 1, g_variant_get_size(made), stdout);
    return EXIT_SUCCESS;
}

/* ---- What it told ---- */

static struct ct_push_profile *make_profile(const struct ct_trend_file *file, int64_t time_ns,
                                            int64_t duration_ns)
{
    struct ct_push_profile *profile = ct_push_profile_new();

    profile->origin = g_strdup(file->path);
    profile->begin_ns = begin_of(file, time_ns);
    profile->end_ns = duration_ns > 0 && profile->begin_ns <= INT64_MAX - duration_ns
                          ? profile->begin_ns + duration_ns
                          : profile->begin_ns;
    return profile;
}

static void read_row(const struct job *job, GVariant *row, const struct ct_trend_file *file,
                     struct ct_push_file *made)
{
    const struct ct_push_question *question = job->question;
    g_autoptr(GVariantIter) values = NULL;
    g_autoptr(GVariant) bytes = NULL;
    const char *path;
    const char *problem;
    const char *program;
    const char *name;
    const char *unit;
    int64_t time_ns;
    int64_t duration_ns;

    g_variant_get(row, "(&s&s&sxxa(ss)@ay)", &path, &problem, &program, &time_ns, &duration_ns,
                  &values, &bytes);
    if (*problem != '\0') {
        made->problem = g_strdup(problem);
        return;
    }
    made->profile = make_profile(file, time_ns, duration_ns);
    made->profile->application = g_strdup(application_of(question, program));
    made->profile->labels = g_strdupv((char **)question->labels);
    while (g_variant_iter_next(values, "(&s&s)", &name, &unit))
        ct_push_profile_add_value(made->profile, name, unit);
    if (question->is_otlp)
        made->profile->bytes = g_variant_get_data_as_bytes(bytes);
}

static void push_file_free(void *data)
{
    struct ct_push_file *file = data;

    ct_push_profile_free(file->profile);
    g_free(file->problem);
    g_free(file);
}

/* The worker read files of strangers: its answer is as theirs. */
static GPtrArray *read_rows(const struct job *job, GBytes *bytes)
{
    GPtrArray *made = g_ptr_array_new_with_free_func(push_file_free);
    g_autoptr(GVariant) rows =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(ROWS_TYPE), bytes, FALSE));
    gsize count = g_variant_n_children(rows);

    for (guint i = 0; i < job->files->len; i++) {
        struct ct_push_file *file = g_new0(struct ct_push_file, 1);

        g_ptr_array_add(made, file);
        if (i < count) {
            g_autoptr(GVariant) row = g_variant_get_child_value(rows, i);

            read_row(job, row, job->files->pdata[i], file);
        } else {
            file->problem = g_strdup("it was not read");
        }
    }
    return made;
}

GPtrArray *ct_push_describe(const struct ct_push_question *question, GError **error)
{
    struct job job = {question, g_ptr_array_new_with_free_func(file_free), 0};
    struct ct_worker_result result = {0};
    GPtrArray *made = NULL;
    gboolean is_found = TRUE;

    for (char *const *path = question->paths; is_found && *path; path++)
        is_found = g_file_test(*path, G_FILE_TEST_IS_DIR) ? add_folder(job.files, *path, error)
                                                          : add_file(job.files, *path, error);
    if (is_found && ct_worker_run(question->paths[0], work, &job, &result, error)) {
        made = read_rows(&job, result.output);
        ct_worker_result_clear(&result);
    }
    g_ptr_array_unref(job.files);
    return made;
}

gboolean ct_push_load(struct ct_push_profile *profile, GError **error)
{
    char *contents;
    gsize size;

    if (profile->bytes)
        return TRUE;
    if (!ct_regular_file_read(profile->origin, FILE_SIZE_MAX, &contents, &size)) {
        int number = errno;

        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number), "cannot read '%s': %s",
                    profile->origin, g_strerror(number));
        return FALSE;
    }
    g_autoptr(GBytes) bytes = g_bytes_new_take(contents, size);

    /* Parca takes no other. */
    if (size >= sizeof(gzip_magic) && memcmp(contents, gzip_magic, sizeof(gzip_magic)) == 0)
        profile->bytes = g_steal_pointer(&bytes);
    else
        profile->bytes = ct_gzip(bytes, error);
    return profile->bytes != NULL;
}
