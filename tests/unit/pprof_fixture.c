#include "pprof_fixture.h"

#include "image_fixture.h"
#include "timeline_fixture.h"

int fixture_lock[10];

static volatile int calls;

static __attribute__((noinline)) uint64_t take_return_address(void)
{
    calls++;
    return (uint64_t)(uintptr_t)__builtin_return_address(0);
}

static inline __attribute__((always_inline)) uint64_t fixture_inlined(void)
{
    uint64_t address = take_return_address();
    calls++; /* so that the call before is no jump */
    return address;
}

static __attribute__((noinline)) uint64_t fixture_lock_loudly(void)
{
    return fixture_inlined();
}

uint64_t fixture_call_address(void)
{
    return fixture_lock_loudly();
}

struct ct_model *fixture_pprof_model(void)
{
    struct ct_model *model = fixture_model("shop --all", 10 * FIXTURE_S);
    struct ct_process *process = fixture_process(model, 41, "shop");
    struct ct_module *preload;
    const uint64_t preload_at = 0x10000;
    const uint64_t addresses[] = {preload_at + 0x100, fixture_call_address(), 0x20};

    fixture_thread(model, process, 42, "worker");
    fixture_thread(model, process, 43, "holder");
    fixture_add_image(process);
    preload = fixture_add_module(process, "/opt/libctrace-preload.so", "", preload_at, 0x20000);
    g_ptr_array_steal_index(process->modules, process->modules->len - 1);
    g_ptr_array_insert(process->modules, 0, preload);
    fixture_add_stack(process, 1, addresses, G_N_ELEMENTS(addresses));
    model->capture.rate_ns = 10 * FIXTURE_US;
    model->capture.samples = 20;
    model->capture.sample_period_ns = 10 * FIXTURE_MS;
    ((struct ct_thread *)model->threads->pdata[0])->class_ns[CT_CLASS_RUNNING] = 9 * FIXTURE_S;
    ((struct ct_thread *)model->threads->pdata[0])->class_ns[CT_CLASS_SYNC] = 1 * FIXTURE_S;
    model->capture.waits_lost = 1200;
    model->capture.stacks_lost = 3;
    return model;
}

static void send_waits(const struct ct_model *model, struct ct_profile *profile, int rounds)
{
    struct ct_sink sink = ct_profile_sink(profile);
    struct ct_interval wait =
        fixture_wait(model->threads->pdata[0], CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, 0, FIXTURE_WAIT_NS);
    wait.object = (uint64_t)(uintptr_t)&fixture_lock[2];
    wait.stack_id = 1;
    wait.is_for_lock = TRUE;
    wait.waker = model->threads->pdata[1];
    wait.waker_op = CT_OP_MUTEX_UNLOCK;
    wait.waker_stack_id = 1;
    for (int i = 0; i < rounds; i++)
        sink.on_interval(sink.user, &wait);
    wait.waker = NULL;
    wait.stack_id = 0;
    sink.on_interval(sink.user, &wait);
    wait.is_open = TRUE;
    sink.on_interval(sink.user, &wait);

    struct ct_interval call = fixture_wait(model->threads->pdata[0], CT_OP_OTHER_SYSCALL,
                                           CT_CLASS_SYSCALL, 0, FIXTURE_WAIT_NS);
    call.call_name = "munmap";
    sink.on_interval(sink.user, &call);
}

/* As many outside of the kernel as in it, and one whose callers are not known. */
static void send_samples(const struct ct_model *model, struct ct_profile *profile, int rounds)
{
    struct ct_sink sink = ct_profile_sink(profile);
    struct ct_sample sample = {.thread = model->threads->pdata[0],
                               .time_ns = model->begin_ns,
                               .period_ns = model->capture.sample_period_ns,
                               .stack_id = 1};

    for (int i = 0; i < rounds; i++)
        sink.on_sample(sink.user, &sample);
    sample.in_kernel = TRUE;
    for (int i = 0; i < rounds; i++)
        sink.on_sample(sink.user, &sample);
    sample.is_partial = TRUE;
    sink.on_sample(sink.user, &sample);
}

GBytes *fixture_pprof(const struct ct_model *model, enum ct_profile_kind kind, int rounds)
{
    const struct ct_profile_limits limits = {.end_ns = UINT64_MAX};
    const struct ct_selection everybody = {0};
    g_autoptr(ct_profile) profile = ct_profile_new(kind, &limits);
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(model);

    if (ct_profile_kind_has_waits(kind))
        send_waits(model, profile, rounds);
    if (ct_profile_kind_has_samples(kind))
        send_samples(model, profile, rounds);
    g_autoptr(GArray) samples = ct_profile_samples(profile, model, &everybody);
    const struct ct_pprof_input input = {.samples = samples,
                                         .model = model,
                                         .symbolizer = symbolizer,
                                         .kind = kind,
                                         .begin_ns = model->begin_ns,
                                         .end_ns = model->end_ns};
    return ct_pprof_encode(&input);
}
