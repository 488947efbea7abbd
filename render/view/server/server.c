#include "view/server/server.h"

#include "view/server/asker.h"
#include "view/server/guard.h"

#include <libsoup/soup.h>
#include <string.h>
#include <sys/socket.h>

#define PAGE_PLACE "/ctrace/view/page/"
#define READER     "ctrace-view-reader"

/* Nothing on the page but what comes from here, and no script or style in its text. */
#define CONTENT_POLICY                                                                      \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " \
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "          \
    "frame-ancestors 'none'"

/* What is answered soon does not wait for what takes long. */
enum pace { PACE_SOON, PACE_LATER, PACE_COUNT };

struct recording {
    struct ct_view_asker *askers[PACE_COUNT]; /* owned */
};

struct ct_view_server {
    SoupServer *soup; /* owned */
    struct ct_view_guard guard;
    GArray *recordings; /* owned; struct recording */
    char *address;      /* owned */
};

/* What pages ask readers. */
static const struct question {
    const char *name;
    enum pace pace;
    gboolean is_for_ever; /* the answer to the same question is the same */
} questions[] = {
    {"overview", PACE_SOON, FALSE},
    {"tiles", PACE_SOON, TRUE},
};

/* ---- Answers ---- */

static void set_headers(SoupServerMessage *message)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

    soup_message_headers_replace(headers, "Content-Security-Policy", CONTENT_POLICY);
    soup_message_headers_replace(headers, "X-Content-Type-Options", "nosniff");
    soup_message_headers_replace(headers, "Referrer-Policy", "no-referrer");
    soup_message_headers_replace(headers, "Cross-Origin-Resource-Policy", "same-origin");
    soup_message_headers_replace(headers, "Cross-Origin-Opener-Policy", "same-origin");
    soup_message_headers_replace(headers, "X-Frame-Options", "DENY");
    soup_message_headers_replace(headers, "Cache-Control", "no-store");
}

static void answer(SoupServerMessage *message, guint status, const char *type, GBytes *body)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

    soup_server_message_set_status(message, status, NULL);
    soup_message_headers_set_content_type(headers, type, NULL);
    soup_message_body_append_bytes(soup_server_message_get_response_body(message), body);
}

static void answer_error(SoupServerMessage *message, guint status, const char *why)
{
    g_autofree char *text = g_strdup_printf("{\"error\":\"%s\"}", why);
    g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));

    answer(message, status, "application/json", body);
}

/* ---- The page ---- */

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},   {".svg", "image/svg+xml"},
        {".json", "application/json"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_has_suffix(name, types[i].ending))
            return types[i].type;
    return "application/octet-stream";
}

static void answer_page(SoupServerMessage *message, const char *name)
{
    const char *file = *name ? name : "index.html";
    g_autofree char *place = g_strconcat(PAGE_PLACE, file, NULL);
    g_autoptr(GBytes) body = g_resources_lookup_data(place, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

    if (body)
        answer(message, 200, type_of(file), body);
    else
        answer_error(message, 404, "there is no such file");
}

/* ---- What is asked of readers ---- */

struct exchange {
    SoupServerMessage *message;    /* owned */
    struct ct_view_asker *asker;   /* borrowed, as is the next */
    struct ct_view_ticket *ticket; /* NULL: it was answered */
    GSource *watch;                /* owned; on the client; NULL: none */
    gboolean is_for_ever;
};

static void exchange_free(struct exchange *exchange)
{
    if (exchange->watch) {
        g_source_destroy(exchange->watch);
        g_source_unref(exchange->watch);
    }
    g_object_unref(exchange->message);
    g_free(exchange);
}

static void on_answer(void *user, guint status, enum ct_view_kind kind, GBytes *body)
{
    struct exchange *exchange = user;
    SoupServerMessage *message = exchange->message;

    answer(message, status,
           kind == CT_VIEW_BINARY ? "application/octet-stream" : "application/json", body);
    if (exchange->is_for_ever && status == 200)
        soup_message_headers_replace(soup_server_message_get_response_headers(message),
                                     "Cache-Control", "private, max-age=31536000, immutable");
    soup_server_message_unpause(message);
    exchange_free(exchange);
}

/* A client that has gone wants no answer. One that says more says it too early, and is not heard
 * before it was answered. */
static gboolean on_client(GSocket *socket, GIOCondition condition, void *user)
{
    struct exchange *exchange = user;
    char byte;
    ssize_t size = recv(g_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (size > 0 || (size < 0 && !(condition & (G_IO_HUP | G_IO_ERR)))) {
        g_clear_pointer(&exchange->watch, g_source_unref);
        return G_SOURCE_REMOVE;
    }
    ct_view_asker_cancel(exchange->asker, exchange->ticket);
    soup_server_message_set_status(exchange->message, 503, NULL);
    soup_server_message_unpause(exchange->message);
    exchange_free(exchange);
    return G_SOURCE_REMOVE;
}

static void watch_client(struct exchange *exchange)
{
    GSocket *socket = soup_server_message_get_socket(exchange->message);

    if (!socket)
        return;
    exchange->watch = g_socket_create_source(socket, G_IO_IN | G_IO_HUP | G_IO_ERR, NULL);
    g_source_set_callback(exchange->watch, G_SOURCE_FUNC(on_client), exchange, NULL);
    g_source_attach(exchange->watch, NULL);
}

/* FALSE: there is no such one. */
static gboolean find_recording(const struct ct_view_server *server, const char *query,
                               struct recording *recording)
{
    g_autoptr(GHashTable) params =
        g_uri_parse_params(query ? query : "", -1, "&", G_URI_PARAMS_WWW_FORM, NULL);
    const char *text = params ? g_hash_table_lookup(params, "r") : NULL;
    guint64 number = 0;

    if (!params || (text && !g_ascii_string_to_unsigned(text, 10, 0, server->recordings->len - 1,
                                                        &number, NULL)))
        return FALSE;
    *recording = g_array_index(server->recordings, struct recording, number);
    return TRUE;
}

static void ask_reader(const struct ct_view_server *server, SoupServerMessage *message,
                       const struct question *question, const char *query)
{
    g_autofree char *text = g_strdup_printf("%s?%s", question->name, query ? query : "");
    struct recording recording;

    if (!find_recording(server, query, &recording)) {
        answer_error(message, 404, "there is no such recording");
        return;
    }
    struct exchange *exchange = g_new0(struct exchange, 1);

    exchange->message = g_object_ref(message);
    exchange->asker = recording.askers[question->pace];
    exchange->is_for_ever = question->is_for_ever;
    soup_server_message_pause(message);
    exchange->ticket = ct_view_asker_ask(exchange->asker, text, on_answer, exchange);
    watch_client(exchange);
}

static void answer_api(const struct ct_view_server *server, SoupServerMessage *message,
                       const char *name, const char *query)
{
    for (size_t i = 0; i < G_N_ELEMENTS(questions); i++) {
        if (strcmp(questions[i].name, name) == 0) {
            ask_reader(server, message, &questions[i], query);
            return;
        }
    }
    answer_error(message, 404, "there is no such question");
}

/* ---- Requests ---- */

/* Before its body was read, so that none that is refused can be large. */
static void on_headers(SoupServer *soup, SoupServerMessage *message, const char *path,
                       GHashTable *params, void *user)
{
    const struct ct_view_server *server = user;
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
    GUri *uri = soup_server_message_get_uri(message);
    const struct ct_view_request request = {
        .method = soup_server_message_get_method(message),
        .path = g_uri_get_path(uri),
        .query = g_uri_get_query(uri),
        .host = soup_message_headers_get_one(headers, "Host"),
        .origin = soup_message_headers_get_one(headers, "Origin"),
    };
    const char *name = NULL;
    const char *why = NULL;

    (void)soup, (void)path, (void)params;
    set_headers(message);
    soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
    guint status = ct_view_guard_check(&server->guard, &request, &name, &why);

    if (status != 0) {
        answer_error(message, status, why);
        soup_message_headers_replace(soup_server_message_get_response_headers(message),
                                     "Connection", "close");
        if (status == 405)
            soup_message_headers_replace(soup_server_message_get_response_headers(message), "Allow",
                                         "GET, HEAD");
    } else if (g_str_has_prefix(name, "api/")) {
        answer_api(server, message, name + strlen("api/"), request.query);
    } else {
        answer_page(message, name);
    }
}

/* ---- The server ---- */

static void add_recordings(struct ct_view_server *server,
                           const struct ct_view_server_request *request)
{
    g_autofree char *program = g_build_filename(request->folder, READER, NULL);

    for (guint i = 0; request->directories[i]; i++) {
        g_autofree char *number = g_strdup_printf("%u", i);
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        struct recording recording;

        g_strv_builder_add_many(builder, program, number, NULL);
        g_strv_builder_addv(builder, (const char **)request->directories);
        g_auto(GStrv) argv = g_strv_builder_end(builder);

        for (size_t pace = 0; pace < PACE_COUNT; pace++)
            recording.askers[pace] = ct_view_asker_new((const char *const *)argv);
        g_array_append_val(server->recordings, recording);
    }
}

static guint listening_port(SoupServer *soup)
{
    GSList *uris = soup_server_get_uris(soup);
    int port = uris ? g_uri_get_port(uris->data) : 0;

    g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
    return (guint)port;
}

/* 127.0.0.1 is on every machine that has a network; the other one may not be. */
static gboolean listen_to(SoupServer *soup, guint port, GError **error)
{
    if (!soup_server_listen_local(soup, port, SOUP_SERVER_LISTEN_IPV4_ONLY, error)) {
        g_prefix_error(error, "cannot listen on port %u of 127.0.0.1: ", port);
        return FALSE;
    }
    (void)soup_server_listen_local(soup, listening_port(soup), SOUP_SERVER_LISTEN_IPV6_ONLY, NULL);
    return TRUE;
}

struct ct_view_server *ct_view_server_new(const struct ct_view_server_request *request,
                                          GError **error)
{
    struct ct_view_server *server = g_new0(struct ct_view_server, 1);

    server->soup = soup_server_new(NULL, NULL);
    server->recordings = g_array_new(FALSE, FALSE, sizeof(struct recording));
    if (!listen_to(server->soup, request->port, error) ||
        !ct_view_guard_init(&server->guard, listening_port(server->soup), error)) {
        ct_view_server_free(server);
        return NULL;
    }
    server->address =
        g_strdup_printf("http://127.0.0.1:%u/%s/", server->guard.port, server->guard.token);
    add_recordings(server, request);
    soup_server_add_early_handler(server->soup, NULL, on_headers, server, NULL);
    return server;
}

void ct_view_server_free(struct ct_view_server *server)
{
    soup_server_disconnect(server->soup);
    for (guint i = 0; i < server->recordings->len; i++)
        for (size_t pace = 0; pace < PACE_COUNT; pace++)
            ct_view_asker_free(g_array_index(server->recordings, struct recording, i).askers[pace]);
    g_array_unref(server->recordings);
    g_object_unref(server->soup);
    g_free(server->address);
    g_free(server);
}

const char *ct_view_server_address(const struct ct_view_server *server)
{
    return server->address;
}
