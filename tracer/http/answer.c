#include "http/answer.h"

void ct_http_answer_begin(SoupServerMessage *message, const char *policy)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

    soup_message_headers_replace(headers, "Content-Security-Policy", policy);
    soup_message_headers_replace(headers, "X-Content-Type-Options", "nosniff");
    soup_message_headers_replace(headers, "Referrer-Policy", "no-referrer");
    soup_message_headers_replace(headers, "Cross-Origin-Resource-Policy", "same-origin");
    soup_message_headers_replace(headers, "Cross-Origin-Opener-Policy", "same-origin");
    soup_message_headers_replace(headers, "X-Frame-Options", "DENY");
    soup_message_headers_replace(headers, "Cache-Control", "no-store");
    soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
}

void ct_http_answer(SoupServerMessage *message, guint status, const char *type, GBytes *body)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

    soup_server_message_set_status(message, status, NULL);
    soup_message_headers_set_content_type(headers, type, NULL);
    soup_message_body_append_bytes(soup_server_message_get_response_body(message), body);
}

void ct_http_answer_as_file(SoupServerMessage *message, const char *name)
{
    g_autofree char *value = g_strdup_printf("attachment; filename=\"%s\"", name);

    soup_message_headers_replace(soup_server_message_get_response_headers(message),
                                 "Content-Disposition", value);
}

void ct_http_answer_refused(SoupServerMessage *message, guint status)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(message);

    soup_message_headers_replace(headers, "Connection", "close");
    if (status == 405)
        soup_message_headers_replace(headers, "Allow", "GET, HEAD");
}

guint ct_http_answer_check(SoupServerMessage *message, const struct ct_http_guard *guard,
                           const char **name, const char **why)
{
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
    GUri *uri = soup_server_message_get_uri(message);
    const struct ct_http_request request = {
        .method = soup_server_message_get_method(message),
        .path = g_uri_get_path(uri),
        .query = g_uri_get_query(uri),
        .host = soup_message_headers_get_one(headers, "Host"),
        .origin = soup_message_headers_get_one(headers, "Origin"),
        .fetch_site = soup_message_headers_get_one(headers, "Sec-Fetch-Site"),
        .fetch_mode = soup_message_headers_get_one(headers, "Sec-Fetch-Mode"),
        .fetch_dest = soup_message_headers_get_one(headers, "Sec-Fetch-Dest"),
    };

    return ct_http_guard_check(guard, &request, name, why);
}
