#include "questions.h"

#include "asked.h"
#include "moment.h"
#include "snapshot_run.h"
#include "snapshot_take.h"
#include "standby.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SNAPSHOT_WORD "snapshot "

struct ct_questions {
    struct ct_recording *recording; /* borrowed */
    struct ct_standby *standby;     /* owned; or NULL */
    struct ct_asked *moments;       /* owned; who makes snapshots asks there */
    struct ct_asked *orders;        /* owned; who gives orders to a standby; or NULL */
    GPtrArray *runs;                /* owned; struct run: snapshots that are being made */
    int epoll_fd;                   /* of all these */
};

/* Who waits for one. */
struct run {
    struct ct_snapshot_run *snapshot; /* owned */
    guint64 peer;
};

static void run_free(void *data)
{
    struct run *run = data;

    ct_snapshot_run_free(run->snapshot);
    g_free(run);
}

static void listen_to(const struct ct_questions *questions, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    epoll_ctl(questions->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

struct ct_questions *ct_questions_new(struct ct_recording *recording, const char *standby,
                                      GError **error)
{
    g_autofree char *moments =
        g_build_filename(ct_recording_directory(recording)->path, CT_MOMENT_SOCKET, NULL);
    struct ct_questions *questions = g_new0(struct ct_questions, 1);

    questions->recording = recording;
    questions->standby = standby != NULL ? ct_standby_new(recording) : NULL;
    questions->runs = g_ptr_array_new_with_free_func(run_free);
    questions->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    questions->moments = ct_asked_new(moments, error);
    if (questions->moments != NULL && standby != NULL)
        questions->orders = ct_asked_new(standby, error);
    if (questions->moments == NULL || (standby != NULL && questions->orders == NULL)) {
        ct_questions_free(questions);
        return NULL;
    }
    listen_to(questions, ct_asked_fd(questions->moments));
    if (questions->orders != NULL)
        listen_to(questions, ct_asked_fd(questions->orders));
    return questions;
}

int ct_questions_fd(const struct ct_questions *questions)
{
    return questions != NULL ? questions->epoll_fd : -1;
}

gboolean ct_questions_rest(const struct ct_questions *questions)
{
    return questions->standby != NULL && ct_standby_rests(questions->standby);
}

static GError *unknown(const char *line)
{
    return g_error_new(G_FILE_ERROR, G_FILE_ERROR_INVAL, "nobody knows what \"%.40s\" is", line);
}

/* ---- A moment of it ---- */

static gboolean write_moment(const struct ct_questions *questions, const char *directory,
                             GError **error)
{
    if (questions->standby != NULL)
        return ct_standby_write(questions->standby, directory, error);
    struct ct_taken *taken = ct_taken_new(questions->recording, error);
    gboolean is_written = taken != NULL && ct_taken_write(taken, directory, error);
    ct_taken_free(taken);
    return is_written;
}

static void answer_moment(void *user, struct ct_asked *asked, guint64 peer, char *line)
{
    const struct ct_questions *questions = user;
    g_autoptr(GError) error = NULL;

    if (g_str_has_prefix(line, CT_MOMENT_WORD))
        write_moment(questions, line + strlen(CT_MOMENT_WORD), &error);
    else
        error = unknown(line);
    ct_asked_answer(asked, peer, error);
}

/* ---- Orders ---- */

/* It is answered once that has been made. */
static gboolean begin_snapshot(struct ct_questions *questions, guint64 peer, const char *output,
                               GError **error)
{
    if (!ct_standby_has_any(questions->standby, error))
        return FALSE;
    struct ct_snapshot_run *snapshot =
        ct_snapshot_run_new(ct_recording_path(questions->recording), output, error);
    if (snapshot == NULL)
        return FALSE;
    struct run *run = g_new0(struct run, 1);
    *run = (struct run){snapshot, peer};
    g_ptr_array_add(questions->runs, run);
    listen_to(questions, ct_snapshot_run_fd(snapshot));
    return TRUE;
}

static void answer_order(void *user, struct ct_asked *asked, guint64 peer, char *line)
{
    struct ct_questions *questions = user;
    g_autoptr(GError) error = NULL;

    if (strcmp(line, "begin") == 0)
        ct_standby_begin(questions->standby, &error);
    else if (strcmp(line, "rest") == 0)
        ct_standby_rest(questions->standby, &error);
    else if (!g_str_has_prefix(line, SNAPSHOT_WORD))
        error = unknown(line);
    else if (begin_snapshot(questions, peer, line + strlen(SNAPSHOT_WORD), &error))
        return;
    ct_asked_answer(asked, peer, error);
}

static void finish_snapshots(struct ct_questions *questions)
{
    for (guint i = questions->runs->len; i-- > 0;) {
        const struct run *run = questions->runs->pdata[i];
        g_autoptr(GError) error = NULL;

        if (!ct_snapshot_run_is_over(run->snapshot, &error))
            continue;
        ct_asked_answer(questions->orders, run->peer, error);
        g_ptr_array_remove_index_fast(questions->runs, i);
    }
}

void ct_questions_serve(struct ct_questions *questions)
{
    ct_asked_serve(questions->moments, answer_moment, questions);
    if (questions->orders == NULL)
        return;
    finish_snapshots(questions);
    ct_asked_serve(questions->orders, answer_order, questions);
}

void ct_questions_free(struct ct_questions *questions)
{
    if (questions == NULL)
        return;
    g_ptr_array_unref(questions->runs);
    ct_standby_free(questions->standby);
    ct_asked_free(questions->moments);
    ct_asked_free(questions->orders);
    close(questions->epoll_fd);
    g_free(questions);
}
