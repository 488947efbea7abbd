#include "timeline_fixture.h"

struct ct_model *fixture_model(const char *command, uint64_t length_ns)
{
    struct ct_model *model = ct_model_new();
    model->begin_ns = FIXTURE_BEGIN_NS;
    model->end_ns = FIXTURE_BEGIN_NS + length_ns;
    model->epoch_offset_ns = INT64_C(1767225600) * (int64_t)FIXTURE_S - (int64_t)FIXTURE_BEGIN_NS;
    model->capture.is_complete = TRUE;
    g_free(model->capture.command);
    model->capture.command = g_strdup(command);
    g_free(model->capture.layers);
    model->capture.layers = g_strdup("preload");
    return model;
}

struct ct_process *fixture_process(struct ct_model *model, int32_t pid, const char *name)
{
    struct ct_process *process = ct_model_add_process(model, pid, model->begin_ns, 0);
    process->end_ns = model->end_ns;
    g_free(process->name);
    process->name = g_strdup(name);
    g_free(process->args);
    process->args = g_strdup_printf("%s --port 6379", name);
    return process;
}

struct ct_thread *fixture_thread(struct ct_model *model, struct ct_process *process, int32_t tid,
                                 const char *name)
{
    struct ct_thread *thread = ct_model_add_thread(model, process, tid, model->begin_ns, 0);
    thread->end_ns = model->end_ns;
    g_free(thread->name);
    thread->name = g_strdup(name);
    return thread;
}

struct ct_interval fixture_wait(struct ct_thread *thread, enum ct_op op, enum ct_class class,
                                uint64_t begin_ns, uint64_t end_ns)
{
    return (struct ct_interval){
        .thread = thread,
        .begin_ns = FIXTURE_BEGIN_NS + begin_ns,
        .end_ns = FIXTURE_BEGIN_NS + end_ns,
        .wait_begin_ns = FIXTURE_BEGIN_NS + begin_ns,
        .wait_end_ns = FIXTURE_BEGIN_NS + end_ns,
        .weight = 1,
        .op = op,
        .class = class,
    };
}

void fixture_send(struct ct_timeline *timeline, struct ct_interval interval)
{
    struct ct_sink sink = ct_timeline_sink(timeline);
    sink.on_interval(sink.user, &interval);
}

void fixture_run(struct ct_timeline *timeline, struct ct_thread *thread, uint32_t cpu,
                 uint64_t begin_ns, uint64_t end_ns)
{
    struct ct_sink sink = ct_timeline_sink(timeline);
    const struct ct_run run = {thread, cpu, FIXTURE_BEGIN_NS + begin_ns, FIXTURE_BEGIN_NS + end_ns};

    sink.on_run(sink.user, &run);
}
