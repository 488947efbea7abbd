#include "passes/path_links.h"

#include <errno.h>

/* A child's id is told by a wait's result up to this; see CT_WAIT_FIELDS. */
#define RESULT_MAX 32767

/* Images of one pid, or children of one, by their starts or their ends. */
struct ct_path_links {
    const struct ct_model *model; /* borrowed */
    GHashTable *images;           /* owned; pid -> GPtrArray, owned, of struct ct_process * */
    GHashTable *children;         /* owned; pid of the parent -> the same */
};

static int compare_starts(const void *a, const void *b)
{
    const struct ct_process *first = *(struct ct_process *const *)a;
    const struct ct_process *second = *(struct ct_process *const *)b;

    return (first->start_ns > second->start_ns) - (first->start_ns < second->start_ns);
}

static int compare_ends(const void *a, const void *b)
{
    const struct ct_process *first = *(struct ct_process *const *)a;
    const struct ct_process *second = *(struct ct_process *const *)b;

    return (first->end_ns > second->end_ns) - (first->end_ns < second->end_ns);
}

static void add(GHashTable *lists, int32_t pid, struct ct_process *process)
{
    GPtrArray *list = g_hash_table_lookup(lists, GINT_TO_POINTER(pid));

    if (!list) {
        list = g_ptr_array_new();
        g_hash_table_insert(lists, GINT_TO_POINTER(pid), list);
    }
    g_ptr_array_add(list, process);
}

static void sort(GHashTable *lists, GCompareFunc compare)
{
    GHashTableIter at;
    void *list;

    g_hash_table_iter_init(&at, lists);
    while (g_hash_table_iter_next(&at, NULL, &list))
        g_ptr_array_sort(list, compare);
}

static void list_free(void *list)
{
    g_ptr_array_unref(list);
}

/* The next image of the pid: it executed another program, unless it said that it exits. */
static struct ct_process *next_image(const struct ct_path_links *links,
                                     const struct ct_process *process)
{
    const GPtrArray *list = g_hash_table_lookup(links->images, GINT_TO_POINTER(process->pid));

    for (guint i = 0; process->exit_status < 0 && i + 1 < list->len; i++) {
        if (list->pdata[i] == process)
            return list->pdata[i + 1];
    }
    return NULL;
}

struct ct_path_links *ct_path_links_new(const struct ct_model *model)
{
    struct ct_path_links *links = g_new0(struct ct_path_links, 1);

    links->model = model;
    links->images = g_hash_table_new_full(NULL, NULL, NULL, list_free);
    links->children = g_hash_table_new_full(NULL, NULL, NULL, list_free);
    for (guint i = 0; i < model->all_processes->len; i++) {
        struct ct_process *process = model->all_processes->pdata[i];

        add(links->images, process->pid, process);
    }
    sort(links->images, compare_starts);
    for (guint i = 0; i < model->all_processes->len; i++) {
        struct ct_process *process = model->all_processes->pdata[i];

        if (!next_image(links, process))
            add(links->children, process->ppid, process);
    }
    sort(links->children, compare_ends);
    return links;
}

void ct_path_links_free(struct ct_path_links *links)
{
    if (!links)
        return;
    g_hash_table_unref(links->images);
    g_hash_table_unref(links->children);
    g_free(links);
}

/* ---- Who made it ---- */

static gboolean is_alive(const struct ct_thread *thread, uint64_t at_ns)
{
    return thread->start_ns < at_ns && thread->end_ns >= at_ns;
}

static gboolean is_first(const struct ct_thread *thread)
{
    return thread->tid == thread->process->pid;
}

/* The one that was alive then; of several, none. */
static struct ct_thread *only_thread(const struct ct_process *process, uint64_t at_ns)
{
    struct ct_thread *found = NULL;
    GHashTableIter at;
    void *value;

    g_hash_table_iter_init(&at, process->threads);
    while (g_hash_table_iter_next(&at, NULL, &value)) {
        if (!is_alive(value, at_ns))
            continue;
        if (found)
            return NULL;
        found = value;
    }
    return found;
}

/* The thread of that id, which may be used again since; 0: it is not known. */
static struct ct_thread *find_thread(const struct ct_path_links *links,
                                     const struct ct_process *process, int32_t tid, uint64_t at_ns)
{
    struct ct_thread *newest = g_hash_table_lookup(process->threads, GINT_TO_POINTER(tid));

    if (tid == 0)
        return only_thread(process, at_ns);
    if (!newest || is_alive(newest, at_ns))
        return newest;
    for (guint i = 0; i < links->model->all_threads->len; i++) {
        struct ct_thread *thread = links->model->all_threads->pdata[i];

        if (thread && thread->process == process && thread->tid == tid && is_alive(thread, at_ns))
            return thread;
    }
    return NULL;
}

/* The thread whose end was the process's. */
static struct ct_thread *last_thread(const struct ct_process *process)
{
    struct ct_thread *last = NULL;
    GHashTableIter at;
    void *value;

    g_hash_table_iter_init(&at, process->threads);
    while (g_hash_table_iter_next(&at, NULL, &value)) {
        struct ct_thread *thread = value;

        if (thread->process == process &&
            (!last || thread->end_ns > last->end_ns ||
             (thread->end_ns == last->end_ns && thread->tid < last->tid)))
            last = thread;
    }
    return last;
}

/* The one of the list, in order of time, that was the last to begin by then. */
static struct ct_process *last_started(const GPtrArray *list, uint64_t by_ns)
{
    struct ct_process *found = NULL;

    for (guint i = 0; list && i < list->len; i++) {
        struct ct_process *process = list->pdata[i];

        if (process->start_ns < by_ns)
            found = process;
    }
    return found;
}

struct ct_thread *ct_path_links_creator(const struct ct_path_links *links,
                                        const struct ct_thread *thread, enum ct_path_via *via)
{
    const struct ct_process *process = thread->process;

    if (!is_first(thread)) {
        *via = CT_PATH_VIA_CREATE;
        return thread->creator_tid != 0
                   ? find_thread(links, process, thread->creator_tid, thread->start_ns)
                   : NULL;
    }
    struct ct_process *before = last_started(
        g_hash_table_lookup(links->images, GINT_TO_POINTER(process->pid)), process->start_ns);

    if (before && next_image(links, before) == process) {
        struct ct_thread *last = last_thread(before);

        *via = CT_PATH_VIA_EXEC;
        if (last && last->start_ns < thread->start_ns)
            return last;
    }
    *via = CT_PATH_VIA_FORK;
    const struct ct_process *parent = last_started(
        g_hash_table_lookup(links->images, GINT_TO_POINTER(process->ppid)), process->start_ns);

    return parent ? find_thread(links, parent, thread->creator_tid, thread->start_ns) : NULL;
}

/* ---- Who ended ---- */

gboolean ct_path_has_timed_out(const struct ct_interval *wait)
{
    switch (wait->op) {
    case CT_OP_POLL:
    case CT_OP_SELECT:
    case CT_OP_EPOLL_WAIT:
        return wait->result == 0;
    default:
        return wait->result == -ETIMEDOUT;
    }
}

gboolean ct_path_is_woken(const struct ct_interval *wait)
{
    return wait->waker && wait->waker != wait->thread && wait->wake_ns >= wait->wait_begin_ns &&
           !(ct_path_has_timed_out(wait) && wait->waker_op != CT_OP_NONE);
}

static struct ct_thread *joined(const struct ct_interval *wait, uint64_t at_ns)
{
    struct ct_thread *thread =
        g_hash_table_lookup(wait->thread->process->threads, GINT_TO_POINTER((int32_t)wait->object));

    return thread && thread->end_ns >= wait->wait_begin_ns && thread->end_ns <= at_ns ? thread
                                                                                      : NULL;
}

/* The child's id, as far as it is told; 0: any. */
static int32_t child_asked(const struct ct_interval *wait)
{
    if (wait->op != CT_OP_WAITPID)
        return 0;
    if ((int64_t)wait->object > 0 && wait->object <= G_MAXINT32)
        return (int32_t)wait->object;
    return wait->result > 0 && wait->result < RESULT_MAX ? wait->result : 0;
}

/* The last of those children that ended in the wait. */
static struct ct_thread *ended_child(const struct ct_path_links *links,
                                     const struct ct_interval *wait, uint64_t at_ns)
{
    const GPtrArray *list =
        g_hash_table_lookup(links->children, GINT_TO_POINTER(wait->thread->process->pid));
    int32_t pid = child_asked(wait);
    guint low = 0, high = list ? list->len : 0;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (((const struct ct_process *)list->pdata[middle])->end_ns <= at_ns)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low > 0; low--) {
        const struct ct_process *child = list->pdata[low - 1];

        if (child->end_ns < wait->wait_begin_ns)
            break;
        if (pid == 0 || child->pid == pid)
            return last_thread(child);
    }
    return NULL;
}

struct ct_thread *ct_path_links_ended(const struct ct_path_links *links,
                                      const struct ct_interval *wait, uint64_t at_ns)
{
    switch (wait->op) {
    case CT_OP_THREAD_JOIN:
        return joined(wait, at_ns);
    case CT_OP_WAITPID:
    case CT_OP_SYSTEM:
    case CT_OP_PCLOSE:
        return ended_child(links, wait, at_ns);
    default:
        return NULL;
    }
}
