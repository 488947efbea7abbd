#include "store/pending.h"

#include "store/block.h"

void ct_pending_add(struct ct_pending *pending, const struct ct_store_record *record)
{
    if (pending->count == pending->capacity) {
        pending->capacity = MAX(4, 2 * pending->capacity);
        pending->records = g_renew(struct ct_store_record, pending->records, pending->capacity);
    }
    size_t at = (pending->first + pending->count) % CT_PENDING_MAX;

    if (pending->count > 0) {
        const struct ct_store_record *last =
            &pending->records[at > 0 ? at - 1 : CT_PENDING_MAX - 1];

        if (record->begin_ns < last->begin_ns || record->sequence < last->sequence)
            pending->is_unordered = TRUE;
    }
    pending->records[at] = *record;
    pending->count++;
}

static void reverse(struct ct_store_record *records, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const struct ct_store_record moved = records[i];

        records[i] = records[count - 1 - i];
        records[count - 1 - i] = moved;
    }
}

void ct_pending_order(struct ct_pending *pending)
{
    if (!pending->is_unordered)
        return;
    if (pending->first > 0) {
        reverse(pending->records, pending->first);
        reverse(pending->records + pending->first, CT_PENDING_MAX - pending->first);
        reverse(pending->records, CT_PENDING_MAX);
        pending->first = 0;
    }
    ct_records_sort(pending->records, pending->count);
}

uint64_t ct_pending_begin_ns(const struct ct_pending *pending)
{
    return pending->records[pending->first].begin_ns;
}

const struct ct_store_record *ct_pending_take(struct ct_pending *pending, size_t count)
{
    struct ct_store_record *records = &pending->records[pending->first];

    if (pending->is_unordered)
        ct_records_sort_by_sequence(records, count);
    pending->first = (pending->first + count) % CT_PENDING_MAX;
    pending->count -= count;
    return records;
}

void ct_pending_clear(struct ct_pending *pending)
{
    g_free(pending->records);
    *pending = (struct ct_pending){0};
}
