#include "http/guard.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define SCHEME "http://"

/* One that need not be named. */
enum { HTTP_PORT = 80 };

gboolean ct_http_guard_add_token(struct ct_http_guard *guard, GError **error)
{
    guint8 random[CT_HTTP_TOKEN_SIZE / 2];

    if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
        g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno),
                    "the system gives no random numbers: %s", g_strerror(errno));
        return FALSE;
    }
    for (size_t i = 0; i < sizeof(random); i++)
        g_snprintf(guard->token + 2 * i, 3, "%02x", random[i]);
    return TRUE;
}

char *ct_http_guard_address(const struct ct_http_guard *guard, const char *host)
{
    return g_strdup_printf(SCHEME "%s:%u/%s%s", host, guard->port, guard->token,
                           *guard->token ? "/" : "");
}

/* It takes as long wherever they differ. */
static gboolean is_token(const struct ct_http_guard *guard, const char *text)
{
    guint8 difference = 0;

    for (size_t i = 0; i < CT_HTTP_TOKEN_SIZE; i++)
        difference |= (guint8)(guard->token[i] ^ text[i]);
    return difference == 0;
}

static gboolean is_own_host(const struct ct_http_guard *guard, const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

    for (size_t i = 0; host && i < G_N_ELEMENTS(names); i++) {
        g_autofree char *own = g_strdup_printf("%s:%u", names[i], guard->port);

        if (g_ascii_strcasecmp(host, own) == 0 ||
            (guard->port == HTTP_PORT && g_ascii_strcasecmp(host, names[i]) == 0))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_own_origin(const struct ct_http_guard *guard, const char *origin)
{
    return g_str_has_prefix(origin, SCHEME) && is_own_host(guard, origin + strlen(SCHEME));
}

static gboolean is(const char *value, const char *expected)
{
    return value && strcmp(value, expected) == 0;
}

/* A page of others may show the way here to who reads it, but only one that knows the token. */
static gboolean is_asked_by_others(const struct ct_http_guard *guard,
                                   const struct ct_http_request *request)
{
    if (!request->fetch_site || is(request->fetch_site, "same-origin") ||
        is(request->fetch_site, "none"))
        return FALSE;
    return !*guard->token || !is(request->fetch_mode, "navigate") ||
           !is(request->fetch_dest, "document");
}

/* NULL: it does not begin with the token. */
static const char *below_token(const struct ct_http_guard *guard, const char *path)
{
    if (*path != '/')
        return NULL;
    if (!*guard->token)
        return path + 1;
    if (strlen(path) < 1 + CT_HTTP_TOKEN_SIZE || !is_token(guard, path + 1))
        return NULL;
    const char *rest = path + 1 + CT_HTTP_TOKEN_SIZE;

    return *rest == '/' ? rest + 1 : NULL;
}

static gboolean is_method(const struct ct_http_guard *guard, const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           (guard->takes_post && strcmp(method, "POST") == 0);
}

static guint refuse(guint status, const char *words, const char **why)
{
    *why = words;
    return status;
}

guint ct_http_guard_check(const struct ct_http_guard *guard, const struct ct_http_request *request,
                          const char **name, const char **why)
{
    if (!is_own_host(guard, request->host))
        return refuse(403, "this server is asked by the address that it printed", why);
    if ((request->origin && !is_own_origin(guard, request->origin)) ||
        is_asked_by_others(guard, request))
        return refuse(403, "pages of others may not ask this server", why);
    if (strlen(request->path) + (request->query ? strlen(request->query) : 0) > CT_HTTP_URL_MAX)
        return refuse(414, "the address is too long", why);
    *name = below_token(guard, request->path);
    if (!*name)
        return refuse(403, "the address lacks the token that was printed with it", why);
    if (!is_method(guard, request->method))
        return refuse(405, "this server is only read from: GET or HEAD", why);
    return 0;
}
