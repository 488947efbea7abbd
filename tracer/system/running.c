#include "running.h"

#include "procfs.h"

#include <stdlib.h>

void ct_running_free(struct ct_running *running)
{
    if (running == NULL)
        return;
    if (running->roots != NULL)
        g_array_unref(running->roots);
    g_free(running->cgroup);
    g_free(running);
}

static void add_processes_of(GHashTable *pids, const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "cgroup.procs", NULL);
    g_autofree char *text = NULL;
    char *end;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    for (char *at = text;; at = end) {
        long pid = strtol(at, &end, 10);

        if (end == at)
            return;
        if (pid > 0) /* 0: another pid namespace's, which has no id here */
            g_hash_table_add(pids, GINT_TO_POINTER((int)pid));
    }
}

static void add_cgroup(GHashTable *pids, const char *folder)
{
    GDir *entries = g_dir_open(folder, 0, NULL);
    const char *name;

    add_processes_of(pids, folder);
    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *below = g_build_filename(folder, name, NULL);

        if (g_file_test(below, G_FILE_TEST_IS_DIR))
            add_cgroup(pids, below);
    }
    if (entries != NULL)
        g_dir_close(entries);
}

static int compare_pids(const void *first, const void *second)
{
    return *(const pid_t *)first - *(const pid_t *)second;
}

static GArray *list_cgroup(const char *folder)
{
    g_autoptr(GHashTable) pids = g_hash_table_new(NULL, NULL);
    GArray *list = g_array_new(FALSE, FALSE, sizeof(pid_t));
    GHashTableIter each;
    gpointer key;

    add_cgroup(pids, folder);
    g_hash_table_iter_init(&each, pids);
    while (g_hash_table_iter_next(&each, &key, NULL)) {
        pid_t pid = GPOINTER_TO_INT(key);

        g_array_append_val(list, pid);
    }
    g_array_sort(list, compare_pids);
    return list;
}

/* Those that can be recorded stay. */
static void drop_others(struct ct_running *running, GArray *pids)
{
    struct ct_proc_stat stat;
    guint kept = 0;

    running->kernel_threads = running->refused = 0;
    for (guint i = 0; i < pids->len; i++) {
        pid_t pid = g_array_index(pids, pid_t, i);

        if (!ct_proc_read_stat(pid, pid, &stat) || ct_proc_is_of_recording(pid, &stat))
            continue;
        if (stat.is_kernel_thread) {
            running->kernel_threads++;
        } else if (!ct_proc_may_look(pid)) {
            running->refused++;
            running->refused_one = pid;
        } else {
            g_array_index(pids, pid_t, kept++) = pid;
        }
    }
    g_array_set_size(pids, kept);
}

GArray *ct_running_list(struct ct_running *running, gboolean follows_children)
{
    GArray *pids;

    if (running->kind == CT_RUNNING_TREE)
        return ct_proc_list_tree(running->roots, follows_children);
    pids = running->kind == CT_RUNNING_CGROUP ? list_cgroup(running->cgroup)
                                              : ct_proc_list_processes();
    drop_others(running, pids);
    return pids;
}
