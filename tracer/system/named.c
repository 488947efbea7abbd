#include "system/named.h"

#include "options/nearest.h"
#include "system/procfs.h"

#include <string.h>
#include <unistd.h>

/* So many names that are near are told, and so many processes of each. */
#define NEAR_NAMES_MAX     6
#define NEAR_PROCESSES_MAX 4

/* How /proc marks a file that is there no more, as after an update of the program. */
#define DELETED_MARK " (deleted)"

/* NULL: we may not know. Caller frees. */
static char *executable_path(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/exe", pid);

    return g_file_read_link(path, NULL);
}

/* Of the file that it executes. NULL: we may not know. Caller frees. */
static char *executable_name(pid_t pid)
{
    g_autofree char *file = executable_path(pid);
    pid_t living = file == NULL ? ct_proc_find_living(pid) : pid;

    if (living != pid)
        file = executable_path(living);
    if (file == NULL)
        return NULL;
    if (g_str_has_suffix(file, DELETED_MARK))
        file[strlen(file) - strlen(DELETED_MARK)] = '\0';
    return g_path_get_basename(file);
}

/* A process's own name has no room for a long one. */
static gboolean is_cut_off(const char *own, const char *name)
{
    return strlen(own) == CT_PROC_NAME_SIZE - 1 && g_str_has_prefix(name, own);
}

/* NULL: there is no such process. Caller frees. */
static char *own_name(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/comm", pid);
    char *name = NULL;
    gsize size;

    if (g_file_get_contents(path, &name, &size, NULL) && size > 0)
        name[size - 1] = '\0'; /* the end of the line; one in it is the name's */
    return name;
}

/* Asked of every process of the system, often: what takes longer to be read is read last. */
gboolean ct_is_named(pid_t pid, const char *name)
{
    g_autofree char *own = own_name(pid);

    if (own == NULL)
        return FALSE;
    if (strcmp(own, name) == 0)
        return TRUE;
    g_autofree char *executable = executable_name(pid);

    return executable != NULL ? strcmp(executable, name) == 0 : is_cut_off(own, name);
}

GArray *ct_named_find(const char *name)
{
    g_autoptr(GArray) all = ct_proc_list_processes();
    GArray *found = g_array_new(FALSE, FALSE, sizeof(pid_t));

    for (guint i = 0; i < all->len; i++) {
        pid_t pid = g_array_index(all, pid_t, i);

        if (pid != getpid() && ct_is_named(pid, name))
            g_array_append_val(found, pid);
    }
    return found;
}

/* ---- What somebody may have meant ---- */

static gboolean is_near(const char *name, const char *typed)
{
    g_autofree char *small = g_ascii_strdown(name, -1);
    g_autofree char *small_typed = g_ascii_strdown(typed, -1);
    const char *const words[] = {small};

    return strstr(small, small_typed) != NULL || ct_nearest(small_typed, words, 1) != NULL;
}

/* The one of its names that is near, of a program that runs. NULL: none is. Caller frees. */
static char *near_name(pid_t pid, const char *typed)
{
    g_autofree char *executable = executable_name(pid);
    struct ct_proc_stat stat;

    if (pid == getpid() || !ct_proc_read_stat(pid, pid, &stat) || stat.is_kernel_thread ||
        CT_PROC_HAS_ENDED(stat.state))
        return NULL;
    if (is_near(stat.name, typed))
        return g_strdup(stat.name);
    return executable != NULL && is_near(executable, typed) ? g_steal_pointer(&executable) : NULL;
}

static void append_named(GString *text, const char *name, const GArray *pids)
{
    g_string_append_printf(text, "%s%s (", text->len > 0 ? ", " : "", name);
    for (guint i = 0; i < MIN(pids->len, NEAR_PROCESSES_MAX); i++)
        g_string_append_printf(text, "%s%d", i > 0 ? ", " : "", g_array_index(pids, pid_t, i));
    g_string_append(text, pids->len > NEAR_PROCESSES_MAX ? " ...)" : ")");
}

static void unref_pids(void *pids)
{
    g_array_unref(pids);
}

char *ct_named_near(const char *name)
{
    g_autoptr(GArray) all = ct_proc_list_processes();
    g_autoptr(GHashTable) pids_of =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_pids);
    g_autoptr(GPtrArray) names = g_ptr_array_new(); /* in the order of their first processes */
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < all->len; i++) {
        pid_t pid = g_array_index(all, pid_t, i);
        char *near = near_name(pid, name);
        GArray *pids = near != NULL ? g_hash_table_lookup(pids_of, near) : NULL;

        if (near == NULL)
            continue;
        if (pids == NULL) {
            pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
            g_hash_table_insert(pids_of, near, pids);
            g_ptr_array_add(names, near);
        } else {
            g_free(near);
        }
        g_array_append_val(pids, pid);
    }
    for (guint i = 0; i < MIN(names->len, NEAR_NAMES_MAX); i++)
        append_named(text, names->pdata[i], g_hash_table_lookup(pids_of, names->pdata[i]));
    return g_string_free(text, FALSE);
}

/* ---- What there is to choose from ---- */

/* What a process is called, of a program that runs, but this one. NULL: it is none. Caller frees.
 */
static char *running_name(pid_t pid)
{
    struct ct_proc_stat stat;

    return pid == getpid() || !ct_proc_read_stat(pid, pid, &stat) || stat.is_kernel_thread ||
                   CT_PROC_HAS_ENDED(stat.state)
               ? NULL
               : g_strdup(stat.name);
}

char **ct_named_list_pids(void)
{
    g_autoptr(GArray) all = ct_proc_list_processes();
    g_autoptr(GStrvBuilder) rows = g_strv_builder_new();

    for (guint i = 0; i < all->len; i++) {
        pid_t pid = g_array_index(all, pid_t, i);
        g_autofree char *name = running_name(pid);
        g_autofree char *row = name != NULL ? g_strdup_printf("%d\t%s", pid, name) : NULL;

        if (row != NULL)
            g_strv_builder_add(rows, row);
    }
    return g_strv_builder_end(rows);
}

char **ct_named_list(void)
{
    g_autoptr(GArray) all = ct_proc_list_processes();
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    for (guint i = 0; i < all->len; i++) {
        char *name = running_name(g_array_index(all, pid_t, i));

        if (name != NULL && !g_hash_table_contains(known, name))
            g_strv_builder_add(names, name);
        if (name != NULL)
            g_hash_table_add(known, name);
    }
    return g_strv_builder_end(names);
}
