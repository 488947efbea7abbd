#include "selection.h"

#include "system/cgroup.h"
#include "system/named.h"
#include "system/procfs.h"
#include "system/targets.h"

#include <unistd.h>

struct ct_selection {
    GPtrArray *targets;        /* owned; words, owned; or NULL */
    struct ct_running *cgroup; /* owned; or NULL */
};

static gpointer copy_word(gconstpointer word, gpointer user)
{
    (void)user;
    return g_strdup(word);
}

static gboolean refuse_name(const char *name, GError **error)
{
    g_autofree char *near = ct_named_near(name);

    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "no process is named \"%s\"%s%s", name,
                *near != '\0' ? "; near that are " : "", near);
    return FALSE;
}

static gboolean refuse_pid(pid_t pid, const char *why, GError **error)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT, why, pid);
    return FALSE;
}

static gboolean check_pid(pid_t pid, GError **error)
{
    struct ct_proc_stat stat;

    if (pid == getpid())
        return refuse_pid(pid, "process %d is this ctrace itself", error);
    if (!ct_proc_read_stat(pid, pid, &stat))
        return refuse_pid(pid, "there is no process %d", error);
    if (stat.is_kernel_thread)
        return refuse_pid(pid, "process %d is a thread of the kernel, not a program", error);
    return TRUE;
}

static gboolean check_target(const char *target, GError **error)
{
    pid_t pid = ct_target_pid(target);

    if (pid > 0)
        return check_pid(pid, error);
    g_autoptr(GArray) pids = ct_named_find(target);

    return pids->len > 0 ? TRUE : refuse_name(target, error);
}

static void set_targets(struct ct_selection *selection, const GPtrArray *targets)
{
    selection->targets = g_ptr_array_copy((GPtrArray *)targets, copy_word, NULL);
    g_ptr_array_set_free_func(selection->targets, g_free);
}

struct ct_selection *ct_selection_expect(const GPtrArray *targets)
{
    struct ct_selection *selection = g_new0(struct ct_selection, 1);

    set_targets(selection, targets);
    return selection;
}

struct ct_selection *ct_selection_new(const GPtrArray *targets, const char *cgroup, GError **error)
{
    struct ct_selection *selection = g_new0(struct ct_selection, 1);

    if (cgroup != NULL) {
        selection->cgroup = ct_cgroup_find(cgroup, error);
        if (selection->cgroup != NULL)
            return selection;
        ct_selection_free(selection);
        return NULL;
    }
    if (targets == NULL || targets->len == 0)
        return selection;
    set_targets(selection, targets);
    for (guint i = 0; i < targets->len; i++) {
        if (!check_target(targets->pdata[i], error)) {
            ct_selection_free(selection);
            return NULL;
        }
    }
    return selection;
}

void ct_selection_free(struct ct_selection *selection)
{
    if (selection == NULL)
        return;
    if (selection->targets != NULL)
        g_ptr_array_unref(selection->targets);
    ct_running_free(selection->cgroup);
    g_free(selection);
}

static GArray *list_targets(const struct ct_selection *selection)
{
    g_autoptr(GArray) roots = g_array_new(FALSE, FALSE, sizeof(pid_t));

    for (guint i = 0; i < selection->targets->len; i++) {
        const char *target = selection->targets->pdata[i];
        pid_t pid = ct_target_pid(target);

        if (pid > 0) {
            g_array_append_val(roots, pid);
            continue;
        }
        g_autoptr(GArray) named = ct_named_find(target);
        g_array_append_vals(roots, named->data, named->len);
    }
    return ct_proc_list_tree(roots, TRUE);
}

GArray *ct_selection_list(struct ct_selection *selection)
{
    if (selection->cgroup != NULL)
        return ct_running_list(selection->cgroup, TRUE);
    return selection->targets != NULL ? list_targets(selection) : ct_proc_list_processes();
}

gboolean ct_selection_is_narrow(const struct ct_selection *selection)
{
    return selection->cgroup != NULL || selection->targets != NULL;
}
