#include "assemble/capture.h"

#include "assemble/image.h"
#include "assemble/version.h"

struct ct_told_capture {
    struct ct_model *model;    /* borrowed */
    struct ct_extent *extent;  /* borrowed */
    uint64_t wait_count;       /* wait events in the trace */
    uint64_t ring_events_lost; /* waits and others, as the recorder counted them */
    guint unseen_names;        /* events of images that did not load the library */
};

struct ct_told_capture *ct_told_capture_new(struct ct_model *model, struct ct_extent *extent)
{
    struct ct_told_capture *told = g_new0(struct ct_told_capture, 1);

    told->model = model;
    told->extent = extent;
    return told;
}

void ct_told_capture_free(struct ct_told_capture *told)
{
    g_free(told);
}

void ct_told_capture_count_wait(struct ct_told_capture *told)
{
    told->wait_count++;
}

gboolean ct_told_capture_add(struct ct_told_capture *told, uint64_t now_ns,
                             const struct ct_event_capture *event, GError **error)
{
    struct ct_capture *capture = &told->model->capture;

    if (!ct_check_version(event->schema_version, error))
        return FALSE;
    capture->is_complete = TRUE;
    ct_assign_string(&capture->ctrace_version, event->ctrace_version);
    ct_assign_string(&capture->command, event->command);
    ct_assign_string(&capture->layers, event->layers);
    ct_assign_string(&capture->missing, event->missing);
    capture->rate_ns = event->rate_ns;
    capture->exit_status = event->exit_status;
    capture->waits_recorded = event->waits_recorded;
    told->ring_events_lost = event->events_lost;
    capture->stacks_lost = event->stacks_lost;
    capture->threads_lost = event->threads_lost;
    capture->modules_lost = event->modules_lost;
    capture->held_up_ns = event->held_up_ns;
    if (event->begin_ns <= event->end_ns && event->end_ns <= now_ns)
        ct_extent_tell(told->extent, event->begin_ns, event->end_ns);
    return TRUE;
}

/* More names than anybody reads are a sign of damage. */
#define MAX_UNSEEN_NAMES 256

void ct_told_capture_add_unseen(struct ct_told_capture *told, const struct ct_event_unseen *event)
{
    struct ct_capture *capture = &told->model->capture;
    g_autofree char *before = g_steal_pointer(&capture->unseen_names);
    g_autofree char *many =
        event->count > 1 ? g_strdup_printf("%u x ", event->count) : g_strdup("");
    gboolean is_first = before[0] == '\0';

    if (told->unseen_names++ < MAX_UNSEEN_NAMES)
        capture->unseen_names = g_strdup_printf("%s%s%s%s (%s)", before, is_first ? "" : ", ", many,
                                                event->name, event->why);
    else
        capture->unseen_names = g_steal_pointer(&before);
    capture->unseen_images = ct_add_u64(capture->unseen_images, event->count);
    capture->unseen_recorded = (is_first || capture->unseen_recorded) && event->is_recorded != 0;
}

/* The counts of events that found no room have no kinds: waits are taken to be in them. */
void ct_told_capture_settle(const struct ct_told_capture *told)
{
    struct ct_capture *capture = &told->model->capture;
    uint64_t wait_count = told->wait_count;

    capture->events_lost = ct_add_u64(capture->events_lost, told->ring_events_lost);
    if (capture->waits_recorded <= wait_count)
        return;
    capture->waits_lost = capture->waits_recorded - wait_count;
    capture->events_lost -= MIN(capture->events_lost, capture->waits_lost);
}
