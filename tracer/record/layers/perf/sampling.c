#include "sampling.h"

#include "attach.h"
#include "schema/capture_words.h"
#include "spool/user_registers.h"
#include "spooled.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * Rings for a quarter of a second: they are drained five times a second, or when half full. What an
 * ordinary user may lock for each CPU (perf_event_mlock_kb: 516) is for the scheduler's, too.
 */
#define RINGS_PER_S        4
#define USER_RING_SIZE     ((size_t)256 << 10)
#define MACHINE_RING_LIMIT ((size_t)8 << 20)

/* As much of a stack as perf's own --call-graph=dwarf copies. */
#define STACK_SIZE 8192U

#define NS_PER_S UINT64_C(1000000000)

static size_t ring_size(uint32_t hz)
{
    size_t size = USER_RING_SIZE;

    while (geteuid() == 0 && size < MACHINE_RING_LIMIT &&
           size < (size_t)hz * STACK_SIZE / RINGS_PER_S)
        size *= 2;
    return size;
}

/* What there is to tell apart from samples: who forks, executes and maps what. */
static struct perf_event_attr maps_event(void)
{
    /* From the exec on also where samples are to come later. */
    struct perf_event_attr attributes = ct_rings_life_event(TRUE);

    attributes.mmap = attributes.mmap2 = 1;
    return attributes;
}

static struct perf_event_attr clock_event(uint32_t hz, gboolean on_exec, gboolean has_system_time)
{
    return (struct perf_event_attr){
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_CPU_CLOCK,
        .sample_period = NS_PER_S / hz,
        .sample_type = PERF_SAMPLE_PERIOD | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
        .sample_regs_user = CT_USER_REGISTER_MASK,
        .sample_stack_user = STACK_SIZE,
        .exclude_kernel = !has_system_time,
        .exclude_hv = 1,
        .inherit = 1,
        .disabled = 1,
        .enable_on_exec = on_exec,
    };
}

struct wish {
    pid_t pid;
    uint32_t hz;
    gboolean is_delayed;
    gboolean has_system_time;
};

static gboolean add_clock(struct ct_ring *ring, const struct wish *wish)
{
    struct perf_event_attr attributes =
        clock_event(wish->hz, !wish->is_delayed, wish->has_system_time);

    return ct_ring_add(ring, 1, &attributes, wish->pid);
}

static gboolean open_cpu(void *user, struct ct_ring *ring)
{
    struct wish *wish = user;
    struct perf_event_attr maps = maps_event();

    if (!ct_ring_open(ring, &maps, wish->pid, ring_size(wish->hz)))
        return FALSE;
    if (wish->has_system_time && add_clock(ring, wish))
        return TRUE;
    if (ring->fds[1] >= 0 || (errno != EACCES && errno != EPERM))
        return FALSE;
    wish->has_system_time = FALSE;
    return add_clock(ring, wish);
}

static struct ct_rings *open_launched(const struct ct_capture_context *context,
                                      gboolean *has_system_time, char **why_not)
{
    struct wish wish = {.pid = context->launched,
                        .hz = context->cpu_hz,
                        .is_delayed = !context->is_begun,
                        .has_system_time = TRUE};
    struct ct_rings *rings = ct_rings_open_or_explain(ct_rings_new(CT_RINGS_SAMPLES), open_cpu,
                                                      &wish, ct_rings_explain_task, why_not);

    *has_system_time = wish.has_system_time;
    return rings;
}

static struct ct_rings *open_running(const struct ct_capture_context *context,
                                     gboolean *has_system_time, char **why_not)
{
    for (int with_system_time = 1; with_system_time >= 0; with_system_time--) {
        struct ct_rings *rings = ct_rings_new(CT_RINGS_SAMPLES);
        const struct ct_thread_events events = {
            .attributes = {maps_event(),
                           clock_event(context->cpu_hz, FALSE, with_system_time != 0)},
            .count = 2,
            .needed = 2};

        *has_system_time = with_system_time != 0;
        g_clear_pointer(why_not, g_free);
        if (ct_rings_attach(rings, ring_size(context->cpu_hz), &events, context->running,
                            context->follows_children, why_not))
            return rings;
        ct_rings_free(rings);
    }
    return NULL;
}

static void *open_samples(struct ct_capture_context *context, void *prepared, char **missing)
{
    gboolean has_system_time;
    struct ct_rings *rings = context->running != NULL
                                 ? open_running(context, &has_system_time, missing)
                                 : open_launched(context, &has_system_time, missing);

    (void)prepared;
    if (rings == NULL)
        return NULL;
    g_clear_pointer(missing, g_free);
    struct ct_spooled *spooled = ct_spooled_new(rings, context, missing);
    if (spooled != NULL && !has_system_time)
        *missing = g_strdup("time in the kernel: it takes " CT_WHY_PERFMON);
    return spooled;
}

const struct ct_capture_source ct_perf_samples = {
    .layer = CT_LAYER_CPU,
    .gives = CT_GIVES_SAMPLES,
    .open = open_samples,
    CT_SPOOLED_SOURCE,
};
