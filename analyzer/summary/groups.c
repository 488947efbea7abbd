#include "summary/groups.h"

#include "model/alike.h"

#include <inttypes.h>
#include <string.h>

/* Fewer rows than these are read at a glance. */
#define ALIKE_MIN 3

struct member {
    char *key;        /* owned; the same for those of one group */
    const char *name; /* borrowed */
    size_t name_size; /* without the state at its end */
    const void *data; /* borrowed */
};

static void member_clear(void *data)
{
    g_free(((struct member *)data)->key);
}

static void group_free(void *data)
{
    struct ct_group *group = data;

    g_free(group->name);
    g_ptr_array_unref(group->members);
    g_free(group);
}

static void append_without_numbers(GString *key, const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        gboolean is_digit = g_ascii_isdigit(name[i]);

        if (!is_digit || i == 0 || !g_ascii_isdigit(name[i - 1]))
            g_string_append_c(key, is_digit ? '0' : name[i]);
    }
}

/* Servers put what a process does just now behind who it serves, which stands in brackets:
 * "[local]" or "10.0.0.1(5432)". The first word is never who it serves: some put all of a title in
 * brackets.
 */
static size_t title_size(const char *title)
{
    const char *rest = title + strcspn(title, " ");
    const char *bracket = strpbrk(rest, "[(");

    return bracket ? (size_t)(bracket - title) + strcspn(bracket, " ") : strlen(title);
}

/* A command line of one word with blanks is a title that it had when it was first seen. */
static size_t process_name_size(const struct ct_process *process)
{
    const char *title = ct_process_title(process);
    gboolean is_title = title == process->title || *title == '\'';

    return is_title ? title_size(title) : strlen(title);
}

/* A server's first process has the same name as those that it forks, but another parent. */
static void append_process(GString *key, const struct ct_process *process)
{
    gboolean is_known = process->exe && process->exe[0];

    g_string_append_printf(key, "%p %s\n%d ", is_known ? NULL : (const void *)process,
                           is_known ? process->exe : "", process->ppid);
    append_without_numbers(key, ct_process_title(process), process_name_size(process));
}

/* Where the routine is in its file: where that is mapped differs from process to process. */
static void append_routine(GString *key, const struct ct_thread *thread)
{
    const struct ct_module *module =
        ct_process_module(thread->process, thread->entry, thread->start_ns);

    g_string_append_printf(key, "\n%d %s %" PRIx64 " ", thread->tid == thread->process->pid,
                           module ? module->path : "", thread->entry - (module ? module->bias : 0));
}

static struct member describe_process(const struct ct_process *process)
{
    GString *key = g_string_new(NULL);

    append_process(key, process);
    return (struct member){
        .key = g_string_free(key, FALSE),
        .name = ct_process_title(process),
        .name_size = process_name_size(process),
        .data = process,
    };
}

static struct member describe_thread(const struct ct_report_thread *row)
{
    const struct ct_thread *thread = row->life.thread;
    GString *key = g_string_new(NULL);

    append_process(key, thread->process);
    append_routine(key, thread);
    append_without_numbers(key, thread->name, strlen(thread->name));
    return (struct member){
        .key = g_string_free(key, FALSE),
        .name = thread->name,
        .name_size = strlen(thread->name),
        .data = row,
    };
}

static char *name_group(const struct member *const *alike, guint count)
{
    char *name = g_strndup(alike[0]->name, alike[0]->name_size);
    gboolean has_state = FALSE;

    for (guint i = 0; i < count; i++) {
        g_autofree char *other = g_strndup(alike[i]->name, alike[i]->name_size);
        char *merged = ct_names_merge(name, other);

        has_state = has_state || strcmp(alike[i]->name + alike[i]->name_size,
                                        alike[0]->name + alike[0]->name_size) != 0;
        g_free(name);
        name = merged;
    }
    /* Closes the quotes that a title stands in. */
    const char *state = *alike[0]->name == '\'' ? " *'" : " *";
    char *whole = g_strconcat(name, has_state ? state : alike[0]->name + alike[0]->name_size, NULL);

    g_free(name);
    return whole;
}

static struct ct_group *group_new(const struct member *const *alike, guint count)
{
    struct ct_group *group = g_new0(struct ct_group, 1);

    group->name = name_group(alike, count);
    group->members = g_ptr_array_sized_new(count);
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(group->members, (void *)alike[i]->data);
    return group;
}

/* key -> GPtrArray of struct member *; all borrowed but the arrays. */
static GHashTable *group_by_key(const GArray *members)
{
    GHashTable *by_key =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < members->len; i++) {
        struct member *member = &g_array_index(members, struct member, i);
        GPtrArray *alike = g_hash_table_lookup(by_key, member->key);

        if (!alike) {
            alike = g_ptr_array_new();
            g_hash_table_insert(by_key, member->key, alike);
        }
        g_ptr_array_add(alike, member);
    }
    return by_key;
}

static GPtrArray *fold(const GArray *members, gboolean has_each)
{
    g_autoptr(GHashTable) by_key = group_by_key(members);
    GPtrArray *groups = g_ptr_array_new_with_free_func(group_free);

    for (guint i = 0; i < members->len; i++) {
        const struct member *member = &g_array_index(members, struct member, i);
        const GPtrArray *alike = g_hash_table_lookup(by_key, member->key);

        if (has_each || alike->len < ALIKE_MIN)
            g_ptr_array_add(groups, group_new(&member, 1));
        else if (g_ptr_array_index(alike, 0) == member)
            g_ptr_array_add(groups,
                            group_new((const struct member *const *)alike->pdata, alike->len));
    }
    return groups;
}

static GArray *members_new(void)
{
    GArray *members = g_array_new(FALSE, FALSE, sizeof(struct member));

    g_array_set_clear_func(members, member_clear);
    return members;
}

GPtrArray *ct_groups_of_threads(const struct ct_report *report)
{
    g_autoptr(GArray) members = members_new();

    for (guint i = 0; i < report->threads->len; i++) {
        struct member member =
            describe_thread(&g_array_index(report->threads, struct ct_report_thread, i));

        g_array_append_val(members, member);
    }
    return fold(members, report->scope.has_each_process);
}

GPtrArray *ct_groups_of_processes(const struct ct_report *report)
{
    g_autoptr(GArray) members = members_new();

    for (guint i = 0; i < report->processes->len; i++) {
        struct member member = describe_process(g_ptr_array_index(report->processes, i));

        g_array_append_val(members, member);
    }
    return fold(members, report->scope.has_each_process);
}
