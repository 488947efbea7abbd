#include "view/server/asker.h"

#include "view/server/errors.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* So long may go on what nobody wants, since to begin anew takes time, too. */
#define PATIENCE_MS 300

struct ct_view_ticket {
    char *question; /* owned */
    ct_view_done *done;
    void *user;
    gboolean is_cancelled;
    gboolean was_lost; /* once, with the reader that had it */
};

/* A reader that runs. It outlives its asker's interest until what it was asked last has ended. */
struct session {
    struct ct_view_asker *asker; /* borrowed; NULL: not of interest any more */
    GSubprocess *process;        /* owned */
    gboolean is_ready;
    gboolean was_ready; /* once */
    struct ct_view_head head;
    guint8 *body;     /* owned; being read */
    GByteArray *sent; /* owned; the question as bytes */
};

struct ct_view_asker {
    char **argv;                  /* owned */
    GQueue waiting;               /* struct ct_view_ticket *, owned */
    struct ct_view_ticket *asked; /* owned; that the reader has; or NULL */
    struct session *session;      /* NULL: no reader runs */
    guint patience;               /* the source that ends what nobody wants; 0: none */
    guint next;                   /* the source that asks the next; 0: none */
};

static void read_head(struct session *session);
static void pump(struct ct_view_asker *asker);

/* ---- Tickets ---- */

static void ticket_free(struct ct_view_ticket *ticket)
{
    g_free(ticket->question);
    g_free(ticket);
}

static void finish(struct ct_view_ticket *ticket, guint status, enum ct_view_kind kind,
                   GBytes *body)
{
    if (!ticket->is_cancelled)
        ticket->done(ticket->user, status, kind, body);
    ticket_free(ticket);
}

static void fail(struct ct_view_ticket *ticket, const char *why)
{
    g_autoptr(GBytes) body = ct_view_error_body(why);

    finish(ticket, 503, CT_VIEW_JSON, body);
}

static struct ct_view_ticket *take_asked(struct ct_view_asker *asker)
{
    if (asker->patience)
        g_source_remove(asker->patience);
    asker->patience = 0;
    return g_steal_pointer(&asker->asked);
}

/* The reader has lost what it was asked. Once that may be no fault of the question's. */
static void lose_asked(struct ct_view_asker *asker)
{
    struct ct_view_ticket *ticket = take_asked(asker);

    if (!ticket)
        return;
    if (ticket->was_lost || ticket->is_cancelled) {
        fail(ticket, "what reads the recording had to begin anew: ask again");
        return;
    }
    ticket->was_lost = TRUE;
    g_queue_push_head(&asker->waiting, ticket);
}

/* ---- The reader ---- */

static void session_free(struct session *session)
{
    g_object_unref(session->process);
    g_byte_array_unref(session->sent);
    g_free(session->body);
    g_free(session);
}

/* Whatever is under way then calls back with an error, and frees it. */
static void abandon(struct session *session)
{
    if (session->asker)
        session->asker->session = NULL;
    session->asker = NULL;
    g_subprocess_send_signal(session->process, SIGTERM);
}

/* One that has nothing to do keeps what it has found, and ends by itself. */
static void leave(struct session *session, gboolean is_busy)
{
    GOutputStream *questions = g_subprocess_get_stdin_pipe(session->process);

    if (!is_busy && g_output_stream_close(questions, NULL, NULL))
        session->asker = NULL;
    else
        abandon(session);
}

/* It has gone. Those that wait are for the next one, unless none ever comes to be ready. */
static void end(struct session *session)
{
    struct ct_view_asker *asker = session->asker;
    gboolean was_ready = session->was_ready;

    if (asker)
        abandon(session);
    session_free(session);
    if (!asker)
        return;
    lose_asked(asker);
    while (!was_ready && !g_queue_is_empty(&asker->waiting))
        fail(g_queue_pop_head(&asker->waiting),
             "the recording cannot be read: see what ctrace view says in its terminal");
    pump(asker);
}

static void on_body(GObject *source, GAsyncResult *result, void *user)
{
    struct session *session = user;
    struct ct_view_asker *asker = session->asker;
    gsize size = 0;

    if (!g_input_stream_read_all_finish(G_INPUT_STREAM(source), result, &size, NULL) ||
        size != session->head.size || !asker) {
        end(session);
        return;
    }
    struct ct_view_ticket *ticket = take_asked(asker);
    g_autoptr(GBytes) body = g_bytes_new_take(g_steal_pointer(&session->body), size);

    if (ticket)
        finish(ticket, session->head.status, (enum ct_view_kind)session->head.kind, body);
    read_head(session);
    if (session->asker)
        pump(session->asker);
}

static void on_head(GObject *source, GAsyncResult *result, void *user)
{
    struct session *session = user;
    struct ct_view_asker *asker = session->asker;
    gsize size = 0;

    if (!g_input_stream_read_all_finish(G_INPUT_STREAM(source), result, &size, NULL) ||
        size != sizeof(session->head) || session->head.size > CT_VIEW_ANSWER_MAX || !asker) {
        end(session);
        return;
    }
    if (session->head.kind == CT_VIEW_READY) {
        session->is_ready = session->was_ready = TRUE;
        lose_asked(asker);
        read_head(session);
        pump(asker);
        return;
    }
    session->body = g_malloc(MAX(session->head.size, 1));
    g_input_stream_read_all_async(G_INPUT_STREAM(source), session->body, session->head.size,
                                  G_PRIORITY_DEFAULT, NULL, on_body, session);
}

static void read_head(struct session *session)
{
    g_input_stream_read_all_async(g_subprocess_get_stdout_pipe(session->process), &session->head,
                                  sizeof(session->head), G_PRIORITY_DEFAULT, NULL, on_head,
                                  session);
}

/* Ctrl-C is for the server. */
static void be_apart(void *nothing)
{
    (void)nothing;
    setpgid(0, 0);
}

static gboolean start(struct ct_view_asker *asker)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);

    g_subprocess_launcher_set_child_setup(launcher, be_apart, NULL, NULL);
    GSubprocess *process =
        g_subprocess_launcher_spawnv(launcher, (const char *const *)asker->argv, &error);

    if (!process) {
        g_warning("%s", error->message);
        return FALSE;
    }
    asker->session = g_new0(struct session, 1);
    asker->session->asker = asker;
    asker->session->process = process;
    asker->session->sent = g_byte_array_new();
    read_head(asker->session);
    return TRUE;
}

/* A question is smaller than a pipe has room for, and the reader has none else: it does not block.
 * One that died is noticed by its answers. */
static void send_question(struct session *session, const char *question)
{
    uint32_t size = (uint32_t)strlen(question);

    g_byte_array_set_size(session->sent, 0);
    g_byte_array_append(session->sent, (const guint8 *)&size, sizeof(size));
    g_byte_array_append(session->sent, (const guint8 *)question, size);
    g_output_stream_write_all(g_subprocess_get_stdin_pipe(session->process), session->sent->data,
                              session->sent->len, NULL, NULL, NULL);
}

/* The next question, if the reader has none. */
static void pump(struct ct_view_asker *asker)
{
    if (asker->asked || g_queue_is_empty(&asker->waiting))
        return;
    if (!asker->session && !start(asker)) {
        while (!g_queue_is_empty(&asker->waiting))
            fail(g_queue_pop_head(&asker->waiting), "what reads recordings cannot be started");
        return;
    }
    if (!asker->session->is_ready)
        return;
    asker->asked = g_queue_pop_head(&asker->waiting);
    send_question(asker->session, asker->asked->question);
}

/* ---- For those who ask ---- */

struct ct_view_asker *ct_view_asker_new(const char *const *argv)
{
    struct ct_view_asker *asker = g_new0(struct ct_view_asker, 1);

    asker->argv = g_strdupv((char **)argv);
    g_queue_init(&asker->waiting);
    return asker;
}

void ct_view_asker_free(struct ct_view_asker *asker)
{
    struct ct_view_ticket *ticket;

    if (asker->next)
        g_source_remove(asker->next);
    if (asker->session)
        leave(asker->session, asker->asked != NULL);
    if ((ticket = take_asked(asker)) != NULL)
        ticket_free(ticket);
    while ((ticket = g_queue_pop_head(&asker->waiting)) != NULL)
        ticket_free(ticket);
    g_strfreev(asker->argv);
    g_free(asker);
}

/* Not at once: nobody is called back before there is a ticket. */
static gboolean on_next(void *user)
{
    struct ct_view_asker *asker = user;

    asker->next = 0;
    pump(asker);
    return G_SOURCE_REMOVE;
}

struct ct_view_ticket *ct_view_asker_ask(struct ct_view_asker *asker, const char *question,
                                         ct_view_done *done, void *user)
{
    struct ct_view_ticket *ticket = g_new0(struct ct_view_ticket, 1);

    ticket->question = g_strdup(question);
    ticket->done = done;
    ticket->user = user;
    g_queue_push_tail(&asker->waiting, ticket);
    if (!asker->next)
        asker->next = g_idle_add_full(G_PRIORITY_DEFAULT, on_next, asker, NULL);
    return ticket;
}

static gboolean on_patience(void *user)
{
    struct ct_view_asker *asker = user;

    asker->patience = 0;
    if (asker->session)
        abandon(asker->session);
    ticket_free(take_asked(asker));
    pump(asker);
    return G_SOURCE_REMOVE;
}

void ct_view_asker_cancel(struct ct_view_asker *asker, struct ct_view_ticket *ticket)
{
    ticket->is_cancelled = TRUE;
    if (ticket != asker->asked) {
        g_queue_remove(&asker->waiting, ticket);
        ticket_free(ticket);
    } else if (!asker->patience) {
        asker->patience = g_timeout_add(PATIENCE_MS, on_patience, asker);
    }
}
