#include "source/source.h"

#include <string.h>

struct ct_source {
    const struct ct_source_reader *reader;
    void *state; /* owned; the reader's */
    struct ct_source_events events;
    struct ct_source_result result;
};

/* The best one first. */
static const struct ct_source_reader *const readers[] = {&ct_source_direct, &ct_source_babeltrace};

static void reset(struct ct_source_result *result)
{
    g_free(result->damage);
    *result = (struct ct_source_result){.first_ns = UINT64_MAX};
}

static gboolean try_reader(struct ct_source *source, const struct ct_source_reader *reader,
                           const GPtrArray *paths, GError **error)
{
    reset(&source->result);
    source->reader = reader;
    source->state = reader->open(paths, &source->events, &source->result, error);
    return source->state != NULL;
}

struct ct_source *ct_source_open(const struct ct_source_reader *reader, const GPtrArray *paths,
                                 const struct ct_source_events *events, GError **error)
{
    struct ct_source *source = g_new0(struct ct_source, 1);
    GError *failure = NULL;
    gboolean is_open = FALSE;

    source->events = *events;
    if (reader)
        is_open = try_reader(source, reader, paths, &failure);
    for (size_t i = 0; !reader && !is_open && !failure && i < G_N_ELEMENTS(readers); i++)
        is_open = try_reader(source, readers[i], paths, &failure);
    if (is_open)
        return source;
    if (failure)
        g_propagate_error(error, failure);
    ct_source_free(source);
    return NULL;
}

gboolean ct_source_read(struct ct_source *source, GError **error)
{
    return source->reader->read(source->state, error);
}

const struct ct_source_result *ct_source_result(const struct ct_source *source)
{
    return &source->result;
}

const char *ct_source_reader_name(const struct ct_source *source)
{
    return source->reader->name;
}

/* ---- Waits as columns ---- */

/* What the column has for the wait; 0 in a damaged one that ends before. */
#define FROM_COLUMN(member, column, i)                                              \
    do {                                                                            \
        (member) = 0;                                                               \
        if ((i) < (column).count)                                                   \
            memcpy(&(member), (const char *)(column).values + (i) * sizeof(member), \
                   sizeof(member));                                                 \
    } while (0)

static void take_wait(const struct ct_event_waits *waits, uint32_t i, struct ct_record *record)
{
    struct ct_event_wait *wait = &record->as.wait;

    FROM_COLUMN(record->pid, waits->vpids, i);
    FROM_COLUMN(record->tid, waits->vtids, i);
    FROM_COLUMN(wait->duration_ns, waits->durations_ns, i);
    FROM_COLUMN(wait->lag_ns, waits->lags_ns, i);
    FROM_COLUMN(wait->object, waits->objects, i);
    FROM_COLUMN(wait->stack, waits->stacks, i);
    FROM_COLUMN(wait->result, waits->results, i);
    FROM_COLUMN(wait->op, waits->ops, i);
    FROM_COLUMN(wait->class, waits->classes, i);
}

gboolean ct_source_hand_on(const struct ct_source_events *events, const struct ct_record *record)
{
    struct ct_record one = {.event = CT_EVENT_ID_WAIT, .time_ns = record->time_ns};
    gboolean goes_on = TRUE;

    if (record->event != CT_EVENT_ID_WAITS)
        return events->on_record(events->user, record);
    for (uint32_t i = 0; goes_on && i < record->as.waits.vtids.count; i++) {
        take_wait(&record->as.waits, i, &one);
        goes_on = events->on_record(events->user, &one);
    }
    return goes_on;
}

void ct_source_free(struct ct_source *source)
{
    if (!source)
        return;
    if (source->state)
        source->reader->free(source->state);
    g_free(source->result.damage);
    g_free(source);
}
