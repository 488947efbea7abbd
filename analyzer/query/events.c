/* What happened, as rows: lanes of the store, of the threads and in the window that are asked for.
 */
#include "query/sources.h"
#include "query/values.h"

/* Where nothing is told for so long, at least it is told that something was done. */
#define STEP_ROWS 4096

struct events {
    struct ct_query_recording *recording; /* borrowed */
    const struct ct_query_table *table;
    struct ct_query_asked asked;
    struct ct_store_merge *merge; /* owned */
};

/* Since the machine's begin, as the store has it. */
static uint64_t to_store_time(const struct ct_model *model, int64_t time_ns)
{
    if (time_ns >= 0)
        return ct_add_u64(model->begin_ns, (uint64_t)time_ns);
    uint64_t before_ns = -(uint64_t)time_ns;

    return before_ns < model->begin_ns ? model->begin_ns - before_ns : 0;
}

/* What ends at or after the one and begins at or before the other: everything, unless one is asked
 * for. */
static struct ct_window find_window(const struct ct_model *model,
                                    const struct ct_query_asked *asked)
{
    int64_t least = MAX(asked->least[CT_QUERY_BEGIN], asked->least[CT_QUERY_END]);
    int64_t most = MIN(asked->most[CT_QUERY_BEGIN], asked->most[CT_QUERY_END]);

    return (struct ct_window){least == INT64_MIN ? 0 : to_store_time(model, least),
                              most == INT64_MAX ? UINT64_MAX : to_store_time(model, most)};
}

static void *open_events(const struct ct_query_table *table, struct ct_query_recording *recording,
                         const struct ct_query_asked *asked)
{
    struct events *events = g_new0(struct events, 1);
    const struct ct_window window = find_window(recording->model, asked);
    int64_t first = MAX(asked->least[CT_QUERY_THREAD], 0);
    int64_t last = MIN(asked->most[CT_QUERY_THREAD], (int64_t)UINT32_MAX - 1);

    events->recording = recording;
    events->table = table;
    events->asked = *asked;
    if (first <= last)
        events->merge = ct_store_merge_new(recording->store, table->kind, (guint)first, (guint)last,
                                           &window, asked->is_by_begin);
    return events;
}

static void close_events(void *data)
{
    struct events *events = data;

    ct_store_merge_free(events->merge);
    g_free(events);
}

/* What the window and the thread do not say. */
static gboolean is_asked(const struct events *events, const struct ct_store_event *event,
                         const struct ct_thread *thread)
{
    const struct ct_query_asked *asked = &events->asked;
    const struct ct_interval *interval = &event->interval;

    if (!ct_query_asks(asked, CT_QUERY_PROCESS,
                       ct_query_process_id(events->recording, thread->process)))
        return FALSE;
    return events->table->kind != CT_STORE_INTERVALS ||
           (ct_query_asks(asked, CT_QUERY_CLASS, interval->class) &&
            ct_query_asks(asked, CT_QUERY_OP, interval->op) &&
            ct_query_asks(asked, CT_QUERY_ID, (int64_t)event->id.sequence));
}

static gboolean next_event(void *data, struct ct_query_row *row, GError **error)
{
    struct events *events = data;
    struct ct_query_recording *recording = events->recording;
    struct ct_thread *thread;

    while (events->merge && ct_store_merge_next(events->merge, &row->event, &thread, error)) {
        if (++recording->visited % STEP_ROWS == 0)
            ct_activity_step(recording->model->activity);
        if (!is_asked(events, &row->event, thread))
            continue;
        row->thread = thread;
        row->process = thread->process;
        row->id = (int64_t)row->event.id.sequence;
        return TRUE;
    }
    return FALSE;
}

const struct ct_query_source ct_query_events = {open_events, next_event, close_events};
