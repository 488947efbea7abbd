#include "view/server/server.h"

#include "http/answer.h"
#include "http/guard.h"
#include "http/patience.h"
#include "store/key.h"
#include "view/notes/notes.h"
#include "view/server/answer.h"
#include "view/server/change.h"
#include "view/server/exchange.h"

#include <string.h>

#define READER "ctrace-view-reader"

#define ANOTHER_ONE "the recording is another one now: start ctrace view again"

/* What is answered soon does not wait for what takes long. */
enum pace { PACE_SOON, PACE_LATER, PACE_COUNT };

struct recording {
    char *directory; /* owned; an absolute path */
    gboolean has_key;
    uint8_t key[CT_STORE_KEY_SIZE];           /* of what is there */
    struct ct_view_asker *askers[PACE_COUNT]; /* owned */
};

struct ct_view_server {
    SoupServer *soup; /* owned */
    struct ct_http_guard guard;
    GArray *recordings;        /* owned; struct recording */
    struct ct_view_jobs *jobs; /* owned */
    char *folder;              /* owned; where commands are */
    char *address;             /* owned */
};

/* What pages ask readers. */
static const struct question {
    const char *name;
    enum pace pace;
    gboolean is_for_ever; /* the answer to the same question is the same */
} questions[] = {
    {"area", PACE_LATER, FALSE}, {"interval", PACE_SOON, FALSE}, {"overview", PACE_SOON, FALSE},
    {"path", PACE_LATER, FALSE}, {"tiles", PACE_SOON, TRUE},
};

/* ---- Questions ---- */

/* NULL: there is no such one. */
static const struct recording *find_recording(const struct ct_view_server *server,
                                              GHashTable *params)
{
    const char *text = g_hash_table_lookup(params, "r");
    guint64 number = 0;

    if (text &&
        !g_ascii_string_to_unsigned(text, 10, 0, server->recordings->len - 1, &number, NULL))
        return NULL;
    return &g_array_index(server->recordings, struct recording, number);
}

static const struct question *find_question(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(questions); i++)
        if (strcmp(questions[i].name, name) == 0)
            return &questions[i];
    return NULL;
}

/* Commands read what is there now, and readers what was there when they began. */
static gboolean is_unchanged(const struct recording *recording)
{
    uint8_t key[CT_STORE_KEY_SIZE];

    return !recording->has_key || (ct_store_key(recording->directory, key) &&
                                   memcmp(key, recording->key, sizeof(key)) == 0);
}

static void run_command(const struct ct_view_server *server, SoupServerMessage *message,
                        const struct recording *recording, const char *name, GHashTable *params)
{
    const struct ct_view_job_request request = {
        .folder = server->folder,
        .directory = recording->directory,
        .name = name,
        .params = params,
    };
    const char *lanes = g_hash_table_lookup(params, "lanes");
    g_autofree char *escaped = lanes ? g_uri_escape_string(lanes, ",", FALSE) : NULL;
    g_autofree char *tids = lanes && *lanes ? g_strconcat("tids?lanes=", escaped, NULL) : NULL;

    if (is_unchanged(recording))
        ct_view_exchange_run(message, server->jobs, &request, recording->askers[PACE_SOON], tids);
    else
        ct_view_answer_error(message, 409, ANOTHER_ONE);
}

static gboolean is_change(SoupServerMessage *message)
{
    return strcmp(soup_server_message_get_method(message), "POST") == 0;
}

static void answer_notes(SoupServerMessage *message, const struct recording *recording)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) notes = NULL;

    if (is_change(message)) {
        g_autoptr(GBytes) change =
            soup_message_body_flatten(soup_server_message_get_request_body(message));
        gsize size;
        const char *text = g_bytes_get_data(change, &size);

        notes = ct_view_notes_change(recording->directory, text ? text : "", size, &error);
    } else {
        notes = ct_view_notes_read(recording->directory, &error);
    }
    if (notes)
        ct_http_answer(message, 200, "application/json", notes);
    else
        ct_view_answer_error(message, (guint)error->code, error->message);
}

static void answer_api(const struct ct_view_server *server, SoupServerMessage *message,
                       const char *name, const char *query)
{
    g_autoptr(GHashTable) params =
        g_uri_parse_params(query ? query : "", -1, "&", G_URI_PARAMS_WWW_FORM, NULL);
    const struct recording *recording = params ? find_recording(server, params) : NULL;
    const struct question *question = find_question(name);

    if (!params) {
        ct_view_answer_error(message, 400, "the parameters are none of a URL");
    } else if (!recording) {
        ct_view_answer_error(message, 404, "there is no such recording");
    } else if (question) {
        g_autofree char *text = g_strdup_printf("%s?%s", name, query ? query : "");

        ct_view_exchange_ask(message, recording->askers[question->pace], text,
                             question->is_for_ever);
    } else if (strcmp(name, "notes") == 0) {
        if (is_unchanged(recording))
            answer_notes(message, recording);
        else
            ct_view_answer_error(message, 409, ANOTHER_ONE);
    } else if (ct_view_job_is(name)) {
        run_command(server, message, recording, name, params);
    } else {
        ct_view_answer_error(message, 404, "there is no such question");
    }
}

/* ---- Requests ---- */

/* 0, or the status that it is refused with. */
static guint check_request(const struct ct_view_server *server, SoupServerMessage *message,
                           const char **name, const char **why)
{
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
    gboolean has_size = soup_message_headers_get_encoding(headers) == SOUP_ENCODING_CONTENT_LENGTH;
    guint status = ct_http_answer_check(message, &server->guard, name, why);

    if (status != 0 || !is_change(message))
        return status;
    const struct ct_view_change change = {
        .name = *name,
        .origin = soup_message_headers_get_one(headers, "Origin"),
        .type = soup_message_headers_get_one(headers, "Content-Type"),
        .size = has_size ? soup_message_headers_get_content_length(headers) : -1,
    };

    return ct_view_change_check(&change, why);
}

/* Before its body was read, so that none that is refused can be large. */
static void on_headers(SoupServer *soup, SoupServerMessage *message, const char *path,
                       GHashTable *params, void *user)
{
    const struct ct_view_server *server = user;
    const char *name = NULL;
    const char *why = NULL;

    (void)soup, (void)path, (void)params;
    ct_view_answer_begin(message);
    guint status = check_request(server, message, &name, &why);

    if (status != 0) {
        ct_view_answer_error(message, status, why);
        ct_http_answer_refused(message, status);
    } else if (is_change(message)) {
        /* on_body() answers. */
        soup_message_body_set_accumulate(soup_server_message_get_request_body(message), TRUE);
    } else if (g_str_has_prefix(name, "api/")) {
        answer_api(server, message, name + strlen("api/"),
                   g_uri_get_query(soup_server_message_get_uri(message)));
    } else {
        ct_view_answer_page(message, name);
    }
}

static void on_body(SoupServer *soup, SoupServerMessage *message, const char *path,
                    GHashTable *params, void *user)
{
    const struct ct_view_server *server = user;
    const char *name = NULL;
    const char *why = NULL;
    guint status = check_request(server, message, &name, &why);

    (void)soup, (void)path, (void)params;
    if (status != 0)
        ct_view_answer_error(message, status, why);
    else
        answer_api(server, message, name + strlen("api/"),
                   g_uri_get_query(soup_server_message_get_uri(message)));
}

/* ---- The server ---- */

static void add_recordings(struct ct_view_server *server,
                           const struct ct_view_server_request *request)
{
    g_autofree char *program = g_build_filename(request->folder, READER, NULL);

    for (guint i = 0; request->directories[i]; i++) {
        g_autofree char *number = g_strdup_printf("%u", i);
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
        struct recording recording = {
            .directory = g_canonicalize_filename(request->directories[i], NULL),
        };

        recording.has_key = ct_store_key(recording.directory, recording.key);
        g_autofree char *key = recording.has_key
                                   ? g_base64_encode(recording.key, sizeof(recording.key))
                                   : g_strdup("");

        g_strv_builder_add_many(builder, program, key, number, NULL);
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
    server->jobs = ct_view_jobs_new();
    if (!listen_to(server->soup, request->port, error) ||
        !ct_http_guard_add_token(&server->guard, error)) {
        ct_view_server_free(server);
        return NULL;
    }
    server->guard.takes_post = TRUE;
    server->guard.port = listening_port(server->soup);
    server->address = ct_http_guard_address(&server->guard, "127.0.0.1");
    server->folder = g_strdup(request->folder);
    add_recordings(server, request);
    ct_http_patience_begin(server->soup, CT_HTTP_PATIENCE_MS);
    soup_server_add_early_handler(server->soup, NULL, on_headers, server, NULL);
    soup_server_add_handler(server->soup, NULL, on_body, server, NULL);
    return server;
}

void ct_view_server_free(struct ct_view_server *server)
{
    soup_server_disconnect(server->soup);
    ct_view_jobs_free(server->jobs);
    for (guint i = 0; i < server->recordings->len; i++) {
        struct recording *recording = &g_array_index(server->recordings, struct recording, i);

        for (size_t pace = 0; pace < PACE_COUNT; pace++)
            ct_view_asker_free(recording->askers[pace]);
        g_free(recording->directory);
    }
    g_array_unref(server->recordings);
    g_object_unref(server->soup);
    g_free(server->folder);
    g_free(server->address);
    g_free(server);
}

const char *ct_view_server_address(const struct ct_view_server *server)
{
    return server->address;
}
