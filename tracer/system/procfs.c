#include "procfs.h"

#include "monotonic.h"
#include "text/shell_word.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

/* More of a command line is never shown. */
#define ARGUMENTS_MAX 4095

/* The kernel's PF_KTHREAD, as `flags` in /proc/PID/stat has it. */
#define KERNEL_THREAD_FLAG 0x00200000

/* Ticks since the machine's start, which count the time asleep too, as this process sees them. */
static uint64_t monotonic_ns(uint64_t ticks)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    int64_t asleep_ns =
        (int64_t)now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec - (int64_t)ct_monotonic_ns();
    uint64_t ns_per_tick = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);

    return (uint64_t)MAX((int64_t)(ticks * ns_per_tick) - asleep_ns, 0);
}

/* The fields after the name, numbered as in proc(5). */
enum { STATE_FIELD = 3, PARENT_FIELD = 4, FLAGS_FIELD = 9, START_FIELD = 22 };

static gboolean parse_fields(const char *text, struct ct_proc_stat *stat)
{
    g_auto(GStrv) fields = g_strsplit(text, " ", START_FIELD);

    if (g_strv_length(fields) <= START_FIELD - STATE_FIELD)
        return FALSE;
    stat->state = fields[0][0];
    stat->parent_pid = (pid_t)strtol(fields[PARENT_FIELD - STATE_FIELD], NULL, 10);
    stat->is_kernel_thread =
        (strtoul(fields[FLAGS_FIELD - STATE_FIELD], NULL, 10) & KERNEL_THREAD_FLAG) != 0;
    stat->start_ns = monotonic_ns(strtoull(fields[START_FIELD - STATE_FIELD], NULL, 10));
    return TRUE;
}

gboolean ct_proc_read_stat(pid_t pid, pid_t tid, struct ct_proc_stat *stat)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/stat", pid, tid);
    g_autofree char *text = NULL;

    *stat = (struct ct_proc_stat){0};
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return FALSE;
    /* "1234 (name) S ...": the name may hold anything, also brackets. */
    char *name = strchr(text, '(');
    char *end = strrchr(text, ')');
    if (name == NULL || end == NULL || end < name || end[1] != ' ')
        return FALSE;
    *end = '\0';
    g_strlcpy(stat->name, name + 1, sizeof(stat->name));
    return parse_fields(end + 2, stat);
}

pid_t ct_proc_find_living(pid_t pid)
{
    struct ct_proc_stat stat;

    if (ct_proc_read_stat(pid, pid, &stat) && !CT_PROC_HAS_ENDED(stat.state))
        return pid;
    g_autoptr(GArray) threads = ct_proc_list_threads(pid);

    for (guint i = 0; i < threads->len; i++) {
        pid_t tid = g_array_index(threads, pid_t, i);

        if (ct_proc_read_stat(pid, tid, &stat) && !CT_PROC_HAS_ENDED(stat.state))
            return tid;
    }
    return pid;
}

char *ct_proc_read_status(pid_t pid, const char *label)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", pid);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        if (g_str_has_prefix(*line, label))
            return g_strdup(g_strstrip(*line + strlen(label)));
    }
    return NULL;
}

char *ct_command_line(char **argv)
{
    GString *line = g_string_new(NULL);

    for (; *argv != NULL; argv++) {
        g_autofree char *quoted = ct_shell_word(*argv);

        g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", quoted);
    }
    return g_string_free(line, FALSE);
}

char *ct_proc_read_command_line(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", ct_proc_find_living(pid));
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autofree char *text = NULL;
    gsize size = 0;

    if (!g_file_get_contents(path, &text, &size, NULL))
        return g_strdup("");
    size = MIN(size, ARGUMENTS_MAX);
    text[size] = '\0';
    /* One that has given itself a title leaves zeros where its arguments were. */
    while (size > 1 && text[size - 1] == '\0' && text[size - 2] == '\0')
        size--;
    for (const char *word = text; word < text + size; word += strlen(word) + 1)
        g_ptr_array_add(words, (char *)word);
    g_ptr_array_add(words, NULL);
    return ct_command_line((char **)words->pdata);
}

static gboolean is_same_file(pid_t pid, const char *name)
{
    g_autofree char *theirs = g_strdup_printf("/proc/%d/%s", pid, name);
    g_autofree char *ours = g_strdup_printf("/proc/self/%s", name);
    struct stat first, second;

    return stat(theirs, &first) == 0 && stat(ours, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

gboolean ct_proc_shares_files(pid_t pid)
{
    return is_same_file(pid, "ns/mnt") && is_same_file(pid, "root");
}

gboolean ct_proc_has_mapped(pid_t pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", ct_proc_find_living(pid));
    g_autofree char *base = g_strconcat("/", name, NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, base) != NULL;
}

gboolean ct_proc_may_look(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", ct_proc_find_living(pid));
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno != EACCES && errno != EPERM;
    close(fd);
    return TRUE;
}

/* The entries of a folder that are ids. */
static GArray *list_ids(const char *path)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(pid_t));
    GDir *entries = g_dir_open(path, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        pid_t id = (pid_t)strtol(name, NULL, 10);

        if (id > 0)
            g_array_append_val(ids, id);
    }
    if (entries != NULL)
        g_dir_close(entries);
    return ids;
}

GArray *ct_proc_list_processes(void)
{
    return list_ids("/proc");
}

GArray *ct_proc_list_threads(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task", pid);

    return list_ids(path);
}

/* The recorder, or the job that it is a child of: see record/job.h. */
static gboolean is_this_recording(pid_t pid)
{
    return pid == getpid() || (pid == getppid() && is_same_file(pid, "exe"));
}

/* A daemon that we started is a child of process 1 by now, which can be attached to. */
static gboolean is_lttngs(const struct ct_proc_stat *stat)
{
    static const char *const names[] = {"lttng-sessiond", "lttng-runas", "lttng-consumerd"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(stat->name, names[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean ct_proc_is_of_recording(pid_t pid, const struct ct_proc_stat *stat)
{
    return is_this_recording(pid) || stat->parent_pid == getpid() || is_lttngs(stat);
}

static void add_process(GArray *tree, GHashTable *known, pid_t pid)
{
    if (!is_this_recording(pid) && g_hash_table_add(known, GINT_TO_POINTER(pid)))
        g_array_append_val(tree, pid);
}

/* Each thread has a list of the children that it made. */
static void add_children(GArray *tree, GHashTable *known, pid_t pid, pid_t tid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/children", pid, tid);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    char *at = text;
    for (;;) {
        char *end;
        pid_t child = (pid_t)strtol(at, &end, 10);
        struct ct_proc_stat stat;

        if (end == at)
            return;
        if (!ct_proc_read_stat(child, child, &stat) || !is_lttngs(&stat))
            add_process(tree, known, child);
        at = end;
    }
}

GArray *ct_proc_list_tree(const GArray *roots, gboolean follows_children)
{
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    GArray *tree = g_array_new(FALSE, FALSE, sizeof(pid_t));
    struct ct_proc_stat stat;

    for (guint i = 0; i < roots->len; i++) {
        pid_t root = g_array_index(roots, pid_t, i);

        if (ct_proc_read_stat(root, root, &stat))
            add_process(tree, known, root);
    }
    for (guint i = 0; follows_children && i < tree->len; i++) {
        pid_t pid = g_array_index(tree, pid_t, i);
        g_autoptr(GArray) threads = ct_proc_list_threads(pid);

        for (guint j = 0; j < threads->len; j++)
            add_children(tree, known, pid, g_array_index(threads, pid_t, j));
    }
    return tree;
}

/* After so many looks, a process that makes threads all the time has none that a known one did not
 * make. */
#define LOOKS_MAX 8

gboolean ct_proc_visit_threads(const GArray *roots, gboolean follows_children,
                               gboolean (*visit)(void *user, pid_t tid), void *user)
{
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    gboolean is_any_new = TRUE;

    for (guint look = 0; is_any_new && look < LOOKS_MAX; look++) {
        g_autoptr(GArray) tree = ct_proc_list_tree(roots, follows_children);

        is_any_new = FALSE;
        for (guint i = 0; i < tree->len; i++) {
            g_autoptr(GArray) threads = ct_proc_list_threads(g_array_index(tree, pid_t, i));

            for (guint j = 0; j < threads->len; j++) {
                pid_t tid = g_array_index(threads, pid_t, j);

                if (!g_hash_table_add(known, GINT_TO_POINTER(tid)))
                    continue;
                is_any_new = TRUE;
                if (!visit(user, tid))
                    return FALSE;
            }
        }
    }
    return TRUE;
}
