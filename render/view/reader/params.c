#include "view/reader/params.h"

#include <string.h>

G_DEFINE_QUARK(ct - view - error - quark, ct_view_error)

gboolean ct_view_param_optional(GHashTable *params, const char *name, uint64_t least, uint64_t most,
                                uint64_t *value, GError **error)
{
    const char *text = g_hash_table_lookup(params, name);
    guint64 number;

    if (!text)
        return TRUE;
    if (!g_ascii_string_to_unsigned(text, 10, least, most, &number, NULL)) {
        g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG,
                    "%s must be a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                    name, least, most);
        return FALSE;
    }
    *value = number;
    return TRUE;
}

gboolean ct_view_param_number(GHashTable *params, const char *name, uint64_t least, uint64_t most,
                              uint64_t *value, GError **error)
{
    if (g_hash_table_contains(params, name))
        return ct_view_param_optional(params, name, least, most, value, error);
    g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG, "%s is missing", name);
    return FALSE;
}

static gboolean parse_lane(const char *text, struct ct_view_lane *lane)
{
    guint64 number;

    if (*text == '\0' || !strchr("tcok", *text) ||
        !g_ascii_string_to_unsigned(text + 1, 10, 0, G_MAXUINT32, &number, NULL))
        return FALSE;
    lane->kind = (enum ct_view_lane_kind) * text;
    lane->number = (guint)number;
    return TRUE;
}

GArray *ct_view_lanes_parse(const char *text, guint most, GError **error)
{
    g_autoptr(GArray) lanes = g_array_new(FALSE, FALSE, sizeof(struct ct_view_lane));
    g_auto(GStrv) words = g_strsplit(text, ",", (gint)most + 1);
    struct ct_view_lane lane;

    if (!words[0] || g_strv_length(words) > most) {
        g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG, "lanes must be 1 to %u", most);
        return NULL;
    }
    for (char **word = words; *word; word++) {
        if (!parse_lane(*word, &lane)) {
            g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG,
                        "lanes must be a list such as t3,k0: t, c, o or k and a number");
            return NULL;
        }
        g_array_append_val(lanes, lane);
    }
    return g_steal_pointer(&lanes);
}
