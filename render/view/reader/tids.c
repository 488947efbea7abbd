/* Lanes as the threads that other commands know: their ids, with "," between. */
#include "view/reader/reader.h"

static void add_tid(GString *text, const struct ct_thread *thread)
{
    g_string_append_printf(text, "%s%d", text->len > 0 ? "," : "", thread->tid);
}

static gboolean add_lane(const struct ct_view_reader *reader, const struct ct_view_lane *lane,
                         GString *text, GError **error)
{
    g_autoptr(GPtrArray) threads = ct_view_lane_threads(reader, lane, error);

    for (guint i = 0; threads && i < threads->len; i++)
        add_tid(text, threads->pdata[i]);
    return threads != NULL;
}

gboolean ct_view_tids(struct ct_view_reader *reader, GHashTable *params,
                      struct ct_view_answer *answer, GError **error)
{
    const char *lanes_text = g_hash_table_lookup(params, "lanes");
    g_autoptr(GArray) lanes =
        ct_view_lanes_parse(lanes_text ? lanes_text : "", CT_VIEW_LANES_MAX, error);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; lanes && i < lanes->len; i++)
        if (!add_lane(reader, &g_array_index(lanes, struct ct_view_lane, i), text, error))
            return FALSE;
    if (!lanes)
        return FALSE;
    g_byte_array_append(answer->bytes, (const guint8 *)text->str, (guint)text->len);
    return TRUE;
}
