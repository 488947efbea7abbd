#include "kinds.h"

#include <string.h>

struct ct_kinds {
    GPtrArray *all;      /* owned; struct ct_kind *, owned */
    GHashTable *by_name; /* owned; "process\nthread", owned -> struct ct_kind * */
    GHashTable *counts;  /* owned; process, owned -> how many kinds it has */
};

static void kind_free(void *data)
{
    struct ct_kind *kind = data;

    g_free(kind->process);
    g_free(kind->name);
    g_free(kind);
}

struct ct_kinds *ct_kinds_new(void)
{
    struct ct_kinds *kinds = g_new(struct ct_kinds, 1);

    kinds->all = g_ptr_array_new_with_free_func(kind_free);
    kinds->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    kinds->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return kinds;
}

void ct_kinds_free(struct ct_kinds *kinds)
{
    g_hash_table_unref(kinds->by_name);
    g_hash_table_unref(kinds->counts);
    g_ptr_array_unref(kinds->all);
    g_free(kinds);
}

char *ct_kind_name(const char *process, const char *thread)
{
    if (strcmp(process, thread) == 0)
        return g_strdup(thread);
    GString *name = g_string_new(NULL);

    for (const char *at = thread; *at != '\0'; at++) {
        if (!g_ascii_isdigit(*at))
            g_string_append_c(name, *at);
        else if (at == thread || !g_ascii_isdigit(at[-1]))
            g_string_append_c(name, '*');
    }
    return g_string_free(name, FALSE);
}

static struct ct_kind *find(struct ct_kinds *kinds, const char *process, const char *name)
{
    g_autofree char *key = g_strconcat(process, "\n", name, NULL);

    return g_hash_table_lookup(kinds->by_name, key);
}

static struct ct_kind *add(struct ct_kinds *kinds, const char *process, const char *name)
{
    struct ct_kind *kind = g_new0(struct ct_kind, 1);
    guint count = GPOINTER_TO_UINT(g_hash_table_lookup(kinds->counts, process));

    kind->number = kinds->all->len;
    kind->process = g_strdup(process);
    kind->name = g_strdup(name);
    g_ptr_array_add(kinds->all, kind);
    g_hash_table_insert(kinds->by_name, g_strconcat(process, "\n", name, NULL), kind);
    g_hash_table_insert(kinds->counts, g_strdup(process), GUINT_TO_POINTER(count + 1));
    return kind;
}

/* One of them, where there is room for it. NULL: there is none. */
static struct ct_kind *find_or_add(struct ct_kinds *kinds, const char *process, const char *name,
                                   guint most_of_process, guint most)
{
    struct ct_kind *kind = find(kinds, process, name);
    guint count = GPOINTER_TO_UINT(g_hash_table_lookup(kinds->counts, process));

    if (kind != NULL || count >= most_of_process || kinds->all->len >= most)
        return kind;
    return add(kinds, process, name);
}

struct ct_kind *ct_kinds_find(struct ct_kinds *kinds, const char *process, const char *thread)
{
    g_autofree char *name = ct_kind_name(process, thread);
    /* Room is left for those that take in the rest. */
    struct ct_kind *kind =
        find_or_add(kinds, process, name, CT_KINDS_OF_PROCESS_MAX - 1, CT_KINDS_MAX / 2);

    if (kind == NULL)
        kind = find_or_add(kinds, process, CT_KIND_OTHER, G_MAXUINT, CT_KINDS_MAX - 1);
    if (kind == NULL)
        kind = find_or_add(kinds, CT_KIND_OTHER, CT_KIND_OTHER, G_MAXUINT, G_MAXUINT);
    return kind;
}

const GPtrArray *ct_kinds_all(const struct ct_kinds *kinds)
{
    return kinds->all;
}
