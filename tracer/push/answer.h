/* What a target's answer means for the profile that it was sent. */
#ifndef CTRACE_PUSH_ANSWER_H
#define CTRACE_PUSH_ANSWER_H

#include <libsoup/soup.h>

/* So much of what it says is read. */
#define CT_PUSH_ANSWER_SIZE_MAX 4096

enum ct_push_verdict {
    CT_PUSH_ANSWER_TAKEN,
    CT_PUSH_ANSWER_LATER,  /* it may go well another time */
    CT_PUSH_ANSWER_REFUSED /* it will never */
};

struct ct_push_answer {
    enum ct_push_verdict verdict;
    guint wait_ms; /* it asks for at least so much; 0: it does not */
    char *why;     /* owned; NULL: it was taken */
};

/* Of the message's status and headers, and the beginning of its body, which may be NULL. Each is
 * cleared by ct_push_answer_clear(). */
void ct_push_answer_read(struct ct_push_answer *answer, SoupMessage *message, GBytes *said);
/* It was taken, but for what `complaint` says; takes that. */
void ct_push_answer_complain(struct ct_push_answer *answer, char *complaint);
/* There was none; or none in time. */
void ct_push_answer_failed(struct ct_push_answer *answer, const GError *failure);
void ct_push_answer_late(struct ct_push_answer *answer, guint timeout_ms);
void ct_push_answer_clear(struct ct_push_answer *answer);

#endif
