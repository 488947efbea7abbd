#include "view/reader/reader.h"

#include "export/json_document.h"
#include "model/format.h"
#include "summary/groups.h"

static guint object_hash(const void *data)
{
    const struct ct_store_object *object = data;

    return g_direct_hash(object->process) ^ g_int64_hash(&object->id) ^ (guint)object->kind << 24;
}

static gboolean object_equal(const void *a, const void *b)
{
    const struct ct_store_object *first = a, *second = b;

    return first->process == second->process && first->kind == second->kind &&
           first->id == second->id;
}

static void kind_free(void *data)
{
    struct ct_view_kind_of_threads *kind = data;

    g_free(kind->name);
    g_ptr_array_unref(kind->threads);
    g_free(kind);
}

static void add_kind(struct ct_view_reader *reader, const struct ct_group *group)
{
    struct ct_view_kind_of_threads *kind = g_new0(struct ct_view_kind_of_threads, 1);
    gint number = (gint)reader->kinds->len;

    kind->name = g_strdup(group->name);
    kind->threads = g_ptr_array_new();
    for (guint i = 0; i < group->members->len; i++) {
        const struct ct_report_thread *row = group->members->pdata[i];

        g_ptr_array_add(kind->threads, (void *)row->life.thread);
        g_array_index(reader->kind_numbers, gint, row->life.thread->number) = number;
    }
    g_ptr_array_add(reader->kinds, kind);
}

/* As the report does it, whose threads are those of nobody's waits here. */
static void find_kinds(struct ct_view_reader *reader)
{
    const struct ct_report_scope scope = {.is_whole_time = TRUE};
    g_autoptr(ct_report) report = ct_report_new(reader->model, &scope, 0);

    ct_report_finish(report);
    g_autoptr(GPtrArray) groups = ct_groups_of_threads(report);

    for (guint i = 0; i < groups->len; i++) {
        const struct ct_group *group = groups->pdata[i];

        if (group->members->len > 1)
            add_kind(reader, group);
    }
}

static void find_objects(struct ct_view_reader *reader)
{
    for (guint i = 0; i < ct_store_object_count(reader->store); i++)
        g_hash_table_insert(reader->objects, (void *)ct_store_object(reader->store, i),
                            GUINT_TO_POINTER(i + 1));
}

void ct_view_reader_init(struct ct_view_reader *reader, struct ct_model *model,
                         struct ct_store *store)
{
    const gint none = -1;

    reader->model = model;
    reader->store = store;
    reader->symbolizer = ct_symbolizer_new(model);
    reader->idle = ct_idle_new(model, reader->symbolizer);
    reader->texts = ct_event_texts_new(reader->symbolizer);
    reader->kinds = g_ptr_array_new_with_free_func(kind_free);
    reader->kind_numbers = g_array_new(FALSE, FALSE, sizeof(gint));
    reader->objects = g_hash_table_new(object_hash, object_equal);
    for (guint i = 0; i < model->all_threads->len; i++)
        g_array_append_val(reader->kind_numbers, none);
    find_kinds(reader);
    find_objects(reader);
}

void ct_view_reader_clear(struct ct_view_reader *reader)
{
    g_hash_table_unref(reader->objects);
    g_array_unref(reader->kind_numbers);
    g_ptr_array_unref(reader->kinds);
    ct_event_texts_free(reader->texts);
    ct_idle_free(reader->idle);
    ct_symbolizer_free(reader->symbolizer);
}

/* ---- What the answers share ---- */

gboolean ct_view_param_window(const struct ct_view_reader *reader, GHashTable *params,
                              struct ct_window *window, GError **error)
{
    const struct ct_window lives = ct_lives_extent(reader->model);
    uint64_t from = ct_view_moment(reader, lives.begin_ns);
    uint64_t to = ct_view_moment(reader, lives.end_ns);

    if (!ct_view_param_optional(params, "from", 0, CT_VIEW_MOMENT_MAX, &from, error) ||
        !ct_view_param_optional(params, "to", 0, CT_VIEW_MOMENT_MAX, &to, error))
        return FALSE;
    *window = (struct ct_window){ct_view_time(reader, from), ct_view_time(reader, to)};
    if (window->begin_ns < window->end_ns)
        return TRUE;
    g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG, "from must be before to");
    return FALSE;
}

void ct_view_add_moment(const struct ct_view_reader *reader, JsonBuilder *json, const char *name,
                        uint64_t time_ns)
{
    ct_json_add_number(json, name, ct_view_moment(reader, time_ns));
}

void ct_view_add_lane(JsonBuilder *json, const char *name, enum ct_view_lane_kind kind,
                      guint number)
{
    g_autofree char *lane = g_strdup_printf("%c%u", (char)kind, number);

    ct_json_add_string(json, name, lane);
}

void ct_view_add_times(JsonBuilder *json, const char *name, const uint64_t class_ns[CT_CLASS_COUNT])
{
    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++)
        json_builder_add_int_value(json, (gint64)MIN(class_ns[class], G_MAXINT64));
    json_builder_end_array(json);
}

const char *ct_view_interval_op(const struct ct_interval *interval)
{
    return interval->call_name ? interval->call_name : ct_op_name(interval->op);
}

char *ct_view_interval_text(const struct ct_view_reader *reader, const struct ct_interval *interval)
{
    const char *state = ct_class_name(interval->class);

    if (interval->op == CT_OP_NONE)
        return g_strdup(state);
    g_autofree char *object = ct_event_object(reader->texts, interval);
    char *call = ct_format_call(interval->op, ct_view_interval_op(interval), object);

    if (interval->class != CT_CLASS_RUNNABLE)
        return call;
    char *text = g_strdup_printf("%s, in %s", state, call);

    g_free(call);
    return text;
}

struct ct_thread *ct_view_find_thread(const struct ct_view_reader *reader, guint number,
                                      GError **error)
{
    const GPtrArray *threads = reader->model->all_threads;
    struct ct_thread *thread = number < threads->len ? threads->pdata[number] : NULL;

    if (!thread)
        g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_NOBODY, "there is no thread t%u", number);
    return thread;
}

const struct ct_view_kind_of_threads *ct_view_find_kind(const struct ct_view_reader *reader,
                                                        guint number, GError **error)
{
    if (number < reader->kinds->len)
        return reader->kinds->pdata[number];
    g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_NOBODY, "there is no kind of threads k%u",
                number);
    return NULL;
}

GPtrArray *ct_view_lane_threads(const struct ct_view_reader *reader,
                                const struct ct_view_lane *lane, GError **error)
{
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    const struct ct_view_kind_of_threads *kind;
    struct ct_thread *thread;

    if (lane->kind == CT_VIEW_LANE_THREAD) {
        thread = ct_view_find_thread(reader, lane->number, error);
        g_ptr_array_add(threads, thread);
        return thread ? g_steal_pointer(&threads) : NULL;
    }
    if (lane->kind == CT_VIEW_LANE_KIND) {
        kind = ct_view_find_kind(reader, lane->number, error);
        if (kind)
            g_ptr_array_extend(threads, kind->threads, NULL, NULL);
        return kind ? g_steal_pointer(&threads) : NULL;
    }
    g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_WRONG,
                "lanes must be threads or kinds of them here");
    return NULL;
}

gboolean ct_view_find_object(const struct ct_view_reader *reader,
                             const struct ct_interval *interval, guint *number)
{
    const struct ct_store_object object = {interval->thread->process, ct_op_object(interval->op),
                                           interval->object};
    guint found = GPOINTER_TO_UINT(g_hash_table_lookup(reader->objects, &object));

    *number = found - 1;
    return found > 0;
}

uint64_t ct_view_alive_ns(const struct ct_thread *thread, const struct ct_window *window)
{
    uint64_t begin_ns = MAX(thread->start_ns, window->begin_ns);
    uint64_t end_ns = MIN(thread->end_ns, window->end_ns);

    return begin_ns < end_ns ? end_ns - begin_ns : 0;
}

gint64 ct_view_process_number(const struct ct_view_reader *reader, const struct ct_process *process)
{
    guint number;

    return g_ptr_array_find(reader->model->processes, process, &number) ? (gint64)number : -1;
}
