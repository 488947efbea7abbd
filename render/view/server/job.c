#include "view/server/job.h"

#include "files/tree.h"
#include "view/server/errors.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

/* More at once would only make each take longer. */
#define JOBS_MAX 8

/* An answer for the page; files may be as large as there is room for. */
#define ANSWER_MAX (UINT64_C(1) << 26)

#define SAID_MAX 4000

/* Whatever is asked. */
enum { USUAL_SECONDS = 600, QUERY_SECONDS = 30 };

#define ANSWER_NAME "answer"
#define SAID_NAME   "said"

/* What is downloaded, and by which command that is made. */
static const struct download {
    const char *what;
    const char *program;
    const char *argument; /* before all others; NULL: a picture, whose name tells its format */
    const char *type;
    const char *ending;
    gboolean has_profile;
} downloads[] = {
    {"pprof", "ctrace-export", "--format=pprof", "application/octet-stream", ".pb.gz", TRUE},
    {"folded", "ctrace-export", "--format=folded", "text/plain", ".folded", TRUE},
    {"speedscope", "ctrace-export", "--format=speedscope", "application/json", ".speedscope.json",
     TRUE},
    {"perfetto", "ctrace-export", "--format=perfetto", "application/octet-stream", ".pftrace",
     FALSE},
    {"chrome", "ctrace-export", "--format=chrome", "application/json", ".json", FALSE},
    {"csv", "ctrace-export", "--format=csv", "text/csv", ".csv", FALSE},
    {"json", "ctrace-export", "--format=json", "application/json", ".waits.json", FALSE},
    {"svg", "ctrace-timeline", NULL, "image/svg+xml", ".svg", FALSE},
    {"png", "ctrace-timeline", NULL, "image/png", ".png", FALSE},
    {"pdf", "ctrace-timeline", NULL, "application/pdf", ".pdf", FALSE},
};

struct ct_view_jobs {
    GPtrArray *running; /* owned; struct ct_view_job *, each owned until it has ended */
};

struct ct_view_job {
    struct ct_view_jobs *jobs; /* borrowed */
    GSubprocess *process;      /* owned; NULL: it has not begun */
    char *place;               /* owned; a folder of its own */
    char *answer;              /* owned; the file in it that is the answer */
    char *file;                /* owned; or NULL */
    const char *type;
    char *input; /* owned; for the command; or NULL */
    guint limit; /* the source that ends it; 0: none */
    guint seconds;
    gboolean is_late;
    ct_view_job_done *done; /* NULL: it was cancelled */
    void *user;
};

/* ---- What is run ---- */

static gboolean refuse(GError **error, guint status, const char *why)
{
    g_set_error_literal(error, G_IO_ERROR, (int)status, why);
    return FALSE;
}

static void add_program(GStrvBuilder *builder, const struct ct_view_job_request *request,
                        const char *program)
{
    g_autofree char *path = g_build_filename(request->folder, program, NULL);

    g_strv_builder_add(builder, path);
}

/* FALSE: it is not a number of nanoseconds. */
static gboolean add_moment(GStrvBuilder *builder, const struct ct_view_job_request *request,
                           const char *name, GError **error)
{
    const char *text = g_hash_table_lookup(request->params, name);
    guint64 moment;

    if (!text)
        return TRUE;
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &moment, NULL))
        return refuse(error, 400, "from and to must be whole numbers of nanoseconds");
    g_autofree char *option = g_strdup_printf("--%s=%sns", name, text);

    g_strv_builder_add(builder, option);
    return TRUE;
}

static gboolean add_scope(GStrvBuilder *builder, const struct ct_view_job_request *request,
                          GError **error)
{
    g_auto(GStrv) tids = g_strsplit(request->tids ? request->tids : "", ",", -1);

    for (char **tid = tids; *tid; tid++) {
        g_autofree char *option = g_strconcat("--thread=", *tid, NULL);

        if (**tid)
            g_strv_builder_add(builder, option);
    }
    return add_moment(builder, request, "from", error) && add_moment(builder, request, "to", error);
}

static gboolean set_report(struct ct_view_job *job, const struct ct_view_job_request *request,
                           GStrvBuilder *builder, GError **error)
{
    job->type = "application/json";
    add_program(builder, request, "ctrace-report");
    g_strv_builder_add_many(builder, "--format=json", "--top=100", "--depth=20", NULL);
    return add_scope(builder, request, error);
}

static gboolean set_query(struct ct_view_job *job, const struct ct_view_job_request *request,
                          GStrvBuilder *builder, GError **error)
{
    const char *sql = g_hash_table_lookup(request->params, "sql");

    if (!sql || !*sql)
        return refuse(error, 400, "sql is missing");
    job->type = "application/json";
    job->input = g_strdup(sql);
    job->seconds = QUERY_SECONDS;
    add_program(builder, request, "ctrace-query");
    g_strv_builder_add_many(builder, "--format=json", "-", NULL);
    return TRUE;
}

static const struct download *find_download(const char *what)
{
    for (size_t i = 0; what && i < G_N_ELEMENTS(downloads); i++)
        if (strcmp(downloads[i].what, what) == 0)
            return &downloads[i];
    return NULL;
}

/* Letters that no shell and no file system takes for anything else. */
static char *file_name(const struct ct_view_job_request *request, const char *profile,
                       const char *ending)
{
    g_autofree char *base = g_path_get_basename(request->directory);
    char *name = g_strconcat(base, profile ? "." : "", profile ? profile : "", ending, NULL);

    return g_strcanon(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-", '_');
}

static gboolean set_download(struct ct_view_job *job, const struct ct_view_job_request *request,
                             GStrvBuilder *builder, GError **error)
{
    const struct download *download = find_download(g_hash_table_lookup(request->params, "what"));
    const char *profile = g_hash_table_lookup(request->params, "profile");

    if (!download)
        return refuse(error, 400, "what must be a format, such as pprof, perfetto, csv or svg");
    if (!download->has_profile)
        profile = NULL;
    job->type = download->type;
    job->file = file_name(request, profile, download->ending);
    add_program(builder, request, download->program);
    if (download->argument) {
        g_strv_builder_add(builder, download->argument);
    } else {
        g_free(job->answer);
        job->answer = g_strconcat(job->place, "/picture", download->ending, NULL);
        g_strv_builder_add_many(builder, "-o", job->answer, NULL);
    }
    if (profile) {
        g_autofree char *option = g_strconcat("--profile=", profile, NULL);

        g_strv_builder_add(builder, option);
    }
    return add_scope(builder, request, error);
}

static const struct question {
    const char *name;
    gboolean (*set)(struct ct_view_job *job, const struct ct_view_job_request *request,
                    GStrvBuilder *builder, GError **error);
} questions[] = {
    {"findings", set_report},
    {"table", set_report},
    {"query", set_query},
    {"download", set_download},
};

static const struct question *find_question(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(questions); i++)
        if (strcmp(questions[i].name, name) == 0)
            return &questions[i];
    return NULL;
}

gboolean ct_view_job_is(const char *name)
{
    return find_question(name) != NULL;
}

/* ---- What comes of it ---- */

static void job_free(struct ct_view_job *job)
{
    if (job->limit)
        g_source_remove(job->limit);
    if (job->place)
        ct_tree_remove(job->place);
    g_clear_object(&job->process);
    g_free(job->place);
    g_free(job->answer);
    g_free(job->file);
    g_free(job->input);
    g_free(job);
}

static void answer_error(const struct ct_view_job *job, guint status, const char *why)
{
    g_autoptr(GBytes) body = ct_view_error_body(why);
    const struct ct_view_job_result result = {status, "application/json", NULL, body};

    job->done(job->user, &result);
}

/* What the command said, without its own name before each line. */
static char *what_it_said(const struct ct_view_job *job)
{
    g_autofree char *path = g_build_filename(job->place, SAID_NAME, NULL);
    g_autofree char *said = NULL;

    if (!g_file_get_contents(path, &said, NULL, NULL) || !*said)
        return g_strdup("the command failed");
    g_autoptr(GRegex) names = g_regex_new("^ctrace [a-z]+: ", G_REGEX_MULTILINE, 0, NULL);
    g_autofree char *text = g_regex_replace_literal(names, said, -1, 0, "", 0, NULL);

    return g_strchomp(g_strndup(text ? text : "", SAID_MAX));
}

static void answer_done(const struct ct_view_job *job)
{
    g_autoptr(GMappedFile) file = g_mapped_file_new(job->answer, FALSE, NULL);

    if (!file) {
        answer_error(job, 503, "the answer cannot be read: is the disk full?");
        return;
    }
    if (!job->file && g_mapped_file_get_length(file) > ANSWER_MAX) {
        answer_error(job, 400, "the answer is too large for a page: ask for less of it");
        return;
    }
    g_autoptr(GBytes) body = g_mapped_file_get_bytes(file);
    const struct ct_view_job_result result = {200, job->type, job->file, body};

    job->done(job->user, &result);
}

static void on_end(GObject *source, GAsyncResult *result, void *user)
{
    struct ct_view_job *job = user;
    gboolean is_good = g_subprocess_wait_check_finish(G_SUBPROCESS(source), result, NULL);

    if (job->done && job->is_late) {
        answer_error(job, 504, "it took too long: ask for less");
    } else if (job->done && is_good) {
        answer_done(job);
    } else if (job->done) {
        g_autofree char *said = what_it_said(job);

        answer_error(job, 400, said);
    }
    g_ptr_array_remove_fast(job->jobs->running, job);
    job_free(job);
}

static gboolean on_limit(void *user)
{
    struct ct_view_job *job = user;

    job->limit = 0;
    job->is_late = TRUE;
    g_subprocess_send_signal(job->process, SIGTERM);
    return G_SOURCE_REMOVE;
}

/* ---- Running it ---- */

static gboolean run(struct ct_view_job *job, char **argv, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
        job->input ? G_SUBPROCESS_FLAGS_STDIN_PIPE : G_SUBPROCESS_FLAGS_NONE);
    g_autofree char *answer = g_build_filename(job->place, ANSWER_NAME, NULL);
    g_autofree char *said = g_build_filename(job->place, SAID_NAME, NULL);

    g_subprocess_launcher_set_stdout_file_path(launcher, answer);
    g_subprocess_launcher_set_stderr_file_path(launcher, said);
    job->process = g_subprocess_launcher_spawnv(launcher, (const char *const *)argv, NULL);
    if (!job->process)
        return refuse(error, 503, "the command that answers is not installed (ctrace-analyzer)");
    if (job->input) {
        /* Shorter than a pipe has room for: see CT_HTTP_URL_MAX. */
        GOutputStream *stream = g_subprocess_get_stdin_pipe(job->process);

        g_output_stream_write_all(stream, job->input, strlen(job->input), NULL, NULL, NULL);
        g_output_stream_close(stream, NULL, NULL);
    }
    job->limit = g_timeout_add_seconds(job->seconds, on_limit, job);
    g_ptr_array_add(job->jobs->running, job);
    g_subprocess_wait_check_async(job->process, NULL, on_end, job);
    return TRUE;
}

static gboolean begin(struct ct_view_job *job, const struct ct_view_job_request *request,
                      GError **error)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    if (job->jobs->running->len >= JOBS_MAX)
        return refuse(error, 503, "too much is asked at once: ask again");
    job->place = g_dir_make_tmp("ctrace-view-XXXXXX", NULL);
    if (!job->place)
        return refuse(error, 503, "there is no room for temporary files");
    job->answer = g_build_filename(job->place, ANSWER_NAME, NULL);
    if (!find_question(request->name)->set(job, request, builder, error))
        return FALSE;
    g_strv_builder_add(builder, request->directory);
    g_auto(GStrv) argv = g_strv_builder_end(builder);

    return run(job, argv, error);
}

struct ct_view_job *ct_view_job_start(struct ct_view_jobs *jobs,
                                      const struct ct_view_job_request *request,
                                      ct_view_job_done *done, void *user, GError **error)
{
    struct ct_view_job *job = g_new0(struct ct_view_job, 1);

    job->jobs = jobs;
    job->seconds = USUAL_SECONDS;
    job->done = done;
    job->user = user;
    if (begin(job, request, error))
        return job;
    job_free(job);
    return NULL;
}

void ct_view_job_cancel(struct ct_view_job *job)
{
    job->done = NULL;
    g_subprocess_send_signal(job->process, SIGTERM);
}

struct ct_view_jobs *ct_view_jobs_new(void)
{
    struct ct_view_jobs *jobs = g_new0(struct ct_view_jobs, 1);

    jobs->running = g_ptr_array_new();
    return jobs;
}

void ct_view_jobs_free(struct ct_view_jobs *jobs)
{
    for (guint i = 0; i < jobs->running->len; i++)
        ct_view_job_cancel(jobs->running->pdata[i]);
    for (guint i = 0; i < jobs->running->len; i++) {
        struct ct_view_job *job = jobs->running->pdata[i];

        g_subprocess_wait(job->process, NULL, NULL);
        job_free(job);
    }
    g_ptr_array_unref(jobs->running);
    g_free(jobs);
}
