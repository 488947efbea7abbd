#include "trace.h"

#include "files/tree.h"
#include "room.h"
#include "sessiond.h"
#include "streams.h"

/* How long LTTng may take to know our provider; it sleeps 5 s if it just misses a new daemon. */
#define WRITER_TIMEOUT_US (20 * G_USEC_PER_SEC)
#define WRITER_POLL_US    200

struct ct_trace {
    char *path;                   /* owned; absolute; for people and other processes */
    char *place;                  /* owned; the same for us, see struct ct_output */
    char *name;                   /* owned; of the session */
    char *part;                   /* owned; where the session writes, below `place` */
    struct ct_sessiond *sessiond; /* owned */
    struct ct_session *session;   /* owned; NULL: it is lost */
    uint64_t events_lost;         /* of sessions that were lost */
    gboolean was_full;            /* the disk, at some time */
};

struct ct_trace *ct_trace_new(const struct ct_output *output, const char *session_directory)
{
    struct ct_trace *trace = g_new0(struct ct_trace, 1);

    trace->path = g_strdup(output->path);
    trace->place = g_strdup(output->place);
    trace->name = ct_session_name(session_directory);
    trace->part = g_build_filename(output->place, "ust", NULL);
    return trace;
}

/* A daemon that was about to end still answers whoever asks whether it is there. */
static gboolean make_session(struct ct_trace *trace, GError **error)
{
    g_autoptr(GError) refusal = NULL;

    ct_sessions_sweep();
    trace->session = ct_session_new(trace->name, trace->path, trace->place, &refusal);
    if (trace->session != NULL)
        return TRUE;
    if (!g_error_matches(refusal, G_FILE_ERROR, G_FILE_ERROR_PIPE)) {
        g_propagate_error(error, g_steal_pointer(&refusal));
        return FALSE;
    }
    if (!ct_sessiond_renew(trace->sessiond, error))
        return FALSE;
    trace->session = ct_session_new(trace->name, trace->path, trace->place, error);
    return trace->session != NULL;
}

gboolean ct_trace_start(struct ct_trace *trace, const gint *ended_by, GError **error)
{
    trace->sessiond = ct_sessiond_acquire(ended_by, error);
    return trace->sessiond != NULL && make_session(trace, error) &&
           ct_session_start(trace->session, error);
}

gboolean ct_trace_adopt(struct ct_trace *trace, GError **error)
{
    trace->sessiond = ct_sessiond_acquire(NULL, error);
    if (trace->sessiond == NULL)
        return FALSE;
    trace->session = ct_session_attach(trace->name, trace->place);
    return TRUE;
}

/* Events that went to disk before it would be lost with the daemon. */
gboolean ct_trace_is_taken(void *trace)
{
    const struct ct_trace *taker = trace;

    return ct_session_await_metadata(taker->session);
}

gboolean ct_trace_is_live(struct ct_trace *trace)
{
    trace->was_full = trace->was_full || ct_room_is_none(trace->place);
    return !trace->was_full && ct_session_check(trace->session) == CT_SESSION_OK;
}

gboolean ct_trace_end_packets(struct ct_trace *trace, GError **error)
{
    return ct_session_end_packets(trace->session, error);
}

gboolean ct_trace_pause(struct ct_trace *trace, GError **error)
{
    return ct_session_pause(trace->session, error);
}

gboolean ct_trace_go_on(struct ct_trace *trace, GError **error)
{
    return ct_session_start(trace->session, error);
}

void ct_trace_bring_out(struct ct_trace *trace)
{
    if (ct_session_finish(trace->session, NULL))
        ct_session_start(trace->session, NULL);
}

void ct_trace_move(struct ct_trace *trace, const char *path)
{
    g_free(trace->path);
    trace->path = g_strdup(path);
}

pid_t ct_trace_daemon_group(const struct ct_trace *trace)
{
    return ct_sessiond_group(trace->sessiond);
}

const char *ct_trace_find_fault(struct ct_trace *trace)
{
    static const char *const faults[] = {
        [CT_SESSION_OK] = NULL,
        [CT_SESSION_NO_DAEMON] = "LTTng's session daemon was killed while recording; later waits, "
                                 "and those still in its buffers, are lost",
        [CT_SESSION_UNKNOWN] = "LTTng's session daemon was replaced while recording; later waits, "
                               "and those still in its buffers, are lost",
        [CT_SESSION_NO_CONSUMER] = "LTTng's consumer daemon was killed while recording; later "
                                   "waits, and those still in its buffers, are lost",
    };
    const char *fault = faults[ct_session_check(trace->session)];

    trace->was_full = trace->was_full || ct_room_is_none(trace->place);
    return fault == NULL && trace->was_full ? "the disk was full; later waits are lost" : fault;
}

/* Until a session has enabled our events, or until the last one that did is gone. */
static gboolean await_writer(const struct ct_writer *writer, gboolean is_enabled)
{
    gint64 deadline = g_get_monotonic_time() + WRITER_TIMEOUT_US;

    while (g_get_monotonic_time() < deadline) {
        if (writer->is_enabled() == is_enabled)
            return TRUE;
        g_usleep(WRITER_POLL_US);
    }
    return FALSE;
}

gboolean ct_trace_await_writer(const struct ct_writer *writer, GError **error)
{
    if (await_writer(writer, TRUE))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "LTTng does not take the closing events");
    return FALSE;
}

/* A daemon that takes a new session, after what became of the last one. */
static gboolean renew_daemon(const struct ct_trace *trace, enum ct_session_state state,
                             GError **error)
{
    if (state == CT_SESSION_NO_CONSUMER)
        return ct_sessiond_restart(trace->sessiond, error);
    return state != CT_SESSION_NO_DAEMON || ct_sessiond_renew(trace->sessiond, error);
}

gboolean ct_trace_replace(struct ct_trace *trace, const struct ct_writer *writer, GError **error)
{
    g_autofree char *path = g_build_filename(trace->path, "closing", NULL);
    g_autofree char *name = g_strconcat(trace->name, CT_SESSION_CLOSING, NULL);
    enum ct_session_state state = ct_session_check(trace->session);

    ct_session_finish(trace->session, NULL);
    trace->events_lost += ct_session_events_lost(trace->session);
    if (!ct_session_has_metadata(trace->session)) /* so there are no events either */
        ct_tree_remove(trace->part);
    ct_session_free(g_steal_pointer(&trace->session));
    if (!renew_daemon(trace, state, error))
        return FALSE;
    /* What is written meanwhile would go to the old buffers. */
    await_writer(writer, FALSE);
    g_free(trace->part);
    trace->part = g_build_filename(trace->place, "closing", NULL);
    trace->session = ct_session_new(name, path, trace->part, error);
    if (trace->session == NULL || !ct_session_start(trace->session, error))
        return FALSE;
    /* Events are enabled a moment before they are taken: when they are, there is metadata. */
    if (await_writer(writer, TRUE))
        ct_session_await_metadata(trace->session);
    writer->go_on_from_now();
    return TRUE;
}

gboolean ct_trace_finish(struct ct_trace *trace, uint64_t end_ns, GError **error)
{
    ct_session_await_metadata(trace->session);
    if (!ct_session_finish(trace->session, error))
        return FALSE;
    if (ct_streams_state_end_ns(trace->part) >= end_ns)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "LTTng did not write the closing events to %s", trace->path);
    return FALSE;
}

/* Of LTTng's streams; the kernel's are not written like those. */
uint64_t ct_trace_repair(const struct ct_trace *trace)
{
    g_autofree char *ust = g_build_filename(trace->place, "ust", NULL);
    g_autofree char *closing = g_build_filename(trace->place, "closing", NULL);

    return ct_streams_repair(ust) + ct_streams_repair(closing);
}

uint64_t ct_trace_events_lost(const struct ct_trace *trace)
{
    return trace->events_lost +
           (trace->session != NULL ? ct_session_events_lost(trace->session) : 0);
}

void ct_trace_free(struct ct_trace *trace)
{
    if (trace == NULL)
        return;
    ct_session_free(trace->session);
    ct_sessiond_release(trace->sessiond);
    g_free(trace->part);
    g_free(trace->name);
    g_free(trace->place);
    g_free(trace->path);
    g_free(trace);
}
