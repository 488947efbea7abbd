#include "known_fds.h"

#include "schema/packed_event.h"
#include "system/image_key.h"

/* As many as a process may have by default where it may have many, and few enough to be held. */
#define FDS_MAX 65536

struct ct_known_fds {
    GHashTable *tables;  /* owned; pid -> owned table: descriptor -> struct ct_event_fd * */
    guint count;         /* over all */
    GHashTable *partial; /* owned; pid, of which there was no room for all */
};

/* Here its strings are owned. */
static void event_free(void *data)
{
    struct ct_event_fd *event = data;

    g_free((char *)event->local);
    g_free((char *)event->peer);
    g_free(event);
}

struct ct_known_fds *ct_known_fds_new(void)
{
    struct ct_known_fds *fds = g_new0(struct ct_known_fds, 1);

    fds->tables = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
    fds->partial = g_hash_table_new(NULL, NULL);
    return fds;
}

void ct_known_fds_free(struct ct_known_fds *fds)
{
    if (fds == NULL)
        return;
    g_hash_table_unref(fds->tables);
    g_hash_table_unref(fds->partial);
    g_free(fds);
}

void ct_known_fds_note(struct ct_known_fds *fds, int32_t pid, const struct ct_event_fd *event)
{
    GHashTable *table = g_hash_table_lookup(fds->tables, GINT_TO_POINTER(pid));

    if (table == NULL) {
        table = g_hash_table_new_full(NULL, NULL, NULL, event_free);
        g_hash_table_insert(fds->tables, GINT_TO_POINTER(pid), table);
    }
    gboolean is_new = !g_hash_table_contains(table, GINT_TO_POINTER(event->fd));

    if (is_new && fds->count >= FDS_MAX) {
        g_hash_table_add(fds->partial, GINT_TO_POINTER(pid));
        return;
    }
    struct ct_event_fd *known = g_new0(struct ct_event_fd, 1);

    *known = *event;
    known->local = g_strdup(event->local);
    known->peer = g_strdup(event->peer);
    g_hash_table_insert(table, GINT_TO_POINTER(event->fd), known);
    fds->count += is_new ? 1 : 0;
}

void ct_known_fds_forget(struct ct_known_fds *fds, int32_t pid)
{
    GHashTable *table = g_hash_table_lookup(fds->tables, GINT_TO_POINTER(pid));

    if (table == NULL)
        return;
    fds->count -= g_hash_table_size(table);
    g_hash_table_remove(fds->tables, GINT_TO_POINTER(pid));
    g_hash_table_remove(fds->partial, GINT_TO_POINTER(pid));
}

static gboolean lives(const GArray *living, int32_t pid)
{
    for (guint i = 0; i < living->len; i++)
        if (g_array_index(living, struct ct_image_key, i).pid == pid)
            return TRUE;
    return FALSE;
}

static void forget_others(struct ct_known_fds *fds, const GArray *living)
{
    g_autoptr(GList) pids = g_hash_table_get_keys(fds->tables);

    for (const GList *pid = pids; pid != NULL; pid = pid->next)
        if (!lives(living, GPOINTER_TO_INT(pid->data)))
            ct_known_fds_forget(fds, GPOINTER_TO_INT(pid->data));
}

size_t ct_known_fds_restate(struct ct_known_fds *fds, const GArray *living,
                            const struct ct_writer *writer)
{
    GHashTableIter processes, descriptors;
    gpointer pid, table, event;
    size_t size = 0;

    forget_others(fds, living);
    g_hash_table_iter_init(&processes, fds->tables);
    while (g_hash_table_iter_next(&processes, &pid, &table)) {
        const struct ct_source source = {.vpid = GPOINTER_TO_INT(pid),
                                         .vtid = GPOINTER_TO_INT(pid)};

        g_hash_table_iter_init(&descriptors, table);
        while (g_hash_table_iter_next(&descriptors, NULL, &event)) {
            writer->fd(&source, event);
            size += CT_EVENT_HEAD_SIZE + ct_packed_size_fd(event);
        }
    }
    return size;
}

gboolean ct_known_fds_forgets(const struct ct_known_fds *fds)
{
    return g_hash_table_size(fds->partial) > 0;
}
