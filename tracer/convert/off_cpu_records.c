#include "off_cpu_records.h"

#include "schema/descriptors.h"
#include "schema/kernel_events.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

gboolean ct_off_cpu_is_whole(const struct ct_off_cpu *off)
{
    size_t size = offsetof(struct ct_off_cpu, number);

    if (off->flags & (CT_OFF_CPU_HAS_CALL | CT_OFF_CPU_HAS_REASON))
        size = offsetof(struct ct_off_cpu, registers);
    if (off->flags & CT_OFF_CPU_HAS_STACK)
        size = off->frame_count > 0 ? sizeof(*off)
                                    : offsetof(struct ct_off_cpu, stack) +
                                          MIN(off->stack_size, CT_OFF_CPU_STACK_SIZE);
    return off->header.size >= size && off->stack_size <= CT_OFF_CPU_STACK_SIZE;
}

size_t ct_off_cpu_least_size(uint32_t type)
{
    switch (type) {
    case CT_OFF_CPU_SPAN:
    case CT_OFF_CPU_STILL:
    case CT_OFF_CPU_WAKER:
        return offsetof(struct ct_off_cpu, number);
    case CT_OFF_CPU_FD:
        return sizeof(struct ct_off_cpu_fd);
    case CT_OFF_CPU_LOSS:
        return sizeof(struct ct_off_cpu_loss);
    case CT_OFF_CPU_BEGIN:
        return sizeof(struct ct_off_cpu_begin);
    default:
        return SIZE_MAX;
    }
}

static void fill_task(struct ct_raw_task *to, const struct ct_off_cpu_task *from)
{
    to->tid = from->tid;
    to->prio = from->prio;
    memcpy(to->name, from->name, sizeof(from->name));
    to->name[sizeof(from->name) - 1] = '\0';
}

void ct_off_cpu_fill_waking(struct ct_raw_record *record, const struct ct_off_cpu *off)
{
    record->kind = CT_RAW_WAKING;
    record->pid = off->waker_pid;
    record->tid = off->waker_tid;
    record->in_interrupt = (off->flags & CT_OFF_CPU_WOKEN_BY_INTERRUPT) != 0;
    fill_task(&record->as.waking.task, &off->task);
    record->as.waking.cpu = (int32_t)off->back_cpu;
}

void ct_off_cpu_fill_leave(struct ct_raw_record *record, const struct ct_off_cpu *off)
{
    record->kind = CT_RAW_SWITCH;
    fill_task(&record->as.of_switch.previous, &off->task);
    fill_task(&record->as.of_switch.next, &off->next);
    record->as.of_switch.previous_state = off->state;
}

void ct_off_cpu_fill_back(struct ct_raw_record *record, const struct ct_off_cpu *off)
{
    record->kind = CT_RAW_SWITCH;
    record->pid = 0;
    record->tid = off->previous.tid;
    fill_task(&record->as.of_switch.previous, &off->previous);
    fill_task(&record->as.of_switch.next, &off->task);
    record->as.of_switch.previous_state = off->previous_state;
}

static enum ct_fd_kind kind_of(const struct ct_off_cpu_fd *fd)
{
    g_autofree char *target = g_strdup_printf("anon_inode:%.*s", (int)sizeof(fd->name), fd->name);

    switch (fd->mode & S_IFMT) {
    case S_IFSOCK:
        return fd->family == AF_INET || fd->family == AF_INET6 ? CT_FD_KIND_SOCKET_INET
               : fd->family == AF_UNIX                         ? CT_FD_KIND_SOCKET_UNIX
                                                               : CT_FD_KIND_SOCKET_OTHER;
    case S_IFIFO:
        return CT_FD_KIND_PIPE;
    case S_IFREG:
        return CT_FD_KIND_FILE;
    case S_IFDIR:
        return CT_FD_KIND_DIRECTORY;
    case S_IFCHR:
        return ct_device_fd_kind(fd->device_major);
    case S_IFBLK:
        return CT_FD_KIND_DEVICE;
    default:
        return ct_anonymous_fd_kind(target);
    }
}

void ct_off_cpu_fill_fd(struct ct_raw_record *record, const struct ct_off_cpu_fd *fd)
{
    record->kind = CT_RAW_FD;
    record->pid = record->tid = fd->pid;
    record->as.fd.of =
        (struct ct_spool_descriptor){.pid = fd->pid, .fd = fd->fd, .kind = kind_of(fd)};
    record->as.fd.local = record->as.fd.peer = "";
    record->as.fd.is_kind_only = TRUE;
}

void ct_off_cpu_fill_call(struct ct_raw_record *record, const struct ct_off_cpu *off,
                          gboolean is_entry)
{
    record->kind = is_entry ? CT_RAW_SYSCALL_ENTRY : CT_RAW_SYSCALL_EXIT;
    record->as.syscall.number = off->number;
    if (is_entry)
        memcpy(record->as.syscall.arguments, off->arguments, sizeof(off->arguments));
    else
        record->as.syscall.result = CT_SYSCALL_RESULT_UNKNOWN;
}

void ct_off_cpu_fill_reason(struct ct_raw_record *record, const struct ct_off_cpu *off)
{
    static const enum ct_op ops[] = {
        [CT_OFF_CPU_MAJOR_FAULT] = CT_OP_MAJOR_FAULT, [CT_OFF_CPU_PAGE_FAULT] = CT_OP_PAGE_FAULT,
        [CT_OFF_CPU_STOPPED] = CT_OP_STOPPED,         [CT_OFF_CPU_TRACED] = CT_OP_TRACED,
        [CT_OFF_CPU_SWAP_IN] = CT_OP_SWAP_IN,         [CT_OFF_CPU_RECLAIM] = CT_OP_RECLAIM,
        [CT_OFF_CPU_THROTTLED] = CT_OP_THROTTLED,     [CT_OFF_CPU_EXITING] = CT_OP_EXITING,
    };
    uint64_t reason = 0 - (uint64_t)off->number;

    record->kind = CT_RAW_REASON;
    record->as.reason.op = reason < G_N_ELEMENTS(ops) ? ops[reason] : CT_OP_NONE;
    record->as.reason.address = off->fault.address;
    record->as.reason.file_offset = off->fault.file_offset;
    memcpy(record->as.reason.file, off->fault.file, sizeof(record->as.reason.file));
    record->as.reason.file[sizeof(record->as.reason.file) - 1] = '\0';
}

void ct_off_cpu_fill_callers(struct ct_raw_record *record, const struct ct_off_cpu *off,
                             const struct ct_off_cpu *with_stack)
{
    record->kind = CT_RAW_CALLERS;
    record->as.callers.state = off->state;
    record->as.callers.is_of_reason = (off->flags & CT_OFF_CPU_HAS_REASON) != 0;
    record->as.callers.is_at_first = (off->flags & CT_OFF_CPU_AT_INSTRUCTION) != 0;
    record->as.callers.woken_tid = off->next.tid;
    record->as.callers.addresses = with_stack->frames;
    record->as.callers.count = MIN(with_stack->frame_count, CT_OFF_CPU_FRAMES);
    record->as.callers.user = (struct ct_raw_user){
        .registers = with_stack->registers,
        .stack = with_stack->stack,
        .stack_size = with_stack->stack_size,
    };
}

const char *ct_off_cpu_reason_name(enum ct_op op)
{
    static const char *const names[] = {
#define OP_NAME(symbol, name, class, object) [CT_OP_##symbol] = (name),
        CT_OPS(OP_NAME)
#undef OP_NAME
    };

    return names[op];
}
