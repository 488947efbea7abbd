#include "serve/server.h"

#include "http/answer.h"
#include "http/client.h"
#include "http/patience.h"
#include "serve/answers.h"
#include "serve/living_heap.h"
#include "serve/looking.h"
#include "serve/metrics.h"
#include "serve/pages.h"
#include "serve/status.h"

#include <string.h>

#define PLAIN "text/plain; charset=utf-8"

struct ct_serve {
    SoupServer *soup;            /* owned */
    struct ct_living_heap *heap; /* owned; or NULL */
    struct ct_looking *looking;  /* owned */
    struct ct_http_guard guard;
    struct ct_listen *listen;       /* borrowed, as is the next */
    const struct ct_served *served; /* of whom it tells */
    struct ct_answers *answers;     /* owned, as are the next three */
    char *policy;
    char *address;
    char *base;           /* of what is asked by HTTP */
    GPtrArray *exchanges; /* owned; struct exchange *, each until it is finished */
    guint unsent;         /* answers to what was recorded, which are not all there yet */
    gboolean is_redacted;
    gboolean is_open;
};

/* ---- Answers ---- */

/* As Go says what is wrong. */
static void answer_error(SoupServerMessage *message, guint status, const char *why)
{
    g_autofree char *text = g_strconcat(why, "\n", NULL);
    g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));

    soup_message_headers_replace(soup_server_message_get_response_headers(message), "X-Go-Pprof",
                                 "1");
    ct_http_answer(message, status, PLAIN, body);
}

static void redirect(SoupServerMessage *message, const char *place)
{
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Location",
                                 place);
    answer_error(message, 302, place);
}

static void answer_bytes(SoupServerMessage *message, const char *type, GBytes *body)
{
    g_autoptr(GBytes) owned = body;

    ct_http_answer(message, 200, type, owned);
}

/* ---- What is recorded first ---- */

struct exchange {
    struct ct_serve *serve;        /* borrowed */
    SoupServerMessage *message;    /* owned */
    struct ct_http_client *client; /* owned; or NULL */
    struct ct_answer *answer;
};

static void finish(struct exchange *exchange)
{
    g_ptr_array_remove_fast(exchange->serve->exchanges, exchange);
    ct_http_client_free(exchange->client);
    soup_server_message_unpause(exchange->message);
    ct_http_patience_go_on(exchange->message, CT_HTTP_PATIENCE_MS);
    g_object_unref(exchange->message);
    g_free(exchange);
}

static void on_answer(void *user, const struct ct_answer_result *result, const GError *error)
{
    struct exchange *exchange = user;

    if (error) {
        answer_error(exchange->message, (guint)error->code, error->message);
    } else {
        ct_http_answer(exchange->message, 200, result->type, result->body);
        if (result->file)
            ct_http_answer_as_file(exchange->message, result->file);
    }
    finish(exchange);
}

static void on_gone(void *user)
{
    struct exchange *exchange = user;

    ct_answer_cancel(exchange->answer);
    soup_server_message_set_status(exchange->message, CT_SERVE_NOT_NOW, NULL);
    finish(exchange);
}

static void on_sent(SoupServerMessage *message, void *user)
{
    struct ct_serve *serve = user;

    (void)message;
    serve->unsent--;
}

static void record(struct ct_serve *serve, SoupServerMessage *message,
                   const struct ct_question *question)
{
    struct ct_served_targets targets;
    g_autoptr(GError) error = NULL;

    if (!serve->is_open) {
        answer_error(message, CT_SERVE_NOT_NOW, "this agent is ending");
        return;
    }
    struct exchange *exchange = g_new0(struct exchange, 1);

    if (ct_served_find(serve->served, question->process, &targets, &error))
        exchange->answer =
            ct_answer_start(serve->answers, question, &targets, on_answer, exchange, &error);
    ct_served_targets_clear(&targets);
    if (!exchange->answer) {
        answer_error(message, (guint)error->code, error->message);
        g_free(exchange);
        return;
    }
    exchange->serve = serve;
    exchange->message = g_object_ref(message);
    g_ptr_array_add(serve->exchanges, exchange);
    serve->unsent++;
    g_signal_connect(message, "finished", G_CALLBACK(on_sent), serve);
    soup_server_message_pause(message);
    ct_http_patience_rest(message);
    exchange->client =
        ct_http_client_watch(soup_server_message_get_socket(message), on_gone, exchange);
}

/* ---- What is not ---- */

static void answer_page(const struct ct_serve *serve, SoupServerMessage *message,
                        const struct ct_question *question)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) processes = ct_served_choose(serve->served, question->process, &error);
    const struct ct_page_request request = {
        .processes = processes,
        .is_redacted = serve->is_redacted,
        .up = question->is_by_path ? "../../../" : "../../",
        .base = serve->base,
    };

    if (!processes)
        answer_error(message, (guint)error->code, error->message);
    else if (!question->endpoint)
        answer_bytes(message, "text/html; charset=utf-8", ct_page_index(&request));
    else if (question->endpoint->kind == CT_ENDPOINT_CMDLINE)
        answer_bytes(message, PLAIN, ct_page_command_lines(&request));
    else
        answer_bytes(message, PLAIN, ct_page_thread_count(&request));
}

/* pprof asks so for the names of what has none; that is then all that can be known. */
static void answer_symbol(SoupServerMessage *message)
{
    static const char text[] = "num_symbols: 0\n";

    answer_bytes(message, PLAIN, g_bytes_new_static(text, strlen(text)));
}

/* Of the whole program: whose memory it is, is told by the profile. */
static void answer_heap(struct ct_serve *serve, SoupServerMessage *message,
                        const struct ct_question *question)
{
    if (!serve->heap)
        answer_error(message, CT_SERVE_WRONG,
                     "there are no heap profiles: nothing is injected into what runs already; "
                     "start it by: ctrace serve --heap PROGRAM");
    else if (question->debug > 0)
        answer_error(message, CT_SERVE_WRONG,
                     "debug= is not of heap profiles: go tool pprof -top reads them");
    else if (strcmp(soup_server_message_get_method(message), "HEAD") == 0)
        answer_bytes(message, PLAIN, g_bytes_new(NULL, 0));
    else
        record(serve, message, question);
}

static void answer_question(struct ct_serve *serve, SoupServerMessage *message,
                            const struct ct_question *question)
{
    const struct ct_endpoint *endpoint = question->endpoint;

    if (endpoint && endpoint->kind == CT_ENDPOINT_SYMBOL)
        answer_symbol(message);
    else if (strcmp(soup_server_message_get_method(message), "POST") == 0)
        answer_error(message, CT_SERVE_NO_METHOD, "only symbol is posted to: GET or HEAD");
    else if (endpoint && endpoint->kind == CT_ENDPOINT_HEAP)
        answer_heap(serve, message, question);
    else if (!endpoint || question->duration_ms == 0)
        answer_page(serve, message, question);
    else if (serve->is_redacted && endpoint->kind == CT_ENDPOINT_TRACE)
        answer_error(message, CT_SERVE_FORBIDDEN,
                     "recordings tell command lines, which this server does not (--redact)");
    else if (strcmp(soup_server_message_get_method(message), "HEAD") == 0)
        answer_bytes(message, PLAIN, g_bytes_new(NULL, 0)); /* nothing is recorded for it */
    else
        record(serve, message, question);
}

static void answer_metrics(struct ct_serve *serve, SoupServerMessage *message)
{
    gboolean is_posted = strcmp(soup_server_message_get_method(message), "POST") == 0;
    g_autoptr(GError) error = NULL;
    char *text = is_posted ? NULL : ct_looking_metrics(serve->looking, &error);

    if (is_posted)
        answer_error(message, CT_SERVE_NO_METHOD, "metrics are not posted to: GET or HEAD");
    else if (text)
        answer_bytes(message, CT_METRICS_TYPE, g_bytes_new_take(text, strlen(text)));
    else
        answer_error(message, (guint)error->code, error->message);
}

/* ---- Requests ---- */

static void answer(struct ct_serve *serve, SoupServerMessage *message, const char *name)
{
    struct ct_question question;
    g_autoptr(GError) error = NULL;
    g_autofree char *elsewhere = ct_question_redirect(name);

    if (elsewhere) {
        redirect(message, elsewhere);
        return;
    }
    if (strcmp(name, "metrics") == 0) {
        answer_metrics(serve, message);
        return;
    }
    if (ct_question_parse(&question, name, g_uri_get_query(soup_server_message_get_uri(message)),
                          &error))
        answer_question(serve, message, &question);
    else
        answer_error(message, (guint)error->code, error->message);
    ct_question_clear(&question);
}

/* Before its body was read, so that none that is refused can be large. */
static void on_headers(SoupServer *soup, SoupServerMessage *message, const char *path,
                       GHashTable *params, void *user)
{
    struct ct_serve *serve = user;
    const char *name = NULL;
    const char *why = "this socket is asked by its own user only";
    guint status = CT_SERVE_FORBIDDEN;

    (void)soup, (void)path, (void)params;
    ct_http_answer_begin(message, serve->policy);
    if (ct_listen_lets(serve->listen, soup_server_message_get_socket(message)))
        status = ct_http_answer_check(message, &serve->guard, &name, &why);
    if (status != 0) {
        answer_error(message, status, why);
        ct_http_answer_refused(message, status);
    } else {
        answer(serve, message, name);
    }
}

/* ---- The server ---- */

static void set_addresses(struct ct_serve *serve)
{
    const struct ct_listen *listen = serve->listen;

    if (listen->path) {
        serve->address = g_strconcat("unix:", listen->path, NULL);
        serve->base = g_strdup("http://localhost/debug/pprof/");
        return;
    }
    g_autofree char *host =
        g_strdup_printf(strchr(listen->host, ':') ? "[%s]" : "%s", listen->host);
    g_autofree char *place = ct_http_guard_address(&serve->guard, host);

    serve->base = g_strconcat(place, "debug/pprof/", NULL);
    serve->address = g_strdup(serve->base);
}

static gboolean begin(struct ct_serve *serve, const struct ct_serve_request *request,
                      GError **error)
{
    serve->answers = ct_answers_new(request->programs, request->has_program, request->kept, error);
    if (!serve->answers)
        return FALSE;
    if (request->has_heap)
        serve->heap = ct_living_heap_new(ct_serve_living(serve));
    serve->looking = ct_looking_new(request->served, serve->heap);
    if (request->has_token && !ct_http_guard_add_token(&serve->guard, error))
        return FALSE;
    serve->is_open = ct_listen_open(request->listen, serve->soup, &serve->guard, error);
    if (!serve->is_open)
        return FALSE;
    set_addresses(serve);
    soup_server_add_early_handler(serve->soup, NULL, on_headers, serve, NULL);
    ct_http_patience_begin(serve->soup, CT_HTTP_PATIENCE_MS);
    return TRUE;
}

struct ct_serve *ct_serve_new(const struct ct_serve_request *request, GError **error)
{
    struct ct_serve *serve = g_new0(struct ct_serve, 1);

    serve->soup = soup_server_new(NULL, NULL);
    serve->exchanges = g_ptr_array_new();
    serve->guard.takes_post = TRUE;
    serve->listen = request->listen;
    serve->served = request->served;
    serve->is_redacted = request->is_redacted;
    serve->policy = ct_page_policy();
    if (begin(serve, request, error))
        return serve;
    ct_serve_free(serve);
    return NULL;
}

void ct_serve_free(struct ct_serve *serve)
{
    if (serve->is_open)
        ct_listen_close(serve->listen);
    /* Whoever asks while it is waited for what runs must not have something run in turn. */
    serve->is_open = FALSE;
    while (serve->exchanges->len > 0)
        on_gone(serve->exchanges->pdata[0]);
    if (serve->answers)
        ct_answers_free(serve->answers);
    soup_server_disconnect(serve->soup);
    g_object_unref(serve->soup);
    g_ptr_array_unref(serve->exchanges);
    g_clear_pointer(&serve->looking, ct_looking_free);
    ct_living_heap_free(serve->heap);
    g_free(serve->policy);
    g_free(serve->address);
    g_free(serve->base);
    g_free(serve);
}

const char *ct_serve_living(const struct ct_serve *serve)
{
    return ct_answers_living(serve->answers);
}

const char *ct_serve_standby(const struct ct_serve *serve)
{
    return ct_answers_standby(serve->answers);
}

gboolean ct_serve_is_busy(const struct ct_serve *serve)
{
    return serve->unsent > 0;
}

struct ct_answers *ct_serve_answers(const struct ct_serve *serve)
{
    return serve->answers;
}

struct ct_living_heap *ct_serve_heap(const struct ct_serve *serve)
{
    return serve->heap;
}

const char *ct_serve_address(const struct ct_serve *serve)
{
    return serve->address;
}
