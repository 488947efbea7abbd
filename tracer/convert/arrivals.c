#include "arrivals.h"

/* As the kernel's tracepoints say it. */
#define DEFAULT_PRIO 120

/*
 * What leaves a CPU next is what came on it, with its name and its id as the tracepoint says it.
 * Where the file ends before, an id is known if there is one only.
 */
static gboolean find_arrived(const struct ct_spool *spool, int32_t tid, struct ct_raw_task *task)
{
    struct ct_spool ahead = *spool;
    struct ct_raw_record record;

    while (ct_spool_read(&ahead, &record) && record.kind != CT_RAW_LOST) {
        if (record.kind == CT_RAW_SWITCH) {
            *task = record.as.of_switch.previous;
            return task->tid != 0;
        }
        if (record.kind == CT_RAW_ARRIVAL)
            return FALSE;
    }
    *task = (struct ct_raw_task){.tid = tid, .prio = DEFAULT_PRIO};
    return !spool->head.has_foreign_ids;
}

/* FALSE: it is none. */
static gboolean make_switch(const struct ct_spool *spool, struct ct_raw_record *record)
{
    struct ct_raw_task idle = {.prio = DEFAULT_PRIO};
    struct ct_raw_task next;

    if (record->as.arrival.previous_tid != 0 || !find_arrived(spool, record->tid, &next))
        return FALSE;
    g_snprintf(idle.name, sizeof(idle.name), "swapper/%u", record->cpu);
    record->kind = CT_RAW_SWITCH;
    record->tid = 0;
    record->as.of_switch.previous = idle;
    record->as.of_switch.next = next;
    record->as.of_switch.previous_state = 0;
    return TRUE;
}

gboolean ct_arrivals_read(struct ct_spool *spool, gboolean *is_told, struct ct_raw_record *record)
{
    while (ct_spool_read(spool, record)) {
        if (record->kind != CT_RAW_ARRIVAL) {
            /* Of a switch to the idle task, no arrival tells: that task is silent. */
            if (record->kind == CT_RAW_SWITCH)
                *is_told = record->as.of_switch.next.tid != 0;
            return TRUE;
        }
        gboolean was_told = *is_told;

        *is_told = FALSE;
        if (!was_told && make_switch(spool, record))
            return TRUE;
    }
    return FALSE;
}
