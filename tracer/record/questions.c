#include "questions.h"

#include "asked.h"
#include "moment.h"
#include "snapshot_take.h"

#include <string.h>

struct ct_questions {
    struct ct_recording *recording; /* borrowed */
    struct ct_asked *moments;       /* owned; who makes snapshots asks there */
};

struct ct_questions *ct_questions_new(struct ct_recording *recording)
{
    g_autofree char *path =
        g_build_filename(ct_recording_directory(recording)->path, CT_MOMENT_SOCKET, NULL);
    struct ct_asked *moments = ct_asked_new(path, NULL);

    if (moments == NULL)
        return NULL;
    struct ct_questions *questions = g_new0(struct ct_questions, 1);
    questions->recording = recording;
    questions->moments = moments;
    return questions;
}

int ct_questions_fd(const struct ct_questions *questions)
{
    return questions != NULL ? ct_asked_fd(questions->moments) : -1;
}

/* Caller frees; owned by nobody else. */
static GError *unknown(const char *line)
{
    return g_error_new(G_FILE_ERROR, G_FILE_ERROR_INVAL, "nobody can be asked for \"%.40s\"", line);
}

static void answer_moment(void *user, struct ct_asked *asked, guint64 peer, char *line)
{
    const struct ct_questions *questions = user;
    g_autoptr(GError) error = NULL;

    if (g_str_has_prefix(line, CT_MOMENT_WORD))
        ct_snapshot_take(questions->recording, line + strlen(CT_MOMENT_WORD), &error);
    else
        error = unknown(line);
    ct_asked_answer(asked, peer, error);
}

void ct_questions_serve(struct ct_questions *questions)
{
    ct_asked_serve(questions->moments, answer_moment, questions);
}

void ct_questions_free(struct ct_questions *questions)
{
    if (questions == NULL)
        return;
    ct_asked_free(questions->moments);
    g_free(questions);
}
