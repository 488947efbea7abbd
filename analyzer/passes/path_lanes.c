#include "passes/path_lanes.h"

/* Events kept of one lane, and lanes of which some are kept. */
#define KEPT_MAX  512
#define LANES_MAX 256

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
    uint64_t span_ns;
    uint64_t use; /* when it was asked last */
};

struct ct_path_lanes {
    struct ct_store *store; /* borrowed */
    GHashTable *intervals;  /* owned; struct ct_thread * -> struct lane *, owned */
    GHashTable *samples;    /* owned; the same, as is the next */
    GHashTable *wakes;
    uint64_t uses;
};

static void lane_free(void *data)
{
    struct lane *lane = data;

    g_array_unref(lane->kept);
    g_free(lane);
}

struct ct_path_lanes *ct_path_lanes_new(struct ct_store *store)
{
    struct ct_path_lanes *lanes = g_new0(struct ct_path_lanes, 1);

    lanes->store = store;
    lanes->intervals = g_hash_table_new_full(NULL, NULL, NULL, lane_free);
    lanes->samples = g_hash_table_new_full(NULL, NULL, NULL, lane_free);
    lanes->wakes = g_hash_table_new_full(NULL, NULL, NULL, lane_free);
    return lanes;
}

void ct_path_lanes_free(struct ct_path_lanes *lanes)
{
    if (!lanes)
        return;
    g_hash_table_unref(lanes->intervals);
    g_hash_table_unref(lanes->samples);
    g_hash_table_unref(lanes->wakes);
    g_free(lanes);
}

/* ---- Lanes ---- */

static void forget_oldest(GHashTable *known)
{
    const void *oldest = NULL;
    uint64_t use = UINT64_MAX;
    GHashTableIter at;
    void *thread;
    void *value;

    g_hash_table_iter_init(&at, known);
    while (g_hash_table_iter_next(&at, &thread, &value)) {
        const struct lane *lane = value;

        if (lane->use >= use)
            continue;
        oldest = thread;
        use = lane->use;
    }
    g_hash_table_remove(known, oldest);
}

static struct lane *find_lane(struct ct_path_lanes *lanes, GHashTable *known,
                              const struct ct_thread *thread)
{
    struct lane *lane = g_hash_table_lookup(known, thread);

    if (!lane) {
        if (g_hash_table_size(known) >= LANES_MAX)
            forget_oldest(known);
        lane = g_new0(struct lane, 1);
        lane->kept = g_array_new(FALSE, FALSE, sizeof(struct kept));
        lane->span_ns = FIRST_SPAN_NS;
        lane->from_ns = UINT64_MAX;
        g_hash_table_insert(known, (void *)thread, lane);
    }
    lane->use = ++lanes->uses;
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
static gboolean read_span(struct ct_path_lanes *lanes, struct lane *lane, open_cursor *open,
                          const struct ct_thread *thread, uint64_t to_ns, GError **error)
{
    const struct ct_window span = {to_ns - MIN(to_ns, lane->span_ns), to_ns};
    g_autoptr(ct_store_cursor) cursor = open(lanes->store, thread, &span);
    struct ct_store_event event;
    GError *failure = NULL;
    guint64 count = 0;

    lane->from_ns = span.begin_ns;
    lane->to_ns = to_ns;
    g_array_set_size(lane->kept, 0);
    while (ct_store_cursor_next(cursor, &event, &failure)) {
        count++;
        keep(lane, &event);
    }
    fit_span(lane, count);
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

static gboolean takes_time(const struct kept *kept)
{
    return !kept->interval.thread || kept->interval.end_ns > kept->interval.begin_ns;
}

/* The last of those kept that begins at or before that time. */
static const struct kept *find_kept(const struct lane *lane, uint64_t at_ns)
{
    guint low = 0, high = lane->kept->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(lane->kept, struct kept, middle).begin_ns <= at_ns)
            low = middle + 1;
        else
            high = middle;
    }
    while (low > 0 && !takes_time(&g_array_index(lane->kept, struct kept, low - 1)))
        low--;
    return low > 0 ? &g_array_index(lane->kept, struct kept, low - 1) : NULL;
}

/* The last that begins at or before `at_ns` and reaches beyond `least_ns`. */
static const struct kept *find_last(struct ct_path_lanes *lanes, struct lane *lane,
                                    open_cursor *open, const struct ct_thread *thread,
                                    uint64_t at_ns, uint64_t least_ns, GError **error)
{
    const struct kept *found = NULL;

    if (lane->from_ns > at_ns || lane->to_ns < at_ns) {
        if (!read_span(lanes, lane, open, thread, at_ns, error))
            return NULL;
    }
    while (!(found = find_kept(lane, at_ns)) && lane->from_ns > least_ns) {
        if (!read_span(lanes, lane, open, thread, lane->from_ns, error))
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
        find_last(lanes, find_lane(lanes, lanes->intervals, thread), ct_store_intervals, thread,
                  at_ns - 1, thread->start_ns, error);

    if (!found)
        return NULL;
    *id = found->id;
    return &found->interval;
}

const struct ct_sample *ct_path_lanes_sample(struct ct_path_lanes *lanes,
                                             const struct ct_thread *thread, uint64_t at_ns,
                                             uint64_t after_ns, GError **error)
{
    const struct kept *found = find_last(lanes, find_lane(lanes, lanes->samples, thread),
                                         ct_store_samples, thread, at_ns, after_ns, error);

    return found && found->sample.time_ns > after_ns ? &found->sample : NULL;
}

gboolean ct_path_lanes_wake(struct ct_path_lanes *lanes, const struct ct_thread *thread,
                            uint64_t at_ns, uint64_t after_ns, uint64_t *wake_ns,
                            struct ct_store_id *id, GError **error)
{
    const struct kept *found = find_last(lanes, find_lane(lanes, lanes->wakes, thread),
                                         ct_store_wakes, thread, at_ns, after_ns, error);

    if (!found || found->begin_ns <= after_ns)
        return FALSE;
    *wake_ns = found->begin_ns;
    *id = found->id;
    return TRUE;
}
