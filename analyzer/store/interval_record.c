#include "store/interval_record.h"

#include "store/bytes.h"

#include <math.h>
#include <string.h>

static uint64_t zigzag_of(int64_t value)
{
    return ct_zigzag((uint64_t)value);
}

/* Most weights are a rate by the time of the wait: then its bits are told by one number. */
static void set_weight(double weight, uint64_t wait_ns, struct ct_store_record *record,
                       struct ct_attribute *attribute)
{
    double time_ns = weight * (double)wait_ns;

    if (weight == 1)
        return;
    attribute->numbers[CT_INTERVAL_FLAGS] |= CT_INTERVAL_HAS_WEIGHT;
    if (wait_ns > 0 && time_ns >= 1 && time_ns < 0x1p50 &&
        (double)llround(time_ns) / (double)wait_ns == weight)
        attribute->numbers[CT_INTERVAL_WEIGHT_TIME] = (uint64_t)llround(time_ns);
    else
        memcpy(&record->loose[CT_INTERVAL_WEIGHT], &weight, sizeof(weight));
}

static void set_fd(const struct ct_fd *fd, struct ct_attribute *attribute)
{
    attribute->numbers[CT_INTERVAL_FLAGS] |= CT_INTERVAL_HAS_FD;
    attribute->numbers[CT_INTERVAL_FD] = zigzag_of(fd->fd);
    attribute->numbers[CT_INTERVAL_FD_KIND] = (uint64_t)fd->kind;
    attribute->numbers[CT_INTERVAL_FD_WATCHED] = fd->watched_classes;
    attribute->strings[CT_INTERVAL_LOCAL] = fd->local;
    attribute->strings[CT_INTERVAL_PEER] = fd->peer;
}

static void set_waker(const struct ct_interval *interval, struct ct_store_record *record,
                      struct ct_attribute *attribute)
{
    if (interval->waker)
        attribute->numbers[CT_INTERVAL_WAKER] = (uint64_t)interval->waker->number + 1;
    attribute->numbers[CT_INTERVAL_WAKER_STACK] = interval->waker_stack_id;
    attribute->numbers[CT_INTERVAL_WAKER_OP] = (uint64_t)interval->waker_op;
    if (interval->wake_ns != 0) {
        attribute->numbers[CT_INTERVAL_FLAGS] |= CT_INTERVAL_HAS_WAKE;
        record->loose[CT_INTERVAL_WAKE] = ct_zigzag(interval->wait_end_ns - interval->wake_ns);
    }
}

void ct_interval_record_set(const struct ct_interval *interval, struct ct_store_record *record,
                            struct ct_attribute *attribute)
{
    uint64_t *numbers = attribute->numbers;

    record->begin_ns = interval->begin_ns;
    record->end_ns = interval->end_ns;
    record->loose[CT_INTERVAL_LEAD] = interval->begin_ns - interval->wait_begin_ns;
    record->loose[CT_INTERVAL_TAIL] = interval->wait_end_ns - interval->end_ns;
    if (interval->previous_end_ns)
        record->loose[CT_INTERVAL_PREVIOUS] = interval->begin_ns - interval->previous_end_ns;
    record->loose[CT_INTERVAL_RESULT] = zigzag_of(interval->result);
    numbers[CT_INTERVAL_OP] = (uint64_t)interval->op;
    numbers[CT_INTERVAL_CLASS] = (uint64_t)interval->class;
    numbers[CT_INTERVAL_FLAGS] = (interval->is_open ? CT_INTERVAL_IS_OPEN : 0U) |
                                 (interval->is_outside ? CT_INTERVAL_IS_OUTSIDE : 0U) |
                                 (interval->is_for_lock ? CT_INTERVAL_IS_FOR_LOCK : 0U) |
                                 (interval->previous_end_ns ? CT_INTERVAL_HAS_PREVIOUS : 0U);
    numbers[CT_INTERVAL_OBJECT] = interval->object;
    numbers[CT_INTERVAL_STACK] = interval->stack_id;
    numbers[CT_INTERVAL_OWNER] = zigzag_of(interval->owner_tid);
    attribute->strings[CT_INTERVAL_CALL_NAME] = interval->call_name;
    attribute->strings[CT_INTERVAL_INSTEAD] = interval->preempted_by;
    set_weight(interval->weight, interval->wait_end_ns - interval->wait_begin_ns, record,
               attribute);
    set_waker(interval, record, attribute);
    if (interval->fd)
        set_fd(interval->fd, attribute);
}
