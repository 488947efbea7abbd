#include "wait_run.h"

/* No wait comes later into the trace than so: readers hold what happens to threads against it. */
#define SPAN_NS 100000

/* So many in that time cost LTTng 5 % of a CPU one by one, and each one is easier to read. */
#define COUNT_MIN 16

#define COUNT_MAX CT_SEQUENCE_LENGTH_MAX

struct ct_wait_run {
    const struct ct_writer *writer; /* borrowed */
    uint32_t count;
    uint64_t times_ns[COUNT_MAX]; /* when they were written; lags_ns are as of then */
    int32_t vpids[COUNT_MAX];
    int32_t vtids[COUNT_MAX];
    uint32_t durations_ns[COUNT_MAX];
    uint32_t lags_ns[COUNT_MAX];
    uint64_t objects[COUNT_MAX];
    uint32_t stacks[COUNT_MAX];
    int16_t results[COUNT_MAX];
    uint8_t ops[COUNT_MAX];
    uint8_t classes[COUNT_MAX];
};

struct ct_wait_run *ct_wait_run_new(const struct ct_writer *writer)
{
    struct ct_wait_run *run = g_new0(struct ct_wait_run, 1);

    run->writer = writer;
    return run;
}

void ct_wait_run_free(struct ct_wait_run *run)
{
    g_free(run);
}

/* Where its lag has no room in 32 bits, it is a long one. */
static void write_one(const struct ct_wait_run *run, uint32_t i)
{
    const struct ct_source source = {.vpid = run->vpids[i],
                                     .vtid = run->vtids[i],
                                     .time_ns = run->writer->time_of(run->times_ns[i])};
    uint64_t lag_ns = run->lags_ns[i] + (source.time_ns - run->times_ns[i]);

#define FIELDS                                                                     \
    .duration_ns = run->durations_ns[i], .lag_ns = (typeof(event.lag_ns))lag_ns,   \
    .object = run->objects[i], .stack = run->stacks[i], .result = run->results[i], \
    .op = run->ops[i], .class = run->classes[i]
    if (lag_ns <= UINT32_MAX) {
        struct ct_event_wait event = {FIELDS};
        run->writer->wait(&source, &event);
    } else {
        struct ct_event_long_wait event = {FIELDS};
        run->writer->long_wait(&source, &event);
    }
#undef FIELDS
}

/* All are written at that time. FALSE: a lag has no room. */
static gboolean add_to_lags(struct ct_wait_run *run, uint64_t time_ns)
{
    for (uint32_t i = 0; i < run->count; i++)
        if (time_ns - run->times_ns[i] > UINT32_MAX - run->lags_ns[i])
            return FALSE;
    for (uint32_t i = 0; i < run->count; i++)
        run->lags_ns[i] += (uint32_t)(time_ns - run->times_ns[i]);
    return TRUE;
}

/* FALSE: a lag has no room. */
static gboolean write_together(struct ct_wait_run *run)
{
    uint64_t time_ns = run->writer->time_of(run->times_ns[run->count - 1]);

    if (!add_to_lags(run, time_ns))
        return FALSE;
#define COLUMN(name) .name = { run->name, run->count }
    const struct ct_event_waits event = {COLUMN(vpids),   COLUMN(vtids),   COLUMN(durations_ns),
                                         COLUMN(lags_ns), COLUMN(objects), COLUMN(stacks),
                                         COLUMN(results), COLUMN(ops),     COLUMN(classes)};
#undef COLUMN

    run->writer->set_time(time_ns);
    run->writer->waits(&event);
    run->writer->set_time(0);
    return TRUE;
}

gboolean ct_wait_run_flush(struct ct_wait_run *run)
{
    if (run->count == 0)
        return FALSE;
    if (run->count < COUNT_MIN || !write_together(run))
        for (uint32_t i = 0; i < run->count; i++)
            write_one(run, i);
    run->count = 0;
    return TRUE;
}

gboolean ct_wait_run_add(struct ct_wait_run *run, const struct ct_source *source,
                         const struct ct_event_wait *event)
{
    uint32_t i = run->count;
    gboolean ends = i == COUNT_MAX || (i > 0 && (source->time_ns < run->times_ns[i - 1] ||
                                                 source->time_ns - run->times_ns[0] > SPAN_NS));

    if (ends)
        ct_wait_run_flush(run);
    i = run->count++;
    run->times_ns[i] = source->time_ns;
    run->vpids[i] = source->vpid;
    run->vtids[i] = source->vtid;
    run->durations_ns[i] = event->duration_ns;
    run->lags_ns[i] = event->lag_ns;
    run->objects[i] = event->object;
    run->stacks[i] = event->stack;
    run->results[i] = event->result;
    run->ops[i] = event->op;
    run->classes[i] = event->class;
    return ends;
}
