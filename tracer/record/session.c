#include "session.h"

#include "buffers.h"
#include "files/regular_file.h"
#include "schema/board.h"

#include <errno.h>
#include <lttng/lttng.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Whatever makes LTTng push metadata, the stop or a process's exit, sleeps 200 ms to see it arrive:
 * all but a timer on the metadata channel. So it is that which brings the metadata, in one go, and
 * it is waited for before the stop. Each tick costs the daemon 0.2 ms.
 */
#define METADATA_TIMER_US 40000

/* How long a full buffer may stop us: a consumer that lives takes something sooner. */
#define BLOCKING_TIMEOUT_US 1000000

/* How long the consumer may take to write out what is in the buffers. */
#define DRAIN_TIMEOUT_US (60 * G_USEC_PER_SEC)
#define DRAIN_POLL_US    300

/* The same, while threads write on to their rings. */
#define PAUSE_TIMEOUT_US G_USEC_PER_SEC

#define METADATA_POLL_US  2000
#define METADATA_SIZE_MAX ((gsize)64 << 20)

static const struct {
    const char *name;
    const char *channel;
} events[] = {
#define EVENT(symbol, name, channel) {#name, channel},
    CT_EVENTS(EVENT)
#undef EVENT
};

struct ct_session {
    char *name;                  /* owned */
    char *metadata_path;         /* owned; where the metadata of this user's processes goes */
    struct lttng_handle *handle; /* owned */
    uint64_t events_lost;
    gboolean is_destroyed;
};

static gboolean check(int status, const char *what, GError **error)
{
    if (status >= 0)
        return TRUE;
    /* A daemon that has lost its consumer says the one or hangs up, which reads as the other. */
    gboolean is_broken = status == -LTTNG_ERR_NO_USTCONSUMERD || status == -LTTNG_ERR_FATAL;
    g_set_error(error, G_FILE_ERROR,
                status == -LTTNG_ERR_FATAL || status == -LTTNG_ERR_NO_SESSIOND
                    ? G_FILE_ERROR_PIPE
                    : G_FILE_ERROR_FAILED,
                "LTTng cannot %s: %s%s", what, lttng_strerror(status),
                is_broken ? " (restart lttng-sessiond)" : "");
    return FALSE;
}

struct channel_plan {
    const char *name;
    uint64_t subbuffer_size;
    uint64_t subbuffer_count;
    unsigned switch_timer_us;
    int64_t blocking_timeout_us; /* for a writer that sets LTTNG_UST_ALLOW_BLOCKING, as we do */
};

static gboolean enable_channel(struct ct_session *session, struct lttng_domain *domain,
                               const struct channel_plan *plan, GError **error)
{
    struct lttng_channel *channel = lttng_channel_create(domain);
    gboolean is_ok = FALSE;

    if (channel == NULL)
        return check(-LTTNG_ERR_NOMEM, "make a channel", error);
    g_strlcpy(channel->name, plan->name, sizeof(channel->name));
    channel->attr.overwrite = 0;
    channel->attr.subbuf_size = plan->subbuffer_size;
    channel->attr.num_subbuf = plan->subbuffer_count;
    channel->attr.switch_timer_interval = plan->switch_timer_us;
    channel->attr.read_timer_interval = 0;
    channel->attr.output = LTTNG_EVENT_MMAP;
    if (check(lttng_channel_set_blocking_timeout(channel, plan->blocking_timeout_us),
              "set a channel's blocking time", error))
        is_ok = check(lttng_enable_channel(session->handle, channel), "make a channel", error);
    lttng_channel_destroy(channel);
    return is_ok;
}

/* Other programs that are recorded at the same time have a recorder of their own. */
static gboolean take_only_ours(const struct ct_session *session, GError **error)
{
    struct lttng_process_attr_tracker_handle *tracker = NULL;
    enum lttng_error_code code = lttng_session_get_tracker_handle(
        session->name, LTTNG_DOMAIN_UST, LTTNG_PROCESS_ATTR_VIRTUAL_PROCESS_ID, &tracker);
    gboolean is_ok =
        code == LTTNG_OK &&
        lttng_process_attr_tracker_handle_set_tracking_policy(tracker,
                                                              LTTNG_TRACKING_POLICY_INCLUDE_SET) ==
            LTTNG_PROCESS_ATTR_TRACKER_HANDLE_STATUS_OK &&
        lttng_process_attr_virtual_process_id_tracker_handle_add_pid(tracker, getpid()) ==
            LTTNG_PROCESS_ATTR_TRACKER_HANDLE_STATUS_OK;

    lttng_process_attr_tracker_handle_destroy(tracker);
    return check(is_ok              ? 0
                 : code != LTTNG_OK ? -(int)code
                                    : -LTTNG_ERR_INVALID,
                 "track the recorder alone", error);
}

/* Enables `name`, a pattern, but for what the NULL-terminated `exclusions` name, in a channel. */
static gboolean enable_events(struct ct_session *session, const char *channel, const char *name,
                              char **exclusions, GError **error)
{
    struct lttng_event *event = lttng_event_create();

    if (event == NULL)
        return check(-LTTNG_ERR_NOMEM, "enable events", error);
    g_snprintf(event->name, sizeof(event->name), CT_PROVIDER ":%s", name);
    event->type = LTTNG_EVENT_TRACEPOINT;
    event->loglevel_type = LTTNG_EVENT_LOGLEVEL_ALL;
    int status = lttng_enable_event_with_exclusions(session->handle, event, channel, NULL,
                                                    (int)g_strv_length(exclusions), exclusions);
    lttng_event_destroy(event);
    return check(status, "enable events", error);
}

/* The waits' channel takes the few events that the schema says; the other one takes all the rest.
 */
static gboolean enable_all_events(struct ct_session *session, GError **error)
{
    g_autoptr(GPtrArray) waits = g_ptr_array_new_with_free_func(g_free);

    for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
        if (strcmp(events[i].channel, CT_CHANNEL_WAITS) != 0)
            continue;
        g_ptr_array_add(waits, g_strdup_printf(CT_PROVIDER ":%s", events[i].name));
        char *none[] = {NULL};
        if (!enable_events(session, CT_CHANNEL_WAITS, events[i].name, none, error))
            return FALSE;
    }
    g_ptr_array_add(waits, NULL);
    return enable_events(session, CT_CHANNEL_STATE, "*", (char **)waits->pdata, error);
}

static struct lttng_domain ust_domain(void)
{
    return (struct lttng_domain){.type = LTTNG_DOMAIN_UST, .buf_type = LTTNG_BUFFER_PER_UID};
}

/* Disabling a channel that there is not changes nothing, and fails for each reason in its own way.
 */
enum ct_session_state ct_session_check(const struct ct_session *session)
{
    switch (-lttng_disable_channel(session->handle, "none")) {
    case LTTNG_ERR_NO_SESSIOND:
        return CT_SESSION_NO_DAEMON;
    case LTTNG_ERR_SESS_NOT_FOUND:
        return CT_SESSION_UNKNOWN;
    case LTTNG_ERR_NO_USTCONSUMERD:
        return CT_SESSION_NO_CONSUMER;
    default:
        return CT_SESSION_OK;
    }
}

static gboolean set_up(struct ct_session *session, GError **error)
{
    struct lttng_domain domain = ust_domain();
    struct ct_buffer_plan plan;

    if (!ct_buffers_plan(&plan, error))
        return FALSE;
    const struct channel_plan channels[] = {
        {CT_CHANNEL_WAITS, CT_SUBBUFFER_SIZE, plan.waits, 0, BLOCKING_TIMEOUT_US},
        {CT_CHANNEL_STATE, CT_SUBBUFFER_SIZE, plan.state, 0, BLOCKING_TIMEOUT_US},
        {"metadata", CT_METADATA_SUBBUFFER_SIZE, 2, METADATA_TIMER_US, 0},
    };

    session->handle = lttng_create_handle(session->name, &domain);
    if (session->handle == NULL)
        return check(-LTTNG_ERR_NOMEM, "make a handle", error);
    for (size_t i = 0; i < G_N_ELEMENTS(channels); i++)
        if (!enable_channel(session, &domain, &channels[i], error))
            return FALSE;
    if (!take_only_ours(session, error))
        return FALSE;
    return enable_all_events(session, error);
}

static int create(const char *name, const char *directory)
{
    struct lttng_session_descriptor *descriptor =
        lttng_session_descriptor_local_create(name, directory);
    enum lttng_error_code code =
        descriptor == NULL ? LTTNG_ERR_INVALID : lttng_create_session_ext(descriptor);

    lttng_session_descriptor_destroy(descriptor);
    return code == LTTNG_OK ? 0 : -(int)code;
}

/* Caller frees. */
static char *metadata_path(const char *place)
{
    return g_strdup_printf("%s/ust/uid/%u/%u-bit/metadata", place, (unsigned)getuid(),
                           (unsigned)(8 * sizeof(void *)));
}

/* Which folder it is of all that processes know as that: a daemon may be shared with those who have
 * another one there, whose session directories are then out of sight. Caller frees. */
static char *folder_identity(void)
{
    struct stat status = {0};

    stat(CT_SESSION_FOLDER, &status);
    return g_strdup_printf("-%" G_GINT64_MODIFIER "x.%" G_GINT64_MODIFIER "x",
                           (guint64)status.st_dev, (guint64)status.st_ino);
}

char *ct_session_name(const char *session_directory)
{
    g_autofree char *name = g_path_get_basename(session_directory);
    g_autofree char *identity = folder_identity();

    return g_strconcat(name, identity, NULL);
}

/* Takes the ending off, if it is there. */
static gboolean cut_ending(char *name, const char *ending)
{
    gboolean is_there = g_str_has_suffix(name, ending);

    if (is_there)
        name[strlen(name) - strlen(ending)] = '\0';
    return is_there;
}

/* Of a recorder that is gone, with its boards: nobody can finish it any more. */
static gboolean is_forsaken(const char *session_name)
{
    g_autofree char *name = g_strdup(session_name);
    g_autofree char *identity = folder_identity();
    struct stat status;

    cut_ending(name, CT_SESSION_CLOSING);
    if (!g_str_has_prefix(name, CT_SESSION_PREFIX) || !cut_ending(name, identity))
        return FALSE;
    g_autofree char *path = g_build_filename(CT_SESSION_FOLDER, name, NULL);
    return lstat(path, &status) != 0 && errno == ENOENT;
}

void ct_sessions_sweep(void)
{
    struct lttng_session *sessions = NULL;
    int count = lttng_list_sessions(&sessions);

    for (int i = 0; i < count; i++)
        if (is_forsaken(sessions[i].name))
            lttng_destroy_session(sessions[i].name);
    free(sessions);
}

struct ct_session *ct_session_new(const char *name, const char *directory, const char *place,
                                  GError **error)
{
    struct ct_session *session = g_new0(struct ct_session, 1);

    session->name = g_strdup(name);
    session->metadata_path = metadata_path(place);
    int status = create(name, directory);
    session->is_destroyed = status < 0;
    if (check(status, "make a session", error) && set_up(session, error))
        return session;
    ct_session_free(session);
    return NULL;
}

struct ct_session *ct_session_attach(const char *name, const char *place)
{
    struct ct_session *session = g_new0(struct ct_session, 1);
    struct lttng_domain domain = ust_domain();

    session->name = g_strdup(name);
    session->metadata_path = metadata_path(place);
    session->handle = lttng_create_handle(name, &domain);
    take_only_ours(session, NULL); /* if there is one */
    return session;
}

gboolean ct_session_start(struct ct_session *session, GError **error)
{
    return check(lttng_start_tracing(session->name), "start tracing", error);
}

/* LTTng brings out what is in its buffers when it stops. */
gboolean ct_session_end_packets(struct ct_session *session, GError **error)
{
    return check(lttng_stop_tracing_no_wait(session->name), "pause tracing", error) &&
           ct_session_start(session, error);
}

/* The text of a metadata file, which CTF cuts into packets; sizes are in bits. */
static GString *metadata_text(const char *path)
{
    struct {
        uint32_t magic;
        uint8_t uuid[16];
        uint32_t checksum;
        uint32_t content_size;
        uint32_t packet_size;
        uint8_t scheme[5];
    } __attribute__((packed)) header;
    GString *text = g_string_new(NULL);
    g_autofree char *bytes = NULL;
    gsize size = 0;
    gsize at = 0;

    if (!ct_regular_file_read(path, METADATA_SIZE_MAX, &bytes, &size))
        return text;
    while (size - at >= sizeof(header)) {
        memcpy(&header, bytes + at, sizeof(header));
        gsize content = header.content_size / 8;
        gsize packet = header.packet_size / 8;
        if (content < sizeof(header) || packet < content || packet > size - at)
            break;
        g_string_append_len(text, bytes + at + sizeof(header), (gssize)(content - sizeof(header)));
        at += packet;
    }
    return text;
}

gboolean ct_session_has_metadata(const struct ct_session *session)
{
    g_autoptr(GString) text = metadata_text(session->metadata_path);

    for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
        g_autofree char *name = g_strdup_printf("\"" CT_PROVIDER ":%s\"", events[i].name);
        if (strstr(text->str, name) == NULL)
            return FALSE;
    }
    return TRUE;
}

gboolean ct_session_await_metadata(const struct ct_session *session)
{
    gint64 deadline = g_get_monotonic_time() + 3 * METADATA_TIMER_US;
    gboolean is_there;

    while (!(is_there = ct_session_has_metadata(session)) && g_get_monotonic_time() < deadline)
        g_usleep(METADATA_POLL_US);
    return is_there;
}

static uint64_t count_lost(const struct ct_session *session)
{
    struct lttng_channel *channels = NULL;
    int count = lttng_list_channels(session->handle, &channels);
    uint64_t total = 0;

    for (int i = 0; i < count; i++) {
        uint64_t lost = 0;
        if (lttng_channel_get_discarded_event_count(&channels[i], &lost) == 0)
            total += lost;
    }
    free(channels);
    return total;
}

/* Once it is stopped: until what is in its buffers is on the disk. */
static gboolean await_disk(const struct ct_session *session, gint64 timeout_us, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + timeout_us;
    int pending;

    while ((pending = lttng_data_pending(session->name)) == 1 && g_get_monotonic_time() < deadline)
        g_usleep(DRAIN_POLL_US);
    if (!check(pending, "say whether all is written", error))
        return FALSE;
    if (pending == 0)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                "LTTng did not write out its buffers in time");
    return FALSE;
}

gboolean ct_session_pause(struct ct_session *session, GError **error)
{
    if (!check(lttng_stop_tracing_no_wait(session->name), "pause tracing", error))
        return FALSE;
    if (await_disk(session, PAUSE_TIMEOUT_US, error))
        return TRUE;
    ct_session_start(session, NULL);
    return FALSE;
}

gboolean ct_session_finish(struct ct_session *session, GError **error)
{
    if (!check(lttng_stop_tracing_no_wait(session->name), "stop tracing", error))
        return FALSE;
    gboolean is_written = await_disk(session, DRAIN_TIMEOUT_US, error);
    session->events_lost = count_lost(session);
    return is_written;
}

uint64_t ct_session_events_lost(const struct ct_session *session)
{
    return session->events_lost;
}

void ct_session_free(struct ct_session *session)
{
    if (session == NULL)
        return;
    if (!session->is_destroyed)
        lttng_destroy_session_no_wait(session->name);
    if (session->handle != NULL)
        lttng_destroy_handle(session->handle);
    g_free(session->metadata_path);
    g_free(session->name);
    g_free(session);
}
