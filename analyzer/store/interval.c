/* Records of a store become intervals and samples again. */
#include "store/lanes.h"

static int64_t signed_of(uint64_t value)
{
    return (int64_t)ct_unzigzag(value);
}

/* Names are told apart by where they are, as long as the model lives. */
static const char *name_of(const struct ct_store *store, const char *text)
{
    return text ? g_string_chunk_insert_const(store->model->names, text) : NULL;
}

static gboolean set_fd(const struct ct_attribute *attribute, struct ct_interval *interval,
                       struct ct_fd *fd)
{
    const uint64_t *numbers = attribute->numbers;

    if (!(numbers[CT_INTERVAL_FLAGS] & CT_INTERVAL_HAS_FD))
        return TRUE;
    if (numbers[CT_INTERVAL_FD_KIND] >= CT_FD_KIND_COUNT ||
        !attribute->strings[CT_INTERVAL_LOCAL] || !attribute->strings[CT_INTERVAL_PEER])
        return FALSE;
    fd->fd = (int32_t)signed_of(numbers[CT_INTERVAL_FD]);
    fd->kind = (enum ct_fd_kind)numbers[CT_INTERVAL_FD_KIND];
    fd->watched_classes = (uint8_t)numbers[CT_INTERVAL_FD_WATCHED];
    fd->local = (char *)attribute->strings[CT_INTERVAL_LOCAL];
    fd->peer = (char *)attribute->strings[CT_INTERVAL_PEER];
    interval->fd = fd;
    return TRUE;
}

static gboolean set_waker(const struct ct_store *store, const struct ct_store_record *record,
                          struct ct_interval *interval)
{
    const uint64_t *numbers = record->attribute->numbers;

    interval->waker_stack_id = (uint32_t)numbers[CT_INTERVAL_WAKER_STACK];
    interval->waker_op = (enum ct_op)numbers[CT_INTERVAL_WAKER_OP];
    if (numbers[CT_INTERVAL_FLAGS] & CT_INTERVAL_HAS_WAKE)
        interval->wake_ns = interval->wait_end_ns - ct_unzigzag(record->loose[CT_INTERVAL_WAKE]);
    if (numbers[CT_INTERVAL_WAKER] > 0) {
        interval->waker = ct_store_thread(store, numbers[CT_INTERVAL_WAKER] - 1);
        if (!interval->waker)
            return FALSE;
    }
    return numbers[CT_INTERVAL_WAKER_OP] < CT_OP_COUNT;
}

static gboolean set_releases(struct ct_store *store, const struct ct_store_record *record,
                             struct ct_interval *interval)
{
    interval->releases_at = (struct ct_releases_at){
        .object = record->attribute->numbers[CT_INTERVAL_RELEASES],
        .first = record->loose[CT_INTERVAL_FIRST_RELEASE],
        .count = record->loose[CT_INTERVAL_RELEASE_COUNT],
    };
    return ct_store_load_releases(store, interval, NULL);
}

gboolean ct_store_make_interval(struct ct_store *store, struct ct_thread *thread,
                                const struct ct_store_record *record, struct ct_interval *interval,
                                struct ct_fd *fd)
{
    const struct ct_attribute *attribute = record->attribute;
    const uint64_t *numbers = attribute->numbers;
    uint64_t flags = numbers[CT_INTERVAL_FLAGS];

    if (numbers[CT_INTERVAL_OP] >= CT_OP_COUNT || numbers[CT_INTERVAL_CLASS] >= CT_CLASS_COUNT ||
        flags / CT_INTERVAL_ROLE >= CT_FD_ROLE_COUNT)
        return FALSE;
    *interval = (struct ct_interval){
        .thread = thread,
        .begin_ns = record->begin_ns,
        .end_ns = record->end_ns,
        .wait_begin_ns = record->begin_ns - record->loose[CT_INTERVAL_LEAD],
        .wait_end_ns = record->end_ns + record->loose[CT_INTERVAL_TAIL],
        .previous_end_ns = flags & CT_INTERVAL_HAS_PREVIOUS
                               ? record->begin_ns - record->loose[CT_INTERVAL_PREVIOUS]
                               : 0,
        .weight = ct_record_weight(record),
        .object = numbers[CT_INTERVAL_OBJECT],
        .call_name = name_of(store, attribute->strings[CT_INTERVAL_CALL_NAME]),
        .op = (enum ct_op)numbers[CT_INTERVAL_OP],
        .class = (enum ct_class)numbers[CT_INTERVAL_CLASS],
        .stack_id = (uint32_t)numbers[CT_INTERVAL_STACK],
        .owner_tid = (int32_t)signed_of(numbers[CT_INTERVAL_OWNER]),
        .result = (int32_t)signed_of(record->loose[CT_INTERVAL_RESULT]),
        .is_open = (flags & CT_INTERVAL_IS_OPEN) != 0,
        .is_outside = (flags & CT_INTERVAL_IS_OUTSIDE) != 0,
        .is_for_lock = (flags & CT_INTERVAL_IS_FOR_LOCK) != 0,
        .is_ended_by_fd = (flags & CT_INTERVAL_IS_ENDED_BY_FD) != 0,
        .fd_role = (enum ct_fd_role)(flags / CT_INTERVAL_ROLE),
        .preempted_by = name_of(store, attribute->strings[CT_INTERVAL_INSTEAD]),
    };
    return interval->begin_ns <= interval->end_ns &&
           interval->wait_begin_ns <= interval->begin_ns &&
           interval->end_ns <= interval->wait_end_ns && set_fd(attribute, interval, fd) &&
           set_waker(store, record, interval) && set_releases(store, record, interval);
}

gboolean ct_store_make_sample(struct ct_thread *thread, const struct ct_store_record *record,
                              struct ct_sample *sample)
{
    const uint64_t *numbers = record->attribute->numbers;

    *sample = (struct ct_sample){
        .thread = thread,
        .time_ns = record->begin_ns,
        .period_ns = numbers[CT_SAMPLE_PERIOD],
        .stack_id = (uint32_t)numbers[CT_SAMPLE_STACK],
        .in_kernel = (numbers[CT_SAMPLE_FLAGS] & CT_SAMPLE_IN_KERNEL) != 0,
        .is_partial = (numbers[CT_SAMPLE_FLAGS] & CT_SAMPLE_IS_PARTIAL) != 0,
    };
    return TRUE;
}
