#include "attached.h"

#include "system/cgroup.h"
#include "system/named.h"
#include "system/procfs.h"
#include "system/targets.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct process {
    pid_t pid;
    int fd;                       /* a pidfd; -1: it has ended */
    char name[CT_PROC_NAME_SIZE]; /* as it named itself */
};

struct ct_attached {
    struct ct_running *running; /* owned */
    GArray *processes;          /* owned; struct process; of a group, those that it had at first */
    GString *left_out; /* owned; why not all with a name that was given are; empty: they are */
    guint left_out_count;
    int poll_fd; /* -1: of a group, whose processes come and go */
    guint alive;
};

/* So many processes are told of one by one, and of others' so many. */
#define DESCRIBED_MAX 8
#define LEFT_OUT_MAX  3

/* What is G_FILE_ERROR_ACCES to others is theirs; else there is no such program. */
static G_GNUC_PRINTF(3, 4) gboolean refuse(GError **error, GFileError code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, G_FILE_ERROR, (gint)code, text);
    return FALSE;
}

/* ---- Checks ---- */

/* Whose thread it is; 0 if that is not known. */
static pid_t find_group(pid_t pid)
{
    g_autofree char *text = ct_proc_read_status(pid, "Tgid:");

    return text != NULL ? (pid_t)g_ascii_strtoll(text, NULL, 10) : 0;
}

static gboolean has_other_threads(pid_t pid)
{
    g_autoptr(GArray) threads = ct_proc_list_threads(pid);

    return threads->len > 1;
}

/* By its real user, as an executable that may not be read makes /proc root's. */
static gboolean refuse_access(const struct process *process, GError **error)
{
    g_autofree char *text = ct_proc_read_status(process->pid, "Uid:");
    uid_t uid = text != NULL ? (uid_t)g_ascii_strtoull(text, NULL, 10) : 0;
    const struct passwd *user = getpwuid(uid);
    g_autofree char *number = g_strdup_printf("%u", uid);

    if (uid == getuid() && uid == 0)
        return refuse(error, G_FILE_ERROR_ACCES,
                      "process %d (%s) does not let even root look into it, or not from here",
                      process->pid, process->name);
    if (uid == getuid())
        return refuse(
            error, G_FILE_ERROR_ACCES,
            "process %d (%s) does not let its own user look into it: it is setuid, or has "
            "asked for that; attach as root",
            process->pid, process->name);
    return refuse(error, G_FILE_ERROR_ACCES,
                  "process %d (%s) is user %s's: attach as that user or as root", process->pid,
                  process->name, user != NULL ? user->pw_name : number);
}

/* What we are to read of it takes the same right as perf does. */
static gboolean check_access(const struct process *process, GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", ct_proc_find_living(process->pid));
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        close(fd);
        return TRUE;
    }
    if (errno == ENOENT || errno == ESRCH)
        return refuse(error, G_FILE_ERROR_FAILED, "process %d (%s) has just ended", process->pid,
                      process->name);
    return refuse_access(process, error);
}

/* With its pidfd open, so that the id is this process's for as long as that says that it lives. */
static gboolean look(struct process *process, GError **error)
{
    struct ct_proc_stat stat;
    pid_t group = find_group(process->pid);

    if (process->pid == getpid())
        return refuse(error, G_FILE_ERROR_FAILED, "process %d is this ctrace itself", process->pid);
    if (group == 0 || !ct_proc_read_stat(process->pid, process->pid, &stat))
        return refuse(error, G_FILE_ERROR_FAILED, "there is no process %d", process->pid);
    if (group != process->pid)
        return refuse(error, G_FILE_ERROR_FAILED,
                      "%d is a thread of process %d: give that process's id, -p %d", process->pid,
                      group, group);
    g_strlcpy(process->name, stat.name, sizeof(process->name));
    if (stat.is_kernel_thread)
        return refuse(error, G_FILE_ERROR_FAILED,
                      "process %d (%s) is a thread of the kernel, not a program", process->pid,
                      process->name);
    if (CT_PROC_HAS_ENDED(stat.state) && !has_other_threads(process->pid))
        return refuse(error, G_FILE_ERROR_FAILED,
                      "process %d (%s) has ended: it is a zombie, for which its parent %d has not "
                      "waited yet",
                      process->pid, process->name, stat.parent_pid);
    return check_access(process, error);
}

static gboolean open_process(struct process *process, GError **error)
{
    process->fd = pidfd_open(process->pid, 0);
    int code = errno;

    if (!look(process, error)) /* it knows better why */
        return FALSE;
    if (process->fd < 0)
        return refuse(error, G_FILE_ERROR_FAILED,
                      "process %d (%s) cannot be watched: pidfd_open: %s", process->pid,
                      process->name, g_strerror(code));
    return TRUE;
}

/* ---- All of them ---- */

static gboolean is_known(const struct ct_attached *attached, pid_t pid)
{
    for (guint i = 0; i < attached->processes->len; i++) {
        if (g_array_index(attached->processes, struct process, i).pid == pid)
            return TRUE;
    }
    return FALSE;
}

/* Its pidfd is closed with the others. */
static gboolean watch_process(const struct ct_attached *attached, struct process *process,
                              guint index, GError **error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};

    if (!open_process(process, error))
        return FALSE;
    if (epoll_ctl(attached->poll_fd, EPOLL_CTL_ADD, process->fd, &event) != 0)
        return refuse(error, G_FILE_ERROR_FAILED, "process %d (%s) cannot be watched: %s",
                      process->pid, process->name, g_strerror(errno));
    return TRUE;
}

/* TRUE also if it was there already. */
static gboolean add_process(struct ct_attached *attached, pid_t pid, GError **error)
{
    struct process process = {.pid = pid, .fd = -1};

    if (is_known(attached, pid))
        return TRUE;
    if (!watch_process(attached, &process, attached->processes->len, error)) {
        if (process.fd >= 0)
            close(process.fd);
        return FALSE;
    }
    g_array_append_val(attached->processes, process);
    attached->alive++;
    return TRUE;
}

/* Another user's, beside those that are attached to. */
static void leave_out(struct ct_attached *attached, const GError *why)
{
    if (attached->left_out_count++ < LEFT_OUT_MAX)
        g_string_append_printf(attached->left_out, "%s%s", attached->left_out->len > 0 ? "; " : "",
                               why->message);
}

static void count_left_out(struct ct_attached *attached)
{
    if (attached->left_out_count > LEFT_OUT_MAX)
        g_string_append_printf(attached->left_out, "; and so for %u more",
                               attached->left_out_count - LEFT_OUT_MAX);
}

static gboolean refuse_name(const char *name, GError **error)
{
    g_autofree char *near = ct_named_near(name);

    return refuse(error, G_FILE_ERROR_NOENT, "no process is named \"%s\"%s%s", name,
                  *near != '\0' ? "; near that are " : "", near);
}

/* All of that name; those that have just ended are none. */
static gboolean add_named(struct ct_attached *attached, const char *name, GError **error)
{
    g_autoptr(GArray) pids = ct_named_find(name);
    g_autoptr(GError) first = NULL;
    gboolean is_any = FALSE;

    for (guint i = 0; i < pids->len; i++) {
        g_autoptr(GError) why = NULL;

        if (add_process(attached, g_array_index(pids, pid_t, i), &why)) {
            is_any = TRUE;
            continue;
        }
        if (g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_ACCES))
            leave_out(attached, why);
        if (first == NULL)
            first = g_steal_pointer(&why);
    }
    if (is_any)
        return TRUE;
    if (first == NULL)
        return refuse_name(name, error);
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}

static struct ct_attached *new_empty(struct ct_running *running, int poll_fd)
{
    struct ct_attached *attached = g_new0(struct ct_attached, 1);

    attached->running = running;
    attached->processes = g_array_new(FALSE, TRUE, sizeof(struct process));
    attached->left_out = g_string_new(NULL);
    attached->poll_fd = poll_fd;
    return attached;
}

static void set_roots(struct ct_attached *attached)
{
    GArray *pids = g_array_new(FALSE, FALSE, sizeof(pid_t));

    for (guint i = 0; i < attached->processes->len; i++)
        g_array_append_val(pids, g_array_index(attached->processes, struct process, i).pid);
    attached->running->roots = pids;
}

struct ct_attached *ct_attached_new(const GPtrArray *targets, GError **error)
{
    struct ct_attached *attached =
        new_empty(g_new0(struct ct_running, 1), epoll_create1(EPOLL_CLOEXEC));

    for (guint i = 0; i < targets->len; i++) {
        const char *target = targets->pdata[i];
        pid_t pid = ct_target_pid(target);

        if (!(pid > 0 ? add_process(attached, pid, error) : add_named(attached, target, error))) {
            g_prefix_error(error, "cannot attach: ");
            ct_attached_free(attached);
            return NULL;
        }
    }
    count_left_out(attached);
    set_roots(attached);
    return attached;
}

/* ---- Groups of them ---- */

/* Into which it may not be looked, of a group. */
static gboolean add_refused(struct ct_attached *attached, gboolean is_any, GError **error)
{
    const struct ct_running *running = attached->running;
    struct process process = {.pid = running->refused_one, .fd = -1};
    g_autoptr(GError) why = NULL;
    struct ct_proc_stat stat;

    if (running->refused == 0 || !ct_proc_read_stat(process.pid, process.pid, &stat))
        return TRUE;
    g_strlcpy(process.name, stat.name, sizeof(process.name));
    if (check_access(&process, &why))
        return TRUE;
    if (!is_any) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    leave_out(attached, why);
    attached->left_out_count = LEFT_OUT_MAX + running->refused - 1;
    count_left_out(attached);
    return TRUE;
}

static gboolean add_group(struct ct_attached *attached, GError **error)
{
    g_autoptr(GArray) pids = ct_running_list(attached->running, TRUE);

    for (guint i = 0; i < pids->len; i++) {
        struct process process = {.pid = g_array_index(pids, pid_t, i), .fd = -1};
        struct ct_proc_stat stat;

        if (!ct_proc_read_stat(process.pid, process.pid, &stat))
            continue; /* it has just ended */
        g_strlcpy(process.name, stat.name, sizeof(process.name));
        g_array_append_val(attached->processes, process);
    }
    return add_refused(attached, pids->len > 0, error);
}

static struct ct_attached *new_group(struct ct_running *running, GError **error)
{
    struct ct_attached *attached = running != NULL ? new_empty(running, -1) : NULL;

    if (attached != NULL && add_group(attached, error))
        return attached;
    g_prefix_error(error, "cannot attach: ");
    ct_attached_free(attached);
    return NULL;
}

struct ct_attached *ct_attached_new_cgroup(const char *name, GError **error)
{
    return new_group(ct_cgroup_find(name, error), error);
}

struct ct_attached *ct_attached_new_machine(GError **error)
{
    struct ct_running *running = g_new0(struct ct_running, 1);

    running->kind = CT_RUNNING_MACHINE;
    return new_group(running, error);
}

/* ---- What became of them ---- */

struct ct_running *ct_attached_running(const struct ct_attached *attached)
{
    return attached->running;
}

const char *ct_attached_left_out(const struct ct_attached *attached)
{
    return attached->left_out->len > 0 ? attached->left_out->str : NULL;
}

int ct_attached_fd(const struct ct_attached *attached)
{
    return attached->poll_fd;
}

static void end_process(struct ct_attached *attached, struct process *process)
{
    if (process->fd < 0)
        return;
    close(process->fd);
    process->fd = -1;
    attached->alive--;
}

gboolean ct_attached_have_ended(struct ct_attached *attached)
{
    struct epoll_event event;

    if (attached->running->kind != CT_RUNNING_TREE)
        return attached->running->kind == CT_RUNNING_CGROUP && ct_cgroup_is_gone(attached->running);
    while (attached->alive > 0 && epoll_wait(attached->poll_fd, &event, 1, 0) > 0)
        end_process(attached, &g_array_index(attached->processes, struct process, event.data.u32));
    return attached->alive == 0;
}

static void describe_processes(const struct ct_attached *attached, GString *text)
{
    for (guint i = 0; i < MIN(attached->processes->len, DESCRIBED_MAX); i++) {
        const struct process *process = &g_array_index(attached->processes, struct process, i);

        g_string_append_printf(text, "%sprocess %d (%s)", i > 0 ? ", " : "", process->pid,
                               process->name);
    }
    if (attached->processes->len > DESCRIBED_MAX)
        g_string_append_printf(text, " and %u more", attached->processes->len - DESCRIBED_MAX);
}

char *ct_attached_describe(const struct ct_attached *attached)
{
    const struct ct_running *running = attached->running;
    GString *text = g_string_new(NULL);

    if (running->kind == CT_RUNNING_MACHINE) {
        g_string_append_printf(text,
                               "this whole machine, with %u processes (but not %u threads of the "
                               "kernel, ctrace itself and LTTng's daemons)",
                               attached->processes->len, running->kernel_threads);
    } else {
        if (running->kind == CT_RUNNING_CGROUP)
            g_string_append_printf(text, "cgroup %s, with ", running->cgroup);
        describe_processes(attached, text);
    }
    return g_string_free(text, FALSE);
}

void ct_attached_free(struct ct_attached *attached)
{
    if (attached == NULL)
        return;
    for (guint i = 0; i < attached->processes->len; i++)
        end_process(attached, &g_array_index(attached->processes, struct process, i));
    if (attached->poll_fd >= 0)
        close(attached->poll_fd);
    ct_running_free(attached->running);
    g_array_unref(attached->processes);
    g_string_free(attached->left_out, TRUE);
    g_free(attached);
}
