#include "http/client.h"

#include <sys/socket.h>

struct ct_http_client {
    GSource *watch; /* owned; NULL: nothing is to be heard any more */
    void (*gone)(void *user);
    void *user;
};

/* One that says more says it too early, and is not heard before it was answered. */
static gboolean on_client(GSocket *socket, GIOCondition condition, void *user)
{
    struct ct_http_client *client = user;
    char byte;
    ssize_t size = recv(g_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    g_clear_pointer(&client->watch, g_source_unref);
    if (size == 0 || (size < 0 && condition & (G_IO_HUP | G_IO_ERR)))
        client->gone(client->user);
    return G_SOURCE_REMOVE;
}

struct ct_http_client *ct_http_client_watch(GSocket *socket, void (*gone)(void *user), void *user)
{
    if (!socket)
        return NULL;
    struct ct_http_client *client = g_new0(struct ct_http_client, 1);

    client->gone = gone;
    client->user = user;
    client->watch = g_socket_create_source(socket, G_IO_IN | G_IO_HUP | G_IO_ERR, NULL);
    g_source_set_callback(client->watch, G_SOURCE_FUNC(on_client), client, NULL);
    g_source_attach(client->watch, NULL);
    return client;
}

void ct_http_client_free(struct ct_http_client *client)
{
    if (!client)
        return;
    if (client->watch) {
        g_source_destroy(client->watch);
        g_source_unref(client->watch);
    }
    g_free(client);
}
