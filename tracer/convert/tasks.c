#include "tasks.h"

struct task {
    int32_t tid;
    int32_t pid;
    gboolean is_exiting;
    struct task *previous; /* borrowed, as the next; of its process */
    struct task *next;
};

struct ct_tasks {
    GHashTable *by_tid; /* owned; tid -> struct task *, owned */
    GHashTable *by_pid; /* owned; pid -> struct task *, borrowed: the first one of the process */
    int32_t root_pid;
    gboolean follows_children;
};

static void remove_task(struct ct_tasks *tasks, int32_t tid)
{
    struct task *task = g_hash_table_lookup(tasks->by_tid, GINT_TO_POINTER(tid));

    if (task == NULL)
        return;
    if (task->next != NULL)
        task->next->previous = task->previous;
    if (task->previous != NULL)
        task->previous->next = task->next;
    else if (task->next != NULL)
        g_hash_table_insert(tasks->by_pid, GINT_TO_POINTER(task->pid), task->next);
    else
        g_hash_table_remove(tasks->by_pid, GINT_TO_POINTER(task->pid));
    g_hash_table_remove(tasks->by_tid, GINT_TO_POINTER(tid));
}

void ct_tasks_add(struct ct_tasks *tasks, int32_t pid, int32_t tid)
{
    struct task *task = g_new0(struct task, 1);

    remove_task(tasks, tid);
    task->tid = tid;
    task->pid = pid;
    task->next = g_hash_table_lookup(tasks->by_pid, GINT_TO_POINTER(pid));
    if (task->next != NULL)
        task->next->previous = task;
    g_hash_table_insert(tasks->by_pid, GINT_TO_POINTER(pid), task);
    g_hash_table_insert(tasks->by_tid, GINT_TO_POINTER(tid), task);
}

struct ct_tasks *ct_tasks_new(int32_t root_pid, gboolean follows_children)
{
    struct ct_tasks *tasks = g_new0(struct ct_tasks, 1);

    tasks->by_tid = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    tasks->by_pid = g_hash_table_new(NULL, NULL);
    tasks->root_pid = root_pid;
    tasks->follows_children = follows_children;
    if (root_pid > 0)
        ct_tasks_add(tasks, root_pid, root_pid);
    return tasks;
}

void ct_tasks_free(struct ct_tasks *tasks)
{
    g_hash_table_unref(tasks->by_tid);
    g_hash_table_unref(tasks->by_pid);
    g_free(tasks);
}

gboolean ct_tasks_has(const struct ct_tasks *tasks, int32_t tid)
{
    return tid > 0 && g_hash_table_contains(tasks->by_tid, GINT_TO_POINTER(tid));
}

gboolean ct_tasks_fork(struct ct_tasks *tasks, int32_t parent_tid, int32_t child_pid,
                       int32_t child_tid)
{
    const struct task *parent = g_hash_table_lookup(tasks->by_tid, GINT_TO_POINTER(parent_tid));

    if (parent != NULL && (tasks->follows_children || parent->pid == child_pid)) {
        ct_tasks_add(tasks, child_pid, child_tid);
        return TRUE;
    }
    /* The root is somebody's child itself; any other id now means a stranger. */
    if (child_tid != tasks->root_pid)
        remove_task(tasks, child_tid);
    return FALSE;
}

void ct_tasks_exit(struct ct_tasks *tasks, int32_t tid)
{
    struct task *task = g_hash_table_lookup(tasks->by_tid, GINT_TO_POINTER(tid));

    if (task != NULL)
        task->is_exiting = TRUE;
}

gboolean ct_tasks_exec(struct ct_tasks *tasks, int32_t pid)
{
    const struct task *task;
    gboolean is_found = FALSE;

    while ((task = g_hash_table_lookup(tasks->by_pid, GINT_TO_POINTER(pid))) != NULL) {
        is_found = is_found || !task->is_exiting;
        remove_task(tasks, task->tid);
    }
    if (is_found)
        ct_tasks_add(tasks, pid, pid);
    return is_found;
}
