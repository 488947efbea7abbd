/*
 * What a moment depended on: the critical path to it, as fine as a picture can show it. Parameters:
 * from, to, columns, lane (of the thread; else the one that the report takes). The answer:
 *
 *   lane            of that thread
 *   steps[]         lane, from, to: in order of time
 */
#include "path/path_steps.h"
#include "view/reader/reader.h"

#define COLUMNS_USUAL 1000
#define COLUMNS_MAX   8000

/* Where it ends: at the thread that is asked for, or at the one that `ctrace report path` takes. */
static gboolean choose(const struct ct_view_reader *reader, GHashTable *params,
                       const struct ct_window *window, struct ct_path_question *question,
                       GError **error)
{
    const struct ct_selection all = {0};
    const char *text = g_hash_table_lookup(params, "lane");
    g_autoptr(GArray) lanes = text ? ct_view_lanes_parse(text, 1, error) : NULL;
    g_autoptr(GError) failure = NULL;

    if (text) {
        g_autoptr(GPtrArray) threads =
            lanes
                ? ct_view_lane_threads(reader, &g_array_index(lanes, struct ct_view_lane, 0), error)
                : NULL;

        if (!threads)
            return FALSE;
        question->thread = threads->pdata[0];
        question->window = *window;
        question->window.end_ns = MIN(window->end_ns, question->thread->end_ns);
        if (question->thread->start_ns < question->window.end_ns &&
            question->window.begin_ns < question->window.end_ns)
            return TRUE;
        g_set_error(error, CT_VIEW_ERROR, CT_VIEW_ERROR_NOBODY, "that thread did not live then");
        return FALSE;
    }
    if (ct_path_choose(question, &all, window, &failure))
        return TRUE;
    g_set_error_literal(error, CT_VIEW_ERROR, CT_VIEW_ERROR_NOBODY, failure->message);
    return FALSE;
}

gboolean ct_view_path(struct ct_view_reader *reader, GHashTable *params,
                      struct ct_view_answer *answer, GError **error)
{
    struct ct_path_question question = {.store = reader->store, .model = reader->model};
    uint64_t columns = COLUMNS_USUAL;
    struct ct_window window;

    if (!ct_view_param_window(reader, params, &window, error) ||
        !ct_view_param_optional(params, "columns", 1, COLUMNS_MAX, &columns, error) ||
        !choose(reader, params, &window, &question, error))
        return FALSE;
    g_autoptr(GArray) steps = ct_path_steps_find(&question, (guint)columns, error);

    if (!steps)
        return FALSE;
    json_builder_begin_object(answer->json);
    ct_view_add_lane(answer->json, "lane", CT_VIEW_LANE_THREAD, question.thread->number);
    json_builder_set_member_name(answer->json, "steps");
    json_builder_begin_array(answer->json);
    for (guint i = 0; i < steps->len; i++) {
        const struct ct_scene_path_step *step = &g_array_index(steps, struct ct_scene_path_step, i);

        json_builder_begin_object(answer->json);
        if (step->thread)
            ct_view_add_lane(answer->json, "lane", CT_VIEW_LANE_THREAD, step->thread->number);
        ct_view_add_moment(reader, answer->json, "from", step->begin_ns);
        ct_view_add_moment(reader, answer->json, "to", step->end_ns);
        json_builder_end_object(answer->json);
    }
    json_builder_end_array(answer->json);
    json_builder_end_object(answer->json);
    return TRUE;
}
