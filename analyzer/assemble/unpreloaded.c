#include "assemble/unpreloaded.h"

#include "assemble/thread_state.h"
#include "schema/recording_files.h"

#include <string.h>

/* The newest image of the process, if it is one of these and goes on. */
static struct ct_image *find_image(const struct ct_trackers *trackers, int32_t pid)
{
    struct ct_image *image = ct_lives_image(trackers->lives, pid);

    return image && image->process.is_unpreloaded && !image->has_ended ? image : NULL;
}

static struct ct_thread_state *find_thread(const struct ct_trackers *trackers, int32_t tid)
{
    return ct_lives_find_unpreloaded(trackers->lives, tid);
}

static void end_thread(const struct ct_trackers *trackers, struct ct_thread_state *thread,
                       uint64_t time_ns)
{
    gboolean is_last = ct_lives_end_unpreloaded(trackers->lives, thread);

    ct_calls_end_thread(thread);
    ct_lives_end_thread(thread, time_ns);
    if (!is_last)
        return;
    ct_image_of(&thread->thread)->has_ended = TRUE;
    thread->thread.process->end_ns = thread->thread.end_ns;
}

static void end_image(const struct ct_trackers *trackers, struct ct_image *image, uint64_t time_ns)
{
    g_autoptr(GList) threads = g_hash_table_get_values(image->process.threads);

    for (GList *each = threads; each; each = each->next) {
        if (!((struct ct_thread *)each->data)->has_exited)
            end_thread(trackers, each->data, time_ns);
    }
}

/* Another image takes the place of the one that the process has. */
static void replace_image(const struct ct_trackers *trackers, int32_t pid, uint64_t time_ns)
{
    struct ct_image *image = ct_lives_image(trackers->lives, pid);

    if (!image)
        return;
    image->is_replaced = TRUE;
    if (image->process.is_unpreloaded && !image->has_ended)
        end_image(trackers, image, time_ns);
}

static void add_image(const struct ct_trackers *trackers, const struct ct_kernel_record *record)
{
    const struct ct_kernel_process_image *event = &record->as.process_image;
    struct ct_image *previous = ct_lives_image(trackers->lives, event->pid);
    const struct ct_image *parent = ct_lives_image(trackers->lives, event->ppid);

    if (previous && previous->process.is_unpreloaded &&
        previous->process.start_ns == event->start_ns) {
        ct_image_describe(previous, event->exe, event->args, event->cwd);
        return;
    }
    if (previous && !previous->has_ended) {
        ct_binding_replace(trackers->binding, previous);
        previous->has_ended = TRUE;
        previous->process.end_ns = MAX(previous->has_exec ? previous->exec_ns : event->start_ns,
                                       previous->process.start_ns);
    }
    struct ct_image *image =
        ct_lives_begin_image(trackers->lives, event->pid, event->start_ns, FALSE);

    if (!image)
        return;
    image->process.ppid = event->ppid;
    ct_image_describe(image, event->exe, event->args, event->cwd);
    if (!event->args[0] && parent) /* by fork */
        ct_image_describe(image, parent->process.exe, parent->process.args, parent->process.cwd);
    if (previous || parent)
        ct_descriptors_inherit(trackers->descriptors,
                               previous ? &previous->process : &parent->process, &image->process);
    ct_lives_add_unpreloaded(trackers->lives, image, event->pid, event->start_ns);
    ct_extent_begin(trackers->extent, event->start_ns);
    ct_extent_reach(trackers->extent, record->time_ns);
}

/* The path of a file that the recording has; NULL if there is none, or it is a strange one. Caller
 * frees. */
static char *find_copy(const struct ct_trackers *trackers, const char *name)
{
    const char *directory = trackers->model->directory;

    if (!name[0] || name[0] == '.' || strchr(name, '/') || !directory)
        return NULL;
    return g_build_filename(directory, CT_OBJECTS_FOLDER, name, NULL);
}

static void add_module(const struct ct_trackers *trackers, const struct ct_kernel_record *record)
{
    const struct ct_kernel_process_module *event = &record->as.process_module;
    struct ct_image *image = find_image(trackers, event->pid);
    g_autofree char *copy = find_copy(trackers, event->copy);
    const struct ct_module module = {
        .path = (char *)event->path,
        .copy = copy,
        .build_id = (char *)event->build_id,
        .begin = event->begin,
        .end = event->end,
        .bias = event->bias,
    };

    if (!image)
        return;
    /* The program itself is mapped first. */
    if (!image->process.exe[0] && event->path[0] == '/')
        ct_assign_string(&image->process.exe, event->path);
    ct_tables_load_module(trackers->tables, image, &module, record->time_ns);
}

static void add_fd(const struct ct_trackers *trackers, const struct ct_kernel_record *record)
{
    const struct ct_kernel_process_fd *event = &record->as.process_fd;
    struct ct_image *image = find_image(trackers, event->pid);
    struct ct_fd fd = {
        .fd = event->fd,
        .kind = (enum ct_fd_kind)event->kind,
        .local = (char *)event->local,
        .peer = (char *)event->peer,
        .watched_classes = event->watched_classes,
    };

    if (image)
        ct_descriptors_set(trackers->descriptors, &image->process, &fd);
}

/* A thread left its CPU, or got one; by now it has a task. `name` is NULL if it is not told. */
static void see_thread(const struct ct_trackers *trackers, int32_t tid, const char *name)
{
    struct ct_thread_state *thread = find_thread(trackers, tid);

    if (!thread)
        return;
    if (!ct_binding_task(thread))
        ct_binding_bind(trackers->binding, thread, thread->thread.start_ns);
    if (name && strcmp(thread->thread.name, name) != 0)
        ct_lives_name_thread(thread, name);
}

void ct_unpreloaded_add(const struct ct_trackers *trackers, const struct ct_kernel_record *record)
{
    const struct ct_kernel_sched_process_fork *fork = &record->as.sched_process_fork;
    struct ct_thread_state *thread;
    struct ct_image *image;

    switch (record->event) {
    case CT_KERNEL_ID_PROCESS_IMAGE:
        add_image(trackers, record);
        break;
    case CT_KERNEL_ID_PROCESS_THREAD:
        image = find_image(trackers, record->as.process_thread.pid);
        if (image)
            ct_lives_add_unpreloaded(trackers->lives, image, record->as.process_thread.tid,
                                     record->time_ns);
        see_thread(trackers, record->as.process_thread.tid,
                   record->as.process_thread.name[0] ? record->as.process_thread.name : NULL);
        break;
    case CT_KERNEL_ID_PROCESS_MODULE:
        add_module(trackers, record);
        break;
    case CT_KERNEL_ID_PROCESS_FD:
        add_fd(trackers, record);
        break;
    case CT_KERNEL_ID_SCHED_PROCESS_FORK:
        image = fork->child_pid == fork->parent_pid ? find_image(trackers, fork->child_pid) : NULL;
        if (image)
            ct_lives_add_unpreloaded(trackers->lives, image, fork->child_tid, record->time_ns);
        break;
    case CT_KERNEL_ID_SCHED_PROCESS_EXIT:
        thread = find_thread(trackers, record->as.sched_process_exit.tid);
        if (thread)
            end_thread(trackers, thread, record->time_ns);
        break;
    case CT_KERNEL_ID_SCHED_PROCESS_EXEC:
        replace_image(trackers, record->as.sched_process_exec.tid, record->time_ns);
        break;
    case CT_KERNEL_ID_SCHED_SWITCH:
        see_thread(trackers, record->as.sched_switch.prev_tid, record->as.sched_switch.prev_comm);
        see_thread(trackers, record->as.sched_switch.next_tid, NULL);
        break;
    case CT_KERNEL_ID_CONTEXT_SWITCH:
        see_thread(trackers, record->as.context_switch.tid, NULL);
        break;
    default:
        break;
    }
}
