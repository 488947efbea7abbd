#include "push/answer.h"

#include <string.h>

#define MS_PER_S 1000

/* So much of it is told. */
#define TOLD_SIZE_MAX 512

#define TOO_MANY_REQUESTS 429

/* Longer than anybody is let wait. */
#define ASKED_S_MAX 86400

/* "429 Too Many Requests: what it says", in one line. */
static char *describe(SoupMessage *message, GBytes *said)
{
    gsize size = 0;
    const char *data = said ? g_bytes_get_data(said, &size) : NULL;
    g_autofree char *text =
        g_utf8_make_valid(size > 0 ? data : "", (gssize)MIN(size, TOLD_SIZE_MAX));
    const char *reason = soup_message_get_reason_phrase(message);

    for (char *letter = text; *letter; letter++)
        if (g_ascii_iscntrl(*letter))
            *letter = ' ';
    g_strstrip(text);
    return g_strdup_printf("it answers %u%s%s%s%s", soup_message_get_status(message),
                           reason && *reason ? " " : "", reason ? reason : "", *text ? ": " : "",
                           text);
}

/* Retry-After, if it is a number of seconds. */
static guint asked_wait(SoupMessage *message)
{
    SoupMessageHeaders *headers = soup_message_get_response_headers(message);
    const char *text = soup_message_headers_get_one(headers, "Retry-After");
    guint64 seconds;

    if (!text || !g_ascii_string_to_unsigned(text, 10, 0, ASKED_S_MAX, &seconds, NULL))
        return 0;
    return (guint)seconds * MS_PER_S;
}

static enum ct_push_verdict judge(guint status)
{
    if (status >= 200 && status < 300)
        return CT_PUSH_ANSWER_TAKEN;
    if (status == SOUP_STATUS_REQUEST_TIMEOUT || status == TOO_MANY_REQUESTS ||
        (status >= 500 && status != SOUP_STATUS_NOT_IMPLEMENTED))
        return CT_PUSH_ANSWER_LATER;
    return CT_PUSH_ANSWER_REFUSED;
}

void ct_push_answer_read(struct ct_push_answer *answer, SoupMessage *message, GBytes *said)
{
    *answer = (struct ct_push_answer){.verdict = judge(soup_message_get_status(message))};
    if (answer->verdict == CT_PUSH_ANSWER_LATER)
        answer->wait_ms = asked_wait(message);
    if (answer->verdict != CT_PUSH_ANSWER_TAKEN)
        answer->why = describe(message, said);
}

void ct_push_answer_complain(struct ct_push_answer *answer, char *complaint)
{
    answer->verdict = CT_PUSH_ANSWER_REFUSED;
    answer->why = complaint;
}

void ct_push_answer_failed(struct ct_push_answer *answer, const GError *failure)
{
    *answer =
        (struct ct_push_answer){.verdict = CT_PUSH_ANSWER_LATER, .why = g_strdup(failure->message)};
}

void ct_push_answer_late(struct ct_push_answer *answer, guint timeout_ms)
{
    *answer = (struct ct_push_answer){
        .verdict = CT_PUSH_ANSWER_LATER,
        .why = g_strdup_printf("no answer within %.3g s", (double)timeout_ms / MS_PER_S)};
}

void ct_push_answer_clear(struct ct_push_answer *answer)
{
    g_clear_pointer(&answer->why, g_free);
}
