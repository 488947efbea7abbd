#include "view/html/details.h"

#include "view/html/span.h"
#include "view/html/tiles.h"

#include <string.h>

enum {
    INTERVALS_MAX = 5000,
    TOGETHER = 50,      /* are asked for together, mostly: they are packed together */
    FOLLOWED_MAX = 500, /* the longest, from which one goes back to who ended them */
    STEPS_BACK_MAX = 10,
};

/* Before they are packed. */
#define BYTES_MAX (UINT64_C(200) << 20)

/* Intervals, to be packed together. */
struct batch {
    struct ct_html_keeper *keeper; /* borrowed */
    struct ct_html_span shown;     /* one goes back no farther */
    GHashTable *kept;              /* owned; "t3@1234", owned: by their begins */
    GString *names;                /* owned; "t3@1234-1300,..." */
    GString *answers;              /* owned; a list as JSON */
    guint count;
    uint64_t bytes;
    gboolean is_full; /* there is no room */
};

/* Who ended it. */
struct reference {
    char *lane; /* owned; NULL: nobody is known */
    uint64_t at;
};

/* ---- Batches ---- */

static gboolean keep_batch(struct batch *batch, GError **error)
{
    if (batch->names->len == 0)
        return TRUE;
    g_autoptr(GString) piece = g_string_new(NULL);
    g_autofree char *question = g_strconcat("interval?of=", batch->names->str, NULL);
    g_autofree char *text = g_strconcat("[", batch->answers->str, "]", NULL);
    gsize size = strlen(text);
    g_autoptr(GBytes) answer = g_bytes_new_take(g_steal_pointer(&text), size);

    if (!ct_html_put(piece, question, answer, error))
        return FALSE;
    batch->is_full = !ct_html_keep(batch->keeper, piece);
    g_string_truncate(batch->names, 0);
    g_string_truncate(batch->answers, 0);
    return TRUE;
}

static gboolean add(struct batch *batch, JsonObject *interval, GBytes *answer, GError **error)
{
    const char *lane = json_object_get_string_member(interval, "lane");
    gint64 from = json_object_get_int_member(interval, "from");
    gint64 to = json_object_get_int_member(interval, "to");
    char *name = g_strdup_printf("%s@%" G_GINT64_FORMAT, lane, from);
    gsize size;
    const char *text = g_bytes_get_data(answer, &size);

    if (!g_hash_table_add(batch->kept, name))
        return TRUE;
    g_string_append_printf(batch->names, "%s%s-%" G_GINT64_FORMAT, batch->names->len > 0 ? "," : "",
                           name, to);
    if (batch->answers->len > 0)
        g_string_append_c(batch->answers, ',');
    g_string_append_len(batch->answers, text, (gssize)size);
    batch->bytes += size;
    batch->count++;
    return batch->count % TOGETHER != 0 || keep_batch(batch, error);
}

/* ---- Intervals ---- */

static void take_waker(JsonObject *interval, struct reference *waker)
{
    if (!json_object_has_member(interval, "waker"))
        return;
    JsonObject *object = json_object_get_object_member(interval, "waker");
    gint64 at = json_object_get_int_member(object, "at");

    waker->lane = g_strdup(json_object_get_string_member(object, "lane"));
    waker->at = at > 0 ? (uint64_t)at - 1 : 0;
}

/* What is known of that moment, unless it is there. `waker` is set to who ended it. FALSE: an
 * error. */
static gboolean take(struct batch *batch, const char *lane, uint64_t at, struct reference *waker,
                     GError **error)
{
    g_autofree char *question = g_strdup_printf("interval?lane=%s&at=%" G_GUINT64_FORMAT, lane, at);
    g_autoptr(GError) failure = NULL;
    g_autoptr(GBytes) answer = ct_html_ask(batch->keeper, question, &failure);
    g_autoptr(JsonParser) parser = json_parser_new();
    gsize size;

    if (!answer) {
        if (failure->domain == CT_VIEW_ERROR)
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&failure));
        return FALSE;
    }
    const char *text = g_bytes_get_data(answer, &size);

    if (!json_parser_load_from_data(parser, text, (gssize)size, error))
        return FALSE;
    JsonObject *interval = json_node_get_object(json_parser_get_root(parser));

    take_waker(interval, waker);
    return add(batch, interval, answer, error);
}

/* And whoever ended it, and so on. */
static gboolean take_back(struct batch *batch, const struct ct_html_seen *seen, guint steps,
                          GError **error)
{
    g_autofree char *lane = g_strdup_printf("t%u", seen->thread);
    uint64_t at = seen->begin;
    gboolean is_good = TRUE;

    for (guint step = 0; is_good && lane && step <= steps; step++) {
        struct reference waker = {0};

        is_good = take(batch, lane, at, &waker, error);
        g_free(lane);
        lane = waker.lane;
        at = waker.at;
        if (at < batch->shown.from || at > batch->shown.to)
            g_clear_pointer(&lane, g_free);
    }
    return is_good;
}

static gboolean is_kept(const struct batch *batch, const struct ct_html_seen *seen)
{
    g_autofree char *name = g_strdup_printf("t%u@%" G_GUINT64_FORMAT, seen->thread, seen->begin);

    return g_hash_table_contains(batch->kept, name);
}

gboolean ct_html_keep_details(struct ct_html_keeper *keeper, JsonObject *overview,
                              const GArray *seen, GError **error)
{
    struct batch batch = {
        .keeper = keeper,
        .shown = ct_html_shown(overview),
        .kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .names = g_string_new(NULL),
        .answers = g_string_new(NULL),
    };
    gboolean is_good = TRUE;

    for (guint i = 0; is_good && i < seen->len && batch.count < INTERVALS_MAX &&
                      batch.bytes < BYTES_MAX && !batch.is_full;
         i++) {
        const struct ct_html_seen *one = &g_array_index(seen, struct ct_html_seen, i);

        if (i < FOLLOWED_MAX)
            is_good = take_back(&batch, one, STEPS_BACK_MAX, error);
        else if (!is_kept(&batch, one))
            is_good = take_back(&batch, one, 0, error);
    }
    is_good = is_good && (batch.is_full || keep_batch(&batch, error));
    g_hash_table_unref(batch.kept);
    g_string_free(batch.names, TRUE);
    g_string_free(batch.answers, TRUE);
    return is_good;
}
