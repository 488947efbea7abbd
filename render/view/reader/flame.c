#include "view/reader/flame.h"

#include "export/json_document.h"

/* More is not seen: what would be below has its time above. */
#define NODES_MAX 50000

struct frame {
    struct ct_stack_frame frame;
    const char *leaf; /* then it is none, but what was called or done */
    enum ct_class class;
};

struct node {
    guint parent;
    guint frame;
    uint64_t self_ns;
    uint64_t total_ns;
    uint64_t count;
};

struct ct_view_flame {
    const struct ct_view_reader *reader; /* borrowed */
    GArray *frames;                      /* owned; struct frame */
    GHashTable *frame_numbers;           /* owned; text that tells a frame -> its number plus one */
    GArray *nodes;                       /* owned; struct node, parents first; the root is 0 */
    GHashTable *children; /* owned; parent << 32 | frame, owned -> number of the node */
};

struct ct_view_flame *ct_view_flame_new(const struct ct_view_reader *reader)
{
    struct ct_view_flame *flame = g_new0(struct ct_view_flame, 1);
    const struct node root = {0};

    flame->reader = reader;
    flame->frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
    flame->frame_numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    flame->nodes = g_array_new(FALSE, FALSE, sizeof(struct node));
    flame->children = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    g_array_append_val(flame->nodes, root);
    return flame;
}

void ct_view_flame_free(struct ct_view_flame *flame)
{
    g_array_unref(flame->frames);
    g_hash_table_unref(flame->frame_numbers);
    g_array_unref(flame->nodes);
    g_hash_table_unref(flame->children);
    g_free(flame);
}

/* Functions are the same whatever the line; `key` is taken. */
static guint frame_number(struct ct_view_flame *flame, char *key, const struct frame *frame)
{
    guint number = GPOINTER_TO_UINT(g_hash_table_lookup(flame->frame_numbers, key));

    if (number > 0) {
        g_free(key);
        return number - 1;
    }
    g_array_append_vals(flame->frames, frame, 1);
    g_hash_table_insert(flame->frame_numbers, key, GUINT_TO_POINTER(flame->frames->len));
    return flame->frames->len - 1;
}

static guint function_number(struct ct_view_flame *flame, const struct ct_stack_frame *frame)
{
    const struct frame new_frame = {.frame = *frame};
    const char *module = frame->module ? frame->module->path : "";
    char *key = frame->function ? g_strdup_printf("%s\n%s\n%s", frame->function->function,
                                                  frame->function->file, module)
                                : g_strdup("\n");

    return frame_number(flame, key, &new_frame);
}

static guint leaf_number(struct ct_view_flame *flame, const struct ct_view_flame_time *time)
{
    const struct frame new_frame = {.leaf = time->leaf, .class = time->class};

    return frame_number(flame, g_strdup_printf("\n%d %s", (int)time->class, time->leaf),
                        &new_frame);
}

/* The parent itself, where there are too many. */
static guint child_of(struct ct_view_flame *flame, guint parent, guint frame)
{
    const gint64 key = (gint64)((uint64_t)parent << 32 | frame);
    const struct node node = {.parent = parent, .frame = frame};
    guint number = GPOINTER_TO_UINT(g_hash_table_lookup(flame->children, &key));

    if (number > 0 || flame->nodes->len == NODES_MAX)
        return number > 0 ? number : parent;
    number = flame->nodes->len;
    g_array_append_val(flame->nodes, node);
    g_hash_table_insert(flame->children, g_memdup2(&key, sizeof(key)), GUINT_TO_POINTER(number));
    return number;
}

void ct_view_flame_add(struct ct_view_flame *flame, const struct ct_view_flame_time *time)
{
    g_autoptr(GArray) frames =
        ct_stack_list_shown(flame->reader->symbolizer, time->process, time->stack_id);
    guint at = 0;

    for (guint i = frames->len; i > 0; i--)
        at = child_of(flame, at,
                      function_number(flame, &g_array_index(frames, struct ct_stack_frame, i - 1)));
    at = child_of(flame, at, leaf_number(flame, time));
    g_array_index(flame->nodes, struct node, at).self_ns += time->ns;
    for (;; at = g_array_index(flame->nodes, struct node, at).parent) {
        struct node *node = &g_array_index(flame->nodes, struct node, at);

        node->total_ns += time->ns;
        node->count += time->count;
        if (at == 0)
            return;
    }
}

static void write_frame(JsonBuilder *json, const struct frame *frame)
{
    if (!frame->leaf) {
        ct_view_add_frame(json, &frame->frame);
        return;
    }
    json_builder_begin_object(json);
    ct_json_add_string(json, "function", frame->leaf);
    ct_json_add_signed(json, "state", frame->class);
    json_builder_end_object(json);
}

static void write_node(JsonBuilder *json, const struct node *node, gboolean is_root)
{
    json_builder_begin_array(json);
    json_builder_add_int_value(json, is_root ? -1 : (gint64)node->parent);
    json_builder_add_int_value(json, is_root ? -1 : (gint64)node->frame);
    json_builder_add_int_value(json, (gint64)MIN(node->self_ns, G_MAXINT64));
    json_builder_add_int_value(json, (gint64)MIN(node->total_ns, G_MAXINT64));
    ct_json_add_count(json, node->count);
    json_builder_end_array(json);
}

void ct_view_flame_write(const struct ct_view_flame *flame, JsonBuilder *json, const char *name)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_object(json);
    json_builder_set_member_name(json, "frames");
    json_builder_begin_array(json);
    for (guint i = 0; i < flame->frames->len; i++)
        write_frame(json, &g_array_index(flame->frames, struct frame, i));
    json_builder_end_array(json);
    json_builder_set_member_name(json, "nodes");
    json_builder_begin_array(json);
    for (guint i = 0; i < flame->nodes->len; i++)
        write_node(json, &g_array_index(flame->nodes, struct node, i), i == 0);
    json_builder_end_array(json);
    json_builder_end_object(json);
}
