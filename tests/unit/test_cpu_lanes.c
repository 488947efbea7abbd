/* On which CPU a thread ran, and who ran instead, asked of the layout: nothing is drawn here. */
#include "scene/layout.h"
#include "timeline_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const double letter_px = 6;

static double measure(void *user, enum ct_scene_style style, const char *text)
{
    (void)user;
    (void)style;
    return letter_px * (double)g_utf8_strlen(text, -1);
}

/* A recording of a second that is being made up, of one process. */
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
        .width_px = 1000,
        .measure = measure,
        .has_tips = TRUE,
        .has_cpu_lanes = TRUE,
    };
    return stage;
}

static struct ct_scene *stage_layout(struct stage *stage)
{
    GError *error = NULL;

    ct_timeline_finish(stage->timeline);
    struct ct_scene *scene = ct_layout_build(&stage->request, &error);
    assert_null(error);
    assert_non_null(scene);
    return scene;
}

static void stage_clear(struct stage *stage, struct ct_scene *scene)
{
    ct_scene_free(scene);
    ct_timeline_free(stage->timeline);
    ct_model_free(stage->model);
}

static const struct ct_scene_residency *residency_at(const struct ct_scene *scene, guint index)
{
    assert_true(index < scene->residencies->len);
    return &g_array_index(scene->residencies, struct ct_scene_residency, index);
}

static const struct ct_scene_row *row_of(const struct ct_scene *scene,
                                         const struct ct_scene_residency *residency)
{
    return &g_array_index(scene->rows, struct ct_scene_row, residency->row);
}

static const struct ct_scene_text *find_text(const struct ct_scene *scene, const char *wanted,
                                             enum ct_scene_style style)
{
    for (guint i = 0; i < scene->texts->len; i++) {
        const struct ct_scene_text *text = &g_array_index(scene->texts, struct ct_scene_text, i);
        if (text->style == style && g_str_equal(text->text, wanted))
            return text;
    }
    return NULL;
}

static gboolean has_tip(const struct ct_scene *scene, const char *wanted)
{
    for (guint i = 0; i < scene->tips->len; i++)
        if (g_str_equal(g_array_index(scene->tips, struct ct_scene_tip, i).text, wanted))
            return TRUE;
    return FALSE;
}

static double x_of(const struct ct_scene *scene, double share)
{
    return scene->plot.x_px + share * scene->plot.width_px;
}

static void assert_spans(const struct ct_scene *scene, const struct ct_scene_residency *residency,
                         double begin, double end)
{
    assert_float_equal(residency->x_px, x_of(scene, begin), 1.5);
    assert_float_equal(residency->x_px + residency->width_px, x_of(scene, end), 1.5);
}

static void a_lane_says_on_which_cpu_the_thread_ran_when(void **state)
{
    (void)state;
    struct stage stage = stage_new();
    struct ct_thread *thread = fixture_thread(stage.model, stage.process, 10, "main");
    fixture_run(stage.timeline, thread, 2, 0, FIXTURE_S / 4);
    fixture_run(stage.timeline, thread, 5, FIXTURE_S / 4, FIXTURE_S / 2);
    fixture_run(stage.timeline, thread, 2, FIXTURE_S * 3 / 4, FIXTURE_S);
    struct ct_scene *scene = stage_layout(&stage);

    assert_int_equal(scene->residencies->len, 3);
    static const struct {
        uint32_t cpu;
        double begin, end;
    } expected[] = {{2, 0, 0.25}, {5, 0.25, 0.5}, {2, 0.75, 1}};
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        const struct ct_scene_residency *residency = residency_at(scene, i);
        const struct ct_scene_row *row = row_of(scene, residency);
        assert_ptr_equal(row->thread, thread);
        assert_int_equal(residency->cpu, expected[i].cpu);
        assert_spans(scene, residency, expected[i].begin, expected[i].end);
        assert_true(residency->y_px >= row->bar_y_px + row->bar_height_px);
        assert_true(residency->y_px + residency->height_px <= row->y_px + row->height_px);
        assert_float_equal(residency->height_px, row->lane_height_px, 1e-9);
    }
    assert_int_equal(residency_at(scene, 0)->tint, residency_at(scene, 2)->tint);
    assert_int_not_equal(residency_at(scene, 0)->tint, residency_at(scene, 1)->tint);

    const struct ct_scene_text *number = find_text(scene, "5", CT_STYLE_CPU);
    assert_non_null(number);
    assert_int_equal(number->row, residency_at(scene, 1)->row);
    assert_int_equal(number->cpu_tint, residency_at(scene, 1)->tint);
    assert_true(number->x_px > residency_at(scene, 1)->x_px);
    assert_true(has_tip(scene, "main (10)\nran on CPU 5"));
    stage_clear(&stage, scene);
}

static void a_lane_is_as_high_as_the_time_that_the_thread_ran(void **state)
{
    (void)state;
    struct stage stage = stage_new();
    struct ct_thread *thread = fixture_thread(stage.model, stage.process, 10, "main");
    for (uint64_t i = 0; i < 10000; i++)
        fixture_run(stage.timeline, thread, 1, i * 100000, i * 100000 + 60000);
    struct ct_scene *scene = stage_layout(&stage);
    double area = 0;
    for (guint i = 0; i < scene->residencies->len; i++) {
        assert_int_equal(residency_at(scene, i)->cpu, 1);
        area += residency_at(scene, i)->width_px * residency_at(scene, i)->height_px;
    }
    double lane = scene->plot.width_px * row_of(scene, residency_at(scene, 0))->lane_height_px;
    assert_float_equal(area / lane, 0.6, 0.08);
    stage_clear(&stage, scene);
}

static void migrations_too_fast_to_show_are_several_cpus(void **state)
{
    (void)state;
    struct stage stage = stage_new();
    struct ct_thread *thread = fixture_thread(stage.model, stage.process, 10, "main");
    fixture_run(stage.timeline, thread, 3, 0, FIXTURE_S / 2);
    for (uint64_t i = 0; i < 100000; i++)
        fixture_run(stage.timeline, thread, i % 4, FIXTURE_S / 2 + i * 5000,
                    FIXTURE_S / 2 + (i + 1) * 5000);
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->residencies->len, 2);
    assert_int_equal(residency_at(scene, 0)->cpu, 3);
    assert_int_not_equal(residency_at(scene, 0)->tint, 0);
    assert_spans(scene, residency_at(scene, 0), 0, 0.5);
    assert_int_equal(residency_at(scene, 1)->tint, 0);
    assert_spans(scene, residency_at(scene, 1), 0.5, 1);
    assert_true(has_tip(scene, "main (10)\nran on several CPUs in turn"));
    assert_non_null(find_text(scene, "several in turn", CT_STYLE_LEGEND));
    stage_clear(&stage, scene);
}

static void a_window_shows_its_part_of_the_lanes(void **state)
{
    (void)state;
    struct stage stage = stage_new();
    struct ct_thread *thread = fixture_thread(stage.model, stage.process, 10, "main");
    struct ct_window window = {FIXTURE_BEGIN_NS + FIXTURE_S / 4, FIXTURE_BEGIN_NS + FIXTURE_S / 2};
    ct_timeline_free(stage.timeline);
    stage.timeline = ct_timeline_new(&window);
    stage.request.timeline = stage.timeline;
    stage.request.window = window;
    stage.request.is_whole = FALSE;
    fixture_run(stage.timeline, thread, 0, 0, FIXTURE_S * 3 / 8);
    fixture_run(stage.timeline, thread, 1, FIXTURE_S * 3 / 4, FIXTURE_S);
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->residencies->len, 1);
    assert_spans(scene, residency_at(scene, 0), 0, 0.5);
    stage_clear(&stage, scene);
}

static void there_are_no_lanes_where_none_are_wanted_or_known(void **state)
{
    (void)state;
    double height_px[3];
    for (int i = 0; i < 3; i++) {
        struct stage stage = stage_new();
        struct ct_thread *thread = fixture_thread(stage.model, stage.process, 10, "main");
        gboolean is_known = i > 0;
        stage.request.has_cpu_lanes = i != 1;
        if (is_known)
            fixture_run(stage.timeline, thread, 0, 0, FIXTURE_S);
        struct ct_scene *scene = stage_layout(&stage);
        const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, 1);
        assert_ptr_equal(row->thread, thread);
        height_px[i] = row->height_px;
        assert_int_equal(scene->residencies->len, i == 2);
        assert_int_equal(find_text(scene, "CPU 0", CT_STYLE_LEGEND) != NULL, i == 2);
        assert_int_equal(row->lane_height_px > 0, i == 2);
        stage_clear(&stage, scene);
    }
    assert_float_equal(height_px[0], height_px[1], 1e-9);
    assert_true(height_px[2] > height_px[1]);
}

/* Threads that never residency: as many residencies as there can be. */
static struct stage busy_scene(void)
{
    struct stage stage = stage_new();
    for (int32_t i = 0; i < 60; i++) {
        struct ct_thread *thread = fixture_thread(stage.model, stage.process, 10 + i, "worker");
        for (uint64_t j = 0; j < 5000; j++)
            fixture_run(stage.timeline, thread, (uint32_t)(j * 7 + (uint64_t)i) % 64, j * 200000,
                        j * 200000 + 20000 + j * 7919 % 150000);
    }
    return stage;
}

static void many_threads_on_many_cpus_stay_within_bounds(void **state)
{
    (void)state;
    struct stage stage = busy_scene();
    struct ct_scene *scene = stage_layout(&stage);
    guint all = scene->residencies->len;
    assert_true(all > 1000);
    assert_true(all <= 60 * scene->plot.width_px);
    for (guint i = 0; i < all; i++) {
        const struct ct_scene_residency *residency = residency_at(scene, i);
        const struct ct_scene_row *row = row_of(scene, residency);
        assert_true(residency->x_px >= scene->plot.x_px);
        assert_true(residency->x_px + residency->width_px <=
                    scene->plot.x_px + scene->plot.width_px);
        assert_true(residency->y_px >= row->lane_y_px);
        assert_true(residency->y_px + residency->height_px <= row->lane_y_px + row->lane_height_px);
    }
    guint numbers = 0;
    for (guint i = 0; i < scene->texts->len; i++)
        numbers += g_array_index(scene->texts, struct ct_scene_text, i).style == CT_STYLE_CPU;
    assert_true(numbers <= 1000);
    /* Sixty-four CPUs have nine colours. */
    assert_non_null(find_text(scene, "CPU 0, 9, …", CT_STYLE_LEGEND));
    ct_scene_free(scene);

    stage.request.box_limit = 2000;
    scene = stage_layout(&stage);
    assert_true(scene->residencies->len < all / 4);
    stage_clear(&stage, scene);
}

static void a_preempted_thread_says_who_ran_instead(void **state)
{
    (void)state;
    struct stage stage = stage_new();
    struct ct_thread *thread = fixture_thread(stage.model, stage.process, 10, "main");
    char name[] = "hog";
    struct ct_interval line =
        fixture_wait(thread, CT_OP_NONE, CT_CLASS_RUNNABLE, FIXTURE_S / 4, FIXTURE_S / 2);
    line.preempted_by = name;
    fixture_send(stage.timeline, line);
    /* Room for no more than a few letters. */
    line = fixture_wait(thread, CT_OP_NONE, CT_CLASS_RUNNABLE, FIXTURE_MS * 600, FIXTURE_MS * 670);
    line.preempted_by = name;
    fixture_send(stage.timeline, line);
    fixture_send(stage.timeline,
                 fixture_wait(thread, CT_OP_NONE, CT_CLASS_RUNNABLE, FIXTURE_S * 3 / 4, FIXTURE_S));
    memset(name, 'x', sizeof(name) - 1);
    struct ct_scene *scene = stage_layout(&stage);
    const struct ct_scene_text *label = find_text(scene, "hog ran instead", CT_STYLE_BOX);
    assert_non_null(label);
    assert_int_equal(label->class, CT_CLASS_RUNNABLE);
    assert_float_equal(label->x_px, x_of(scene, 0.25), 10);
    label = find_text(scene, "hog ran", CT_STYLE_BOX);
    assert_non_null(label);
    assert_float_equal(label->x_px, x_of(scene, 0.6), 10);
    label = find_text(scene, "runnable", CT_STYLE_BOX);
    assert_non_null(label);
    assert_float_equal(label->x_px, x_of(scene, 0.75), 10);
    assert_true(has_tip(scene, "main (10)\nrunnable\n250 ms, from 250 ms on\nhog ran instead"));
    assert_true(has_tip(scene, "main (10)\nrunnable\n250 ms, from 750 ms on"));
    stage_clear(&stage, scene);
}

static void the_pointer_on_a_cpu_brings_up_its_thread(void **state)
{
    (void)state;
    struct stage stage = stage_new();
    struct ct_thread *thread = fixture_thread(stage.model, stage.process, 10, "main");
    fixture_run(stage.timeline, thread, 4, FIXTURE_S / 4, FIXTURE_S / 2);
    struct ct_scene *scene = stage_layout(&stage);
    assert_true(has_tip(scene, "main (10)\nran on CPU 4\n250 ms, from 250 ms on"));
    stage_clear(&stage, scene);
}

static void the_legend_keeps_its_colours_when_no_arrow_is_drawn(void **state)
{
    (void)state;
    struct stage stage = stage_new();
    struct ct_thread *thread = fixture_thread(stage.model, stage.process, 10, "main");
    struct ct_thread *other = fixture_thread(stage.model, stage.process, 11, "other");
    struct ct_interval wait =
        fixture_wait(thread, CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, 0, FIXTURE_S / 2);
    wait.waker = other;
    wait.wake_ns = wait.end_ns;
    fixture_send(stage.timeline, wait);
    fixture_run(stage.timeline, thread, 0, FIXTURE_S / 2, FIXTURE_S);
    static const char *const only[] = {"main", NULL};
    stage.request.filter.thread_globs = only;
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->arrows->len, 0);
    gboolean has_cpu = FALSE;
    for (guint i = 0; i < scene->legend->len; i++) {
        const struct ct_scene_legend_item *item =
            &g_array_index(scene->legend, struct ct_scene_legend_item, i);
        assert_false(item->is_arrow_sample);
        has_cpu |= item->is_cpu_sample && item->cpu_tint == residency_at(scene, 0)->tint;
    }
    assert_true(has_cpu);
    stage_clear(&stage, scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_says_on_which_cpu_the_thread_ran_when),
        cmocka_unit_test(a_lane_is_as_high_as_the_time_that_the_thread_ran),
        cmocka_unit_test(migrations_too_fast_to_show_are_several_cpus),
        cmocka_unit_test(a_window_shows_its_part_of_the_lanes),
        cmocka_unit_test(there_are_no_lanes_where_none_are_wanted_or_known),
        cmocka_unit_test(many_threads_on_many_cpus_stay_within_bounds),
        cmocka_unit_test(a_preempted_thread_says_who_ran_instead),
        cmocka_unit_test(the_pointer_on_a_cpu_brings_up_its_thread),
        cmocka_unit_test(the_legend_keeps_its_colours_when_no_arrow_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
