#include "passes/path_lanes.h"

/* Events kept of one lane and of all of a kind, and lanes of which some are kept. */
#define KEPT_MAX     1024
#define ALL_KEPT_MAX (1U << 17)
#define LANES_MAX    256

/* So many are looked at before it is searched. */
#define NEAR_STEPS 4

/* How much of a lane's time is read at once, at first; it is fitted to how many events lie there.
 */
#define FIRST_SPAN_NS UINT64_C(10000000)
#define FEW           (KEPT_MAX / 8)

typedef struct ct_store_cursor *open_cursor(struct ct_store *store, const struct ct_thread *thread,
                                            const struct ct_window *window);

/* An event, of which no more than one of the two is set. */
struct kept {
    uint64_t begin_ns;
    struct ct_store_id id;
    struct ct_interval interval;
    struct ct_sample sample;
};

/* All events of a lane that touch [from_ns, to_ns], in order. */
struct lane {
    uint64_t from_ns;
    uint64_t to_ns;
    GArray *kept; /* owned; struct kept */
    guint found;  /* of those, how many began when it was asked last */
    uint64_t span_ns;
    GList link; /* in the order in which they were asked for; of the thread */
};

/* The lanes of a kind. */
struct kind {
    open_cursor *open;
    GPtrArray *lanes; /* owned; struct lane *, owned, or NULL: by the threads' numbers */
    GQueue asked;     /* their links: what was asked for last, first */
    uint64_t kept;    /* events, of all */
};

struct ct_path_lanes {
    struct ct_store *store; /* borrowed */
    struct kind intervals;
    struct kind samples;
    struct kind wakes;
};

static void lane_free(void *data)
{
    struct lane *lane = data;

    if (!lane)
        return;
    g_array_unref(lane->kept);
    g_free(lane);
}

static struct kind kind_of(open_cursor *open)
{
    return (struct kind){open, g_ptr_array_new_with_free_func(lane_free), G_QUEUE_INIT, 0};
}

struct ct_path_lanes *ct_path_lanes_new(struct ct_store *store)
{
    struct ct_path_lanes *lanes = g_new0(struct ct_path_lanes, 1);

    lanes->store = store;
    lanes->intervals = kind_of(ct_store_intervals);
    lanes->samples = kind_of(ct_store_samples);
    lanes->wakes = kind_of(ct_store_wakes);
    return lanes;
}

void ct_path_lanes_free(struct ct_path_lanes *lanes)
{
    if (!lanes)
        return;
    g_ptr_array_unref(lanes->intervals.lanes);
    g_ptr_array_unref(lanes->samples.lanes);
    g_ptr_array_unref(lanes->wakes.lanes);
    g_free(lanes);
}

/* ---- Lanes ---- */

static void forget_oldest(struct kind *kind)
{
    const struct ct_thread *thread = kind->asked.tail->data;
    struct lane *lane = kind->lanes->pdata[thread->number];

    kind->kept -= lane->kept->len;
    g_queue_unlink(&kind->asked, &lane->link);
    kind->lanes->pdata[thread->number] = NULL;
    lane_free(lane);
}

static struct lane *lane_new(struct kind *kind, const struct ct_thread *thread)
{
    struct lane *lane = g_new0(struct lane, 1);

    lane->kept = g_array_new(FALSE, FALSE, sizeof(struct kept));
    lane->span_ns = FIRST_SPAN_NS;
    lane->from_ns = UINT64_MAX;
    lane->link.data = (void *)thread;
    kind->lanes->pdata[thread->number] = lane;
    g_queue_push_head_link(&kind->asked, &lane->link);
    return lane;
}

static struct lane *find_lane(struct kind *kind, const struct ct_thread *thread)
{
    if (thread->number >= kind->lanes->len)
        g_ptr_array_set_size(kind->lanes, (gint)thread->number + 1);
    struct lane *lane = kind->lanes->pdata[thread->number];

    if (!lane) {
        while (kind->asked.length >= LANES_MAX ||
               (kind->kept > ALL_KEPT_MAX && kind->asked.length > 0))
            forget_oldest(kind);
        return lane_new(kind, thread);
    }
    if (kind->asked.head != &lane->link) {
        g_queue_unlink(&kind->asked, &lane->link);
        g_queue_push_head_link(&kind->asked, &lane->link);
    }
    return lane;
}

/* ---- Reading ---- */

static void keep(struct lane *lane, const struct ct_store_event *event)
{
    struct kept kept = {event->begin_ns, event->id, event->interval, event->sample};

    /* They are gone when the cursor moves on. */
    kept.interval.fd = NULL;
    kept.interval.releases = NULL;
    kept.interval.release_count = 0;
    if (lane->kept->len >= KEPT_MAX) {
        guint half = lane->kept->len / 2;

        lane->from_ns = g_array_index(lane->kept, struct kept, half - 1).begin_ns + 1;
        g_array_remove_range(lane->kept, 0, half);
    }
    g_array_append_val(lane->kept, kept);
}

static void fit_span(struct lane *lane, guint64 count)
{
    if (count > KEPT_MAX)
        lane->span_ns = MAX(lane->span_ns / 4, 1);
    else if (count < FEW && lane->span_ns < G_MAXUINT64 / 16)
        lane->span_ns *= 4;
}

/* What lies in the span before that time, of which the last are kept. */
static gboolean read_span(struct ct_path_lanes *lanes, struct kind *kind, struct lane *lane,
                          const struct ct_thread *thread, uint64_t to_ns, GError **error)
{
    const struct ct_window span = {to_ns - MIN(to_ns, lane->span_ns), to_ns};
    g_autoptr(ct_store_cursor) cursor = kind->open(lanes->store, thread, &span);
    struct ct_store_event event;
    GError *failure = NULL;
    guint64 count = 0;

    lane->from_ns = span.begin_ns;
    lane->to_ns = to_ns;
    kind->kept -= lane->kept->len;
    g_array_set_size(lane->kept, 0);
    while (ct_store_cursor_next(cursor, &event, &failure)) {
        count++;
        keep(lane, &event);
    }
    kind->kept += lane->kept->len;
    fit_span(lane, count);
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

static gboolean takes_time(const struct kept *kept)
{
    return !kept->interval.thread || kept->interval.end_ns > kept->interval.begin_ns;
}

static gboolean begins_by(const struct lane *lane, guint index, uint64_t at_ns)
{
    return g_array_index(lane->kept, struct kept, index).begin_ns <= at_ns;
}

/* How many of those kept begin at or before that time. The path leads backward: most often they are
 * about as many as when it was asked last. */
static guint count_begun(const struct lane *lane, uint64_t at_ns)
{
    guint low = 0, high = lane->kept->len;
    guint near = MIN(lane->found, high);

    for (int step = 0; step < NEAR_STEPS; step++) {
        if (near > 0 && !begins_by(lane, near - 1, at_ns))
            near--;
        else if (near < high && begins_by(lane, near, at_ns))
            near++;
        else
            return near;
    }
    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (begins_by(lane, middle, at_ns))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last of those kept that begins at or before that time. */
static const struct kept *find_kept(struct lane *lane, uint64_t at_ns)
{
    guint at = lane->found = count_begun(lane, at_ns);

    while (at > 0 && !takes_time(&g_array_index(lane->kept, struct kept, at - 1)))
        at--;
    return at > 0 ? &g_array_index(lane->kept, struct kept, at - 1) : NULL;
}

/* The last that begins at or before `at_ns` and reaches beyond `least_ns`. */
static const struct kept *find_last(struct ct_path_lanes *lanes, struct kind *kind,
                                    const struct ct_thread *thread, uint64_t at_ns,
                                    uint64_t least_ns, GError **error)
{
    struct lane *lane = find_lane(kind, thread);
    const struct kept *found = NULL;

    if (lane->from_ns > at_ns || lane->to_ns < at_ns) {
        if (!read_span(lanes, kind, lane, thread, at_ns, error))
            return NULL;
    }
    while (!(found = find_kept(lane, at_ns)) && lane->from_ns > least_ns) {
        if (!read_span(lanes, kind, lane, thread, lane->from_ns, error))
            return NULL;
    }
    return found;
}

const struct ct_interval *ct_path_lanes_before(struct ct_path_lanes *lanes,
                                               const struct ct_thread *thread, uint64_t at_ns,
                                               struct ct_store_id *id, GError **error)
{
    if (at_ns <= thread->start_ns)
        return NULL;
    const struct kept *found =
        find_last(lanes, &lanes->intervals, thread, at_ns - 1, thread->start_ns, error);

    if (!found)
        return NULL;
    *id = found->id;
    return &found->interval;
}

const struct ct_sample *ct_path_lanes_sample(struct ct_path_lanes *lanes,
                                             const struct ct_thread *thread, uint64_t at_ns,
                                             uint64_t after_ns, GError **error)
{
    const struct kept *found = find_last(lanes, &lanes->samples, thread, at_ns, after_ns, error);

    return found && found->sample.time_ns > after_ns ? &found->sample : NULL;
}

gboolean ct_path_lanes_wake(struct ct_path_lanes *lanes, const struct ct_thread *thread,
                            uint64_t at_ns, uint64_t after_ns, uint64_t *wake_ns,
                            struct ct_store_id *id, GError **error)
{
    const struct kept *found = find_last(lanes, &lanes->wakes, thread, at_ns, after_ns, error);

    if (!found || found->begin_ns <= after_ns)
        return FALSE;
    *wake_ns = found->begin_ns;
    *id = found->id;
    return TRUE;
}
