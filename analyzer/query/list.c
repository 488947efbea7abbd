/* Lists as rows: by place, or what one value of their key has. */
#include "query/sources.h"

struct list {
    struct ct_query_recording *recording; /* borrowed */
    const struct ct_query_table *table;
    int64_t at;
    int64_t end;
};

static void *open_list(const struct ct_query_table *table, struct ct_query_recording *recording,
                       const struct ct_query_asked *asked)
{
    struct list *list = g_new0(struct list, 1);
    int64_t key;

    list->recording = recording;
    list->table = table;
    list->end = table->count(recording);
    if (table->locate && ct_query_asked_one(asked, table->key, &key)) {
        table->locate(recording, key, &list->at, &list->end);
    } else if (!table->locate) {
        list->at = MAX(asked->least[table->key], 0);
        if (asked->most[table->key] < list->end)
            list->end = asked->most[table->key] + 1;
    }
    return list;
}

static gboolean next_item(void *data, struct ct_query_row *row, GError **error)
{
    struct list *list = data;

    (void)error;
    while (list->at < list->end) {
        list->recording->visited++;
        row->id = list->at;
        if (list->table->at(list->recording, list->at++, row))
            return TRUE;
    }
    return FALSE;
}

const struct ct_query_source ct_query_list = {open_list, next_item, g_free};
