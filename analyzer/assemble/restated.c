#include "assemble/restated.h"

#include "assemble/thread_state.h"
#include "assemble/version.h"

struct ct_restated {
    gboolean has_begun;    /* there was an event */
    gboolean is_oldest;    /* the part that begins is what the recording begins with */
    gboolean is_restating; /* what comes is what was there before */
};

struct ct_restated *ct_restated_new(void)
{
    return g_new0(struct ct_restated, 1);
}

void ct_restated_free(struct ct_restated *restated)
{
    g_free(restated);
}

static void begin_part(struct ct_restated *restated, const struct ct_trackers *trackers,
                       const struct ct_event_part *event, uint64_t now_ns)
{
    struct ct_capture *capture = &trackers->model->capture;

    restated->is_restating = event->is_restated == 0;
    restated->is_oldest = restated->is_restating && !restated->has_begun;
    if (!restated->is_oldest || event->begin_ns > now_ns ||
        event->recording_begin_ns > event->begin_ns)
        return;
    ct_extent_drop_before(trackers->extent, event->begin_ns);
    capture->is_restated = TRUE;
    capture->dropped_ns = event->begin_ns - event->recording_begin_ns;
    capture->dropped_bytes = capture->dropped_ns > 0 ? event->bytes_before : 0;
}

static void add_process(const struct ct_trackers *trackers, const struct ct_event_process *event)
{
    if (!ct_is_known_version(event->schema_version))
        return;
    struct ct_image *image =
        ct_lives_begin_image(trackers->lives, event->pid, event->process_start_ns, TRUE);

    if (!image)
        return;
    image->is_restated = TRUE;
    image->process.ppid = event->ppid;
    ct_lives_set_rate(trackers->lives, image, event->rate_ns);
    ct_image_describe(image, event->exe, event->args, event->cwd);
}

/* Of what it did before, nothing is known. */
static void add_thread(const struct ct_trackers *trackers, const struct ct_event_thread *event)
{
    uint64_t start_ns = MAX(event->thread_start_ns, ct_extent_dropped_ns(trackers->extent));
    struct ct_image *image =
        ct_lives_told_image(trackers->lives, event->pid, event->process_start_ns);
    struct ct_thread_state *thread =
        image ? ct_lives_told_thread(trackers->lives, image, event->tid, start_ns) : NULL;

    if (!thread)
        return;
    thread->thread.entry = event->entry;
    if (event->name[0])
        ct_lives_name_thread(thread, event->name);
    ct_lives_note_totals_before(thread,
                                &(struct ct_class_totals){event->net_ns, event->sync_ns,
                                                          event->syscall_ns, event->sleep_ns});
}

static void add_counters(const struct ct_trackers *trackers, const struct ct_event_counters *event)
{
    struct ct_image *image =
        ct_lives_told_image(trackers->lives, event->pid, event->process_start_ns);

    if (!image || event->op >= CT_OP_COUNT)
        return;
    struct ct_op_counters counters = {.calls = event->calls, .total_ns = event->total_ns};

    for (uint32_t i = 0; i < MIN(event->histogram.count, CT_HISTOGRAM_BUCKETS); i++)
        counters.histogram[i] = event->histogram.values[i];
    ct_tables_note_counters_before(image, event->op, &counters);
}

/* Whichever thread it was that told of it first. */
static void add_fd(const struct ct_trackers *trackers, const struct ct_record *record)
{
    const struct ct_event_fd *event = &record->as.fd;
    struct ct_image *image = ct_lives_image(trackers->lives, record->pid);
    const struct ct_fd fd = {
        .fd = event->fd,
        .kind = (enum ct_fd_kind)event->kind,
        .local = (char *)event->local,
        .peer = (char *)event->peer,
    };

    if (image)
        ct_descriptors_set(trackers->descriptors, &image->process, &fd);
}

static void add_before(const struct ct_trackers *trackers, const struct ct_record *record)
{
    switch (record->event) {
    case CT_EVENT_ID_PROCESS:
        add_process(trackers, &record->as.process);
        break;
    case CT_EVENT_ID_THREAD:
        add_thread(trackers, &record->as.thread);
        break;
    case CT_EVENT_ID_COUNTERS:
        add_counters(trackers, &record->as.counters);
        break;
    case CT_EVENT_ID_FD:
        add_fd(trackers, record);
        break;
    default:
        break;
    }
}

gboolean ct_restated_add(struct ct_restated *restated, const struct ct_trackers *trackers,
                         const struct ct_record *record)
{
    if (record->event == CT_EVENT_ID_PART) {
        begin_part(restated, trackers, &record->as.part, record->time_ns);
        restated->has_begun = TRUE;
        return TRUE;
    }
    restated->has_begun = TRUE;
    if (restated->is_restating && restated->is_oldest)
        add_before(trackers, record);
    return restated->is_restating;
}

void ct_restated_settle(const struct ct_model *model)
{
    for (guint i = 0; i < model->all_processes->len; i++)
        ct_tables_settle_counters(model->all_processes->pdata[i]);
}
