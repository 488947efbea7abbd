#include "view/html/keeper.h"

#include "cli/worker.h"
#include "export/gzip.h"
#include "view/reader/questions.h"

#include <string.h>

GBytes *ct_html_ask(const struct ct_html_keeper *keeper, const char *question, GError **error)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct ct_view_answer answer = {json, bytes};

    ct_worker_end_reading(keeper->activity); /* as long as a whole report may take */
    if (!ct_view_ask(keeper->reader, question, &answer, error))
        return NULL;
    if (bytes->len > 0)
        return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
    char *text = ct_view_json_text(json);

    return g_bytes_new_take(text, strlen(text));
}

gboolean ct_html_put(GString *piece, const char *question, GBytes *answer, GError **error)
{
    g_autoptr(GBytes) packed = ct_gzip(answer, error);

    if (!packed)
        return FALSE;
    g_autofree char *text =
        g_base64_encode(g_bytes_get_data(packed, NULL), g_bytes_get_size(packed));
    g_autofree char *escaped = g_markup_escape_text(question, -1);

    g_string_append_printf(
        piece, "<script type=\"text/plain\" class=\"kept\" data-question=\"%s\">", escaped);
    g_string_append(piece, text);
    g_string_append(piece, "</script>\n");
    return TRUE;
}

gboolean ct_html_put_asked(const struct ct_html_keeper *keeper, GString *piece,
                           const char *question, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) answer = ct_html_ask(keeper, question, &failure);

    if (answer)
        return ct_html_put(piece, question, answer, error);
    if (failure->domain == CT_VIEW_ERROR)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
}

gboolean ct_html_keep(struct ct_html_keeper *keeper, const GString *piece)
{
    if (piece->len > keeper->room)
        return FALSE;
    g_string_append_len(keeper->text, piece->str, (gssize)piece->len);
    keeper->room -= piece->len;
    return TRUE;
}
