#include "serve/answers.h"

#include "files/tree.h"
#include "serve/command.h"
#include "serve/readers.h"
#include "serve/recordings.h"
#include "serve/status.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* More at once would only make each take longer. */
enum { ANSWERS_MAX = 32 };

enum { READER_LIMIT_MS = 600000 };

/* For what was told to end. */
#define PATIENCE_US (20 * G_USEC_PER_SEC)

struct ct_answers {
    char *programs;       /* owned */
    char *place;          /* owned; a folder of our own */
    char *living;         /* owned, as is the next; a recording in it, which goes on */
    char *standby;        /* the socket of who records that */
    gboolean has_program; /* that it is of */
    gboolean is_kept;     /* it goes on at all times */
    struct ct_recordings *recordings;
    GPtrArray *all; /* owned; struct ct_answer *, each until it is gone */
};

struct ct_answer {
    struct ct_answers *answers;       /* borrowed */
    struct ct_recording_share *share; /* NULL: none any more */
    struct ct_command *command;       /* a reader that runs; or NULL */
    struct ct_reading *reading;       /* owned; what is to be run */
    char *folder;                     /* owned, as are the next three */
    char *snapshot;                   /* of the living recording */
    char *output;
    char *said;
    ct_answer_done *done; /* NULL: it was cancelled */
    void *user;
};

static void answer_free(struct ct_answer *answer)
{
    if (answer->share)
        ct_recording_leave(answer->share);
    g_ptr_array_remove_fast(answer->answers->all, answer);
    if (answer->folder)
        ct_tree_remove(answer->folder);
    ct_reading_free(answer->reading);
    g_free(answer->folder);
    g_free(answer->snapshot);
    g_free(answer->output);
    g_free(answer->said);
    g_free(answer);
}

/* ---- The end ---- */

static void fail(struct ct_answer *answer, const GError *error)
{
    if (answer->done)
        answer->done(answer->user, NULL, error);
    answer_free(answer);
}

static void fail_with(struct ct_answer *answer, enum ct_serve_status status, const char *words)
{
    g_autoptr(GError) error = g_error_new_literal(CT_SERVE_STATUS, status, words);

    fail(answer, error);
}

/* The file is sent as it lies there; it is gone when the last of it is. */
static void succeed(struct ct_answer *answer)
{
    const char *path = answer->reading->file ? answer->reading->file : answer->output;
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, NULL);

    if (!file) {
        fail_with(answer, CT_SERVE_NOT_NOW, "the answer cannot be read: is the disk full?");
        return;
    }
    g_autoptr(GBytes) body = g_mapped_file_get_bytes(file);
    const struct ct_answer_result result = {answer->reading->type, answer->reading->name, body};

    if (answer->done)
        answer->done(answer->user, &result, NULL);
    answer_free(answer);
}

/* ---- Reading ---- */

static void read_on(struct ct_answer *answer);

/* Of the recording that is read. */
static const char *directory_of(const struct ct_answer *answer)
{
    return answer->share ? ct_recording_directory(answer->share) : answer->snapshot;
}

/* Where it lay is nobody's concern. */
static char *what_it_said(const struct ct_answer *answer)
{
    g_autofree char *said = ct_command_said(answer->said);
    g_autofree char *directory = g_strconcat(directory_of(answer), ": ", NULL);
    g_auto(GStrv) parts = g_strsplit(said, directory, -1);

    return g_strjoinv("", parts);
}

static void on_read(void *user, enum ct_command_end end)
{
    struct ct_answer *answer = user;

    answer->command = NULL;
    if (!answer->done) {
        answer_free(answer);
    } else if (end == CT_COMMAND_LATE) {
        fail_with(answer, CT_SERVE_LATE, "it took too long to be read: ask for less");
    } else if (end == CT_COMMAND_BAD) {
        g_autofree char *said = what_it_said(answer);

        fail_with(answer, CT_SERVE_FAILED, said);
    } else {
        read_on(answer);
    }
}

/* The next command. FALSE: there is none any more, or, with an error, it cannot be run. */
static gboolean read_next(struct ct_answer *answer, GError **error)
{
    const struct ct_reading_places places = {
        .programs = answer->answers->programs,
        .directory = directory_of(answer),
        .living = answer->answers->living,
    };
    g_auto(GStrv) argv = ct_reading_next(answer->reading, &places);

    if (!argv)
        return FALSE;
    const struct ct_command_request request = {
        .argv = (const char *const *)argv,
        .output = answer->output,
        .said = answer->said,
        .end_signal = SIGTERM,
        .limit_ms = READER_LIMIT_MS + answer->reading->pause_ms,
    };

    answer->command = ct_command_start(&request, on_read, answer, error);
    return answer->command != NULL;
}

static void read_on(struct ct_answer *answer)
{
    g_autoptr(GError) error = NULL;

    if (read_next(answer, &error))
        return;
    if (error)
        fail(answer, error);
    else
        succeed(answer);
}

static void on_recorded(void *user, const GError *error)
{
    struct ct_answer *answer = user;

    if (error)
        fail(answer, error);
    else
        read_on(answer);
}

/* ---- The begin ---- */

/* What is seen from inside is asked of who is there, without any privilege. A recording of one
 * process alone cannot be cut out of what it has. */
static gboolean is_of_program(const struct ct_answers *answers, const struct ct_question *question)
{
    return answers->has_program && question->endpoint->is_seen_inside && !question->has_hz &&
           !(question->endpoint->kind == CT_ENDPOINT_TRACE && question->process);
}

/* The past can only be had from there. */
static gboolean check_past(const struct ct_answers *answers, const struct ct_question *question,
                           GError **error)
{
    const char *why =
        !question->is_past ? NULL
        : !answers->is_kept
            ? "seconds= is negative, and nothing is kept of what was: start the agent with --flight"
        : !question->endpoint->is_seen_inside || question->has_hz
            ? "seconds= is negative, and this is not kept: block, net, sync, syscall, sleep, mutex "
              "and trace are, without hz="
        : question->endpoint->kind == CT_ENDPOINT_TRACE && question->process
            ? "seconds= is negative, and what is kept is of all processes: leave out process="
            : NULL;

    if (why)
        g_set_error_literal(error, CT_SERVE_STATUS, CT_SERVE_WRONG, why);
    return !why;
}

static gboolean begin(struct ct_answer *answer, const struct ct_question *question,
                      const struct ct_served_targets *targets, GError **error)
{
    const gboolean is_inside = is_of_program(answer->answers, question);
    const gboolean is_kept = question->is_past || (is_inside && answer->answers->is_kept);
    const struct ct_recording_wish wish = {
        .is_window = is_inside && !answer->answers->is_kept,
        .targets = (const char *const *)targets->words,
        .is_cgroup = targets->is_cgroup,
        .has_started = targets->has_started,
        .duration_ms = question->duration_ms,
        .hz = question->hz,
        .is_alone = question->endpoint->kind == CT_ENDPOINT_TRACE,
    };
    g_autofree char *template = g_build_filename(answer->answers->place, "answer-XXXXXX", NULL);

    if (!check_past(answer->answers, question, error))
        return FALSE;
    if (answer->answers->all->len > ANSWERS_MAX) {
        g_set_error_literal(error, CT_SERVE_STATUS, CT_SERVE_NOT_NOW,
                            "too much is asked at once: ask again");
        return FALSE;
    }
    if (!g_mkdtemp(template)) {
        g_set_error(error, CT_SERVE_STATUS, CT_SERVE_NOT_NOW,
                    "there can be no temporary folder: %s", g_strerror(errno));
        return FALSE;
    }
    answer->folder = g_steal_pointer(&template);
    answer->snapshot = g_build_filename(answer->folder, "ctrace.data", NULL);
    answer->output = g_build_filename(answer->folder, "out", NULL);
    answer->said = g_build_filename(answer->folder, "said", NULL);
    answer->reading = ct_reading_new(question, answer->folder,
                                     is_kept || wish.is_window || question->duration_ms == 0);
    if (is_kept)
        ct_reading_begin_kept(answer->reading, question);
    if (is_kept || question->duration_ms == 0) /* it is of what is recorded already */
        return read_next(answer, error);
    answer->share =
        ct_recordings_join(answer->answers->recordings, &wish, on_recorded, answer, error);
    return answer->share != NULL;
}

struct ct_answer *ct_answer_start(struct ct_answers *answers, const struct ct_question *question,
                                  const struct ct_served_targets *targets, ct_answer_done *done,
                                  void *user, GError **error)
{
    struct ct_answer *answer = g_new0(struct ct_answer, 1);

    answer->answers = answers;
    answer->done = done;
    answer->user = user;
    g_ptr_array_add(answers->all, answer);
    if (begin(answer, question, targets, error))
        return answer;
    answer_free(answer);
    return NULL;
}

void ct_answer_cancel(struct ct_answer *answer)
{
    answer->done = NULL;
    if (answer->command)
        ct_command_end(answer->command);
    else
        answer_free(answer);
}

/* ---- All of them ---- */

struct ct_answers *ct_answers_new(const char *programs, gboolean has_program, const char *kept,
                                  GError **error)
{
    char *place = g_dir_make_tmp("ctrace-serve-XXXXXX", error);

    if (!place)
        return NULL;
    struct ct_answers *answers = g_new0(struct ct_answers, 1);

    answers->place = place;
    answers->living = kept ? g_strdup(kept) : g_build_filename(place, "living", NULL);
    answers->is_kept = kept != NULL;
    answers->standby = g_build_filename(place, "standby", NULL);
    answers->has_program = has_program;
    answers->programs = g_strdup(programs);
    answers->all = g_ptr_array_new();
    const struct ct_recordings_places places = {
        .programs = answers->programs,
        .folder = place,
        .standby = answers->standby,
        .living = answers->living,
    };

    answers->recordings = ct_recordings_new(&places);
    return answers;
}

const char *ct_answers_living(const struct ct_answers *answers)
{
    return answers->living;
}

const char *ct_answers_standby(const struct ct_answers *answers)
{
    return answers->standby;
}

static gboolean on_tick(void *nothing)
{
    (void)nothing;
    return G_SOURCE_CONTINUE;
}

/* Recorders that are told to end let go of what they record, and write the rest. */
static void wait_for_all(struct ct_answers *answers)
{
    gint64 until_us = g_get_monotonic_time() + PATIENCE_US;
    guint tick = g_timeout_add(100, on_tick, NULL);
    gboolean is_killed = FALSE;

    while (answers->all->len > 0 || ct_recordings_count(answers->recordings) > 0) {
        g_main_context_iteration(NULL, TRUE);
        if (!is_killed && g_get_monotonic_time() > until_us) {
            is_killed = TRUE;
            ct_recordings_kill(answers->recordings);
        }
    }
    g_source_remove(tick);
}

void ct_answers_free(struct ct_answers *answers)
{
    g_autoptr(GPtrArray) all = g_ptr_array_copy(answers->all, NULL, NULL);

    for (guint i = 0; i < all->len; i++)
        ct_answer_cancel(all->pdata[i]);
    wait_for_all(answers);
    ct_recordings_free(answers->recordings);
    g_ptr_array_unref(answers->all);
    ct_tree_remove(answers->place);
    g_free(answers->place);
    g_free(answers->living);
    g_free(answers->standby);
    g_free(answers->programs);
    g_free(answers);
}
