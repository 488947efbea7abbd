#include "own_ids.h"

static int32_t look_ahead(const struct ct_source *source, int32_t raw_tid)
{
    struct ct_spool ahead = *source->spool;
    struct ct_raw_record record;

    while (ct_spool_read(&ahead, &record) && record.kind != CT_RAW_LOST) {
        gboolean is_of_task = record.raw_tid == raw_tid || record.raw_tid == 0;

        if (is_of_task && record.tid > 0)
            return record.tid;
        if (record.kind == CT_RAW_SWITCH || !is_of_task)
            break;
    }
    return 0;
}

static int32_t own_id(GHashTable *own_ids, int32_t raw_tid)
{
    if (own_ids == NULL || raw_tid == 0)
        return raw_tid;
    return GPOINTER_TO_INT(g_hash_table_lookup(own_ids, GINT_TO_POINTER(raw_tid)));
}

int32_t ct_own_ids_sampled(GHashTable *own_ids, const struct ct_raw_record *record)
{
    if (own_ids == NULL)
        return record->raw_tid;
    return record->tid > 0 ? record->tid : own_id(own_ids, record->raw_tid);
}

static void learn_id(GHashTable *own_ids, int32_t raw_tid, int32_t tid)
{
    g_hash_table_insert(own_ids, GINT_TO_POINTER(raw_tid), GINT_TO_POINTER(tid));
}

void ct_own_ids_translate(GHashTable *own_ids, const struct ct_source *source,
                          struct ct_raw_record *record)
{
    struct ct_raw_task *next = &record->as.of_switch.next;

    if (source->reader != NULL) /* which knows no other ids than ours */
        return;
    if (record->kind == CT_RAW_WAKING) {
        record->as.waking.task.tid = own_id(own_ids, record->as.waking.task.tid);
    } else if (record->kind == CT_RAW_SWITCH) {
        if (own_ids != NULL && next->tid != 0)
            learn_id(own_ids, next->tid, look_ahead(source, next->tid));
        next->tid = own_id(own_ids, next->tid);
        record->as.of_switch.previous.tid = ct_own_ids_sampled(own_ids, record);
    }
    if (record->kind == CT_RAW_WAKING || record->kind == CT_RAW_SWITCH ||
        (source->spool->head.kind == CT_RINGS_CALLS && !ct_source_is_present(source)))
        record->tid = ct_own_ids_sampled(own_ids, record);
}
