/*
 * How long a server waits for a request: whoever sends half of one, its head or its body, or
 * nothing more on a connection that is kept, is let go. Else their connections, and what they hold,
 * would stay for as long as they like.
 */
#ifndef CTRACE_HTTP_PATIENCE_H
#define CTRACE_HTTP_PATIENCE_H

#include <libsoup/soup.h>

/* For a whole request, however it comes. */
#define CT_HTTP_PATIENCE_MS 30000

/* From now on, with all requests to come. */
void ct_http_patience_begin(SoupServer *soup, guint patience_ms);

/* While an answer is made, before the request was read to its end, the client has time. */
void ct_http_patience_rest(SoupServerMessage *message);
void ct_http_patience_go_on(SoupServerMessage *message, guint patience_ms);

#endif
