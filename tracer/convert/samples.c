#include "samples.h"

#include "sources.h"
#include "spool/maps.h"
#include "tasks.h"
#include "unwind.h"

struct ct_kernel_samples {
    GPtrArray *sources;           /* owned; struct ct_source * */
    guint cpu_count;              /* so many are a CPU's */
    struct ct_tasks *tasks;       /* owned */
    uint64_t begin_ns;            /* what came before is left out */
    struct ct_maps *maps;         /* owned */
    GHashTable *starts;           /* owned; pid -> uint64_t *, when its image began */
    struct ct_unwinder *unwinder; /* owned; NULL: there are no stacks on this machine */
    struct ct_unwound unwound;    /* of the current one */
};

static const struct ct_source *source_at(const struct ct_kernel_samples *samples, guint index)
{
    return g_ptr_array_index(samples->sources, index);
}

struct ct_kernel_samples *ct_kernel_samples_open(const char *path,
                                                 const struct ct_kernel_scope *scope)
{
    struct ct_kernel_samples *samples = g_new0(struct ct_kernel_samples, 1);

    samples->sources = ct_sources_open(path, TRUE);
    ct_sources_begin(samples->sources);
    for (guint i = 0; i < samples->sources->len; i++)
        samples->cpu_count += !ct_source_is_present(source_at(samples, i));
    samples->tasks = ct_tasks_new(scope->root_pid, scope->follows_children);
    samples->begin_ns = scope->begin_ns;
    samples->maps = ct_maps_new(path);
    samples->starts = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    if (samples->cpu_count > 0) {
        samples->unwinder = ct_unwinder_new(scope->stack_frames);
        return samples;
    }
    ct_kernel_samples_free(samples);
    return NULL;
}

void ct_kernel_samples_free(struct ct_kernel_samples *samples)
{
    if (samples == NULL)
        return;
    g_ptr_array_unref(samples->sources);
    ct_tasks_free(samples->tasks);
    ct_maps_free(samples->maps);
    g_hash_table_unref(samples->starts);
    ct_unwinder_free(samples->unwinder);
    g_free(samples);
}

guint ct_kernel_samples_cpu_count(const struct ct_kernel_samples *samples)
{
    return samples->cpu_count;
}

uint32_t ct_kernel_samples_cpu(const struct ct_kernel_samples *samples, guint index)
{
    return source_at(samples, index)->spool->head.cpu;
}

static void begin_image(struct ct_kernel_samples *samples, int32_t pid, uint64_t time_ns)
{
    g_hash_table_insert(samples->starts, GINT_TO_POINTER(pid),
                        g_memdup2(&time_ns, sizeof(time_ns)));
}

/* Who there is, and what they map. */
static void follow(struct ct_kernel_samples *samples, const struct ct_raw_record *raw)
{
    ct_maps_add(samples->maps, raw);
    if (raw->kind == CT_RAW_FORK && raw->cpu == CT_SPOOL_NO_CPU)
        ct_tasks_add(samples->tasks, raw->as.task.pid, raw->as.task.tid);
    else if (raw->kind == CT_RAW_FORK)
        ct_tasks_fork(samples->tasks, raw->as.task.parent_tid, raw->as.task.pid, raw->as.task.tid);
    else if (raw->kind == CT_RAW_EXIT)
        ct_tasks_exit(samples->tasks, raw->as.task.tid);
    else if (raw->kind == CT_RAW_NAME && raw->as.name.is_exec)
        ct_tasks_exec(samples->tasks, raw->as.name.pid);
    if (raw->kind == CT_RAW_FORK && raw->as.task.pid != raw->as.task.parent_pid)
        begin_image(samples, raw->as.task.pid, raw->time_ns);
    else if (raw->kind == CT_RAW_NAME && raw->as.name.is_exec)
        begin_image(samples, raw->as.name.pid, raw->time_ns);
}

static gboolean take_sample(struct ct_kernel_samples *samples, const struct ct_raw_record *raw,
                            struct ct_kernel_record *record)
{
    struct ct_unwound *unwound = &samples->unwound;
    const uint64_t *start_ns = g_hash_table_lookup(samples->starts, GINT_TO_POINTER(raw->pid));
    struct ct_address_space space;
    struct ct_user_state state;

    if (!ct_tasks_has(samples->tasks, raw->tid))
        return FALSE;
    *unwound = (struct ct_unwound){.count = 0};
    /* As it executes a program, or has ended, it is in the kernel and in nothing else. */
    unwound->is_partial = raw->as.sample.user.registers != NULL || !raw->as.sample.in_kernel;
    if (samples->unwinder != NULL && ct_user_state_of(&raw->as.sample.user, &state) &&
        ct_maps_get(samples->maps, raw->pid, &space))
        ct_unwinder_run(samples->unwinder, &space, &state, unwound);
    record->event = CT_KERNEL_ID_CPU_SAMPLE;
    record->tid = raw->tid;
    record->as.cpu_sample = (struct ct_kernel_cpu_sample){
        .pid = raw->pid,
        .image_start_ns = start_ns != NULL ? *start_ns : 0,
        .period_ns = raw->as.sample.period_ns,
        .in_kernel = raw->as.sample.in_kernel != 0,
        .is_partial = unwound->is_partial != 0,
        .addresses = {.values = unwound->addresses, .count = unwound->count},
        .omitted = ct_stack_omitted(unwound->omitted),
        .outermost = unwound->outermost,
    };
    return TRUE;
}

gboolean ct_kernel_samples_next(struct ct_kernel_samples *samples, struct ct_kernel_item *item)
{
    struct ct_source *source;
    guint index = 0;

    while ((source = ct_sources_first(samples->sources, &index)) != NULL) {
        struct ct_raw_record raw = source->record;

        *item = (struct ct_kernel_item){
            .index = index, .lost_since_ns = source->last_ns, .has_happened = TRUE};
        item->record.time_ns = raw.time_ns;
        item->record.cpu = raw.cpu;
        ct_source_advance(source);
        follow(samples, &raw);
        /* What was present has no stream of its own, and neither samples nor losses. */
        if (index >= samples->cpu_count || raw.time_ns < samples->begin_ns)
            continue;
        if (raw.kind == CT_RAW_LOST && raw.as.lost > 0) {
            item->lost = raw.as.lost;
            return TRUE;
        }
        if (raw.kind == CT_RAW_SAMPLE && take_sample(samples, &raw, &item->record))
            return TRUE;
    }
    return FALSE;
}
