#include "model/holders.h"

#include <errno.h>

static struct ct_hold hold_of(const struct ct_wake *release)
{
    return (struct ct_hold){
        .holder = release->thread, .stack_id = release->stack_id, .op = release->op};
}

gboolean ct_interval_is_in_vain(const struct ct_interval *interval)
{
    return interval->is_open || interval->result == -ETIMEDOUT || interval->result == -EINTR;
}

/* The one that held it when the wait began. */
static struct ct_hold first_hold(const struct ct_interval *interval)
{
    if (interval->owner_tid == 0)
        return (struct ct_hold){0};
    return (struct ct_hold){.holder =
                                g_hash_table_lookup(interval->thread->process->threads,
                                                    GINT_TO_POINTER(ct_interval_owner(interval)))};
}

/* After the last release in the wait's own time; it and `next` may be NULL. */
static struct ct_hold last_hold(const struct ct_interval *interval, const struct ct_wake *last,
                                const struct ct_wake *next)
{
    struct ct_hold first = first_hold(interval);

    if (ct_interval_is_in_vain(interval)) {
        if (next && next->thread != interval->thread &&
            (last || !first.holder || first.holder == next->thread))
            return hold_of(next);
        return last ? (struct ct_hold){0} : first;
    }
    if (last) {
        struct ct_hold hold = hold_of(last);

        hold.is_released = TRUE;
        return hold;
    }
    if (interval->waker) /* of whom only the kernel told */
        return (struct ct_hold){.holder = interval->waker,
                                .stack_id = interval->waker_stack_id,
                                .op = interval->waker_op};
    return first;
}

size_t ct_interval_find_release(const struct ct_interval *interval, uint64_t time_ns)
{
    size_t low = 0, high = interval->release_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (interval->releases[middle].time_ns < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last that is not after its begin: since then it was held; or else the first. */
static size_t find_begin(const struct ct_interval *interval)
{
    size_t first = ct_interval_find_release(interval, interval->begin_ns + 1);

    return first > 0 ? first - 1 : 0;
}

void ct_interval_visit_holds(const struct ct_interval *interval,
                             void (*visit)(void *user, const struct ct_hold *hold), void *user)
{
    const struct ct_wake *last = NULL, *next = NULL;
    uint64_t at_ns = interval->begin_ns;
    gboolean is_empty = interval->begin_ns == interval->end_ns;

    for (size_t i = find_begin(interval);
         i < interval->release_count && !next && (is_empty || at_ns < interval->end_ns); i++) {
        const struct ct_wake *release = &interval->releases[i];

        if (release->time_ns > interval->wait_end_ns) {
            next = release;
            continue;
        }
        uint64_t since_ns = last ? last->time_ns : 0;

        last = release;
        if (release->time_ns <= at_ns || at_ns >= interval->end_ns)
            continue;
        struct ct_hold hold = hold_of(release);

        hold.begin_ns = at_ns;
        hold.since_ns = since_ns;
        hold.end_ns = at_ns = MIN(release->time_ns, interval->end_ns);
        visit(user, &hold);
    }
    if (at_ns < interval->end_ns || is_empty) {
        struct ct_hold hold = last_hold(interval, last, next);

        hold.begin_ns = at_ns;
        hold.since_ns = last ? last->time_ns : 0;
        hold.end_ns = interval->end_ns;
        visit(user, &hold);
    }
}
