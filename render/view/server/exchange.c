#include "view/server/exchange.h"

#include "view/server/answer.h"

#include <sys/socket.h>

struct exchange {
    SoupServerMessage *message;    /* owned */
    struct ct_view_asker *asker;   /* borrowed */
    struct ct_view_ticket *ticket; /* the asker's; NULL: it is not asked */
    GSource *watch;                /* owned; on the client; NULL: none */
    gboolean is_for_ever;

    struct ct_view_jobs *jobs;          /* borrowed; NULL: no command is run */
    struct ct_view_job *job;            /* it runs; or NULL */
    struct ct_view_job_request request; /* owned copies, but for the folder */
};

static void exchange_free(struct exchange *exchange)
{
    if (exchange->watch) {
        g_source_destroy(exchange->watch);
        g_source_unref(exchange->watch);
    }
    if (exchange->request.params)
        g_hash_table_unref(exchange->request.params);
    g_free((char *)exchange->request.directory);
    g_free((char *)exchange->request.name);
    g_object_unref(exchange->message);
    g_free(exchange);
}

/* The answer is there. */
static void finish(struct exchange *exchange)
{
    soup_server_message_unpause(exchange->message);
    exchange_free(exchange);
}

/* ---- The client ---- */

/* One that has gone wants no answer. One that says more says it too early, and is not heard before
 * it was answered. */
static gboolean on_client(GSocket *socket, GIOCondition condition, void *user)
{
    struct exchange *exchange = user;
    char byte;
    ssize_t size = recv(g_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (size > 0 || (size < 0 && !(condition & (G_IO_HUP | G_IO_ERR)))) {
        g_clear_pointer(&exchange->watch, g_source_unref);
        return G_SOURCE_REMOVE;
    }
    if (exchange->ticket)
        ct_view_asker_cancel(exchange->asker, exchange->ticket);
    if (exchange->job)
        ct_view_job_cancel(exchange->job);
    soup_server_message_set_status(exchange->message, 503, NULL);
    finish(exchange);
    return G_SOURCE_REMOVE;
}

static struct exchange *exchange_new(SoupServerMessage *message)
{
    struct exchange *exchange = g_new0(struct exchange, 1);
    GSocket *socket = soup_server_message_get_socket(message);

    exchange->message = g_object_ref(message);
    soup_server_message_pause(message);
    if (socket) {
        exchange->watch = g_socket_create_source(socket, G_IO_IN | G_IO_HUP | G_IO_ERR, NULL);
        g_source_set_callback(exchange->watch, G_SOURCE_FUNC(on_client), exchange, NULL);
        g_source_attach(exchange->watch, NULL);
    }
    return exchange;
}

/* ---- Readers ---- */

static void on_answer(void *user, guint status, enum ct_view_kind kind, GBytes *body)
{
    struct exchange *exchange = user;

    exchange->ticket = NULL;
    ct_view_answer(exchange->message, status,
                   kind == CT_VIEW_BINARY ? "application/octet-stream" : "application/json", body);
    if (exchange->is_for_ever && status == 200)
        ct_view_answer_for_ever(exchange->message);
    finish(exchange);
}

void ct_view_exchange_ask(SoupServerMessage *message, struct ct_view_asker *asker,
                          const char *question, gboolean is_for_ever)
{
    struct exchange *exchange = exchange_new(message);

    exchange->asker = asker;
    exchange->is_for_ever = is_for_ever;
    exchange->ticket = ct_view_asker_ask(asker, question, on_answer, exchange);
}

/* ---- Commands ---- */

static void on_result(void *user, const struct ct_view_job_result *result)
{
    struct exchange *exchange = user;

    exchange->job = NULL;
    ct_view_answer(exchange->message, result->status, result->type, result->body);
    if (result->file)
        ct_view_answer_as_file(exchange->message, result->file);
    finish(exchange);
}

static void start(struct exchange *exchange, const char *tids)
{
    g_autoptr(GError) error = NULL;

    exchange->request.tids = tids;
    exchange->job =
        ct_view_job_start(exchange->jobs, &exchange->request, on_result, exchange, &error);
    exchange->request.tids = NULL;
    if (exchange->job)
        return;
    ct_view_answer_error(exchange->message, (guint)error->code, error->message);
    finish(exchange);
}

static void on_tids(void *user, guint status, enum ct_view_kind kind, GBytes *body)
{
    struct exchange *exchange = user;
    gsize size;
    const char *text = g_bytes_get_data(body, &size);

    exchange->ticket = NULL;
    if (status == 200 && kind == CT_VIEW_BINARY) {
        g_autofree char *tids = g_strndup(text, size);

        start(exchange, tids);
    } else {
        ct_view_answer(exchange->message, status, "application/json", body);
        finish(exchange);
    }
}

void ct_view_exchange_run(SoupServerMessage *message, struct ct_view_jobs *jobs,
                          const struct ct_view_job_request *request, struct ct_view_asker *asker,
                          const char *tids)
{
    struct exchange *exchange = exchange_new(message);

    exchange->jobs = jobs;
    exchange->asker = asker;
    exchange->request = (struct ct_view_job_request){
        .folder = request->folder,
        .directory = g_strdup(request->directory),
        .name = g_strdup(request->name),
        .params = g_hash_table_ref(request->params),
    };
    if (tids)
        exchange->ticket = ct_view_asker_ask(asker, tids, on_tids, exchange);
    else
        start(exchange, NULL);
}
