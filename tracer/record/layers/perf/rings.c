#include "rings.h"

#include "attach.h"
#include "convert/user_registers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * What a busy CPU writes in some 50 ms: the recorder is woken when it is half full, to disturb the
 * program seldom. For a task's, what perf_event_mlock_kb (516) leaves an ordinary user for each
 * CPU.
 */
#define MACHINE_RING_SIZE ((size_t)2 << 20)
#define CALLS_RING_SIZE   ((size_t)4 << 20)
#define TASK_RING_SIZE    ((size_t)512 << 10)

static struct ct_ring *add_ring(struct ct_rings *rings, uint32_t cpu)
{
    struct ct_ring *ring = &rings->rings[rings->count++];

    ct_ring_init(ring, cpu);
    return ring;
}

/* Names, forks and exits: what no tracepoint is needed for. */
static gboolean open_machine_ring(struct ct_ring *ring)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .task = 1,
        .comm = 1,
        .comm_exec = 1,
    };

    return ct_ring_open(ring, &attributes, -1, MACHINE_RING_SIZE);
}

static gboolean add_tracepoint(struct ct_ring *ring, size_t index, uint64_t id)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .config = id,
        .sample_period = 1,
        .disabled = 1,
    };

    return ct_ring_add(ring, index, &attributes, -1);
}

gboolean ct_rings_add_arrivals(struct ct_ring *ring)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .context_switch = 1,
    };

    return ct_ring_add(ring, CT_RING_FDS - 1, &attributes, -1);
}

static char *explain(int code)
{
    if (code == EACCES || code == EPERM)
        return g_strdup(geteuid() != 0 ? "they take root or CAP_PERFMON"
                                       : "perf_event_open is forbidden here, as in many "
                                         "containers: they take CAP_PERFMON, and a seccomp "
                                         "profile that allows it");
    if (code == ENOSYS || code == ENOENT)
        return g_strdup("this kernel has no perf events");
    return g_strdup_printf("perf_event_open: %s", g_strerror(code));
}

char *ct_rings_explain_task(int code)
{
    if (code == EACCES)
        return g_strdup("kernel.perf_event_paranoid is above 2");
    if (code == EPERM)
        return g_strdup("perf_event_open is forbidden here, as in many containers: it takes a "
                        "seccomp profile that allows it");
    if (code == ENOMEM)
        return g_strdup("no memory may be locked for it: raise kernel.perf_event_mlock_kb, or "
                        "ulimit -l");
    return explain(code);
}

static gboolean is_offline(int code)
{
    return code == ENODEV || code == ENXIO;
}

struct ct_rings *ct_rings_new(enum ct_rings_kind kind)
{
    struct ct_rings *rings = g_new0(struct ct_rings, 1);

    rings->kind = kind;
    return rings;
}

int ct_rings_open_each(struct ct_rings *rings, gboolean (*open)(void *user, struct ct_ring *ring),
                       void *user)
{
    long cpus = MAX(sysconf(_SC_NPROCESSORS_CONF), 1);

    rings->rings = g_new0(struct ct_ring, (gsize)cpus);
    rings->capacity = (guint)cpus;
    for (long cpu = 0; cpu < cpus; cpu++) {
        struct ct_ring *ring = add_ring(rings, (uint32_t)cpu);

        if (open(user, ring))
            continue;
        if (ring->fds[0] >= 0 || !is_offline(errno))
            return errno;
        rings->count--;
    }
    return 0;
}

/* Of one process. */
struct task {
    pid_t pid;
    gboolean is_delayed;
    const struct ct_formats *formats; /* borrowed; of calls */
};

/* The rings, or NULL and why not. */
static struct ct_rings *open_all(struct ct_rings *rings,
                                 gboolean (*open)(void *user, struct ct_ring *ring), void *user,
                                 char *(*explain_code)(int code), char **why_not)
{
    int code = ct_rings_open_each(rings, open, user);

    if (code == 0)
        return rings;
    *why_not = explain_code(code);
    ct_rings_free(rings);
    return NULL;
}

static gboolean open_machine(void *user, struct ct_ring *ring)
{
    const struct ct_formats *formats = user;

    return open_machine_ring(ring) && add_tracepoint(ring, 1, formats->switch_id) &&
           add_tracepoint(ring, 2, formats->waking_id);
}

struct ct_rings *ct_rings_open_machine(char **why_not)
{
    struct ct_rings *rings = ct_rings_new(CT_RINGS_MACHINE);

    if (ct_formats_read(&rings->formats, FALSE, why_not))
        return open_all(rings, open_machine, &rings->formats, explain, why_not);
    ct_rings_free(rings);
    return NULL;
}

struct perf_event_attr ct_rings_life_event(gboolean on_exec)
{
    return (struct perf_event_attr){
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .inherit = 1,
        .disabled = 1,
        .enable_on_exec = on_exec != 0,
        .task = 1,
        .comm = 1,
        .comm_exec = 1,
    };
}

/* When the task gets and loses a CPU, with its life. */
static struct perf_event_attr switch_event(gboolean on_exec)
{
    struct perf_event_attr attributes = ct_rings_life_event(on_exec);

    attributes.context_switch = 1;
    return attributes;
}

/* A ring of the task's on each CPU: where events are inherited, there is no other way. */
static gboolean open_task_ring(void *user, struct ct_ring *ring)
{
    const struct task *task = user;
    struct perf_event_attr attributes = switch_event(!task->is_delayed);

    return ct_ring_open(ring, &attributes, task->pid, TASK_RING_SIZE);
}

struct ct_rings *ct_rings_open_process(pid_t pid, gboolean is_delayed, char **why_not)
{
    struct task task = {.pid = pid, .is_delayed = is_delayed};

    return open_all(ct_rings_new(CT_RINGS_PROCESS), open_task_ring, &task, ct_rings_explain_task,
                    why_not);
}

/* So much of a stack as the C library's functions take, down to a system call. */
#define CALLERS_STACK_SIZE 512U

/*
 * A tracepoint of the task's. All of them have a call chain, so that samples have one layout: it is
 * empty but where it is wanted. What else is wanted of a stack comes after the tracepoint's own
 * data.
 */
static struct perf_event_attr call_event(uint64_t id, gboolean wants_stack, gboolean on_exec)
{
    return (struct perf_event_attr){
        .type = PERF_TYPE_TRACEPOINT,
        .config = id,
        .sample_type = PERF_SAMPLE_CALLCHAIN |
                       (wants_stack ? PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER : 0),
        .sample_regs_user = wants_stack ? CT_USER_REGISTER_MASK : 0,
        .sample_stack_user = wants_stack ? CALLERS_STACK_SIZE : 0,
        .exclude_callchain_kernel = 1,
        .exclude_callchain_user = !wants_stack,
        .sample_period = 1,
        .inherit = 1,
        .disabled = 1,
        .enable_on_exec = on_exec,
    };
}

/* What is recorded of a task: mappings, too. */
struct call_events {
    struct perf_event_attr enter;
    struct perf_event_attr leave;
    struct perf_event_attr lose_cpu;
};

static struct call_events call_events(const struct ct_formats *formats, gboolean on_exec)
{
    struct call_events events = {
        .enter = call_event(formats->enter_id, FALSE, on_exec),
        .leave = call_event(formats->exit_id, FALSE, on_exec),
        .lose_cpu = call_event(formats->switch_id, TRUE, on_exec),
    };

    events.enter.mmap = events.enter.mmap2 = 1;
    return events;
}

/* Stacks only with the privilege for the scheduler's tracepoints. */
static gboolean open_calls_ring(void *user, struct ct_ring *ring)
{
    const struct task *task = user;
    struct call_events events = call_events(task->formats, !task->is_delayed);

    return ct_ring_open(ring, &events.enter, task->pid, CALLS_RING_SIZE) &&
           ct_ring_add(ring, 1, &events.leave, task->pid) &&
           (ct_ring_add(ring, 2, &events.lose_cpu, task->pid) || errno == EACCES || errno == EPERM);
}

struct ct_rings *ct_rings_open_calls(pid_t pid, gboolean is_delayed, char **why_not)
{
    struct ct_rings *rings = ct_rings_new(CT_RINGS_CALLS);
    struct task task = {.pid = pid, .is_delayed = is_delayed, .formats = &rings->formats};

    if (ct_formats_read(&rings->formats, TRUE, why_not))
        return open_all(rings, open_calls_ring, &task, explain, why_not);
    ct_rings_free(rings);
    return NULL;
}

struct ct_rings *ct_rings_open_running(enum ct_rings_kind kind, const GArray *pids,
                                       gboolean follows_children, char **why_not)
{
    struct ct_rings *rings = ct_rings_new(kind);
    struct ct_thread_events events = {.attributes = {switch_event(FALSE)}, .count = 1, .needed = 1};
    gboolean is_ready = TRUE;

    if (kind == CT_RINGS_CALLS) {
        is_ready = ct_formats_read(&rings->formats, TRUE, why_not);
        struct call_events calls = call_events(&rings->formats, FALSE);
        events = (struct ct_thread_events){
            .attributes = {calls.enter, calls.leave, calls.lose_cpu}, .count = 3, .needed = 2};
    }
    if (is_ready &&
        ct_rings_attach(rings, kind == CT_RINGS_CALLS ? CALLS_RING_SIZE : TASK_RING_SIZE, &events,
                        pids, follows_children, why_not))
        return rings;
    ct_rings_free(rings);
    return NULL;
}

static void control(struct ct_rings *rings, unsigned long request)
{
    for (guint i = 0; i < rings->count; i++)
        ct_ring_control(&rings->rings[i], request);
    for (guint i = 0; rings->task_fds != NULL && i < rings->task_fds->len; i++)
        ioctl(g_array_index(rings->task_fds, int, i), request, 0);
}

static struct ct_ring *find_ring(struct ct_rings *rings, uint32_t cpu)
{
    for (guint i = 0; i < rings->count; i++) {
        if (rings->rings[i].cpu == cpu)
            return &rings->rings[i];
    }
    return rings->count < rings->capacity ? add_ring(rings, cpu) : NULL;
}

struct ct_ring *ct_rings_reopen(struct ct_rings *rings, uint32_t cpu, gboolean is_begun)
{
    struct ct_ring *ring = find_ring(rings, cpu);

    if (ring == NULL)
        return NULL;
    ct_ring_close(ring);
    if (!open_machine(&rings->formats, ring)) {
        ct_ring_close(ring);
        return NULL;
    }
    if (is_begun)
        ct_ring_control(ring, PERF_EVENT_IOC_ENABLE);
    return ring;
}

void ct_rings_begin(struct ct_rings *rings)
{
    control(rings, PERF_EVENT_IOC_ENABLE);
}

void ct_rings_end(struct ct_rings *rings)
{
    control(rings, PERF_EVENT_IOC_DISABLE);
}

static int compare_fds(const void *first, const void *second)
{
    return *(const int *)first - *(const int *)second;
}

/*
 * In the child: keeps nothing open but `fds`, which are in order, until the parent has closed its
 * own and with them the other end of the pipe `parent_fd`, one of them. Never returns.
 */
static void close_last(const int *fds, size_t count, int parent_fd)
{
    unsigned next = 0;
    char byte;

    for (size_t i = 0; i < count; i++) {
        if ((unsigned)fds[i] > next)
            syscall(SYS_close_range, next, (unsigned)fds[i] - 1, 0);
        next = (unsigned)fds[i] + 1;
    }
    syscall(SYS_close_range, next, ~0U, 0);
    while (read(parent_fd, &byte, sizeof(byte)) < 0 && errno == EINTR)
        ;
    _exit(0);
}

/* All descriptors of the rings, and `one_more`, in order. Owned by the caller. */
static GArray *list_fds(const struct ct_rings *rings, int one_more)
{
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));

    g_array_append_val(fds, one_more);
    for (guint i = 0; i < rings->count; i++) {
        for (size_t event = 0; event < CT_RING_FDS; event++) {
            if (rings->rings[i].fds[event] >= 0)
                g_array_append_val(fds, rings->rings[i].fds[event]);
        }
    }
    if (rings->task_fds != NULL)
        g_array_append_vals(fds, rings->task_fds->data, rings->task_fds->len);
    g_array_sort(fds, compare_fds);
    return fds;
}

void ct_rings_free_aside(struct ct_rings *rings)
{
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        ct_rings_free(rings);
        return;
    }
    g_autoptr(GArray) fds = list_fds(rings, pipe_fds[0]);
    /* No signal at its end: it is none of the processes that are waited for. */
    if (syscall(SYS_clone, 0, NULL, NULL, NULL, 0) == 0)
        close_last((const int *)fds->data, fds->len, pipe_fds[0]);
    ct_rings_free(rings);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

void ct_rings_free(struct ct_rings *rings)
{
    if (rings == NULL)
        return;
    for (guint i = 0; rings->task_fds != NULL && i < rings->task_fds->len; i++)
        close(g_array_index(rings->task_fds, int, i));
    g_clear_pointer(&rings->task_fds, g_array_unref);
    for (guint i = 0; i < rings->count; i++)
        ct_ring_close(&rings->rings[i]);
    g_free(rings->rings);
    g_free(rings);
}
