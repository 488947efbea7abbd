#include "tasks.h"

struct task {
    int32_t pid;
    gboolean is_exiting;
};

struct ct_tasks {
    GHashTable *by_tid; /* owned; tid -> struct task * */
    int32_t root_pid;
    gboolean follows_children;
};

void ct_tasks_add(struct ct_tasks *tasks, int32_t pid, int32_t tid)
{
    struct task *task = g_new0(struct task, 1);

    task->pid = pid;
    g_hash_table_insert(tasks->by_tid, GINT_TO_POINTER(tid), task);
}

struct ct_tasks *ct_tasks_new(int32_t root_pid, gboolean follows_children)
{
    struct ct_tasks *tasks = g_new0(struct ct_tasks, 1);

    tasks->by_tid = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    tasks->root_pid = root_pid;
    tasks->follows_children = follows_children;
    if (root_pid > 0)
        ct_tasks_add(tasks, root_pid, root_pid);
    return tasks;
}

void ct_tasks_free(struct ct_tasks *tasks)
{
    g_hash_table_unref(tasks->by_tid);
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
        g_hash_table_remove(tasks->by_tid, GINT_TO_POINTER(child_tid));
    return FALSE;
}

void ct_tasks_exit(struct ct_tasks *tasks, int32_t tid)
{
    struct task *task = g_hash_table_lookup(tasks->by_tid, GINT_TO_POINTER(tid));

    if (task != NULL)
        task->is_exiting = TRUE;
}

struct search {
    int32_t pid;
    gboolean is_found;
};

static gboolean find_process(gpointer tid, gpointer value, gpointer data)
{
    const struct task *task = value;
    struct search *search = data;

    (void)tid;
    search->is_found = search->is_found || (task->pid == search->pid && !task->is_exiting);
    return task->pid == search->pid;
}

gboolean ct_tasks_exec(struct ct_tasks *tasks, int32_t pid)
{
    struct search search = {.pid = pid};

    g_hash_table_foreach_remove(tasks->by_tid, find_process, &search);
    if (search.is_found)
        ct_tasks_add(tasks, pid, pid);
    return search.is_found;
}
