#include "view/server/answer.h"

#include "http/answer.h"
#include "view/server/errors.h"

#include <string.h>

#define PAGE_PLACE "/ctrace/view/page/"

/* Nothing on the page but what comes from here, and no script or style in its text. */
#define CONTENT_POLICY                                                                      \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " \
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "          \
    "frame-ancestors 'none'"

void ct_view_answer_begin(SoupServerMessage *message)
{
    ct_http_answer_begin(message, CONTENT_POLICY);
}

void ct_view_answer_error(SoupServerMessage *message, guint status, const char *why)
{
    g_autoptr(GBytes) body = ct_view_error_body(why);

    ct_http_answer(message, status, "application/json", body);
}

void ct_view_answer_for_ever(SoupServerMessage *message)
{
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Cache-Control",
                                 "private, max-age=31536000, immutable");
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

void ct_view_answer_page(SoupServerMessage *message, const char *name)
{
    const char *file = *name ? name : "index.html";
    g_autofree char *place = g_strconcat(PAGE_PLACE, file, NULL);
    g_autoptr(GBytes) body = g_resources_lookup_data(place, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

    if (body)
        ct_http_answer(message, 200, type_of(file), body);
    else
        ct_view_answer_error(message, 404, "there is no such file");
}
