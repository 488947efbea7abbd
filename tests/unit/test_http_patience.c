/* Clients that send half of a request are let go; those that wait for an answer are not. */
#include "http/patience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MS        200
#define HEAD(method, more) method " / HTTP/1.1\r\nHost: localhost\r\n" more "\r\n"

static SoupServer *server;
static SoupServerMessage *paused;
static gboolean is_to_pause;

static void on_headers(SoupServer *soup, SoupServerMessage *message, const char *path,
                       GHashTable *query, void *user)
{
    (void)soup, (void)path, (void)query, (void)user;
    soup_server_message_set_status(message, 204, NULL);
    if (!is_to_pause)
        return;
    paused = g_object_ref(message);
    soup_server_message_pause(message);
    ct_http_patience_rest(message);
}

static int set_up(void **state)
{
    (void)state;
    is_to_pause = FALSE;
    server = soup_server_new(NULL, NULL);
    soup_server_add_early_handler(server, NULL, on_headers, NULL, NULL);
    ct_http_patience_begin(server, PATIENCE_MS);
    return soup_server_listen_local(server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL) ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    soup_server_disconnect(server);
    g_clear_object(&server);
    return 0;
}

static GSocketConnection *connect_and_send(const char *text)
{
    GSList *uris = soup_server_get_uris(server);
    g_autoptr(GSocketClient) client = g_socket_client_new();
    GSocketConnection *connection = g_socket_client_connect_to_host(
        client, "127.0.0.1", (guint16)g_uri_get_port(uris->data), NULL, NULL);

    g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
    assert_non_null(connection);
    assert_true(g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)),
                                          text, strlen(text), NULL, NULL, NULL));
    return connection;
}

static void run_for(guint time_ms)
{
    const gint64 end_us = g_get_monotonic_time() + (gint64)time_ms * 1000;

    while (g_get_monotonic_time() < end_us) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
}

/* What it hears: NULL: nothing, and it is there still. "" : it was let go. */
static char *hear(GSocketConnection *connection, char text[static 1000])
{
    const int socket = g_socket_get_fd(g_socket_connection_get_socket(connection));
    ssize_t size = recv(socket, text, 999, MSG_DONTWAIT);

    if (size < 0)
        return NULL;
    text[size] = '\0';
    return text;
}

static void assert_let_go(const char *sent)
{
    g_autoptr(GSocketConnection) connection = connect_and_send(sent);
    char text[1000];

    for (gint i = 0; i < 100 && !hear(connection, text); i++)
        run_for(PATIENCE_MS / 2);
    assert_string_equal(text, "");
}

static void half_a_request_is_not_kept(void **state)
{
    (void)state;
    assert_let_go("");
    assert_let_go("GE");
    assert_let_go("GET / HTTP/1.1\r\nHost: loc");
    assert_let_go(HEAD("POST", "Content-Length: 10\r\n") "12345");
}

static void a_connection_that_is_kept_ends(void **state)
{
    g_autoptr(GSocketConnection) connection = connect_and_send(HEAD("GET", ""));
    char text[1000] = "", *heard = NULL;

    (void)state;
    for (gint i = 0; i < 100 && !heard; i++) {
        run_for(PATIENCE_MS / 10);
        heard = hear(connection, text);
    }
    assert_true(g_str_has_prefix(text, "HTTP/1.1 204"));
    heard = NULL;
    for (gint i = 0; i < 100 && !heard; i++) {
        run_for(PATIENCE_MS / 2);
        heard = hear(connection, text);
    }
    assert_string_equal(text, "");
}

static void who_waits_for_an_answer_is_kept(void **state)
{
    g_autoptr(GSocketConnection) connection = NULL;
    char text[1000] = "", *heard = NULL;

    (void)state;
    is_to_pause = TRUE;
    connection = connect_and_send(HEAD("GET", ""));
    run_for(PATIENCE_MS * 3);
    assert_non_null(paused);
    assert_null(hear(connection, text));
    soup_server_message_unpause(paused);
    ct_http_patience_go_on(paused, PATIENCE_MS);
    for (gint i = 0; i < 100 && !heard; i++) {
        run_for(PATIENCE_MS / 10);
        heard = hear(connection, text);
    }
    assert_true(g_str_has_prefix(text, "HTTP/1.1 204"));
    g_clear_object(&paused);
}

static void nor_is_half_a_body_after_the_answer_was_made(void **state)
{
    g_autoptr(GSocketConnection) connection = NULL;
    char text[1000] = "", *heard = NULL;

    (void)state;
    is_to_pause = TRUE;
    connection = connect_and_send(HEAD("GET", "Content-Length: 10\r\n") "12345");
    run_for(PATIENCE_MS * 2);
    assert_non_null(paused);
    assert_null(hear(connection, text));
    soup_server_message_unpause(paused);
    ct_http_patience_go_on(paused, PATIENCE_MS);
    g_clear_object(&paused);
    for (gint i = 0; i < 100 && !heard; i++) {
        run_for(PATIENCE_MS / 2);
        heard = hear(connection, text);
    }
    assert_string_equal(text, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(half_a_request_is_not_kept),
        TEST(a_connection_that_is_kept_ends),
        TEST(who_waits_for_an_answer_is_kept),
        TEST(nor_is_half_a_body_after_the_answer_was_made),
    };

    return cmocka_run_group_tests_name("http_patience", tests, NULL, NULL);
}
