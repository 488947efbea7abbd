#include "capture_state.h"

#include "record/drain.h"
#include "schema/capture_words.h"
#include "spool/spool.h"
#include "system/monotonic.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* So much is lost at most if the recorder is killed. */
#define DRAIN_INTERVAL_MS 200

/* When recording begins the first time is sooner, to see soon what a CPU does not tell: see idle.h.
 * Then twice as long. */
#define FIRST_INTERVAL_MS 10

static gboolean is_of_wished_origin(const struct ct_kernel_capture *capture,
                                    const struct ct_capture_source *source)
{
    return capture->origin == CT_FROM_ANYWHERE || source->origin == CT_FROM_ANYWHERE ||
           source->origin == capture->origin;
}

static void *prepare_sources(void *data)
{
    struct ct_kernel_capture *capture = data;
    unsigned promised = 0;

    for (guint i = 0; i < capture->count; i++) {
        struct use *use = &capture->uses[i];

        if (use->source->prepare != NULL && is_of_wished_origin(capture, use->source) &&
            (use->source->gives & capture->wished & ~promised) != 0)
            use->opened = use->source->prepare(&promised);
    }
    return NULL;
}

struct ct_kernel_capture *ct_kernel_capture_new(const char *path,
                                                const struct ct_kernel_wishes *wishes)
{
    struct ct_kernel_capture *capture = g_new0(struct ct_kernel_capture, 1);

    capture->wished = (wishes->sched ? CT_GIVES_SCHED : 0U) |
                      (wishes->syscalls ? CT_GIVES_CALLS : 0U) |
                      (wishes->cpu_hz > 0 ? CT_GIVES_SAMPLES : 0U);
    capture->context = (struct ct_capture_context){
        .path = g_strdup(path),
        .folder = g_build_filename(path, CT_SPOOL_FOLDER, NULL),
        .follows_children = wishes->follows_children,
        .wants_calls = wishes->syscalls,
        .wants_wakers = wishes->wakers,
        .rate_ns = wishes->rate_ns,
        .cpu_hz = wishes->cpu_hz,
        .joined = g_array_new(FALSE, FALSE, sizeof(struct ct_joined)),
    };
    capture->origin = wishes->origin;
    while (ct_capture_sources[capture->count] != NULL)
        capture->count++;
    capture->uses = g_new0(struct use, capture->count);
    for (guint i = 0; i < capture->count; i++)
        capture->uses[i].source = ct_capture_sources[i];
    capture->missing = g_string_new(NULL);
    g_mutex_init(&capture->lock);
    capture->parts = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
    capture->stop_fd = -1;
    capture->begin_fd = -1;
    if (wishes->sched)
        capture->opener = g_thread_new("kernel-open", prepare_sources, capture);
    return capture;
}

/* One note more. */
static G_GNUC_PRINTF(3, 4) void miss(struct ct_kernel_capture *capture, const char *layer,
                                     const char *format, ...)
{
    va_list arguments;

    if (capture->missing->len > 0)
        g_string_append(capture->missing, CT_NOTE_SEPARATOR);
    g_string_append_printf(capture->missing, "%s" CT_NOTE_COLON, layer);
    va_start(arguments, format);
    g_string_append_vprintf(capture->missing, format, arguments);
    va_end(arguments);
}

/* ---- Draining ---- */

/* What the drainer waits for; what the sources wait for follows. */
enum { STOP, BEGIN, FIRST_OF_SOURCES };

static void list_fds(const struct ct_kernel_capture *capture, GArray *fds)
{
    const struct pollfd own[FIRST_OF_SOURCES] = {
        [STOP] = {.fd = capture->stop_fd, .events = POLLIN},
        [BEGIN] = {.fd = capture->begin_fd, .events = POLLIN},
    };

    g_array_set_size(fds, 0);
    g_array_append_vals(fds, own, FIRST_OF_SOURCES);
    for (guint i = 0; i < capture->count; i++) {
        const struct use *use = &capture->uses[i];

        if (use->opened != NULL && use->source->list_fds != NULL)
            use->source->list_fds(use->opened, fds);
    }
}

gboolean ct_kernel_capture_drain(struct ct_kernel_capture *capture)
{
    gboolean has_new_fds = FALSE;

    for (guint i = 0; i < capture->count && capture->error == 0; i++) {
        const struct use *use = &capture->uses[i];

        if (use->opened != NULL && !use->source->drain(use->opened, &has_new_fds))
            capture->error = errno;
    }
    return has_new_fds;
}

static struct pollfd *fd_at(const GArray *fds, guint index)
{
    return &g_array_index(fds, struct pollfd, index);
}

/* TRUE if recording has begun since the last time. */
static gboolean take_begin(const struct ct_kernel_capture *capture)
{
    uint64_t count;

    return read(capture->begin_fd, &count, sizeof(count)) > 0;
}

static void end_all(const struct ct_kernel_capture *capture)
{
    for (guint i = 0; i < capture->count; i++) {
        const struct use *use = &capture->uses[i];

        if (use->opened != NULL && use->source->end != NULL)
            use->source->end(use->opened);
    }
}

static void *drain(void *data)
{
    struct ct_kernel_capture *capture = data;
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    int interval_ms = FIRST_INTERVAL_MS;

    setpriority(PRIO_PROCESS, 0, CT_DRAIN_PRIORITY); /* of this thread; it takes a privilege */
    list_fds(capture, fds);
    while (capture->error == 0 && fd_at(fds, STOP)->revents == 0) {
        poll(fd_at(fds, 0), fds->len, interval_ms);
        interval_ms =
            take_begin(capture) ? FIRST_INTERVAL_MS : MIN(2 * interval_ms, DRAIN_INTERVAL_MS);
        for (guint i = FIRST_OF_SOURCES; i < fds->len; i++) {
            if (fd_at(fds, i)->revents & (POLLERR | POLLHUP)) /* its task is gone */
                fd_at(fds, i)->fd = -1;
        }
        g_mutex_lock(&capture->lock);
        gboolean has_new_fds = ct_kernel_capture_drain(capture) || capture->has_new_fds;
        capture->has_new_fds = FALSE;
        g_mutex_unlock(&capture->lock);
        if (has_new_fds)
            list_fds(capture, fds);
    }
    g_mutex_lock(&capture->lock);
    end_all(capture);
    ct_kernel_capture_drain(capture);
    g_mutex_unlock(&capture->lock);
    return NULL;
}

/* ---- Attaching ---- */

/* A source that cannot give what it was asked for, and why not. */
struct refusal {
    const struct ct_capture_source *source;
    char *why; /* owned */
};

static void refusal_clear(void *data)
{
    struct refusal *refusal = data;

    g_free(refusal->why);
}

/* All of them, for the same reason. */
static gboolean is_one_reason(const GArray *refusals)
{
    const struct refusal *first = &g_array_index(refusals, struct refusal, 0);

    for (guint i = 1; i < refusals->len; i++) {
        if (g_strcmp0(g_array_index(refusals, struct refusal, i).why, first->why) != 0)
            return FALSE;
    }
    return refusals->len > 1;
}

/* What is missing since these could not give it, which are all that were asked. */
static void miss_refused(struct ct_kernel_capture *capture, GArray *refusals)
{
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned asked = 0;

    if (refusals->len == 0)
        return;
    for (guint i = 0; i < refusals->len; i++) {
        const struct refusal *refusal = &g_array_index(refusals, struct refusal, i);

        asked |= refusal->source->gives & capture->wished;
        g_string_append_printf(text, "%s%s%s%s", i > 0 ? CT_NOTE_SEPARATOR : "",
                               refusal->source->tells != NULL ? refusal->source->tells : "",
                               refusal->source->tells != NULL ? CT_NOTE_COLON : "", refusal->why);
    }
    const struct refusal *last = &g_array_index(refusals, struct refusal, refusals->len - 1);
    gboolean is_nothing_given = (asked & capture->context.given) == 0;
    miss(capture, last->source->layer, "%s",
         is_nothing_given && is_one_reason(refusals) ? last->why : text->str);
    if (is_nothing_given && (asked & CT_GIVES_SAMPLES) != 0 && capture->why_no_samples == NULL)
        capture->why_no_samples = g_strdup(last->why);
    g_array_set_size(refusals, 0);
}

/* FALSE, with why not, if it gives nothing. */
static gboolean open_source(struct ct_kernel_capture *capture, struct use *use, char **missing)
{
    void *prepared = g_steal_pointer(&use->opened);

    use->opened = use->source->open(&capture->context, prepared, missing);
    if (use->opened == NULL)
        return FALSE;
    capture->context.given |= use->source->gives & (capture->wished | CT_GIVES_PRESENT);
    if (*missing != NULL)
        miss(capture, use->source->layer, "%s", *missing);
    return TRUE;
}

/* It gives something that is wished for, and that nobody else does. */
static gboolean is_needed(const struct ct_kernel_capture *capture,
                          const struct ct_capture_source *source)
{
    unsigned given = capture->context.given;
    unsigned wished = capture->wished | (given != 0 ? CT_GIVES_PRESENT : 0U);

    return is_of_wished_origin(capture, source) && (source->gives & wished & ~given) != 0;
}

static void open_sources(struct ct_kernel_capture *capture)
{
    g_autoptr(GArray) refusals = g_array_new(FALSE, FALSE, sizeof(struct refusal));
    unsigned refused = 0;

    g_array_set_clear_func(refusals, refusal_clear);
    for (guint i = 0; i < capture->count; i++) {
        struct use *use = &capture->uses[i];
        g_autofree char *missing = NULL;

        if ((use->source->gives & refused) == 0) {
            miss_refused(capture, refusals);
            refused = 0;
        }
        if (!is_needed(capture, use->source)) {
            if (use->opened != NULL)
                use->source->free(g_steal_pointer(&use->opened));
            continue;
        }
        if (open_source(capture, use, &missing))
            continue;
        const struct refusal refusal = {use->source, g_steal_pointer(&missing)};
        g_array_append_val(refusals, refusal);
        refused |= use->source->gives;
    }
    miss_refused(capture, refusals);
}

static gboolean is_opened(const struct ct_kernel_capture *capture, enum ct_capture_origin origin)
{
    for (guint i = 0; i < capture->count; i++) {
        if (capture->uses[i].opened != NULL && capture->uses[i].source->origin == origin)
            return TRUE;
    }
    return FALSE;
}

void ct_kernel_capture_attach(struct ct_kernel_capture *capture, pid_t pid)
{
    capture->context.launched = pid;
    if (capture->opener != NULL)
        g_thread_join(g_steal_pointer(&capture->opener));
    /* Nobody else's: the recording's directory was empty. */
    if (mkdir(capture->context.folder, 0700) != 0) {
        miss(capture, CT_LAYER_KERNEL, "cannot make %s: %s", capture->context.folder,
             g_strerror(errno));
        return;
    }
    open_sources(capture);
    if (capture->context.wants_wakers &&
        !(is_opened(capture, CT_FROM_BPF) && capture->context.wants_calls))
        miss(capture, CT_LAYER_KERNEL,
             "where threads were that let others go on: BPF tells of that, with system "
             "calls (--kernel=syscalls)");
    if (capture->context.given == 0) {
        rmdir(capture->context.folder);
        return;
    }
    capture->stop_fd = eventfd(0, EFD_CLOEXEC);
    capture->begin_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    capture->drainer = g_thread_new("kernel-drain", drain, capture);
}

void ct_kernel_capture_describe(struct ct_kernel_capture *capture, pid_t pid)
{
    for (guint i = 0; i < capture->count; i++) {
        const struct use *use = &capture->uses[i];

        if (use->opened != NULL && use->source->describe != NULL)
            use->source->describe(use->opened, pid);
    }
}

gboolean ct_kernel_capture_attach_running(struct ct_kernel_capture *capture,
                                          struct ct_running *running)
{
    capture->context.running = running;
    ct_kernel_capture_attach(capture, 0);
    if (running->kind == CT_RUNNING_CGROUP && !is_opened(capture, CT_FROM_BPF))
        miss(capture, CT_LAYER_KERNEL,
             "processes that come into the cgroup later: BPF tells of "
             "those, and here it does not");
    return (capture->context.given & CT_GIVES_PRESENT) != 0;
}

void ct_kernel_capture_begin(struct ct_kernel_capture *capture)
{
    uint64_t one = 1;

    capture->context.is_begun = TRUE;
    if (capture->drainer == NULL)
        return;
    /* Just before the first one tells of anything. */
    uint64_t time_ns = ct_monotonic_ns();

    for (guint i = 0; i < capture->count; i++) {
        const struct use *use = &capture->uses[i];

        if (use->opened != NULL)
            use->source->begin(use->opened, time_ns);
    }
    (void)!write(capture->begin_fd, &one, sizeof(one));
}

static void close_all(struct ct_kernel_capture *capture)
{
    for (guint i = 0; i < capture->count; i++) {
        const struct use *use = &capture->uses[i];
        g_autofree char *missing = NULL;

        if (use->opened == NULL)
            continue;
        if (!use->source->close(use->opened, &missing) && capture->error == 0)
            capture->error = errno;
        if (missing != NULL)
            miss(capture, use->source->layer, "%s", missing);
    }
}

void ct_kernel_capture_end(struct ct_kernel_capture *capture)
{
    uint64_t one = 1;

    if (capture->drainer == NULL)
        return;
    (void)!write(capture->stop_fd, &one, sizeof(one));
    g_thread_join(g_steal_pointer(&capture->drainer));
    close_all(capture);
    if (capture->error != 0) {
        g_string_truncate(capture->missing, 0);
        miss(capture, CT_LAYER_KERNEL, "what came after a write to %s failed: %s",
             capture->context.folder, g_strerror(capture->error));
    }
}

void ct_kernel_capture_release(struct ct_kernel_capture *capture)
{
    for (guint i = 0; i < capture->count; i++) {
        const struct use *use = &capture->uses[i];

        if (use->opened != NULL && use->source->release != NULL)
            use->source->release(use->opened);
    }
}

gboolean ct_kernel_capture_has_calls(const struct ct_kernel_capture *capture)
{
    return (capture->context.given & CT_GIVES_CALLS) != 0;
}

gboolean ct_kernel_capture_is_wanted(const struct ct_kernel_capture *capture)
{
    return (capture->wished & CT_GIVES_SCHED) != 0;
}

const char *ct_kernel_capture_missing(const struct ct_kernel_capture *capture)
{
    return capture->missing->len > 0 ? capture->missing->str : NULL;
}

const char *ct_kernel_capture_why_no_samples(const struct ct_kernel_capture *capture)
{
    return capture->why_no_samples;
}

gboolean ct_kernel_capture_takes_samples(const struct ct_kernel_capture *capture)
{
    return (capture->wished & CT_GIVES_SAMPLES) != 0 && capture->why_no_samples == NULL;
}

void ct_kernel_capture_free(struct ct_kernel_capture *capture)
{
    if (capture == NULL)
        return;
    if (capture->opener != NULL)
        g_thread_join(capture->opener);
    ct_kernel_capture_end(capture);
    for (guint i = 0; i < capture->count; i++) {
        if (capture->uses[i].opened != NULL)
            capture->uses[i].source->free(capture->uses[i].opened);
    }
    g_free(capture->uses);
    g_hash_table_unref(capture->parts);
    g_mutex_clear(&capture->lock);
    if (capture->stop_fd >= 0)
        close(capture->stop_fd);
    if (capture->begin_fd >= 0)
        close(capture->begin_fd);
    g_string_free(capture->missing, TRUE);
    g_array_unref(capture->context.joined);
    g_free((char *)capture->context.path);
    g_free((char *)capture->context.folder);
    g_free(capture->why_no_samples);
    g_free(capture);
}
