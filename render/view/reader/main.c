/*
 * ctrace-view-reader: reads a recording for the server of ctrace view, which asks by this
 * program's standard input and is answered by its standard output (see wire.h). Its arguments are
 * all recordings that the server has, and before them the number of this one, and before that its
 * key as the server knows it, in base64; nothing: it has none. It is not for people.
 */
#include "cli/recording.h"
#include "cli/say.h"
#include "cli/worker.h"
#include "store/key.h"
#include "view/reader/questions.h"
#include "view/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct job {
    const char *directory;
    char **recordings;    /* borrowed; all that the server has */
    gboolean *is_serving; /* of all attempts: one that died may have left half an answer */
    int questions_fd;
    int answers_fd;
    struct ct_activity *activity; /* borrowed */
    struct ct_model *model;       /* borrowed */
};

/* ---- Bytes ---- */

/* FALSE: the other end has gone, or there is no more. */
static gboolean read_all(int fd, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t more = read(fd, (char *)bytes + done, size - done);

        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            return FALSE;
        done += (size_t)more;
    }
    return TRUE;
}

static gboolean write_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t more = write(fd, (const char *)bytes + done, size - done);

        if (more < 0 && errno == EINTR)
            continue;
        if (more <= 0)
            return FALSE;
        done += (size_t)more;
    }
    return TRUE;
}

static gboolean send_answer(const struct job *job, enum ct_view_kind kind, guint status,
                            const void *bytes, size_t size)
{
    const struct ct_view_head head = {kind, status, size};

    return write_all(job->answers_fd, &head, sizeof(head)) &&
           write_all(job->answers_fd, bytes, size);
}

/* ---- Answers ---- */

static gboolean send_error(const struct job *job, guint status, const char *message)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autofree char *valid = g_utf8_make_valid(message, -1);

    json_builder_begin_object(json);
    json_builder_set_member_name(json, "error");
    json_builder_add_string_value(json, valid);
    json_builder_end_object(json);
    g_autofree char *text = ct_view_json_text(json);

    return send_answer(job, CT_VIEW_JSON, status, text, strlen(text));
}

static gboolean send_made(const struct job *job, const struct ct_view_answer *answer)
{
    if (answer->bytes->len > 0)
        return send_answer(job, CT_VIEW_BINARY, 200, answer->bytes->data, answer->bytes->len);
    g_autofree char *text = ct_view_json_text(answer->json);

    return send_answer(job, CT_VIEW_JSON, 200, text, strlen(text));
}

/* FALSE: nobody wants answers any more; or with an error, the store's. */
static gboolean answer_one(const struct job *job, struct ct_view_reader *reader,
                           const char *question, GError **error)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct ct_view_answer answer = {json, bytes};
    GError *failure = NULL;

    ct_worker_end_reading(job->activity); /* as long as a whole report may take */
    if (ct_view_ask(reader, question, &answer, &failure))
        return send_made(job, &answer);
    if (failure->domain != CT_VIEW_ERROR) {
        g_propagate_error(error, failure);
        return FALSE;
    }
    gboolean is_sent = send_error(job, (guint)failure->code, failure->message);

    g_error_free(failure);
    return is_sent;
}

static gboolean answer_all(void *user, struct ct_store *store, GError **error)
{
    const struct job *job = user;
    struct ct_view_reader reader;
    char question[CT_VIEW_QUESTION_MAX + 1];
    g_autoptr(GError) failure = NULL;
    uint32_t size;

    ct_view_reader_init(&reader, job->model, store);
    reader.recordings = job->recordings;
    *job->is_serving = TRUE;
    gboolean is_wanted = send_answer(job, CT_VIEW_READY, 0, "", 0);

    while (is_wanted && read_all(job->questions_fd, &size, sizeof(size)) &&
           size <= CT_VIEW_QUESTION_MAX && read_all(job->questions_fd, question, size)) {
        question[size] = '\0';
        is_wanted = answer_one(job, &reader, question, &failure);
    }
    if (!failure)
        ct_symbolizer_keep(reader.symbolizer);
    ct_view_reader_clear(&reader);
    if (!failure)
        return TRUE;
    *job->is_serving = FALSE; /* it is read anew, and nothing was half sent */
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

static int serve(void *user, struct ct_activity *activity)
{
    struct job *job = user;
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(GError) error = NULL;

    if (*job->is_serving) /* the server starts another one */
        return EXIT_FAILURE;
    job->activity = activity;
    job->model = model;
    if (ct_recording_ask(job->directory, activity, model, answer_all, job, &error))
        return EXIT_SUCCESS;
    ct_say("%s", error->message);
    return EXIT_FAILURE;
}

/* Since the server began, by the key that it knows. */
static gboolean is_unchanged(const char *directory, const char *known)
{
    uint8_t key[CT_STORE_KEY_SIZE];

    if (!*known)
        return TRUE;
    g_autofree char *now =
        ct_store_key(directory, key) ? g_base64_encode(key, sizeof(key)) : g_strdup("");
    return strcmp(now, known) == 0;
}

int main(int argc, char **argv)
{
    struct job job = {.recordings = argv + 3};
    guint64 number;
    g_autoptr(GError) error = NULL;
    struct ct_worker_result result;

    g_set_prgname("ctrace view");
    if (argc < 4 || isatty(STDOUT_FILENO) ||
        !g_ascii_string_to_unsigned(argv[2], 10, 0, (guint64)argc - 4, &number, NULL)) {
        ct_say("this is a part of ctrace view: run that");
        return 2;
    }
    job.directory = argv[3 + number];
    if (!is_unchanged(job.directory, argv[1])) {
        ct_say("'%s' is another recording now: start ctrace view again", job.directory);
        return EXIT_FAILURE;
    }
    job.is_serving =
        mmap(NULL, sizeof(gboolean), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (job.is_serving == MAP_FAILED) {
        ct_say("there is no memory");
        return EXIT_FAILURE;
    }
    /* Whoever asks may be gone, and waits for no network. */
    signal(SIGPIPE, SIG_IGN);
    g_unsetenv("DEBUGINFOD_URLS");
    /* The worker has its own standard output. */
    job.questions_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    job.answers_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (!ct_worker_run(job.directory, serve, &job, &result, &error)) {
        ct_say("%s", error->message);
        return EXIT_FAILURE;
    }
    ct_say_bytes(result.notes);
    int status = result.status;

    ct_worker_result_clear(&result);
    return status;
}
