/*
 * Process images that no preload was in. The kernel layer tells of their threads, descriptors and
 * modules, in the order of time; they become processes of the model as any other.
 */
#include "assemble/state.h"

#include "schema/recording_files.h"

#include <string.h>

/* The newest image of the process, if it is one of these and goes on. */
static struct ct_image *find_image(const struct ct_assembler *assembler, int32_t pid)
{
    struct ct_image *image = g_hash_table_lookup(assembler->current, GINT_TO_POINTER(pid));

    return image && image->process.is_hidden && !image->has_ended ? image : NULL;
}

static struct ct_thread_state *find_thread(const struct ct_assembler *assembler, int32_t tid)
{
    return g_hash_table_lookup(assembler->hidden_threads, GINT_TO_POINTER(tid));
}

static void add_thread(struct ct_assembler *assembler, struct ct_image *image, int32_t tid,
                       uint64_t start_ns)
{
    struct ct_thread_state *thread = find_thread(assembler, tid);

    if (thread && thread->thread.process == &image->process)
        return; /* it was told of as one that was there, too */
    thread = ct_assembler_thread(assembler, image, tid, start_ns);
    if (!thread)
        return;
    thread->last_ns = start_ns;
    image->live_threads++;
    g_hash_table_insert(assembler->hidden_threads, GINT_TO_POINTER(tid), thread);
}

static void end_thread(struct ct_assembler *assembler, struct ct_thread_state *thread,
                       uint64_t time_ns)
{
    struct ct_image *image = (struct ct_image *)thread->thread.process;

    g_hash_table_remove(assembler->hidden_threads, GINT_TO_POINTER(thread->thread.tid));
    thread->call.is_made = FALSE;
    thread->thread.has_exited = TRUE;
    thread->thread.end_ns = MAX(time_ns, thread->last_end_ns);
    ct_kernel_end_thread(thread);
    ct_nesting_clear(&thread->nesting);
    if (--image->live_threads > 0)
        return;
    image->has_ended = TRUE;
    image->process.end_ns = thread->thread.end_ns;
}

static void end_image(struct ct_assembler *assembler, struct ct_image *image, uint64_t time_ns)
{
    g_autoptr(GList) threads = g_hash_table_get_values(image->process.threads);

    for (GList *each = threads; each; each = each->next) {
        if (!((struct ct_thread *)each->data)->has_exited)
            end_thread(assembler, each->data, time_ns);
    }
}

/* Another image takes the place of the one that the process has. */
static void replace_image(struct ct_assembler *assembler, int32_t pid, uint64_t time_ns)
{
    struct ct_image *image = g_hash_table_lookup(assembler->current, GINT_TO_POINTER(pid));

    if (!image)
        return;
    image->is_replaced = TRUE;
    if (image->process.is_hidden && !image->has_ended)
        end_image(assembler, image, time_ns);
}

/* A child has its parent's descriptors, and one that executes a program keeps most of its own. */
static void inherit_fds(struct ct_assembler *assembler, const struct ct_process *from,
                        struct ct_process *process)
{
    g_autoptr(GList) numbers = g_hash_table_get_keys(from->fds);

    for (GList *each = numbers; each; each = each->next) {
        const struct ct_fd *fd = g_hash_table_lookup(from->fds, each->data);

        if (fd) /* if it is over, room may have been made of what it had */
            ct_assembler_set_fd(assembler, process, fd);
    }
}

static void add_image(struct ct_assembler *assembler, const struct ct_kernel_record *record)
{
    const struct ct_kernel_process_image *event = &record->as.process_image;
    struct ct_image *previous =
        g_hash_table_lookup(assembler->current, GINT_TO_POINTER(event->pid));
    const struct ct_image *parent =
        g_hash_table_lookup(assembler->current, GINT_TO_POINTER(event->ppid));

    if (previous && previous->process.is_hidden && previous->process.start_ns == event->start_ns) {
        ct_image_describe(previous, event->exe, event->args, event->cwd);
        return;
    }
    if (previous && !previous->has_ended) {
        ct_kernel_replace(assembler, previous);
        previous->has_ended = TRUE;
        previous->process.end_ns = MAX(previous->has_exec ? previous->exec_ns : event->start_ns,
                                       previous->process.start_ns);
    }
    struct ct_image *image = ct_assembler_image(assembler, event->pid, event->start_ns, FALSE);

    if (!image)
        return;
    ct_assembler_forget_slots(assembler, event->pid);
    g_hash_table_insert(assembler->current, GINT_TO_POINTER(event->pid), image);
    image->process.is_hidden = TRUE;
    image->process.ppid = event->ppid;
    ct_image_describe(image, event->exe, event->args, event->cwd);
    if (!event->args[0] && parent) /* by fork */
        ct_image_describe(image, parent->process.exe, parent->process.args, parent->process.cwd);
    if (previous || parent)
        inherit_fds(assembler, previous ? &previous->process : &parent->process, &image->process);
    add_thread(assembler, image, event->pid, event->start_ns);
    assembler->first_ns = MIN(assembler->first_ns, event->start_ns);
    assembler->last_ns = MAX(assembler->last_ns, record->time_ns);
}

/* What stands where this module does is gone: TRUE if it is all there already. */
static gboolean replace_modules(struct ct_image *image, const struct ct_module *module,
                                uint64_t time_ns)
{
    gboolean is_any = FALSE;

    for (guint i = 0; i < image->process.modules->len; i++) {
        struct ct_module *other = g_ptr_array_index(image->process.modules, i);

        if (other->until_ns || other->begin >= module->end || other->end <= module->begin)
            continue;
        if (other->bias == module->bias && strcmp(other->path, module->path) == 0 &&
            strcmp(other->build_id, module->build_id) == 0)
            return TRUE;
        other->until_ns = time_ns;
        is_any = TRUE;
    }
    if (is_any)
        ct_image_forget_stacks(image);
    return FALSE;
}

/* The path of a file that the recording has; NULL if there is none, or it is a strange one. Caller
 * frees. */
static char *find_copy(const struct ct_assembler *assembler, const char *name)
{
    const char *directory = assembler->model->directory;

    if (!name[0] || name[0] == '.' || strchr(name, '/') || !directory)
        return NULL;
    return g_build_filename(directory, CT_OBJECTS_FOLDER, name, NULL);
}

static void add_module(struct ct_assembler *assembler, const struct ct_kernel_record *record)
{
    const struct ct_kernel_process_module *event = &record->as.process_module;
    struct ct_image *image = find_image(assembler, event->pid);
    g_autofree char *copy = find_copy(assembler, event->copy);
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
    if (!replace_modules(image, &module, record->time_ns))
        ct_assembler_add_module(assembler, image, &module);
}

static void add_fd(struct ct_assembler *assembler, const struct ct_kernel_record *record)
{
    const struct ct_kernel_process_fd *event = &record->as.process_fd;
    struct ct_image *image = find_image(assembler, event->pid);
    struct ct_fd fd = {
        .fd = event->fd,
        .kind = event->kind < CT_FD_KIND_COUNT ? (enum ct_fd_kind)event->kind : CT_FD_KIND_UNKNOWN,
        .local = (char *)event->local,
        .peer = (char *)event->peer,
        .watched_classes = event->watched_classes,
    };

    if (image)
        ct_assembler_set_fd(assembler, &image->process, &fd);
}

/* A thread left its CPU, or got one; by now it has a task. `name` is NULL if it is not told. */
static void see_thread(struct ct_assembler *assembler, int32_t tid, const char *name)
{
    struct ct_thread_state *thread = find_thread(assembler, tid);

    if (!thread)
        return;
    if (!thread->task)
        ct_kernel_bind(assembler, thread, thread->thread.start_ns);
    if (name && strcmp(thread->thread.name, name) != 0) {
        ct_assign_string(&thread->thread.name, name);
        thread->has_name = TRUE;
    }
}

void ct_hidden_add(struct ct_assembler *assembler, const struct ct_kernel_record *record)
{
    const struct ct_kernel_sched_process_fork *fork = &record->as.sched_process_fork;
    struct ct_thread_state *thread;
    struct ct_image *image;

    switch (record->event) {
    case CT_KERNEL_ID_PROCESS_IMAGE:
        add_image(assembler, record);
        break;
    case CT_KERNEL_ID_PROCESS_THREAD:
        image = find_image(assembler, record->as.process_thread.pid);
        if (image)
            add_thread(assembler, image, record->as.process_thread.tid, record->time_ns);
        see_thread(assembler, record->as.process_thread.tid,
                   record->as.process_thread.name[0] ? record->as.process_thread.name : NULL);
        break;
    case CT_KERNEL_ID_PROCESS_MODULE:
        add_module(assembler, record);
        break;
    case CT_KERNEL_ID_PROCESS_FD:
        add_fd(assembler, record);
        break;
    case CT_KERNEL_ID_SCHED_PROCESS_FORK:
        image = fork->child_pid == fork->parent_pid ? find_image(assembler, fork->child_pid) : NULL;
        if (image)
            add_thread(assembler, image, fork->child_tid, record->time_ns);
        break;
    case CT_KERNEL_ID_SCHED_PROCESS_EXIT:
        thread = find_thread(assembler, record->as.sched_process_exit.tid);
        if (thread)
            end_thread(assembler, thread, record->time_ns);
        break;
    case CT_KERNEL_ID_SCHED_PROCESS_EXEC:
        replace_image(assembler, record->as.sched_process_exec.tid, record->time_ns);
        break;
    case CT_KERNEL_ID_SCHED_SWITCH:
        see_thread(assembler, record->as.sched_switch.prev_tid, record->as.sched_switch.prev_comm);
        see_thread(assembler, record->as.sched_switch.next_tid, NULL);
        break;
    case CT_KERNEL_ID_CONTEXT_SWITCH:
        see_thread(assembler, record->as.context_switch.tid, NULL);
        break;
    default:
        break;
    }
}
