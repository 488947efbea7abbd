#include "summary/heap_series.h"

/* What grows by less in the second half of its life is not worth a word; and what grows steadily
 * grows by as much in each quarter, and by this part of it at least. */
#define LEAST_GROWTH  0.1
#define LEAST_QUARTER 0.25

/* What a program ends with that does not give all of it back. */
#define LEAST_LEFT 0.5

/* Standard errors. */
#define LEAST_CERTAINTY 3

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

uint64_t ct_heap_moment_ns(const struct ct_process *process, int moment)
{
    if (moment == CT_HEAP_AT_BEGIN)
        return process->start_ns;
    return moment == CT_HEAP_AT_END ? process->end_ns : process->heap->moments_ns[moment];
}

int ct_heap_moment_near(const struct ct_process *process, uint64_t time_ns)
{
    int nearest = CT_HEAP_AT_BEGIN;
    uint64_t least = distance(time_ns, ct_heap_moment_ns(process, nearest));

    for (int i = 0; i <= CT_HEAP_AT_END; i++) {
        if (i >= (int)process->heap->moment_count && i < CT_HEAP_AT_END)
            continue;
        uint64_t away = distance(time_ns, ct_heap_moment_ns(process, i));
        if (away <= least) {
            nearest = i;
            least = away;
        }
    }
    return nearest;
}

uint64_t ct_heap_live_at(const struct ct_heap_site *site, int moment)
{
    if (moment == CT_HEAP_AT_BEGIN)
        return 0;
    return moment == CT_HEAP_AT_END ? site->live : site->moments_live[moment];
}

static double bytes_at(const struct ct_heap *heap, int moment)
{
    struct ct_heap_amount amount = {0};

    for (guint i = 0; i < heap->sites->len; i++) {
        const struct ct_heap_site *site = &g_array_index(heap->sites, struct ct_heap_site, i);

        ct_heap_amount_add(&amount, site, ct_heap_live_at(site, moment));
    }
    return amount.bytes;
}

int ct_heap_last_moment(const struct ct_process *process)
{
    int last = (int)process->heap->moment_count - 1;

    return last >= 0 && bytes_at(process->heap, CT_HEAP_AT_END) <
                            LEAST_LEFT * bytes_at(process->heap, last)
               ? last
               : CT_HEAP_AT_END;
}

gboolean ct_heap_find_quarters(const struct ct_process *process, int last, int *half, int *three)
{
    uint64_t end_ns = ct_heap_moment_ns(process, last);
    uint64_t quarter_ns = (end_ns - MIN(process->start_ns, end_ns)) / 4;

    *half = ct_heap_moment_near(process, process->start_ns + 2 * quarter_ns);
    *three = ct_heap_moment_near(process, process->start_ns + 3 * quarter_ns);
    return *half > CT_HEAP_AT_BEGIN && *half < *three && *three < last;
}

gboolean ct_heap_grows(const struct ct_heap_amount *half, const struct ct_heap_amount *three,
                       const struct ct_heap_amount *end)
{
    double growth = end->bytes - half->bytes;
    struct ct_heap_amount all = {.variance = half->variance + end->variance};

    return growth >= LEAST_GROWTH * end->bytes && growth > 0 &&
           growth > LEAST_CERTAINTY * ct_heap_amount_error(&all) &&
           three->bytes - half->bytes >= LEAST_QUARTER * growth &&
           end->bytes - three->bytes >= LEAST_QUARTER * growth;
}
