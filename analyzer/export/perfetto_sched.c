#include "export/perfetto_sched.h"

#define IDLE_TID    0
#define PRIORITY    120 /* that of most: it is not in a recording */
#define BUNDLE_SIZE 256 /* events of one CPU in a packet */

/* As prev_state in the kernel's sched_switch. */
enum state { STATE_RUNNABLE = 0, STATE_SLEEPING = 1, STATE_DEAD = 16 };

/* A thread's intervals and wakes, gone through as its runs are. */
struct thread_place {
    struct ct_store_cursor *intervals; /* owned, as is the next */
    struct ct_store_cursor *wakes;
    struct ct_store_event interval;
    struct ct_store_event wake;
    gboolean has_interval;
    gboolean has_wake;
};

/* An event with what it points to. */
struct event {
    Perfetto__FtraceEvent message;
    Perfetto__SchedSwitch change;
    Perfetto__SchedWaking waking;
    char *names[2]; /* owned */
};

/* Who has, or had, a CPU. */
struct holder {
    const struct ct_thread *thread; /* borrowed; NULL: nobody of ours */
    uint64_t end_ns;
    enum state state; /* in which it left it */
};

struct cpu {
    uint32_t number;
    struct ct_store_cursor *runs; /* owned */
    struct ct_store_event run;
    gboolean has_run;
    struct holder last;
    GPtrArray *events; /* owned; struct event *, owned */
};

struct writer {
    const struct ct_export_input *input;
    struct ct_perfetto_packets *packets; /* borrowed */
    GHashTable *places; /* owned; const struct ct_thread * -> struct thread_place *, owned */
    GArray *cpus;       /* owned; struct cpu */
    GError *error;      /* owned; the first that came */
};

static gboolean go_on(struct writer *writer, struct ct_store_cursor *cursor,
                      struct ct_store_event *event)
{
    return !writer->error && ct_store_cursor_next(cursor, event, &writer->error);
}

/* ---- Events ---- */

static void event_free(void *data)
{
    struct event *event = data;

    g_free(event->names[0]);
    g_free(event->names[1]);
    g_free(event);
}

static void flush(struct writer *writer, struct cpu *cpu)
{
    Perfetto__FtraceEventBundle bundle = PERFETTO__FTRACE_EVENT_BUNDLE__INIT;
    Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

    if (cpu->events->len == 0)
        return;
    bundle.has_cpu = TRUE;
    bundle.cpu = cpu->number;
    bundle.n_event = cpu->events->len;
    /* Each begins with its message. */
    bundle.event = (Perfetto__FtraceEvent **)cpu->events->pdata;
    packet.ftrace_events = &bundle;
    ct_perfetto_packets_write(writer->packets, &packet);
    g_ptr_array_set_size(cpu->events, 0);
}

static struct event *add_event(struct writer *writer, struct cpu *cpu, uint64_t time_ns,
                               int32_t tid)
{
    if (cpu->events->len == BUNDLE_SIZE)
        flush(writer, cpu);
    struct event *event = g_new0(struct event, 1);

    perfetto__ftrace_event__init(&event->message);
    event->message.has_timestamp = event->message.has_pid = TRUE;
    event->message.timestamp = time_ns;
    event->message.pid = (uint32_t)tid;
    g_ptr_array_add(cpu->events, event);
    return event;
}

static int32_t tid_of(const struct ct_thread *thread)
{
    return thread ? thread->tid : IDLE_TID;
}

static char *name_of(const struct ct_thread *thread, uint32_t cpu)
{
    return thread ? g_utf8_make_valid(thread->name, -1) : g_strdup_printf("swapper/%u", cpu);
}

static void add_switch(struct writer *writer, struct cpu *cpu, uint64_t time_ns,
                       const struct holder *from, const struct ct_thread *to)
{
    struct event *event = add_event(writer, cpu, time_ns, tid_of(from->thread));
    Perfetto__SchedSwitch *change = &event->change;

    perfetto__sched_switch__init(change);
    event->names[0] = name_of(from->thread, cpu->number);
    event->names[1] = name_of(to, cpu->number);
    change->prev_comm = event->names[0];
    change->next_comm = event->names[1];
    change->has_prev_pid = change->has_prev_prio = change->has_prev_state = TRUE;
    change->has_next_pid = change->has_next_prio = TRUE;
    change->prev_pid = tid_of(from->thread);
    change->next_pid = tid_of(to);
    change->prev_prio = change->next_prio = PRIORITY;
    change->prev_state = from->thread ? from->state : STATE_RUNNABLE;
    event->message.sched_switch = change;
}

static void add_waking(struct writer *writer, struct cpu *cpu, uint64_t time_ns,
                       const struct ct_thread *waker, const struct ct_thread *woken)
{
    struct event *event = add_event(writer, cpu, time_ns, waker->tid);
    Perfetto__SchedWaking *waking = &event->waking;

    perfetto__sched_waking__init(waking);
    event->names[0] = name_of(woken, cpu->number);
    waking->comm = event->names[0];
    waking->has_pid = waking->has_prio = waking->has_success = TRUE;
    waking->pid = woken->tid;
    waking->prio = PRIORITY;
    waking->success = 1;
    event->message.sched_waking = waking;
}

/* ---- What threads did ---- */

static void thread_place_free(void *data)
{
    struct thread_place *place = data;

    ct_store_cursor_free(place->intervals);
    ct_store_cursor_free(place->wakes);
    g_free(place);
}

static struct thread_place *place_of(struct writer *writer, const struct ct_thread *thread)
{
    const struct ct_window *window = writer->input->scope->window;
    struct thread_place *place = g_hash_table_lookup(writer->places, thread);

    if (place)
        return place;
    place = g_new0(struct thread_place, 1);
    place->intervals = ct_store_intervals(writer->input->store, thread, window);
    place->wakes = ct_store_wakes(writer->input->store, thread, window);
    place->has_interval = go_on(writer, place->intervals, &place->interval);
    place->has_wake = go_on(writer, place->wakes, &place->wake);
    g_hash_table_insert(writer->places, (void *)thread, place);
    return place;
}

/* In which state a run ends. A thread's runs come one after the other. */
static enum state state_after(struct writer *writer, const struct ct_run *run)
{
    struct thread_place *place = place_of(writer, run->thread);

    while (place->has_interval && place->interval.interval.end_ns <= run->end_ns)
        place->has_interval = go_on(writer, place->intervals, &place->interval);
    if (place->has_interval && place->interval.interval.begin_ns <= run->end_ns)
        return place->interval.interval.class == CT_CLASS_RUNNABLE ? STATE_RUNNABLE
                                                                   : STATE_SLEEPING;
    return run->thread->has_exited && run->end_ns >= run->thread->end_ns ? STATE_DEAD
                                                                         : STATE_SLEEPING;
}

/* Whom the thread woke while it ran. */
static void add_wakes(struct writer *writer, struct cpu *cpu, const struct ct_run *run)
{
    struct thread_place *place = place_of(writer, run->thread);

    while (place->has_wake && place->wake.begin_ns < run->end_ns) {
        if (place->wake.begin_ns >= run->begin_ns)
            add_waking(writer, cpu, place->wake.begin_ns, run->thread, place->wake.id.thread);
        place->has_wake = go_on(writer, place->wakes, &place->wake);
    }
}

/* ---- CPUs ---- */

/* The next run there is, cut to what is covered. */
static void find_run(struct writer *writer, struct cpu *cpu)
{
    const struct ct_export_input *input = writer->input;

    do {
        cpu->has_run = go_on(writer, cpu->runs, &cpu->run);
        cpu->run.run.begin_ns = MAX(cpu->run.run.begin_ns, input->begin_ns);
        cpu->run.run.end_ns = MIN(cpu->run.run.end_ns, input->end_ns);
    } while (cpu->has_run && cpu->run.run.begin_ns >= cpu->run.run.end_ns);
}

static void leave(struct writer *writer, struct cpu *cpu)
{
    if (cpu->last.thread)
        add_switch(writer, cpu, cpu->last.end_ns, &cpu->last, NULL);
    cpu->last = (struct holder){0};
}

static void write_run(struct writer *writer, struct cpu *cpu)
{
    const struct ct_run *run = &cpu->run.run;

    if (cpu->last.end_ns != run->begin_ns)
        leave(writer, cpu);
    add_switch(writer, cpu, run->begin_ns, &cpu->last, run->thread);
    add_wakes(writer, cpu, run);
    cpu->last = (struct holder){run->thread, run->end_ns, state_after(writer, run)};
    find_run(writer, cpu);
}

/* NULL: there is no run any more. */
static struct cpu *first_cpu(const struct writer *writer)
{
    struct cpu *first = NULL;

    for (guint i = 0; i < writer->cpus->len; i++) {
        struct cpu *cpu = &g_array_index(writer->cpus, struct cpu, i);

        if (cpu->has_run && (!first || cpu->run.run.begin_ns < first->run.run.begin_ns))
            first = cpu;
    }
    return first;
}

static void open_cpus(struct writer *writer)
{
    const GArray *numbers = ct_store_cpus(writer->input->store);

    for (guint i = 0; i < numbers->len; i++) {
        struct cpu cpu = {.number = g_array_index(numbers, uint32_t, i),
                          .events = g_ptr_array_new_with_free_func(event_free)};

        cpu.runs =
            ct_store_cpu_runs(writer->input->store, cpu.number, writer->input->scope->window);
        find_run(writer, &cpu);
        g_array_append_val(writer->cpus, cpu);
    }
}

static void close_cpus(struct writer *writer)
{
    for (guint i = 0; i < writer->cpus->len; i++) {
        struct cpu *cpu = &g_array_index(writer->cpus, struct cpu, i);

        leave(writer, cpu);
        flush(writer, cpu);
        ct_store_cursor_free(cpu->runs);
        g_ptr_array_unref(cpu->events);
    }
}

gboolean ct_perfetto_write_sched(const struct ct_export_input *input,
                                 struct ct_perfetto_packets *packets, GError **error)
{
    struct writer writer = {
        .input = input,
        .packets = packets,
        .places = g_hash_table_new_full(NULL, NULL, NULL, thread_place_free),
        .cpus = g_array_new(FALSE, FALSE, sizeof(struct cpu)),
    };
    struct cpu *cpu;

    open_cpus(&writer);
    while (!writer.error && (cpu = first_cpu(&writer)) != NULL)
        write_run(&writer, cpu);
    close_cpus(&writer);
    g_array_unref(writer.cpus);
    g_hash_table_unref(writer.places);
    if (!writer.error)
        return TRUE;
    g_propagate_error(error, writer.error);
    return FALSE;
}
