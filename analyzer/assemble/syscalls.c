/*
 * System calls as the kernel tells of them. A call in which its thread lost the CPU of its own
 * accord is a wait: of a process that no preload was in; or, in one that has it, of a call that the
 * preload could not see.
 */
#include "assemble/state.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static const struct {
    enum ct_op op;
    enum ct_syscall_subject subject;
} rows[CT_SYSCALL_COUNT] = {[CT_SYSCALL_OTHER] = {CT_OP_OTHER_SYSCALL, CT_SUBJECT_NOTHING},
#define ROW(name, op, subject, arguments) [CT_SYSCALL_##name] = {CT_OP_##op, CT_SUBJECT_##subject},
                            CT_WAITING_SYSCALLS(ROW) CT_RECENT_WAITING_SYSCALLS(ROW)
                                CT_OLD_WAITING_SYSCALLS(ROW)
#undef ROW
#define ROW(name, arguments) [CT_SYSCALL_##name] = {CT_OP_OTHER_SYSCALL, CT_SUBJECT_NOTHING},
                                    CT_TELLING_SYSCALLS(ROW) CT_OLD_TELLING_SYSCALLS(ROW)
#undef ROW
};

/* ---- What a call is ---- */

static gboolean is_futex_wait(uint64_t operation)
{
    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
        return TRUE;
    default:
        return FALSE;
    }
}

/* The operation by which it waits, if it does; its number alone does not always tell. */
static enum ct_op operation(const struct ct_kernel_syscall *made)
{
    switch (made->call) {
    case CT_SYSCALL_futex:
        return is_futex_wait(made->arguments[1]) ? CT_OP_FUTEX_WAIT : CT_OP_OTHER_SYSCALL;
    case CT_SYSCALL_fcntl:
        return made->arguments[1] == F_SETLKW || made->arguments[1] == F_OFD_SETLKW
                   ? CT_OP_FCNTL_LOCK
                   : CT_OP_OTHER_SYSCALL;
    default:
        return rows[made->call].op;
    }
}

static const struct ct_fd *find_fd(const struct ct_process *process, uint64_t number)
{
    return g_hash_table_lookup(process->fds, GINT_TO_POINTER((int32_t)number));
}

/* What poll() and select() watch lies in the program's memory: for something, or only for time. */
static enum ct_class set_class(uint64_t count)
{
    return count > 0 ? CT_CLASS_NET : CT_CLASS_SLEEP;
}

/* The class of a wait on its descriptor. */
static enum ct_class fd_class(const struct ct_process *process,
                              const struct ct_kernel_syscall *made)
{
    const struct ct_fd *fd = find_fd(process, made->arguments[0]);

    switch (made->call) {
    case CT_SYSCALL_poll:
    case CT_SYSCALL_ppoll:
        return set_class(made->arguments[1]);
    case CT_SYSCALL_select:
    case CT_SYSCALL_pselect6:
        return set_class(made->arguments[0]);
    default:
        break;
    }
    if (rows[made->call].subject == CT_SUBJECT_EPOLL)
        return fd && fd->watched_classes ? ct_class_of_set(fd->watched_classes) : CT_CLASS_NET;
    return ct_fd_kind_class(fd ? fd->kind : CT_FD_KIND_UNKNOWN);
}

/* The same in every run, and for each name another (FNV-1a). */
static uint64_t number_of_name(const char *name)
{
    uint64_t number = UINT64_C(0xcbf29ce484222325);

    for (; *name; name++)
        number = (number ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return number;
}

static uint64_t object(const struct ct_kernel_syscall *made)
{
    switch (ct_op_object(operation(made))) {
    case CT_OBJECT_FD:
        return (uint64_t)(int32_t)made->arguments[0];
    case CT_OBJECT_FD_SET:
        return made->call == CT_SYSCALL_poll || made->call == CT_SYSCALL_ppoll ? made->arguments[1]
                                                                               : made->arguments[0];
    case CT_OBJECT_FUTEX:
        return made->call == CT_SYSCALL_futex ? made->arguments[0] : 0;
    case CT_OBJECT_PROCESS:
        return made->call == CT_SYSCALL_wait4 ? (uint64_t)(int32_t)made->arguments[0] : 0;
    case CT_OBJECT_IPC:
        return made->arguments[0];
    default:
        return operation(made) == CT_OP_OTHER_SYSCALL ? number_of_name(made->name) : 0;
    }
}

/* ---- Descriptors ---- */

static enum ct_fd_kind socket_kind(uint64_t family)
{
    return family == AF_INET || family == AF_INET6 ? CT_FD_KIND_SOCKET_INET
           : family == AF_UNIX                     ? CT_FD_KIND_SOCKET_UNIX
                                                   : CT_FD_KIND_SOCKET_OTHER;
}

static void open_fd(struct ct_assembler *assembler, struct ct_process *process, int64_t number,
                    enum ct_fd_kind kind)
{
    struct ct_fd fd = {.fd = (int32_t)number, .kind = kind, .local = "", .peer = ""};

    ct_assembler_set_fd(assembler, process, &fd);
}

static void copy_fd(struct ct_assembler *assembler, struct ct_process *process, uint64_t from,
                    int64_t to)
{
    const struct ct_fd *original = find_fd(process, from);
    struct ct_fd copy = original ? *original : (struct ct_fd){.local = "", .peer = ""};

    copy.fd = (int32_t)to;
    ct_assembler_set_fd(assembler, process, &copy);
}

static void watch_fd(const struct ct_process *process, const struct ct_kernel_syscall *made)
{
    struct ct_fd *epoll = (struct ct_fd *)find_fd(process, made->arguments[0]);
    const struct ct_fd *fd = find_fd(process, made->arguments[2]);

    /* One that nobody knows is one of a pair of sockets, more often than not. */
    if (epoll && made->arguments[1] == EPOLL_CTL_ADD)
        epoll->watched_classes |= (uint8_t)(1u << (fd ? ct_fd_kind_class(fd->kind) : CT_CLASS_NET));
}

static void close_fds(struct ct_assembler *assembler, struct ct_process *process, uint64_t first,
                      uint64_t last)
{
    g_autoptr(GList) numbers = g_hash_table_get_keys(process->fds);

    for (GList *each = numbers; each; each = each->next) {
        uint64_t number = (uint64_t)GPOINTER_TO_INT(each->data);

        if (number >= first && number <= last)
            ct_assembler_close_fd(assembler, process, (int32_t)number);
    }
}

/* What the call, which succeeded, made of the process's descriptors. */
static void follow_fds(struct ct_assembler *assembler, struct ct_process *process,
                       const struct ct_kernel_syscall *made, int64_t result)
{
    const uint64_t *arguments = made->arguments;
    const struct ct_fd *listener;

    switch (made->call) {
    case CT_SYSCALL_open:
    case CT_SYSCALL_openat:
    case CT_SYSCALL_openat2:
        open_fd(assembler, process, result, CT_FD_KIND_FILE);
        break;
    case CT_SYSCALL_socket:
        open_fd(assembler, process, result, socket_kind(arguments[0]));
        break;
    case CT_SYSCALL_accept:
    case CT_SYSCALL_accept4:
        listener = find_fd(process, arguments[0]);
        open_fd(assembler, process, result, listener ? listener->kind : CT_FD_KIND_SOCKET_OTHER);
        break;
    case CT_SYSCALL_eventfd:
    case CT_SYSCALL_eventfd2:
        open_fd(assembler, process, result, CT_FD_KIND_EVENTFD);
        break;
    case CT_SYSCALL_timerfd_create:
        open_fd(assembler, process, result, CT_FD_KIND_TIMERFD);
        break;
    case CT_SYSCALL_signalfd:
    case CT_SYSCALL_signalfd4:
        open_fd(assembler, process, result, CT_FD_KIND_SIGNALFD);
        break;
    case CT_SYSCALL_epoll_create:
    case CT_SYSCALL_epoll_create1:
        open_fd(assembler, process, result, CT_FD_KIND_EPOLL);
        break;
    case CT_SYSCALL_inotify_init:
    case CT_SYSCALL_inotify_init1:
        open_fd(assembler, process, result, CT_FD_KIND_INOTIFY);
        break;
    case CT_SYSCALL_mq_open:
        open_fd(assembler, process, result, CT_FD_KIND_MQUEUE);
        break;
    case CT_SYSCALL_io_uring_setup:
        open_fd(assembler, process, result, CT_FD_KIND_IO_URING);
        break;
    case CT_SYSCALL_dup:
    case CT_SYSCALL_dup2:
    case CT_SYSCALL_dup3:
        copy_fd(assembler, process, arguments[0], result);
        break;
    case CT_SYSCALL_fcntl:
        if (arguments[1] == F_DUPFD || arguments[1] == F_DUPFD_CLOEXEC)
            copy_fd(assembler, process, arguments[0], result);
        break;
    case CT_SYSCALL_epoll_ctl:
        watch_fd(process, made);
        break;
    case CT_SYSCALL_close:
        ct_assembler_close_fd(assembler, process, (int32_t)arguments[0]);
        break;
    case CT_SYSCALL_close_range:
        if (arguments[2] == 0)
            close_fds(assembler, process, (uint32_t)arguments[0], (uint32_t)arguments[1]);
        break;
    default:
        break;
    }
}

/* ---- Stacks ---- */

static gboolean is_in_module(const struct ct_process *process, uint64_t address)
{
    for (guint i = 0; i < process->modules->len; i++) {
        const struct ct_module *module = g_ptr_array_index(process->modules, i);

        if (address > module->begin && address <= module->end)
            return TRUE;
    }
    return FALSE;
}

/* Frame pointers lead astray where a caller keeps none: no program begins in its data. */
static uint32_t count_callers(const struct ct_image *image,
                              const struct ct_kernel_callstack_user *event)
{
    const struct ct_u64_sequence *addresses = &event->addresses;
    uint32_t count = MIN(addresses->count, CT_STACK_MAX_FRAMES);

    while (image->process.is_hidden && event->is_by_frame_pointers && count > 1 &&
           !is_in_module(&image->process, addresses->values[count - 1]))
        count--;
    return count;
}

static uint32_t intern(struct ct_assembler *assembler, struct ct_image *image,
                       const struct ct_kernel_callstack_user *event, uint64_t time_ns)
{
    uint32_t count = MIN(event->addresses.count, CT_STACK_MAX_FRAMES);
    uint32_t sane = count_callers(image, event);
    const struct ct_stack stack = {
        .count = sane,
        .time_ns = time_ns,
        .omitted = event->omitted,
        .outermost = event->outermost - MIN(event->outermost, count - sane),
        .is_by_frame_pointers = event->is_by_frame_pointers != 0,
        .is_partial = event->is_partial != 0,
    };

    return ct_assembler_intern_stack(assembler, image, &stack, event->addresses.values);
}

/* ---- Who makes a call ---- */

static struct ct_thread_state *find_thread(const struct ct_assembler *assembler, int32_t tid)
{
    const struct ct_task *task = ct_tasks_find(assembler->tasks, tid);

    if (task && task->thread && !((const struct ct_image *)task->thread->process)->is_replaced)
        return ct_thread_state(task->thread);
    return g_hash_table_lookup(assembler->hidden_threads, GINT_TO_POINTER(tid));
}

/* Who makes the call, and so is on a CPU. */
static struct ct_thread_state *find_caller(struct ct_assembler *assembler,
                                           const struct ct_kernel_record *record)
{
    struct ct_thread_state *thread = find_thread(assembler, record->tid);

    if (thread && thread->task)
        ct_task_seen_running(assembler->tasks, thread->task, record->time_ns);
    return thread;
}

/* ---- Calls of which some are lost ---- */

static void doubt(struct ct_thread_state *thread, uint64_t time_ns)
{
    struct ct_made_call *call = &thread->call;

    if (!call->is_doubtful)
        call->doubtful_ns = call->is_made ? call->begin_ns : time_ns;
    call->is_doubtful = TRUE;
}

/* It is on the CPU. */
static void doubt_if_lossy(const struct ct_assembler *assembler, struct ct_thread_state *thread,
                           const struct ct_kernel_record *record)
{
    if (record->time_ns < assembler->calls_lossy_until_ns &&
        (assembler->calls_lossy_cpu == CT_ANY_CPU || assembler->calls_lossy_cpu == record->cpu))
        doubt(thread, record->time_ns);
}

/* It was not in the call that it seemed to be in, or not all the time. */
static void drop_doubtful(struct ct_assembler *assembler, struct ct_thread_state *thread,
                          uint64_t end_ns)
{
    struct ct_made_call *call = &thread->call;

    if (!call->is_doubtful)
        return;
    call->is_doubtful = FALSE;
    call->is_made = FALSE;
    if (thread->thread.process->is_hidden)
        ct_kernel_add_unknown(assembler, thread, call->doubtful_ns, end_ns);
}

/* The exit is the call's own; a call that goes on after a signal has another name then. */
static gboolean is_exit_of(const struct ct_kernel_syscall *made,
                           const struct ct_kernel_syscall *exit)
{
    return exit->call == CT_SYSCALL_restart_syscall || g_strcmp0(made->name, exit->name) == 0;
}

/* ---- Calls ---- */

static void enter(struct ct_thread_state *thread, const struct ct_kernel_record *record)
{
    struct ct_made_call *call = &thread->call;
    gboolean goes_on = record->as.syscall.call == CT_SYSCALL_restart_syscall;

    if (!goes_on || call->made.name == NULL)
        call->made = record->as.syscall;
    call->begin_ns = record->time_ns;
    call->is_made = TRUE;
    call->has_blocked = FALSE;
    call->stack_id = 0;
}

static struct ct_interval interval_of(const struct ct_assembler *assembler,
                                      const struct ct_thread_state *thread, uint64_t end_ns)
{
    const struct ct_made_call *call = &thread->call;
    enum ct_op op = operation(&call->made);
    enum ct_class class = ct_op_class(op);

    return (struct ct_interval){
        .begin_ns = call->begin_ns,
        .end_ns = MAX(end_ns, call->begin_ns),
        .weight = 1,
        .object = object(&call->made),
        .call_name = op == CT_OP_OTHER_SYSCALL
                         ? g_string_chunk_insert_const(assembler->model->names, call->made.name)
                         : NULL,
        .op = op,
        .class = class == CT_CLASS_UNKNOWN ? fd_class(thread->thread.process, &call->made) : class,
        .stack_id = call->stack_id,
    };
}

static gboolean is_preloads_own(const struct ct_kernel_syscall *made)
{
    return made->call == CT_SYSCALL_futex &&
           (made->arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
           (uint32_t)made->arguments[5] == CT_OWN_FUTEX_BITSET;
}

static void leave(struct ct_assembler *assembler, struct ct_thread_state *thread,
                  const struct ct_kernel_record *record)
{
    struct ct_made_call *call = &thread->call;
    struct ct_process *process = thread->thread.process;
    int64_t result = record->as.syscall.result;

    if (!call->is_made || !is_exit_of(&call->made, &record->as.syscall))
        drop_doubtful(assembler, thread, record->time_ns);
    call->is_doubtful = FALSE;
    if (!call->is_made)
        return;
    struct ct_interval interval = interval_of(assembler, thread, record->time_ns);

    call->is_made = FALSE;
    interval.result = (int32_t)CLAMP(result, INT16_MIN, INT16_MAX);
    if (process->is_hidden) {
        ct_assembler_count_call(process, interval.op, interval.end_ns - interval.begin_ns);
        if (call->has_blocked)
            ct_assembler_interval(assembler, record->time_ns, thread, &interval);
        if (result >= 0)
            follow_fds(assembler, process, &call->made, result);
    } else if (call->has_blocked && !is_preloads_own(&call->made) &&
               interval.end_ns - interval.begin_ns >= process->rate_ns) {
        ct_unseen_hold(assembler, thread, &interval);
    }
}

/* It waits, and this is where it was called from. The switch itself may be lost. */
static void add_callers(struct ct_assembler *assembler, struct ct_thread_state *thread,
                        const struct ct_kernel_record *record)
{
    thread->call.has_blocked = TRUE;
    if (thread->call.is_made && thread->call.stack_id == 0)
        thread->call.stack_id = intern(assembler, (struct ct_image *)thread->thread.process,
                                       &record->as.callstack_user, record->time_ns);
}

static void lose_cpu(const struct ct_assembler *assembler, int32_t tid)
{
    struct ct_thread_state *thread = find_thread(assembler, tid);

    if (thread)
        thread->call.has_blocked = TRUE;
}

static void get_cpu(const struct ct_assembler *assembler, int32_t tid,
                    const struct ct_kernel_record *record)
{
    struct ct_thread_state *thread;

    if (record->time_ns < assembler->calls_lossy_until_ns && (thread = find_thread(assembler, tid)))
        doubt_if_lossy(assembler, thread, record);
}

static void add_call(struct ct_assembler *assembler, const struct ct_kernel_record *record)
{
    struct ct_thread_state *thread = find_caller(assembler, record);

    if (!thread)
        return;
    if (record->event == CT_KERNEL_ID_SYSCALL_EXIT) {
        leave(assembler, thread, record);
    } else {
        drop_doubtful(assembler, thread, record->time_ns);
        enter(thread, record);
    }
    doubt_if_lossy(assembler, thread, record);
}

void ct_syscalls_add(struct ct_assembler *assembler, const struct ct_kernel_record *record)
{
    struct ct_thread_state *thread;

    switch (record->event) {
    case CT_KERNEL_ID_SYSCALL_EXIT:
        assembler->has_syscalls = TRUE;
        add_call(assembler, record);
        break;
    case CT_KERNEL_ID_SYSCALL_ENTRY:
        add_call(assembler, record);
        break;
    case CT_KERNEL_ID_SCHED_SWITCH:
        if ((record->as.sched_switch.prev_state & CT_TASK_STATE_MASK) != 0)
            lose_cpu(assembler, record->as.sched_switch.prev_tid);
        get_cpu(assembler, record->as.sched_switch.next_tid, record);
        break;
    case CT_KERNEL_ID_PROCESS_THREAD:
        if (record->as.process_thread.is_blocked)
            lose_cpu(assembler, record->as.process_thread.tid);
        break;
    case CT_KERNEL_ID_CONTEXT_SWITCH:
        if (!record->as.context_switch.is_out)
            get_cpu(assembler, record->as.context_switch.tid, record);
        else if (!record->as.context_switch.is_preempted)
            lose_cpu(assembler, record->as.context_switch.tid);
        break;
    case CT_KERNEL_ID_CALLSTACK_USER:
        if ((thread = find_thread(assembler, record->as.callstack_user.tid)))
            add_callers(assembler, thread, record);
        break;
    default:
        break;
    }
}

/* Calls are told to the ring of the CPU that they are made on: of a task that is blocked, or on
 * another CPU, none is lost. */
void ct_syscalls_lose(struct ct_assembler *assembler, const struct ct_kernel_loss *loss)
{
    if (loss->has_calls) {
        gboolean is_one_more = loss->begin_ns < assembler->calls_lossy_until_ns &&
                               assembler->calls_lossy_cpu != loss->cpu;

        assembler->calls_lossy_cpu = is_one_more ? CT_ANY_CPU : loss->cpu;
        assembler->calls_lossy_until_ns = MAX(assembler->calls_lossy_until_ns, loss->end_ns);
    } else if (loss->begin_ns >= assembler->calls_lossy_until_ns) {
        return;
    }
    for (guint i = 0; i < assembler->model->threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(assembler->model->threads->pdata[i]);

        const struct ct_task *task = ct_tasks_find(assembler->tasks, thread->thread.tid);

        if (!thread->thread.has_exited &&
            (!task || ct_task_may_run_on(assembler->tasks, task, assembler->calls_lossy_cpu,
                                         loss->begin_ns)))
            doubt(thread, loss->begin_ns);
    }
}

void ct_syscalls_finish(struct ct_assembler *assembler)
{
    for (guint i = 0; i < assembler->model->threads->len; i++) {
        struct ct_thread_state *thread = ct_thread_state(assembler->model->threads->pdata[i]);

        drop_doubtful(assembler, thread, thread->thread.end_ns);
        if (!thread->thread.process->is_hidden) {
            ct_unseen_release(assembler, thread, UINT64_MAX);
        } else if (thread->call.is_made && thread->call.has_blocked) {
            struct ct_interval interval = interval_of(assembler, thread, thread->thread.end_ns);

            interval.is_open = TRUE;
            ct_assembler_count_call(thread->thread.process, interval.op,
                                    interval.end_ns - interval.begin_ns);
            ct_assembler_interval(assembler, assembler->model->end_ns, thread, &interval);
        }
    }
}
