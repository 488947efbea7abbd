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

/* The lanes of those threads, of all that had their numbers then. The caller owns the list. */
static GPtrArray *find_lanes(JsonObject *overview, JsonArray *tids, const struct ct_html_span *span)
{
    JsonArray *threads = json_object_get_array_member(overview, "threads");
    g_autoptr(GHashTable) wanted = g_hash_table_new(NULL, NULL);
    GPtrArray *lanes = g_ptr_array_new();

    for (guint i = 0; i < json_array_get_length(tids); i++)
        g_hash_table_add(wanted, GINT_TO_POINTER((int)json_array_get_int_element(tids, i)));
    for (guint i = 0; i < json_array_get_length(threads); i++) {
        JsonObject *thread = json_array_get_object_element(threads, i);
        int tid = (int)json_object_get_int_member(thread, "tid");

        if (g_hash_table_contains(wanted, GINT_TO_POINTER(tid)) &&
            (uint64_t)json_object_get_int_member(thread, "from") < span->to &&
            (uint64_t)json_object_get_int_member(thread, "to") > span->from)
            g_ptr_array_add(lanes, (char *)json_object_get_string_member(thread, "lane"));
    }
    return lanes;
}

/* Takes a kind's threads out of those that are left, if they all are among them. */
static gboolean take_kind(JsonObject *kind, GHashTable *left)
{
    JsonArray *threads = json_object_get_array_member(kind, "threads");
    g_autoptr(GPtrArray) lanes = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < json_array_get_length(threads); i++) {
        gint64 number = json_array_get_int_element(threads, i);

        g_ptr_array_add(lanes, g_strdup_printf("t%" G_GINT64_FORMAT, number));
        if (!g_hash_table_contains(left, lanes->pdata[i]))
            return FALSE;
    }
    for (guint i = 0; i < lanes->len; i++)
        g_hash_table_remove(left, lanes->pdata[i]);
    return TRUE;
}

/* As the page names them: of many that are all of a kind, that one. "": all of the run. */
static char *name_lanes(JsonObject *overview, const GPtrArray *lanes)
{
    JsonArray *kinds = json_object_get_array_member(overview, "kinds");
    g_autoptr(GHashTable) left = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) named = g_ptr_array_new();

    for (guint i = 0; i < lanes->len; i++)
        g_hash_table_add(left, lanes->pdata[i]);
    for (guint i = 0; lanes->len > LANES_MAX && i < json_array_get_length(kinds); i++) {
        JsonObject *kind = json_array_get_object_element(kinds, i);

        if (take_kind(kind, left))
            g_ptr_array_add(named, (char *)json_object_get_string_member(kind, "lane"));
    }
    for (guint i = 0; i < lanes->len; i++)
        if (g_hash_table_contains(left, lanes->pdata[i]))
            g_ptr_array_add(named, lanes->pdata[i]);
    g_ptr_array_set_size(named, (gint)MIN(named->len, LANES_MAX));
    g_ptr_array_add(named, NULL);
    return g_strjoinv(",", (char **)named->pdata);
}

/* FALSE: the object does not say it. */
static gboolean read_span(JsonObject *overview, JsonObject *object, struct ct_html_span *span)
{
    uint64_t begin_ns =
        g_ascii_strtoull(json_object_get_string_member(overview, "begin_ns"), NULL, 10);

    return read_clock(object, "from_ns", begin_ns, &span->from) &&
           read_clock(object, "to_ns", begin_ns, &span->to);
}

static gboolean keep_sum(struct ct_html_keeper *keeper, JsonObject *overview, JsonArray *tids,
                         const struct ct_html_span *span, GError **error)
{
    g_autoptr(GPtrArray) lanes = find_lanes(overview, tids, span);
    g_autofree char *names = name_lanes(overview, lanes);

    return ct_html_keep_area(keeper, span, names, "wait", error);
}

/* The page sums the longest turn of a loop up, where no wait took it. */
static gboolean keep_longest(struct ct_html_keeper *keeper, JsonObject *overview,
                             JsonObject *finding, GError **error)
{
    const char *rule = json_object_get_string_member_with_default(finding, "rule", "");
    struct ct_html_span span;

    if (!g_str_equal(rule, "slow turn") || !json_object_has_member(finding, "longest"))
        return TRUE;
    JsonObject *longest = json_object_get_object_member(finding, "longest");
    g_autoptr(JsonArray) tids = json_array_new();

    json_array_add_int_element(tids, json_object_get_int_member(longest, "tid"));
    return !read_span(overview, longest, &span) || keep_sum(keeper, overview, tids, &span, error);
}

/* As the page does it: what is not known is all of the run. */
static gboolean keep_finding(struct ct_html_keeper *keeper, JsonObject *overview,
                             JsonObject *finding, GError **error)
{
    const struct ct_html_span lives = ct_html_lives(overview);
    struct ct_html_span span;

    if (!json_object_has_member(finding, "tids"))
        return TRUE;
    if (!read_span(overview, finding, &span)) {
        span = lives;
    } else {
        span.from = MAX(span.from, lives.from);
        span.to = MAX(span.from + 1, MIN(span.to, lives.to));
    }
    return keep_sum(keeper, overview, json_object_get_array_member(finding, "tids"), &span,
                    error) &&
           keep_longest(keeper, overview, finding, error);
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
