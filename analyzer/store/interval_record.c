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

static void set_waker(const struct ct_interval *interval, struct ct_attribute *attribute)
{
    if (interval->waker)
        attribute->numbers[CT_INTERVAL_WAKER] = (uint64_t)interval->waker->number + 1;
    attribute->numbers[CT_INTERVAL_WAKER_STACK] = interval->waker_stack_id;
    attribute->numbers[CT_INTERVAL_WAKER_OP] = (uint64_t)interval->waker_op;
    if (interval->wake_ns != 0)
        attribute->numbers[CT_INTERVAL_FLAGS] |= CT_INTERVAL_HAS_WAKE;
}

/* What the record itself has. */
static void set_times(const struct ct_interval *interval, struct ct_store_record *record)
{
    record->begin_ns = interval->begin_ns;
    record->end_ns = interval->end_ns;
    record->loose[CT_INTERVAL_LEAD] = interval->begin_ns - interval->wait_begin_ns;
    record->loose[CT_INTERVAL_TAIL] = interval->wait_end_ns - interval->end_ns;
    if (interval->previous_end_ns)
        record->loose[CT_INTERVAL_PREVIOUS] = interval->begin_ns - interval->previous_end_ns;
    record->loose[CT_INTERVAL_RESULT] = zigzag_of(interval->result);
    if (interval->wake_ns != 0)
        record->loose[CT_INTERVAL_WAKE] = ct_zigzag(interval->wait_end_ns - interval->wake_ns);
}

void ct_interval_record_set(const struct ct_interval *interval, struct ct_store_record *record,
                            struct ct_attribute *attribute)
{
    uint64_t *numbers = attribute->numbers;

    set_times(interval, record);
    numbers[CT_INTERVAL_OP] = (uint64_t)interval->op;
    numbers[CT_INTERVAL_CLASS] = (uint64_t)interval->class;
    numbers[CT_INTERVAL_FLAGS] = (interval->is_open ? CT_INTERVAL_IS_OPEN : 0U) |
                                 (interval->is_outside ? CT_INTERVAL_IS_OUTSIDE : 0U) |
                                 (interval->is_for_lock ? CT_INTERVAL_IS_FOR_LOCK : 0U) |
                                 (interval->previous_end_ns ? CT_INTERVAL_HAS_PREVIOUS : 0U) |
                                 (interval->is_ended_by_fd ? CT_INTERVAL_IS_ENDED_BY_FD : 0U) |
                                 (unsigned)interval->fd_role * CT_INTERVAL_ROLE;
    numbers[CT_INTERVAL_OBJECT] = interval->object;
    numbers[CT_INTERVAL_STACK] = interval->stack_id;
    numbers[CT_INTERVAL_OWNER] = zigzag_of(interval->owner_tid);
    attribute->strings[CT_INTERVAL_CALL_NAME] = interval->call_name;
    attribute->strings[CT_INTERVAL_INSTEAD] = interval->preempted_by;
    set_weight(interval->weight, interval->wait_end_ns - interval->wait_begin_ns, record,
               attribute);
    set_waker(interval, attribute);
    if (interval->fd)
        set_fd(interval->fd, attribute);
}

/* ---- Intervals that are known ---- */

/* What a weight says, or a release, is not of the interval's kind alone. */
static gboolean is_plain(const struct ct_interval *interval)
{
    return interval->weight == 1 && interval->release_count == 0;
}

/* Texts that are in the same place say the same. */
static gboolean is_same_fd(const struct ct_fd *a, const struct ct_fd *b)
{
    return a->fd == b->fd && a->kind == b->kind && a->watched_classes == b->watched_classes &&
           a->local == b->local && a->peer == b->peer;
}

static gboolean is_alike(const struct ct_interval *a, const struct ct_interval *b)
{
    return a->stack_id == b->stack_id && a->object == b->object && a->op == b->op &&
           a->class == b->class && a->waker == b->waker && a->waker_stack_id == b->waker_stack_id &&
           a->waker_op == b->waker_op && a->owner_tid == b->owner_tid &&
           a->call_name == b->call_name && a->preempted_by == b->preempted_by &&
           a->is_open == b->is_open && a->is_outside == b->is_outside &&
           a->is_for_lock == b->is_for_lock && a->is_ended_by_fd == b->is_ended_by_fd &&
           a->fd_role == b->fd_role && (a->wake_ns != 0) == (b->wake_ns != 0) &&
           (a->previous_end_ns != 0) == (b->previous_end_ns != 0) &&
           (a->fd != NULL) == (b->fd != NULL);
}

const struct ct_attribute *ct_known_intervals_find(const struct ct_known_intervals *known,
                                                   const struct ct_interval *interval,
                                                   struct ct_store_record *record)
{
    if (!is_plain(interval))
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(known->last); i++) {
        const struct ct_known_interval *last = &known->last[i];

        if (!last->attribute || !is_alike(&last->interval, interval) ||
            (interval->fd && !is_same_fd(&last->fd, interval->fd)))
            continue;
        set_times(interval, record);
        return last->attribute;
    }
    return NULL;
}

void ct_known_intervals_add(struct ct_known_intervals *known, const struct ct_interval *interval,
                            const struct ct_attribute *attribute)
{
    if (!is_plain(interval))
        return;
    struct ct_known_interval *last = &known->last[known->next++ % G_N_ELEMENTS(known->last)];

    last->interval = *interval;
    if (interval->fd)
        last->fd = *interval->fd;
    last->attribute = attribute;
}
