#include "view/server/answer.h"

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
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

    soup_message_headers_replace(headers, "Content-Security-Policy", CONTENT_POLICY);
    soup_message_headers_replace(headers, "X-Content-Type-Options", "nosniff");
    soup_message_headers_replace(headers, "Referrer-Policy", "no-referrer");
    soup_message_headers_replace(headers, "Cross-Origin-Resource-Policy", "same-origin");
    soup_message_headers_replace(headers, "Cross-Origin-Opener-Policy", "same-origin");
    soup_message_headers_replace(headers, "X-Frame-Options", "DENY");
    soup_message_headers_replace(headers, "Cache-Control", "no-store");
}

void ct_view_answer(SoupServerMessage *message, guint status, const char *type, GBytes *body)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

    soup_server_message_set_status(message, status, NULL);
    soup_message_headers_set_content_type(headers, type, NULL);
    soup_message_body_append_bytes(soup_server_message_get_response_body(message), body);
}

void ct_view_answer_error(SoupServerMessage *message, guint status, const char *why)
{
    g_autoptr(GBytes) body = ct_view_error_body(why);

    ct_view_answer(message, status, "application/json", body);
}

void ct_view_answer_for_ever(SoupServerMessage *message)
{
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Cache-Control",
                                 "private, max-age=31536000, immutable");
}

void ct_view_answer_as_file(SoupServerMessage *message, const char *name)
{
    g_autofree char *value = g_strdup_printf("attachment; filename=\"%s\"", name);

    soup_message_headers_replace(soup_server_message_get_response_headers(message),
                                 "Content-Disposition", value);
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
        ct_view_answer(message, 200, type_of(file), body);
    else
        ct_view_answer_error(message, 404, "there is no such file");
}
