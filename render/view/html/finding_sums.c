#include "view/html/finding_sums.h"

#include "view/html/sums.h"

#define FINDINGS_MAX 50

/* As the page asks for them. */
#define LANES_MAX 60

/* A moment of the clock, which is a text where it is beyond what every reader takes. */
static gboolean read_clock(JsonObject *object, const char *name, uint64_t begin_ns,
                           uint64_t *moment)
{
    JsonNode *node = json_object_get_member(object, name);
    uint64_t clock_ns = 0;

    if (!node || !JSON_NODE_HOLDS_VALUE(node))
        return FALSE;
    if (json_node_get_value_type(node) == G_TYPE_STRING)
        clock_ns = g_ascii_strtoull(json_node_get_string(node), NULL, 10);
    else
        clock_ns = (uint64_t)json_node_get_int(node);
    *moment = clock_ns - MIN(begin_ns, clock_ns);
    return TRUE;
}

static gboolean has_tid(JsonArray *tids, gint64 tid)
{
    for (guint i = 0; i < json_array_get_length(tids); i++)
        if (json_array_get_int_element(tids, i) == tid)
            return TRUE;
    return FALSE;
}

/* The lanes of those threads, of all that had their numbers then; "": of all. */
static char *find_lanes(JsonObject *overview, JsonArray *tids, const struct ct_html_span *span)
{
    JsonArray *threads = json_object_get_array_member(overview, "threads");
    GString *lanes = g_string_new(NULL);
    guint count = 0;

    for (guint i = 0; i < json_array_get_length(threads) && count < LANES_MAX; i++) {
        JsonObject *thread = json_array_get_object_element(threads, i);

        if (!has_tid(tids, json_object_get_int_member(thread, "tid")) ||
            (uint64_t)json_object_get_int_member(thread, "from") >= span->to ||
            (uint64_t)json_object_get_int_member(thread, "to") <= span->from)
            continue;
        g_string_append_printf(lanes, "%s%s", count++ > 0 ? "," : "",
                               json_object_get_string_member(thread, "lane"));
    }
    return g_string_free(lanes, FALSE);
}

/* As the page does it: what is not known is all of the run. */
static gboolean keep_finding(struct ct_html_keeper *keeper, JsonObject *overview,
                             JsonObject *finding, GError **error)
{
    const struct ct_html_span lives = ct_html_lives(overview);
    uint64_t begin_ns =
        g_ascii_strtoull(json_object_get_string_member(overview, "begin_ns"), NULL, 10);
    struct ct_html_span span;

    if (!json_object_has_member(finding, "tids"))
        return TRUE;
    if (!read_clock(finding, "from_ns", begin_ns, &span.from) ||
        !read_clock(finding, "to_ns", begin_ns, &span.to)) {
        span = lives;
    } else {
        span.from = MAX(span.from, lives.from);
        span.to = MAX(span.from + 1, MIN(span.to, lives.to));
    }
    g_autofree char *lanes =
        find_lanes(overview, json_object_get_array_member(finding, "tids"), &span);

    return ct_html_keep_area(keeper, &span, lanes, "wait", error);
}

gboolean ct_html_keep_finding_sums(struct ct_html_keeper *keeper, JsonObject *overview,
                                   GBytes *report, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    gsize size;
    const char *text = g_bytes_get_data(report, &size);

    if (!json_parser_load_from_data(parser, text, (gssize)size, error))
        return FALSE;
    JsonObject *root = json_node_get_object(json_parser_get_root(parser));
    JsonArray *findings = json_object_get_array_member(root, "findings");
    gboolean is_good = TRUE;

    for (guint i = 0; is_good && i < MIN(json_array_get_length(findings), FINDINGS_MAX); i++)
        is_good = keep_finding(keeper, overview, json_array_get_object_element(findings, i), error);
    return is_good;
}
