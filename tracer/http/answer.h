/* Answers of our servers, and what every one of them says of how a browser may use it. */
#ifndef CTRACE_HTTP_ANSWER_H
#define CTRACE_HTTP_ANSWER_H

#include "http/guard.h"

#include <libsoup/soup.h>

/* Before anything else is said, once the headers were read: nothing that is sent is kept. `policy`
 * is the Content-Security-Policy. */
void ct_http_answer_begin(SoupServerMessage *message, const char *policy);

void ct_http_answer(SoupServerMessage *message, guint status, const char *type, GBytes *body);
/* It is a file, of that name, to be kept. */
void ct_http_answer_as_file(SoupServerMessage *message, const char *name);
/* It is refused with that status; nothing more is read of it. */
void ct_http_answer_refused(SoupServerMessage *message, guint status);

/* As ct_http_guard_check() of it. */
guint ct_http_answer_check(SoupServerMessage *message, const struct ct_http_guard *guard,
                           const char **name, const char **why);

#endif
