#include "serve/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"

/* What clients of a socket call the host, if nobody says so: that port need not be named. */
enum { UNNAMED_PORT = 80 };

enum { PATH_LENGTH_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1 };

static gboolean refuse(GError **error, char *words)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, words);
    g_free(words);
    return FALSE;
}

/* ---- What is asked for ---- */

static gboolean parse_path(struct ct_listen *listen, const char *path, GError **error)
{
    if (!*path)
        return refuse(error, g_strdup("--listen=unix: give the socket's path"));
    listen->path = g_canonicalize_filename(path, NULL);
    if (strlen(listen->path) > PATH_LENGTH_MAX)
        return refuse(error, g_strdup_printf("--listen=unix:%s: the path of a socket has no more "
                                             "than %d bytes",
                                             path, PATH_LENGTH_MAX));
    return TRUE;
}

/* As the guard knows it: requests under any other name of this machine are refused. NULL: it is
 * none of those. The caller frees it. */
static char *own_address(const char *host)
{
    static const char *const own[] = {"127.0.0.1", "::1", NULL};
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);
    g_autofree char *text = address ? g_inet_address_to_string(address) : NULL;

    return text && g_strv_contains(own, text) ? g_steal_pointer(&text) : NULL;
}

gboolean ct_listen_parse(struct ct_listen *listen, const char *text, GError **error)
{
    const char *colon = strrchr(text, ':');
    guint64 port;

    *listen = (struct ct_listen){0};
    if (g_str_has_prefix(text, UNIX_PREFIX))
        return parse_path(listen, text + strlen(UNIX_PREFIX), error);
    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 0, G_MAXUINT16, &port, NULL))
        return refuse(
            error,
            g_strdup_printf("--listen=%s: give an address and a port, such as " CT_LISTEN_DEFAULT
                            ", or unix:PATH",
                            text));
    g_autofree char *host = g_strndup(text, (gsize)(colon - text));
    gsize length = strlen(host);

    if (length > 1 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        memmove(host, host + 1, length - 1);
    }
    if (!*host || strcmp(host, "localhost") == 0) {
        g_free(host);
        host = g_strdup("127.0.0.1");
    }
    listen->host = own_address(host);
    if (!listen->host)
        return refuse(error, g_strdup_printf("--listen=%s: only this machine's own addresses are "
                                             "listened to, 127.0.0.1 or [::1]; from elsewhere, let "
                                             "ssh bring the port there: ssh -L 6060:127.0.0.1:6060 "
                                             "HOST",
                                             text));
    listen->port = (guint)port;
    return TRUE;
}

void ct_listen_clear(struct ct_listen *listen)
{
    g_clear_pointer(&listen->host, g_free);
    g_clear_pointer(&listen->path, g_free);
}

/* ---- A port ---- */

static guint listening_port(SoupServer *soup)
{
    GSList *uris = soup_server_get_uris(soup);
    int port = uris ? g_uri_get_port(uris->data) : 0;

    g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
    return (guint)port;
}

static gboolean open_port(const struct ct_listen *listen, SoupServer *soup,
                          struct ct_http_guard *guard, GError **error)
{
    g_autoptr(GSocketAddress) address =
        g_inet_socket_address_new_from_string(listen->host, listen->port);

    if (!soup_server_listen(soup, address, 0, error)) {
        g_prefix_error(error, "cannot listen on port %u of %s (another is --listen=%s:PORT): ",
                       listen->port, listen->host, listen->host);
        return FALSE;
    }
    guard->port = listening_port(soup);
    return TRUE;
}

/* ---- A socket ---- */

static gboolean fail(GError **error, const char *path, const char *why)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot listen on %s: %s", path, why);
    return FALSE;
}

/* Nobody else can put anything into it, or reach what is in it. */
static gboolean check_folder(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    struct stat status;

    if (g_mkdir(folder, 0700) != 0 && errno != EEXIST)
        return fail(error, path, g_strerror(errno));
    if (lstat(folder, &status) != 0)
        return fail(error, path, g_strerror(errno));
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() ||
        (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        g_autofree char *words = g_strdup_printf(
            "others can get into %s; give a folder of your own, of mode 0700, or one that is yet "
            "to be made",
            folder);

        return fail(error, path, words);
    }
    return TRUE;
}

/* One that nobody listens to any more is in the way. */
static gboolean clear_way(const char *path, GSocketAddress *address, GError **error)
{
    g_autoptr(GSocket) socket =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
    struct stat status;

    if (!socket)
        return FALSE;
    if (lstat(path, &status) != 0)
        return TRUE;
    if (!S_ISSOCK(status.st_mode))
        return fail(error, path, "there is a file of that name");
    if (g_socket_connect(socket, address, NULL, NULL))
        return fail(error, path, "another server listens there");
    return unlink(path) == 0 || fail(error, path, g_strerror(errno));
}

static gboolean open_socket(const struct ct_listen *listen, SoupServer *soup, GError **error)
{
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(listen->path);
    g_autoptr(GSocket) socket = NULL;

    if (!check_folder(listen->path, error) || !clear_way(listen->path, address, error))
        return FALSE;
    socket =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
    if (!socket || !g_socket_bind(socket, address, FALSE, error))
        return FALSE;
    if (chmod(listen->path, 0600) != 0)
        return fail(error, listen->path, g_strerror(errno));
    return g_socket_listen(socket, error) && soup_server_listen_socket(soup, socket, 0, error);
}

gboolean ct_listen_open(struct ct_listen *listen, SoupServer *soup, struct ct_http_guard *guard,
                        GError **error)
{
    if (!listen->path)
        return open_port(listen, soup, guard, error);
    guard->port = UNNAMED_PORT;
    return open_socket(listen, soup, error);
}

void ct_listen_close(const struct ct_listen *listen)
{
    if (listen->path)
        unlink(listen->path);
}

gboolean ct_listen_lets(const struct ct_listen *listen, GSocket *socket)
{
    if (!listen->path)
        return TRUE;
    g_autoptr(GCredentials) peer = socket ? g_socket_get_credentials(socket, NULL) : NULL;
    uid_t user = peer ? g_credentials_get_unix_user(peer, NULL) : (uid_t)-1;

    return user == geteuid() || user == 0;
}
