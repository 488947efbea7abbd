#include "model/format.h"

#include <string.h>

/* How the kernel numbers priorities: those of real-time tasks, and of others by their niceness. */
#define REAL_TIME_LAST   99
#define OF_NICENESS_ZERO 120

char *ct_format_priority(const struct ct_thread_sched *sched)
{
    if (sched->priority < 0)
        return g_strdup("with a deadline");
    if (sched->priority <= REAL_TIME_LAST)
        return g_strdup_printf("real-time %d", REAL_TIME_LAST - sched->priority);
    return g_strdup_printf("nice %d", sched->priority - OF_NICENESS_ZERO);
}

uint64_t ct_rounded(double value)
{
    return value < 1.8e19 ? (uint64_t)(value + 0.5) : UINT64_MAX;
}

static char *format_fd(const struct ct_interval *interval)
{
    const struct ct_fd *fd = interval->fd;
    GString *text = g_string_new(NULL);

    g_string_printf(text, "fd %d", (int32_t)interval->object);
    if (!fd)
        return g_string_free(text, FALSE);
    if (fd->kind != CT_FD_KIND_UNKNOWN)
        g_string_append_printf(text, " %s", ct_fd_kind_name(fd->kind));
    /* "anon_inode:[eventpoll]" says no more than the kind does. */
    if (fd->local && fd->local[0] && !g_str_has_prefix(fd->local, "anon_inode:"))
        g_string_append_printf(text, " %s", fd->local);
    if (fd->peer && fd->peer[0])
        g_string_append_printf(text, " -> %s", fd->peer);
    return g_string_free(text, FALSE);
}

static const char ended_by[] = "ended by ";

/* The number says nothing to who reads of many such waits. */
static char *format_ended(const struct ct_interval *interval)
{
    const struct ct_fd *fd = interval->fd;
    const char *peer = ct_interval_peer(interval);
    gboolean is_named = fd->local && fd->local[0] && !g_str_has_prefix(fd->local, "anon_inode:");

    if (interval->fd_role == CT_FD_ROLE_ACCEPTED)
        return g_strdup_printf("%sa client%s%s", ended_by, is_named ? " of " : "",
                               is_named ? fd->local : "");
    return g_strdup_printf("%s%s%s%s%s", ended_by, ct_fd_kind_name(fd->kind), peer ? " -> " : "",
                           peer       ? peer
                           : is_named ? " "
                                      : "",
                           !peer && is_named ? fd->local : "");
}

static char *format_thread(const struct ct_interval *interval)
{
    const struct ct_thread *thread = NULL;

    if (interval->object > INT32_MAX)
        return g_strdup_printf("thread 0x%" G_GINT64_MODIFIER "x", interval->object);
    if (interval->thread)
        thread = g_hash_table_lookup(interval->thread->process->threads,
                                     GINT_TO_POINTER((int32_t)interval->object));
    if (thread && strcmp(thread->name, thread->process->name) != 0)
        return g_strdup_printf("thread %d (%s)", thread->tid, thread->name);
    return g_strdup_printf("thread %d", (int32_t)interval->object);
}

static char *format_mapping(const struct ct_interval *interval)
{
    const struct ct_fd *file = interval->fd;

    return g_strdup_printf("%s 0x%" G_GINT64_MODIFIER "x",
                           file ? file->local : ct_object_name(CT_OBJECT_MAPPING),
                           interval->object);
}

char *ct_format_call(enum ct_op op, const char *name, const char *object)
{
    const char *link = g_str_has_prefix(object, ended_by) ? ", "
                       : op == CT_OP_OTHER_SYSCALL        ? " "
                                                          : " on ";

    return g_strconcat(name, *object ? link : "", object, NULL);
}

char *ct_format_object(const struct ct_interval *interval)
{
    enum ct_object kind = ct_op_object(interval->op);

    if (interval->call_name)
        return g_strdup(interval->call_name);
    if (interval->is_ended_by_fd && interval->fd)
        return format_ended(interval);
    switch (kind) {
    case CT_OBJECT_THREAD:
        return format_thread(interval);
    case CT_OBJECT_PROCESS:
        return (int32_t)interval->object <= 0
                   ? g_strdup("any child")
                   : g_strdup_printf("process %d", (int32_t)interval->object);
    case CT_OBJECT_FD:
        return format_fd(interval);
    case CT_OBJECT_FD_SET:
        return g_strdup_printf("%" G_GUINT64_FORMAT " descriptor%s", interval->object,
                               interval->object == 1 ? "" : "s");
    case CT_OBJECT_IPC:
        return g_strdup_printf("%s %d", ct_object_name(kind), (int32_t)interval->object);
    case CT_OBJECT_MAPPING:
        return format_mapping(interval);
    case CT_OBJECT_NONE:
        return g_strdup(interval->fd ? interval->fd->local : ""); /* what was opened */
    default:
        return ct_object_is_address(kind) ? g_strdup_printf("%s 0x%" G_GINT64_MODIFIER "x",
                                                            ct_object_name(kind), interval->object)
                                          : g_strdup("");
    }
}

char *ct_format_omitted(const struct ct_stack *stack)
{
    if (stack->omitted <= 1)
        return g_strdup("[frames omitted]");
    g_autofree char *count = ct_format_count(stack->omitted);

    return g_strdup_printf("[at least %s frames omitted]", count);
}
