#include "view/server/exchange.h"

#include "http/answer.h"
#include "http/client.h"
#include "http/patience.h"
#include "view/server/answer.h"

struct exchange {
    SoupServerMessage *message;    /* owned */
    struct ct_view_asker *asker;   /* borrowed */
    struct ct_view_ticket *ticket; /* the asker's; NULL: it is not asked */
    struct ct_http_client *client; /* owned; or NULL */
    gboolean is_for_ever;

    struct ct_view_jobs *jobs;          /* borrowed; NULL: no command is run */
    struct ct_view_job *job;            /* it runs; or NULL */
    struct ct_view_job_request request; /* owned copies, but for the folder */
};

static void exchange_free(struct exchange *exchange)
{
    ct_http_client_free(exchange->client);
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
    ct_http_patience_go_on(exchange->message, CT_HTTP_PATIENCE_MS);
    exchange_free(exchange);
}

/* ---- The client ---- */

/* One that has gone wants no answer. */
static void on_gone(void *user)
{
    struct exchange *exchange = user;

    if (exchange->ticket)
        ct_view_asker_cancel(exchange->asker, exchange->ticket);
    if (exchange->job)
        ct_view_job_cancel(exchange->job);
    soup_server_message_set_status(exchange->message, 503, NULL);
    finish(exchange);
}

static struct exchange *exchange_new(SoupServerMessage *message)
{
    struct exchange *exchange = g_new0(struct exchange, 1);

    exchange->message = g_object_ref(message);
    soup_server_message_pause(message);
    ct_http_patience_rest(message);
    exchange->client =
        ct_http_client_watch(soup_server_message_get_socket(message), on_gone, exchange);
    return exchange;
}

/* ---- Readers ---- */

static void on_answer(void *user, guint status, enum ct_view_kind kind, GBytes *body)
{
    struct exchange *exchange = user;

    exchange->ticket = NULL;
    ct_http_answer(exchange->message, status,
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
    ct_http_answer(exchange->message, result->status, result->type, result->body);
    if (result->file)
        ct_http_answer_as_file(exchange->message, result->file);
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
        ct_http_answer(exchange->message, status, "application/json", body);
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
