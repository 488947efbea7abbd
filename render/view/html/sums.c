#include "view/html/sums.h"

#include "view/html/tiles.h"

enum {
    PARTS = 8,           /* of all of it */
    LONGEST_MAX = 20,    /* waits */
    LANES_MAX = 100,     /* kinds and threads by themselves */
    PATH_COLUMNS = 4000, /* as the page asks for where it draws one */
};

/* One answer. What there is no room for is left out. FALSE: an error. */
static gboolean keep_one(struct ct_html_keeper *keeper, const char *question, GError **error)
{
    g_autoptr(GString) piece = g_string_new(NULL);

    if (!ct_html_put_asked(keeper, piece, question, error))
        return FALSE;
    (void)ct_html_keep(keeper, piece);
    return TRUE;
}

gboolean ct_html_keep_area(struct ct_html_keeper *keeper, const struct ct_html_span *span,
                           const char *lanes, const char *flame, GError **error)
{
    g_autofree char *question =
        g_strdup_printf("area?from=%" G_GUINT64_FORMAT "&to=%" G_GUINT64_FORMAT "%s%s&flame=%s",
                        span->from, span->to, *lanes ? "&lanes=" : "", lanes, flame);

    return keep_one(keeper, question, error);
}

static gboolean keep_path(struct ct_html_keeper *keeper, const struct ct_html_span *span,
                          GError **error)
{
    g_autofree char *question =
        g_strdup_printf("path?from=%" G_GUINT64_FORMAT "&to=%" G_GUINT64_FORMAT "&columns=%d",
                        span->from, span->to, PATH_COLUMNS);

    return keep_one(keeper, question, error);
}

gboolean ct_html_keep_whole_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                 GError **error)
{
    const struct ct_html_span whole = ct_html_lives(overview);

    return ct_html_keep_area(keeper, &whole, "", "wait", error) &&
           keep_path(keeper, &whole, error) &&
           ct_html_keep_area(keeper, &whole, "", "run", error) &&
           ct_html_keep_area(keeper, &whole, "", "both", error);
}

/* Each by itself. */
static gboolean keep_lanes(struct ct_html_keeper *keeper, JsonObject *overview, const char *member,
                           guint *count, GError **error)
{
    const struct ct_html_span whole = ct_html_lives(overview);
    JsonArray *things = json_object_get_array_member(overview, member);

    for (guint i = 0; i < json_array_get_length(things) && *count < LANES_MAX; i++, *count += 1) {
        JsonObject *thing = json_array_get_object_element(things, i);

        if (!ct_html_keep_area(keeper, &whole, json_object_get_string_member(thing, "lane"), "wait",
                               error))
            return FALSE;
    }
    return TRUE;
}

static gboolean keep_parts(struct ct_html_keeper *keeper, JsonObject *overview, GError **error)
{
    const struct ct_html_span whole = ct_html_lives(overview);
    uint64_t length_ns = (whole.to - whole.from) / PARTS;

    for (guint i = 0; i < PARTS && length_ns > 0; i++) {
        const struct ct_html_span part = {whole.from + i * length_ns,
                                          i + 1 < PARTS ? whole.from + (i + 1) * length_ns
                                                        : whole.to};

        if (!ct_html_keep_area(keeper, &part, "", "wait", error) ||
            !keep_path(keeper, &part, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean keep_longest(struct ct_html_keeper *keeper, JsonObject *overview,
                             const GArray *seen, GError **error)
{
    const struct ct_html_span shown = ct_html_shown(overview);

    for (guint i = 0; i < MIN(seen->len, LONGEST_MAX); i++) {
        const struct ct_html_seen *wait = &g_array_index(seen, struct ct_html_seen, i);
        const uint64_t from = MAX(wait->begin, shown.from);
        const struct ct_html_span span = {from, MAX(MIN(wait->end, shown.to), from + 1)};

        if (!ct_html_keep_area(keeper, &span, "", "wait", error) ||
            !keep_path(keeper, &span, error))
            return FALSE;
    }
    return TRUE;
}

gboolean ct_html_keep_part_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                const GArray *seen, uint64_t reserve, GError **error)
{
    uint64_t reserved = MIN(reserve, keeper->room);
    guint count = 0;

    keeper->room -= reserved;
    gboolean is_whole = keep_lanes(keeper, overview, "kinds", &count, error) &&
                        keep_lanes(keeper, overview, "threads", &count, error) &&
                        keep_parts(keeper, overview, error) &&
                        keep_longest(keeper, overview, seen, error);

    keeper->room += reserved;
    return is_whole;
}
