#include "http/patience.h"

/* By this name, the request has the source of its end. */
#define KEY "ctrace-patience"

static void end_source(void *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

/* The server reads then that the client is gone. */
static gboolean on_late(void *user)
{
    SoupServerMessage *message = user;
    GSocket *socket = soup_server_message_get_socket(message);

    if (socket)
        g_socket_shutdown(socket, TRUE, TRUE, NULL);
    return G_SOURCE_REMOVE;
}

static void on_started(SoupServer *soup, SoupServerMessage *message, void *user)
{
    GSource *source = g_timeout_source_new(GPOINTER_TO_UINT(user));

    (void)soup;
    g_source_set_callback(source, on_late, message, NULL);
    g_source_attach(source, g_main_context_get_thread_default());
    g_object_set_data_full(G_OBJECT(message), KEY, source, end_source);
}

static void on_read(SoupServer *soup, SoupServerMessage *message)
{
    (void)soup;
    g_object_set_data(G_OBJECT(message), KEY, NULL);
}

void ct_http_patience_begin(SoupServer *soup, guint patience_ms)
{
    g_signal_connect(soup, "request-started", G_CALLBACK(on_started),
                     GUINT_TO_POINTER(patience_ms));
    g_signal_connect(soup, "request-read", G_CALLBACK(on_read), NULL);
    g_signal_connect(soup, "request-finished", G_CALLBACK(on_read), NULL);
    g_signal_connect(soup, "request-aborted", G_CALLBACK(on_read), NULL);
}

static void set_end(SoupServerMessage *message, gint64 end_us)
{
    GSource *source = g_object_get_data(G_OBJECT(message), KEY);

    if (source)
        g_source_set_ready_time(source, end_us);
}

void ct_http_patience_rest(SoupServerMessage *message)
{
    set_end(message, -1);
}

void ct_http_patience_go_on(SoupServerMessage *message, guint patience_ms)
{
    set_end(message, g_get_monotonic_time() + (gint64)patience_ms * 1000);
}
