/* Which rows a picture has, in which order, and the chart above them: asked of the layout. */
#include "scene/layout.h"
#include "timeline_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static double measure(void *user, enum ct_scene_style style, const char *text)
{
    (void)user;
    (void)style;
    return 6 * (double)g_utf8_strlen(text, -1);
}

/* A recording of a second that is being made up. */
struct stage {
    struct ct_model *model;
    struct ct_timeline *timeline;
    struct ct_process *process;
    struct ct_scene_request request;
};

static struct stage stage_new(void)
{
    struct stage stage = {fixture_model("./app", FIXTURE_S), ct_timeline_new(NULL), NULL, {0}};

    stage.process = fixture_process(stage.model, 10, "app");
    stage.request = (struct ct_scene_request){
        .model = stage.model,
        .timeline = stage.timeline,
        .window = {stage.model->begin_ns, stage.model->end_ns},
        .is_whole = TRUE,
        .filter = {.row_limit = CT_SCENE_DEFAULT_ROWS},
        .idle = g_hash_table_new(NULL, NULL),
        .has_overview = TRUE,
        .width_px = 1000,
        .measure = measure,
    };
    return stage;
}

static struct ct_scene *stage_layout(const struct stage *stage)
{
    GError *error = NULL;
    struct ct_scene *scene = ct_layout_build(&stage->request, &error);

    assert_null(error);
    assert_non_null(scene);
    return scene;
}

static void stage_clear(struct stage *stage)
{
    g_hash_table_unref(stage->request.idle);
    ct_timeline_free(stage->timeline);
    ct_model_free(stage->model);
}

static struct ct_thread *add_thread(const struct stage *stage, int32_t tid, const char *name)
{
    return fixture_thread(stage->model, stage->process, tid, name);
}

static void wait_for(const struct stage *stage, struct ct_thread *thread, uint64_t begin_ms,
                     uint64_t end_ms)
{
    fixture_send(stage->timeline, fixture_wait(thread, CT_OP_COND_WAIT, CT_CLASS_SYNC,
                                               begin_ms * FIXTURE_MS, end_ms * FIXTURE_MS));
}

static const struct ct_scene_text *find_text(const struct ct_scene *scene, const char *part)
{
    for (guint i = 0; i < scene->texts->len; i++) {
        const struct ct_scene_text *text = &g_array_index(scene->texts, struct ct_scene_text, i);
        if (strstr(text->text, part))
            return text;
    }
    return NULL;
}

/* "11 12 13": the threads of the rows, from the top. */
static void assert_rows(const struct stage *stage, enum ct_scene_sort sort, const char *expected)
{
    struct ct_scene_request request = stage->request;
    g_autoptr(GString) rows = g_string_new(NULL);
    GError *error = NULL;

    request.sort = sort;
    g_autoptr(ct_scene) scene = ct_layout_build(&request, &error);
    assert_non_null(scene);
    for (guint i = 0; i < scene->rows->len; i++) {
        const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, i);
        if (row->thread)
            g_string_append_printf(rows, "%s%d", rows->len ? " " : "", row->thread->tid);
    }
    assert_string_equal(rows->str, expected);
}

/* ---- Order ---- */

/*
 * By start: 10 12 11. The first one runs 0.1 s, and not before 0.9 s; the next 0.6 s, from 0.2 s
 * on; the last 0.4 s, from its begin on.
 */
static void add_three(struct stage *stage)
{
    struct ct_thread *first = add_thread(stage, 10, "zebra");
    struct ct_thread *second = add_thread(stage, 12, "worker-10");
    struct ct_thread *third = add_thread(stage, 11, "worker-9");

    third->start_ns += FIXTURE_MS / 1000;
    wait_for(stage, first, 0, 500);
    wait_for(stage, first, 500, 900);
    wait_for(stage, second, 0, 200);
    wait_for(stage, second, 800, 1000);
    wait_for(stage, third, 400, 1000);
    ct_timeline_finish(stage->timeline);
}

static void rows_come_in_the_order_that_is_asked_for(void **state)
{
    struct stage stage = stage_new();

    (void)state;
    add_three(&stage);
    assert_rows(&stage, CT_SCENE_SORT_START, "10 12 11");
    assert_rows(&stage, CT_SCENE_SORT_ACTIVITY, "12 11 10");
    assert_rows(&stage, CT_SCENE_SORT_NAME, "11 12 10"); /* 9 comes before 10 */
    assert_rows(&stage, CT_SCENE_SORT_TIME, "11 12 10");
    stage_clear(&stage);
}

/* Threads of one process stay together, whatever the others' are. */
static void processes_come_by_the_first_of_their_threads(void **state)
{
    struct stage stage = stage_new();
    struct ct_process *other = fixture_process(stage.model, 5, "aaa");

    (void)state;
    other->start_ns += 1;
    struct ct_thread *busy = fixture_thread(stage.model, other, 5, "busy");
    wait_for(&stage, fixture_thread(stage.model, other, 6, "waiter"), 0, 1000);
    wait_for(&stage, busy, 0, 10);
    wait_for(&stage, busy, 600, 650);
    add_three(&stage);
    assert_rows(&stage, CT_SCENE_SORT_START, "10 12 11 5 6");
    assert_rows(&stage, CT_SCENE_SORT_ACTIVITY, "5 6 12 11 10");
    assert_rows(&stage, CT_SCENE_SORT_NAME, "5 6 11 12 10");
    assert_rows(&stage, CT_SCENE_SORT_TIME, "11 12 10 5 6");
    stage_clear(&stage);
}

/* ---- Idle threads ---- */

static void idle_threads_share_a_row(void **state)
{
    struct stage stage = stage_new();

    (void)state;
    add_thread(&stage, 10, "main");
    for (int32_t i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("pool-%d", i);
        struct ct_thread *thread = add_thread(&stage, 20 + i, i < 2 ? name : "timer");

        wait_for(&stage, thread, 0, 1000);
        g_hash_table_add(stage.request.idle, thread);
    }
    add_thread(&stage, 30, "worker");
    ct_timeline_finish(stage.timeline);
    assert_rows(&stage, CT_SCENE_SORT_START, "10 30");
    struct ct_scene *scene = stage_layout(&stage);
    const struct ct_scene_text *line =
        find_text(scene, "3 threads waited throughout: pool-* (2), timer");
    const struct ct_scene_row *row =
        &g_array_index(scene->rows, struct ct_scene_row, scene->rows->len - 1);

    assert_non_null(line);
    assert_true(row->is_idle && !row->thread);
    assert_int_equal(line->row, scene->rows->len - 1);
    assert_true(row->y_px + row->height_px <= scene->plot.y_px + scene->plot.height_px);
    assert_int_equal(scene->folded_threads, 0);
    /* They are among all threads of the head, and not in the chart. */
    assert_non_null(find_text(scene, "5 threads  "));
    assert_non_null(find_text(scene, "2 threads"));
    ct_scene_free(scene);
    stage_clear(&stage);
}

static void a_lone_idle_thread_keeps_its_row_and_so_do_all_of_an_idle_program(void **state)
{
    struct stage stage = stage_new();
    struct ct_thread *first = add_thread(&stage, 10, "main");
    struct ct_thread *second = add_thread(&stage, 11, "other");

    (void)state;
    ct_timeline_finish(stage.timeline);
    g_hash_table_add(stage.request.idle, second);
    assert_rows(&stage, CT_SCENE_SORT_START, "10 11");
    g_hash_table_add(stage.request.idle, first);
    assert_rows(&stage, CT_SCENE_SORT_START, "10 11");
    stage_clear(&stage);
}

static void the_limit_on_rows_counts_none_that_are_idle(void **state)
{
    struct stage stage = stage_new();

    (void)state;
    for (int32_t i = 0; i < 10; i++) {
        struct ct_thread *thread = add_thread(&stage, 10 + i, "thread");
        if (i % 2)
            g_hash_table_add(stage.request.idle, thread);
    }
    stage.request.filter.row_limit = 4;
    struct ct_scene *scene = stage_layout(&stage);

    assert_int_equal(scene->folded_threads, 1);
    assert_non_null(find_text(scene, "5 threads waited throughout: thread (5)"));
    ct_scene_free(scene);
    stage_clear(&stage);
}

/* Of many processes with a thread each, such as PostgreSQL's, all names are the same. */
static void a_process_without_a_header_is_called_as_it_calls_itself(void **state)
{
    struct stage stage = stage_new();

    (void)state;
    add_thread(&stage, 10, "postgres");
    for (int32_t i = 0; i < 12; i++) {
        struct ct_process *process = fixture_process(stage.model, 20 + i, "postgres");

        fixture_thread(stage.model, process, 20 + i, "postgres");
        g_free(process->title);
        process->title = i == 0 ? g_strdup("'postgres: walwriter '") : g_strdup("");
    }
    struct ct_scene *scene = stage_layout(&stage);
    const struct ct_scene_text *name = find_text(scene, "walwriter");

    assert_non_null(name);
    assert_string_equal(name->text, "postgres: walwriter");
    ct_scene_free(scene);
    stage_clear(&stage);
}

/* ---- A thousand threads ---- */

static void low_rows_share_the_names_that_are_alike(void **state)
{
    struct stage stage = stage_new();

    (void)state;
    stage.request.filter.row_limit = CT_SCENE_ALL_ROWS;
    add_thread(&stage, 10, "main");
    for (int32_t i = 0; i < 1000; i++) {
        g_autofree char *name = g_strdup_printf("%s-%d", i < 600 ? "worker" : "pool", i);
        add_thread(&stage, 100 + i, name);
    }
    struct ct_scene *scene = stage_layout(&stage);
    const struct ct_scene_text *main_name = find_text(scene, "main");
    const struct ct_scene_text *workers = find_text(scene, "worker-* (600)");
    const struct ct_scene_text *pool = find_text(scene, "pool-* (400)");

    assert_true(scene->height_px < 6500);
    assert_true(main_name && workers && pool);
    assert_true(workers->centre_y_px - main_name->centre_y_px >= 11);
    assert_ptr_equal(g_array_index(scene->rows, struct ct_scene_row, pool->row).thread->process,
                     stage.process);
    assert_true(pool->x_px + pool->width_px < scene->plot.x_px);
    ct_scene_free(scene);
    stage_clear(&stage);
}

/* ---- The chart ---- */

struct span {
    uint64_t begin_ns;
    uint64_t end_ns;
    enum ct_class class;
};

enum { CHART_THREADS = 7, CHART_WAITS = 40 };

/* Of each thread, waits that do not overlap, of any length. */
static GArray *add_waits(struct stage *stage)
{
    GArray *spans = g_array_new(FALSE, FALSE, sizeof(struct span));
    g_autoptr(GRand) random = g_rand_new_with_seed(7);

    for (int32_t i = 0; i < CHART_THREADS; i++) {
        struct ct_thread *thread = add_thread(stage, 10 + i, "thread");
        uint64_t at_ns = 0;

        for (int j = 0; j < CHART_WAITS; j++) {
            struct span span = {.class =
                                    CT_CLASS_NET + (enum ct_class)g_rand_int_range(random, 0, 4)};

            span.begin_ns = at_ns + (uint64_t)g_rand_int_range(random, 1, 12000000);
            span.end_ns = span.begin_ns + (uint64_t)g_rand_int_range(random, 1, 12000000);
            at_ns = span.end_ns;
            fixture_send(stage->timeline,
                         fixture_wait(thread, CT_OP_READ, span.class, span.begin_ns, span.end_ns));
            g_array_append_val(spans, span);
        }
    }
    ct_timeline_finish(stage->timeline);
    return spans;
}

/* How many threads are in the class, on average over the time. */
static double count_by_force(const GArray *spans, enum ct_class class, double begin_ns,
                             double end_ns)
{
    double sum_ns = 0;

    for (guint i = 0; i < spans->len; i++) {
        const struct span *span = &g_array_index(spans, struct span, i);
        double inside_ns =
            MIN((double)span->end_ns, end_ns) - MAX((double)span->begin_ns, begin_ns);

        if (span->class == class)
            sum_ns += MAX(inside_ns, 0);
    }
    return sum_ns / (end_ns - begin_ns);
}

/* What the chart has of the class at that place, in px. */
static double chart_px(const struct ct_scene *scene, enum ct_class class, double x_px)
{
    double height_px = 0;

    for (guint i = 0; i < scene->overview_boxes->len; i++) {
        const struct ct_scene_box *box =
            &g_array_index(scene->overview_boxes, struct ct_scene_box, i);
        if (box->class == class && box->x_px <= x_px && x_px < box->x_px + box->width_px)
            height_px += box->height_px;
    }
    return height_px;
}

static void the_chart_counts_threads_as_their_intervals_do(void **state)
{
    struct stage stage = stage_new();
    g_autoptr(GArray) spans = add_waits(&stage);
    struct ct_scene *scene = stage_layout(&stage);
    const struct ct_scene_rectangle *area = &scene->overview;
    double column_ns = (double)FIXTURE_S / area->width_px;

    (void)state;
    assert_true(area->x_px == scene->plot.x_px && area->width_px == scene->plot.width_px);
    assert_true(area->y_px + area->height_px < scene->plot.y_px);
    assert_non_null(find_text(scene, "7 threads"));
    for (double x = 0; x < area->width_px; x++) {
        double waiting = 0, waiting_px = 0;

        for (enum ct_class class = CT_CLASS_NET; class <= CT_CLASS_SLEEP; class ++) {
            double threads = count_by_force(spans, class, x * column_ns, (x + 1) * column_ns);
            double px = chart_px(scene, class, area->x_px + x);

            waiting += threads;
            waiting_px += px;
            if (fabs(px - threads / CHART_THREADS * area->height_px) > 1.001)
                fail_msg("class %d has %g px at %g, of %g threads", class, px, x, threads);
        }
        double running_px = chart_px(scene, CT_CLASS_RUNNING, area->x_px + x);
        if (fabs(running_px - (CHART_THREADS - waiting) / CHART_THREADS * area->height_px) > 1.001)
            fail_msg("running has %g px at %g", running_px, x);
        assert_true(waiting_px + running_px == area->height_px);
    }
    ct_scene_free(scene);
    stage_clear(&stage);
}

/* Both live for less than a column, which on average has a part of a thread. */
static void a_chart_is_as_high_as_whole_threads(void **state)
{
    struct stage stage = stage_new();

    (void)state;
    for (int32_t tid = 10; tid < 12; tid++) {
        struct ct_thread *thread = add_thread(&stage, tid, "short");

        thread->end_ns = thread->start_ns + FIXTURE_US;
    }
    ct_timeline_finish(stage.timeline);
    struct ct_scene *scene = stage_layout(&stage);

    assert_non_null(find_text(scene, "1 thread"));
    ct_scene_free(scene);
    stage_clear(&stage);
}

static void a_chart_is_of_several_threads_and_can_be_left_out(void **state)
{
    struct stage stage = stage_new();
    struct ct_scene *scene;

    (void)state;
    add_thread(&stage, 10, "main");
    scene = stage_layout(&stage);
    assert_true(scene->overview.height_px == 0 && scene->overview_boxes->len == 0);
    ct_scene_free(scene);
    add_thread(&stage, 11, "other");
    scene = stage_layout(&stage);
    double height_px = scene->height_px;
    assert_true(scene->overview.height_px > 0 && scene->overview_boxes->len > 0);
    ct_scene_free(scene);
    stage.request.has_overview = FALSE;
    scene = stage_layout(&stage);
    assert_int_equal(scene->overview_boxes->len, 0);
    assert_true(scene->height_px < height_px);
    ct_scene_free(scene);
    stage_clear(&stage);
}

/* ---- Labels ---- */

/* Woken in vain, a thread goes on waiting at once: neither of its parts has room for words. */
static void a_wait_in_parts_has_one_label(void **state)
{
    struct stage stage = stage_new();
    struct ct_thread *thread = add_thread(&stage, 10, "main");

    (void)state;
    for (uint64_t part = 0; part < 10; part++) {
        struct ct_interval wait =
            fixture_wait(thread, CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, (100 + part * 30) * FIXTURE_MS,
                         (129 + part * 30) * FIXTURE_MS);
        struct ct_interval queued =
            fixture_wait(thread, CT_OP_MUTEX_LOCK, CT_CLASS_RUNNABLE,
                         (129 + part * 30) * FIXTURE_MS, (130 + part * 30) * FIXTURE_MS);

        wait.wait_begin_ns = queued.wait_begin_ns = FIXTURE_BEGIN_NS + 100 * FIXTURE_MS;
        wait.wait_end_ns = queued.wait_end_ns = FIXTURE_BEGIN_NS + 400 * FIXTURE_MS;
        fixture_send(stage.timeline, wait);
        fixture_send(stage.timeline, queued);
    }
    ct_timeline_finish(stage.timeline);
    struct ct_scene *scene = stage_layout(&stage);
    const struct ct_scene_text *label = find_text(scene, "mutex_lock");

    assert_non_null(label);
    assert_int_equal(label->style, CT_STYLE_BOX);
    assert_true(label->width_px > 0.25 * scene->plot.width_px);
    ct_scene_free(scene);
    stage_clear(&stage);
}

/* ---- Losses ---- */

/* By the totals, it waited longer than its waits tell: where, nobody knows. */
static void a_thread_whose_waits_are_lost_is_marked(void **state)
{
    struct stage stage = stage_new();
    struct ct_thread *first = add_thread(&stage, 10, "main");
    struct ct_thread *second = add_thread(&stage, 11, "other");

    (void)state;
    first->has_totals = second->has_totals = TRUE;
    first->class_ns[CT_CLASS_SYNC] = 200 * FIXTURE_MS;
    second->class_ns[CT_CLASS_SYNC] = 250 * FIXTURE_MS;
    wait_for(&stage, first, 0, 200);
    wait_for(&stage, second, 0, 200);
    ct_timeline_finish(stage.timeline);
    for (uint64_t lost = 0; lost < 2; lost++) {
        stage.model->capture.waits_lost = lost;
        struct ct_scene *scene = stage_layout(&stage);
        assert_false(g_array_index(scene->rows, struct ct_scene_row, 1).has_losses);
        assert_int_equal(g_array_index(scene->rows, struct ct_scene_row, 2).has_losses, lost > 0);
        assert_int_equal(find_text(scene, "or waits that are lost") != NULL, lost > 0);
        ct_scene_free(scene);
    }
    stage_clear(&stage);
}

/* ---- Room ---- */

static void the_widest_waits_have_tips_where_not_all_may(void **state)
{
    struct stage stage = stage_new();
    struct ct_thread *thread = add_thread(&stage, 10, "main");

    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        wait_for(&stage, thread, i * 100, i * 100 + 10 + i);
    ct_timeline_finish(stage.timeline);
    stage.request.has_tips = TRUE;
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->tips->len, 10);
    assert_int_equal(scene->tips_left_out, 0);
    assert_null(find_text(scene, "pointed at"));
    ct_scene_free(scene);
    stage.request.tip_limit = 4;
    scene = stage_layout(&stage);
    assert_in_range(scene->tips->len, 1, 4);
    assert_int_equal(scene->tips_left_out, 10 - scene->tips->len);
    assert_non_null(strstr(
        g_array_index(scene->tips, struct ct_scene_tip, scene->tips->len - 1).text, "19.0 ms"));
    assert_non_null(find_text(scene, "pointed at"));
    ct_scene_free(scene);
    stage_clear(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_the_order_that_is_asked_for),
        cmocka_unit_test(processes_come_by_the_first_of_their_threads),
        cmocka_unit_test(idle_threads_share_a_row),
        cmocka_unit_test(a_lone_idle_thread_keeps_its_row_and_so_do_all_of_an_idle_program),
        cmocka_unit_test(the_limit_on_rows_counts_none_that_are_idle),
        cmocka_unit_test(a_process_without_a_header_is_called_as_it_calls_itself),
        cmocka_unit_test(low_rows_share_the_names_that_are_alike),
        cmocka_unit_test(the_chart_counts_threads_as_their_intervals_do),
        cmocka_unit_test(a_chart_is_as_high_as_whole_threads),
        cmocka_unit_test(a_chart_is_of_several_threads_and_can_be_left_out),
        cmocka_unit_test(a_wait_in_parts_has_one_label),
        cmocka_unit_test(a_thread_whose_waits_are_lost_is_marked),
        cmocka_unit_test(the_widest_waits_have_tips_where_not_all_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
