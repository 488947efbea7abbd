/* Lanes as the threads that other commands know: their ids, with "," between. */
#include "view/reader/reader.h"

/* FALSE: commands cannot tell it from another one that had its id, with an error. */
static gboolean add_tid(const struct ct_view_reader *reader, GString *text,
                        const struct ct_thread *thread, GError **error)
{
    const GPtrArray *threads = reader->model->all_threads;

    for (guint i = 0; i < threads->len; i++) {
        const struct ct_thread *other = threads->pdata[i];

        if (other != thread && other->tid == thread->tid) {
            g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG,
                        "several threads had the id %d, which commands know them by: leave it out, "
                        "or ask for all threads",
                        thread->tid);
            return FALSE;
        }
    }
    g_string_append_printf(text, "%s%d", text->len > 0 ? "," : "", thread->tid);
    return TRUE;
}

static gboolean add_lane(const struct ct_view_reader *reader, const struct ct_view_lane *lane,
                         GString *text, GError **error)
{
    g_autoptr(GPtrArray) threads = ct_view_lane_threads(reader, lane, error);

    for (guint i = 0; threads && i < threads->len; i++)
        if (!add_tid(reader, text, threads->pdata[i], error))
            return FALSE;
    return threads != NULL;
}

gboolean ct_view_tids(struct ct_view_reader *reader, GHashTable *params,
                      struct ct_view_answer *answer, GError **error)
{
    const char *lanes_text = g_hash_table_lookup(params, "lanes");
    g_autoptr(GArray) lanes =
        ct_view_lanes_parse(lanes_text ? lanes_text : "", CT_VIEW_SUMMED_LANES_MAX, error);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; lanes && i < lanes->len; i++)
        if (!add_lane(reader, &g_array_index(lanes, struct ct_view_lane, i), text, error))
            return FALSE;
    if (!lanes)
        return FALSE;
    g_byte_array_append(answer->bytes, (const guint8 *)text->str, (guint)text->len);
    return TRUE;
}
