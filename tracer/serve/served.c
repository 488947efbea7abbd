#include "serve/served.h"

#include "serve/status.h"
#include "system/named.h"
#include "system/procfs.h"
#include "system/targets.h"

#include <string.h>

gboolean ct_served_is_living(pid_t pid)
{
    struct ct_proc_stat stat;

    return ct_proc_read_stat(pid, pid, &stat) && !CT_PROC_HAS_ENDED(stat.state);
}

static void add_word(GArray *roots, const char *word)
{
    pid_t pid = ct_target_pid(word);
    g_autoptr(GArray) named = pid > 0 ? NULL : ct_named_find(word);

    if (pid > 0 && ct_served_is_living(pid))
        g_array_append_val(roots, pid);
    if (named)
        g_array_append_vals(roots, named->data, named->len);
}

void ct_served_clear(struct ct_served *served)
{
    g_ptr_array_unref(served->words);
    g_free(served->cgroup);
    ct_running_free(served->group);
}

static char *executable_of(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/exe", pid);

    return g_file_read_link(path, NULL);
}

/* The first process that the one has started, itself or by others, that is another program. 0:
 * there is none yet. */
static pid_t find_program(pid_t launcher)
{
    g_autoptr(GArray) roots = g_array_new(FALSE, FALSE, sizeof(pid_t));
    g_autofree char *own = executable_of(launcher);

    g_array_append_val(roots, launcher);
    g_autoptr(GArray) tree = ct_proc_list_tree(roots, TRUE);

    for (guint i = 0; own && i < tree->len; i++) {
        pid_t pid = g_array_index(tree, pid_t, i);
        g_autofree char *executable = executable_of(pid);

        if (executable && strcmp(executable, own) != 0)
            return pid;
    }
    return 0;
}

const GPtrArray *ct_served_words(const struct ct_served *served)
{
    pid_t pid =
        served->launcher > 0 && served->words->len == 0 ? find_program(served->launcher) : 0;

    if (pid > 0)
        g_ptr_array_add(served->words, g_strdup_printf("%d", pid));
    return served->words;
}

static GArray *list_pids(const struct ct_served *served)
{
    g_autoptr(GArray) roots = g_array_new(FALSE, FALSE, sizeof(pid_t));

    if (served->group)
        return ct_running_list(served->group, TRUE);
    const GPtrArray *known = ct_served_words(served);
    for (guint i = 0; i < known->len; i++)
        add_word(roots, known->pdata[i]);
    return ct_proc_list_tree(roots, TRUE);
}

static void process_clear(void *data)
{
    struct ct_served_process *process = data;

    g_free(process->name);
    g_free(process->command);
}

static int compare_ids(const void *first, const void *second)
{
    pid_t a = *(const pid_t *)first, b = *(const pid_t *)second;

    return (a > b) - (a < b);
}

GArray *ct_served_list(const struct ct_served *served)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct ct_served_process));
    g_autoptr(GArray) tree = list_pids(served);

    g_array_set_clear_func(list, process_clear);

    g_array_sort(tree, compare_ids);
    for (guint i = 0; i < tree->len; i++) {
        pid_t pid = g_array_index(tree, pid_t, i);
        struct ct_proc_stat stat;

        if (!ct_proc_read_stat(pid, pid, &stat) || CT_PROC_HAS_ENDED(stat.state))
            continue;
        g_autoptr(GArray) threads = ct_proc_list_threads(pid);
        struct ct_served_process process = {pid, g_strdup(stat.name),
                                            ct_proc_read_command_line(pid), threads->len};

        g_array_append_val(list, process);
    }
    return list;
}

static gboolean is_asked(const struct ct_served_process *process, const char *asked)
{
    pid_t pid = ct_target_pid(asked);

    return pid > 0 ? process->pid == pid
                   : strcmp(process->name, asked) == 0 || ct_is_named(process->pid, asked);
}

static gboolean refuse(GError **error, enum ct_serve_status status, char *words)
{
    g_set_error_literal(error, CT_SERVE_STATUS, status, words);
    g_free(words);
    return FALSE;
}

static char *describe(const struct ct_served *served)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    if (served->cgroup)
        return g_strdup_printf("cgroup %s", served->cgroup);
    for (guint i = 0; i < served->words->len; i++)
        g_strv_builder_add(words, served->words->pdata[i]);
    g_auto(GStrv) all = g_strv_builder_end(words);

    return g_strjoinv(", ", all);
}

/* As they were named: who records finds those of a name itself, and what they have started. */
static char **find_all(const struct ct_served *served)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autoptr(GArray) group = served->group ? ct_running_list(served->group, TRUE) : NULL;

    const GPtrArray *known = ct_served_words(served);

    if (group && group->len > 0)
        g_strv_builder_add(words, served->cgroup);
    for (guint i = 0; i < known->len; i++) {
        g_autoptr(GArray) roots = g_array_new(FALSE, FALSE, sizeof(pid_t));

        add_word(roots, known->pdata[i]);
        if (roots->len > 0)
            g_strv_builder_add(words, known->pdata[i]);
    }
    return g_strv_builder_end(words);
}

GArray *ct_served_choose(const struct ct_served *served, const char *process, GError **error)
{
    g_autoptr(GArray) list = ct_served_list(served);

    for (guint i = list->len; process && i > 0; i--)
        if (!is_asked(&g_array_index(list, struct ct_served_process, i - 1), process))
            g_array_remove_index(list, i - 1);
    if (list->len > 0 || !process)
        return g_steal_pointer(&list);
    refuse(error, CT_SERVE_UNKNOWN,
           g_strdup_printf("process %s is none of those that are served: see the index", process));
    return NULL;
}

static char **find_asked(const struct ct_served *served, const char *process, GError **error)
{
    g_autoptr(GArray) list = ct_served_choose(served, process, error);
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    for (guint i = 0; list && i < list->len; i++) {
        g_autofree char *word =
            g_strdup_printf("%d", g_array_index(list, struct ct_served_process, i).pid);

        g_strv_builder_add(words, word);
    }
    return g_strv_builder_end(words);
}

gboolean ct_served_find(const struct ct_served *served, const char *process,
                        struct ct_served_targets *targets, GError **error)
{
    targets->has_started = process == NULL;
    targets->is_cgroup = process == NULL && served->group != NULL;
    targets->words = process ? find_asked(served, process, error) : find_all(served);
    if (targets->words[0] || process)
        return targets->words[0] != NULL;
    g_autofree char *all = describe(served);

    return refuse(error, CT_SERVE_NOT_NOW,
                  *all ? g_strdup_printf("%s: no such process runs now", all)
                       : g_strdup("the program has not begun yet"));
}

void ct_served_targets_clear(struct ct_served_targets *targets)
{
    g_clear_pointer(&targets->words, g_strfreev);
}

gboolean ct_served_has_ended(const struct ct_served *served)
{
    if (served->group)
        return FALSE;
    for (guint i = 0; i < served->words->len; i++) {
        pid_t pid = ct_target_pid(served->words->pdata[i]);

        if (pid == 0 || ct_served_is_living(pid))
            return FALSE;
    }
    return TRUE;
}
