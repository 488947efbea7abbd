#include "push/queue.h"

#include "push/answer.h"

#include <libsoup/soup.h>

struct ct_push {
    const struct ct_push_target *target; /* borrowed */
    struct ct_push_limits limits;
    ct_push_observe *observe;
    void *user;
    SoupSession *session;          /* owned */
    GQueue waiting;                /* struct ct_push_profile *, owned; its first one is under way */
    uint64_t bytes;                /* in them */
    guint tries;                   /* of the first one, with the one under way */
    struct ct_push_try *under_way; /* borrowed: it goes on without us, and then frees itself */
    guint pause;                   /* a source; 0: there is none */
    struct ct_push_counts counts;
};

/* One request, and its answer. */
struct ct_push_try {
    struct ct_push *push; /* borrowed; NULL: nobody asks any more */
    SoupMessage *message; /* owned, as are the others */
    GCancellable *cancellable;
    guint deadline; /* a source; 0: it is over */
    gboolean is_late;
};

static void begin(struct ct_push *push);

/* ---- What becomes of the first profile ---- */

static struct ct_push_profile *take_nth(struct ct_push *push, guint index)
{
    struct ct_push_profile *profile = g_queue_pop_nth(&push->waiting, index);

    push->bytes -= g_bytes_get_size(profile->bytes);
    return profile;
}

static void tell_and_free(struct ct_push *push, enum ct_push_outcome outcome,
                          struct ct_push_profile *profile, const char *why)
{
    push->observe(push->user, outcome, profile, why);
    ct_push_profile_free(profile);
}

static gboolean on_pause_over(void *user)
{
    struct ct_push *push = user;

    push->pause = 0;
    begin(push);
    return G_SOURCE_REMOVE;
}

/* Half of it is left to chance, so that many who were refused together do not come back together.
 */
static guint wait_of(const struct ct_push *push, guint asked_ms)
{
    guint64 wait_ms = (guint64)push->limits.first_wait_ms << MIN(push->tries - 1, 20);

    wait_ms = MIN(wait_ms, push->limits.wait_max_ms);
    wait_ms = (guint64)(g_random_double_range(0.5, 1) * (double)wait_ms);
    return (guint)MIN(MAX(wait_ms, asked_ms), push->limits.wait_max_ms);
}

static void try_again(struct ct_push *push, const struct ct_push_answer *answer)
{
    guint wait_ms = wait_of(push, answer->wait_ms);

    push->counts.retries++;
    push->pause = g_timeout_add(wait_ms, on_pause_over, push);
    push->observe(push->user, CT_PUSH_RETRIED, g_queue_peek_head(&push->waiting), answer->why);
}

static void settle(struct ct_push *push, const struct ct_push_answer *answer)
{
    if (answer->verdict == CT_PUSH_ANSWER_LATER && push->tries < push->limits.tries_max) {
        try_again(push, answer);
        return;
    }
    struct ct_push_profile *profile = take_nth(push, 0);

    push->tries = 0;
    if (answer->verdict == CT_PUSH_ANSWER_TAKEN) {
        push->counts.sent++;
        tell_and_free(push, CT_PUSH_SENT, profile, NULL);
    } else if (answer->verdict == CT_PUSH_ANSWER_REFUSED) {
        push->counts.dropped_refused++;
        tell_and_free(push, CT_PUSH_DROPPED, profile, answer->why);
    } else {
        push->counts.dropped_tries++;
        tell_and_free(push, CT_PUSH_DROPPED, profile, answer->why);
    }
    begin(push);
}

/* ---- One try ---- */

static void try_free(struct ct_push_try *attempt)
{
    if (attempt->deadline)
        g_source_remove(attempt->deadline);
    g_object_unref(attempt->message);
    g_object_unref(attempt->cancellable);
    g_free(attempt);
}

static gboolean on_late(void *user)
{
    struct ct_push_try *attempt = user;

    attempt->deadline = 0;
    attempt->is_late = TRUE;
    g_cancellable_cancel(attempt->cancellable);
    return G_SOURCE_REMOVE;
}

static void read_answer(const struct ct_push *push, struct ct_push_answer *answer,
                        SoupMessage *message, GBytes *said)
{
    const struct ct_push_protocol *protocol = push->target->protocol;

    ct_push_answer_read(answer, message, said);
    char *complaint = answer->verdict == CT_PUSH_ANSWER_TAKEN && protocol->complaint && said
                          ? protocol->complaint(said)
                          : NULL;

    if (complaint)
        ct_push_answer_complain(answer, complaint);
}

/* `said` is the beginning of what the target answered, or NULL. */
static void finish(struct ct_push_try *attempt, const GError *failure, GBytes *said)
{
    struct ct_push *push = attempt->push;
    struct ct_push_answer answer;

    if (push) {
        push->under_way = NULL;
        if (attempt->is_late)
            ct_push_answer_late(&answer, push->limits.timeout_ms);
        else if (failure)
            ct_push_answer_failed(&answer, failure);
        else
            read_answer(push, &answer, attempt->message, said);
    }
    try_free(attempt);
    if (push) {
        settle(push, &answer);
        ct_push_answer_clear(&answer);
    }
}

static void on_said(GObject *source, GAsyncResult *result, void *user)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) said =
        g_input_stream_read_bytes_finish(G_INPUT_STREAM(source), result, &error);

    /* Its status has come: what it says is for people. */
    finish(user, NULL, said);
}

static void on_answered(GObject *source, GAsyncResult *result, void *user)
{
    struct ct_push_try *attempt = user;
    g_autoptr(GError) error = NULL;
    g_autoptr(GInputStream) stream = soup_session_send_finish(SOUP_SESSION(source), result, &error);

    if (!stream)
        finish(attempt, error, NULL);
    else
        g_input_stream_read_bytes_async(stream, CT_PUSH_ANSWER_SIZE_MAX, G_PRIORITY_DEFAULT,
                                        attempt->cancellable, on_said, attempt);
}

static SoupMessage *make_message(const struct ct_push *push, const struct ct_push_profile *profile)
{
    struct ct_push_request request;

    ct_push_target_request(push->target, profile, &request);
    g_autoptr(GUri) uri = ct_push_target_uri(push->target, &request);
    SoupMessage *message = soup_message_new_from_uri("POST", uri);

    soup_message_set_request_body_from_bytes(message, request.content_type, request.body);
    /* It would become another request, without a profile. */
    soup_message_set_flags(message, SOUP_MESSAGE_NO_REDIRECT);
    ct_push_request_clear(&request);
    return message;
}

static void begin(struct ct_push *push)
{
    const struct ct_push_profile *profile = g_queue_peek_head(&push->waiting);

    if (!profile || push->under_way || push->pause)
        return;
    struct ct_push_try *attempt = g_new0(struct ct_push_try, 1);

    push->tries++;
    push->under_way = attempt;
    attempt->push = push;
    attempt->message = make_message(push, profile);
    attempt->cancellable = g_cancellable_new();
    attempt->deadline = g_timeout_add(push->limits.timeout_ms, on_late, attempt);
    soup_session_send_async(push->session, attempt->message, G_PRIORITY_DEFAULT,
                            attempt->cancellable, on_answered, attempt);
}

/* ---- The queue ---- */

struct ct_push *ct_push_new(const struct ct_push_target *target,
                            const struct ct_push_limits *limits, ct_push_observe *observe,
                            void *user)
{
    struct ct_push *push = g_new0(struct ct_push, 1);

    push->target = target;
    push->limits = *limits;
    push->observe = observe;
    push->user = user;
    push->session = soup_session_new_with_options("user-agent", "ctrace/" CTRACE_VERSION, NULL);
    g_queue_init(&push->waiting);
    return push;
}

void ct_push_free(struct ct_push *push, struct ct_push_counts *counts)
{
    if (!push)
        return;
    if (push->under_way) {
        push->under_way->push = NULL;
        g_cancellable_cancel(push->under_way->cancellable);
    }
    if (push->pause)
        g_source_remove(push->pause);
    while (!g_queue_is_empty(&push->waiting)) {
        push->counts.dropped_end++;
        tell_and_free(push, CT_PUSH_DROPPED, take_nth(push, 0), "the end came first");
    }
    if (counts)
        *counts = push->counts;
    g_object_unref(push->session);
    g_free(push);
}

gboolean ct_push_has_room(const struct ct_push *push, uint64_t bytes)
{
    guint count = g_queue_get_length((GQueue *)&push->waiting);

    return count == 0 ||
           (count < push->limits.profiles_max && push->bytes + bytes <= push->limits.bytes_max);
}

void ct_push_add(struct ct_push *push, struct ct_push_profile *profile)
{
    uint64_t bytes = g_bytes_get_size(profile->bytes);

    while (!ct_push_has_room(push, bytes)) {
        /* What is being sent this moment may have come already. */
        guint oldest = push->under_way ? 1 : 0;

        if (g_queue_get_length(&push->waiting) <= oldest)
            break;
        if (oldest == 0)
            push->tries = 0;
        push->counts.dropped_full++;
        tell_and_free(push, CT_PUSH_DROPPED, take_nth(push, oldest),
                      "too many wait for the target");
    }
    g_queue_push_tail(&push->waiting, profile);
    push->bytes += bytes;
    begin(push);
}

gboolean ct_push_is_idle(const struct ct_push *push)
{
    return g_queue_is_empty((GQueue *)&push->waiting);
}

void ct_push_get_counts(const struct ct_push *push, struct ct_push_counts *counts)
{
    *counts = push->counts;
}
