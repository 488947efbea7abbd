#include "passes/cpu_use.h"

#include "model/bins.h"

/* Of all the time, one has so small a part. */
#define BINS_MAX (1U << 16)

struct ct_cpu_use {
    guint cpus;
    struct ct_bins bins; /* in class RUNNING */
    uint64_t *before_ns; /* owned; what ran before each of them, and before the end of the last */
};

static gboolean add_cpu(struct ct_cpu_use *use, struct ct_store *store, uint32_t cpu,
                        const struct ct_window *window, GError **error)
{
    g_autoptr(ct_store_cursor) cursor = ct_store_cpu_runs(store, cpu, window);
    struct ct_store_event event;
    GError *failure = NULL;

    while (ct_store_cursor_next(cursor, &event, &failure)) {
        uint64_t begin_ns = MAX(event.begin_ns, window->begin_ns);
        uint64_t end_ns = MIN(event.end_ns, window->end_ns);

        if (begin_ns < end_ns)
            ct_bins_add(&use->bins, CT_CLASS_RUNNING, begin_ns, end_ns, end_ns - begin_ns);
    }
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

static void sum_up(struct ct_cpu_use *use)
{
    const uint64_t *time_ns = use->bins.time_ns[CT_CLASS_RUNNING];

    use->before_ns = g_new0(uint64_t, use->bins.count + 1);
    for (uint32_t i = 0; i < use->bins.count; i++)
        use->before_ns[i + 1] = use->before_ns[i] + time_ns[i];
}

struct ct_cpu_use *ct_cpu_use_find(struct ct_store *store, const struct ct_window *window,
                                   GError **error)
{
    const struct ct_window whole = {0, UINT64_MAX};
    const GArray *cpus = ct_store_cpus(store);
    g_autoptr(ct_cpu_use) use = g_new0(struct ct_cpu_use, 1);

    use->cpus = cpus->len;
    ct_bins_init(&use->bins, BINS_MAX);
    for (guint i = 0; i < cpus->len; i++) {
        if (!add_cpu(use, store, g_array_index(cpus, uint32_t, i), window ? window : &whole, error))
            return NULL;
    }
    sum_up(use);
    return g_steal_pointer(&use);
}

void ct_cpu_use_free(struct ct_cpu_use *use)
{
    if (!use)
        return;
    ct_bins_clear(&use->bins);
    g_free(use->before_ns);
    g_free(use);
}

guint ct_cpu_use_cpus(const struct ct_cpu_use *use)
{
    return use->cpus;
}

uint64_t ct_cpu_use_precision_ns(const struct ct_cpu_use *use)
{
    return ct_bins_width_ns(&use->bins);
}

/* What ran until then. */
static double sum_until(const struct ct_cpu_use *use, uint64_t time_ns)
{
    const struct ct_bins *bins = &use->bins;
    uint64_t bin = time_ns >> bins->shift;

    if (bins->count == 0 || bin < bins->first)
        return 0;
    bin -= bins->first;
    if (bin >= bins->count)
        return (double)use->before_ns[bins->count];
    double inside = (double)(time_ns - ct_bins_begin_ns(bins, (uint32_t)bin));

    return (double)use->before_ns[bin] +
           (double)bins->time_ns[CT_CLASS_RUNNING][bin] * inside / (double)ct_bins_width_ns(bins);
}

double ct_cpu_use_between(const struct ct_cpu_use *use, uint64_t begin_ns, uint64_t end_ns)
{
    return sum_until(use, end_ns) - sum_until(use, begin_ns);
}
