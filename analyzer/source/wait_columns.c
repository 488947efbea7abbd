#include "source/wait_columns.h"

#include <string.h>

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
