/* Counters of calls: sums, histograms of how long they took, and the quantiles of those. */
#include "model/model.h"

#include "schema/board.h"

/* See CT_HISTOGRAM_BUCKETS. */
#define FIRST_BUCKET_BITS 8

void ct_op_counters_add(struct ct_op_counters *counters, const struct ct_op_counters *more)
{
    counters->calls = ct_add_u64(counters->calls, more->calls);
    counters->total_ns = ct_add_u64(counters->total_ns, more->total_ns);
    for (size_t i = 0; i < CT_HISTOGRAM_BUCKETS; i++)
        counters->histogram[i] = ct_add_u64(counters->histogram[i], more->histogram[i]);
}

static uint64_t less(uint64_t count, uint64_t before)
{
    return count - MIN(before, count);
}

void ct_op_counters_subtract(struct ct_op_counters *counters, const struct ct_op_counters *before)
{
    counters->calls = less(counters->calls, before->calls);
    counters->total_ns = less(counters->total_ns, before->total_ns);
    for (size_t i = 0; i < CT_HISTOGRAM_BUCKETS; i++)
        counters->histogram[i] = less(counters->histogram[i], before->histogram[i]);
}

void ct_op_counters_count(struct ct_op_counters *counters, uint64_t duration_ns)
{
    struct ct_op_counters call = {.calls = 1, .total_ns = duration_ns};

    call.histogram[ct_histogram_bucket(duration_ns)] = 1;
    ct_op_counters_add(counters, &call);
}

/* As if a bucket's calls lay evenly between its ends. The last one has none. */
static uint64_t inside_bucket_ns(size_t bucket, double share)
{
    uint64_t begin_ns = bucket == 0 ? 0 : UINT64_C(1) << (bucket + FIRST_BUCKET_BITS - 1);
    uint64_t end_ns = UINT64_C(1) << (bucket + FIRST_BUCKET_BITS);

    if (bucket == CT_HISTOGRAM_BUCKETS - 1)
        return begin_ns;
    return begin_ns + (uint64_t)(share * (double)(end_ns - begin_ns));
}

uint64_t ct_op_counters_quantile_ns(const struct ct_op_counters *counters, double share)
{
    double count = 0;
    double before = 0;

    if (counters->calls == 1)
        return counters->total_ns;
    for (size_t i = 0; i < CT_HISTOGRAM_BUCKETS; i++)
        count += (double)counters->histogram[i];
    for (size_t i = 0; i < CT_HISTOGRAM_BUCKETS; i++) {
        double here = (double)counters->histogram[i];

        /* No call took longer than all of them together. */
        if (here > 0 && before + here >= share * count)
            return MIN(inside_bucket_ns(i, (share * count - before) / here), counters->total_ns);
        before += here;
    }
    return 0;
}

uint64_t ct_sched_queued_quantile_ns(const struct ct_thread_sched *sched, double share)
{
    return MIN(ct_op_counters_quantile_ns(&sched->queued, share), sched->longest_queued_ns);
}
