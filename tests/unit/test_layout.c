/* Where things are in a picture, asked of the layout: nothing is drawn here. */
#include "scene/layout.h"
#include "scene/ticks.h"
#include "timeline_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const double letter_px = 6;

static double measure(void *user, enum ct_scene_style style, const char *text)
{
    (void)user;
    (void)style;
    return letter_px * g_utf8_strlen(text, -1);
}

/* A recording that is being made up. */
struct stage {
    struct ct_model *model;
    struct ct_timeline *timeline;
    struct ct_scene_request request;
};

static struct stage stage_new(uint64_t length_ns)
{
    struct stage stage = {fixture_model("./app", length_ns), ct_timeline_new(NULL), {0}};
    stage.request = (struct ct_scene_request){
        .model = stage.model,
        .timeline = stage.timeline,
        .window = {stage.model->begin_ns, stage.model->end_ns},
        .is_whole = TRUE,
        .filter = {.row_limit = CT_SCENE_DEFAULT_ROWS},
        .width_px = 1000,
        .measure = measure,
    };
    return stage;
}

static struct ct_scene *stage_layout(struct stage *stage)
{
    ct_timeline_finish(stage->timeline);
    GError *error = NULL;
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

static const struct ct_scene_box *box_at(const struct ct_scene *scene, guint index)
{
    assert_true(index < scene->boxes->len);
    return &g_array_index(scene->boxes, struct ct_scene_box, index);
}

static const struct ct_scene_row *row_at(const struct ct_scene *scene, guint index)
{
    assert_true(index < scene->rows->len);
    return &g_array_index(scene->rows, struct ct_scene_row, index);
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

static double class_area(const struct ct_scene *scene, enum ct_class class)
{
    double area = 0;
    for (guint i = 0; i < scene->boxes->len; i++)
        if (box_at(scene, i)->class == class)
            area += box_at(scene, i)->width_px * box_at(scene, i)->height_px;
    return area;
}

static double x_of(const struct ct_scene *scene, double share)
{
    return scene->plot.x_px + share * scene->plot.width_px;
}

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%g is not within %g of %g", a, tolerance, b);
}

static void a_wait_is_a_box_between_running(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_thread *thread =
        fixture_thread(stage.model, fixture_process(stage.model, 10, "app"), 10, "main");
    fixture_send(stage.timeline,
                 fixture_wait(thread, CT_OP_RECV, CT_CLASS_NET, FIXTURE_S / 4, FIXTURE_S * 3 / 4));
    struct ct_scene *scene = stage_layout(&stage);

    assert_int_equal(scene->boxes->len, 3);
    for (guint i = 0; i < 3; i++) {
        const struct ct_scene_box *box = box_at(scene, i);
        const struct ct_scene_row *row = row_at(scene, box->row);
        assert_ptr_equal(row->thread, thread);
        assert_near(box->y_px, row->bar_y_px, 0);
        assert_near(box->height_px, row->bar_height_px, 0);
        if (box->class != CT_CLASS_NET)
            continue;
        assert_near(box->x_px, x_of(scene, 0.25), 1);
        assert_near(box->x_px + box->width_px, x_of(scene, 0.75), 1);
        assert_true(box->wait);
    }
    const struct ct_scene_text *label = find_text(scene, "recv fd 0");
    assert_non_null(label);
    assert_true(label->x_px > x_of(scene, 0.25));
    stage_clear(&stage, scene);
}

static void boxes_of_a_row_never_overlap_and_fill_its_life(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_thread *thread =
        fixture_thread(stage.model, fixture_process(stage.model, 10, "app"), 10, "main");
    for (uint64_t i = 0; i < 20000; i++)
        fixture_send(stage.timeline, fixture_wait(thread, CT_OP_READ, CT_CLASS_NET + i % 4,
                                                  i * 50000, i * 50000 + 1000 + i * 7919 % 48000));
    struct ct_scene *scene = stage_layout(&stage);
    double area = 0;
    for (int class = 0; class < CT_CLASS_COUNT; class ++)
        area += class_area(scene, class);
    assert_near(area, scene->plot.width_px * row_at(scene, 1)->bar_height_px, 0.5);
    for (guint i = 0; i < scene->boxes->len; i++)
        for (guint j = i + 1; j < scene->boxes->len && j < i + 60; j++) {
            const struct ct_scene_box *a = box_at(scene, i), *b = box_at(scene, j);
            assert_false(a->x_px < b->x_px + b->width_px && b->x_px < a->x_px + a->width_px &&
                         a->y_px < b->y_px + b->height_px && b->y_px < a->y_px + a->height_px);
        }
    stage_clear(&stage, scene);
}

static void a_short_wait_is_never_hidden(void **state)
{
    (void)state;
    struct stage stage = stage_new(10 * FIXTURE_S);
    struct ct_thread *thread =
        fixture_thread(stage.model, fixture_process(stage.model, 10, "app"), 10, "main");
    fixture_send(stage.timeline, fixture_wait(thread, CT_OP_RECV, CT_CLASS_NET, 0, 5 * FIXTURE_S));
    fixture_send(stage.timeline, fixture_wait(thread, CT_OP_MUTEX_LOCK, CT_CLASS_SYNC,
                                              5 * FIXTURE_S + 100, 5 * FIXTURE_S + 300));
    fixture_send(stage.timeline, fixture_wait(thread, CT_OP_RECV, CT_CLASS_NET, 5 * FIXTURE_S + 400,
                                              10 * FIXTURE_S));
    struct ct_scene *scene = stage_layout(&stage);
    assert_true(class_area(scene, CT_CLASS_SYNC) >= 1);
    stage_clear(&stage, scene);
}

static void shares_of_a_column_follow_time(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_thread *thread =
        fixture_thread(stage.model, fixture_process(stage.model, 10, "app"), 10, "main");
    for (uint64_t i = 0; i < 100000; i++)
        fixture_send(stage.timeline, fixture_wait(thread, CT_OP_READ, CT_CLASS_SYSCALL, i * 10000,
                                                  i * 10000 + 7500));
    struct ct_scene *scene = stage_layout(&stage);
    double bar = scene->plot.width_px * row_at(scene, 1)->bar_height_px;
    assert_near(class_area(scene, CT_CLASS_SYSCALL) / bar, 0.75, 0.06);
    assert_near(class_area(scene, CT_CLASS_RUNNING) / bar, 0.25, 0.06);
    stage_clear(&stage, scene);
}

static void before_start_and_after_exit_is_empty(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_thread *thread =
        fixture_thread(stage.model, fixture_process(stage.model, 10, "app"), 10, "main");
    thread->start_ns += FIXTURE_S / 2;
    thread->end_ns -= FIXTURE_S / 4;
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->boxes->len, 1);
    assert_near(box_at(scene, 0)->x_px, x_of(scene, 0.5), 1);
    assert_near(box_at(scene, 0)->x_px + box_at(scene, 0)->width_px, x_of(scene, 0.75), 1);
    stage_clear(&stage, scene);
}

static void a_wait_open_at_the_end_is_marked(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_thread *thread =
        fixture_thread(stage.model, fixture_process(stage.model, 10, "app"), 10, "main");
    struct ct_interval wait =
        fixture_wait(thread, CT_OP_COND_WAIT, CT_CLASS_SYNC, FIXTURE_S / 2, FIXTURE_S);
    wait.is_open = TRUE;
    fixture_send(stage.timeline, wait);
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->open_ends->len, 1);
    const struct ct_scene_rectangle *end =
        &g_array_index(scene->open_ends, struct ct_scene_rectangle, 0);
    assert_near(end->x_px + end->width_px, x_of(scene, 1), 1);
    assert_near(end->width_px, CT_OPEN_END_PX, 1e-6);
    assert_near(end->y_px, row_at(scene, 1)->bar_y_px, 1e-6);
    assert_non_null(find_text(scene, "still waiting"));
    stage_clear(&stage, scene);
}

/* Between the kill and its death it ran, and waited in the kernel once more. */
static void the_end_of_a_wait_that_was_killed_is_marked_whatever_its_last_part(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_thread *thread =
        fixture_thread(stage.model, fixture_process(stage.model, 10, "app"), 10, "main");
    struct ct_interval wait =
        fixture_wait(thread, CT_OP_COND_WAIT, CT_CLASS_SYNC, FIXTURE_S / 2, FIXTURE_S * 3 / 4);
    wait.is_open = TRUE;
    wait.end_ns -= FIXTURE_S / 100;
    fixture_send(stage.timeline, wait);
    wait.previous_end_ns = wait.end_ns;
    wait.begin_ns = wait.end_ns + FIXTURE_S / 200;
    wait.end_ns = wait.begin_ns + FIXTURE_S / 1000;
    fixture_send(stage.timeline, wait);
    stage.request.has_tips = TRUE;
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->open_ends->len, 1);
    const struct ct_scene_rectangle *end =
        &g_array_index(scene->open_ends, struct ct_scene_rectangle, 0);
    assert_near(end->x_px + end->width_px, x_of(scene, 0.75), 1);
    const struct ct_scene_tip *tip = &g_array_index(scene->tips, struct ct_scene_tip, 0);
    assert_non_null(strstr(tip->text, "250 ms, from 500 ms on: still waiting at the end\n"
                                      "here 240 ms, from 500 ms on"));
    ct_scene_free(scene);

    stage.request.window.end_ns = FIXTURE_BEGIN_NS + FIXTURE_S * 7 / 10;
    stage.request.is_whole = FALSE;
    scene = stage_layout(&stage);
    assert_int_equal(scene->open_ends->len, 0);
    assert_null(find_text(scene, "still waiting"));
    stage_clear(&stage, scene);
}

static void rows_group_by_process_with_the_main_thread_first(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *second = fixture_process(stage.model, 20, "second");
    struct ct_process *first = fixture_process(stage.model, 90, "first");
    second->start_ns += 1000;
    struct ct_thread *early = fixture_thread(stage.model, second, 19, "early");
    struct ct_thread *second_main = fixture_thread(stage.model, second, 20, "second");
    second_main->start_ns += 500;
    struct ct_thread *late = fixture_thread(stage.model, first, 91, "late");
    struct ct_thread *first_main = fixture_thread(stage.model, first, 90, "first");
    late->start_ns += 2000;
    struct ct_scene *scene = stage_layout(&stage);

    const struct ct_thread *expected[] = {NULL, first_main, late, NULL, second_main, early};
    assert_int_equal(scene->rows->len, G_N_ELEMENTS(expected));
    for (guint i = 0; i < scene->rows->len; i++) {
        assert_ptr_equal(row_at(scene, i)->thread, expected[i]);
        assert_ptr_equal(row_at(scene, i)->process, i < 3 ? first : second);
        if (i > 0)
            assert_true(row_at(scene, i)->y_px >=
                        row_at(scene, i - 1)->y_px + row_at(scene, i - 1)->height_px);
    }
    stage_clear(&stage, scene);
}

static void many_processes_of_one_thread_have_no_headers(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    for (int i = 0; i < 40; i++)
        fixture_thread(stage.model, fixture_process(stage.model, i + 1, "sh"), i + 1, "sh");
    struct ct_process *server = fixture_process(stage.model, 100, "server");
    fixture_thread(stage.model, server, 100, "main");
    fixture_thread(stage.model, server, 101, "worker");
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->rows->len, 40 + 1 + 2);
    assert_null(row_at(scene, 40)->thread);
    assert_ptr_equal(row_at(scene, 40)->process, server);
    stage_clear(&stage, scene);
}

static void the_busiest_threads_have_rows_and_the_rest_is_counted(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    struct ct_thread *busy = NULL;
    for (int i = 0; i < 1000; i++) {
        struct ct_thread *thread = fixture_thread(stage.model, process, i + 1, "worker");
        if (i == 700)
            busy = thread;
        else
            fixture_send(stage.timeline, fixture_wait(thread, CT_OP_NANOSLEEP, CT_CLASS_SLEEP, 0,
                                                      FIXTURE_S - 1000 * i));
    }
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->rows->len, 1 + CT_SCENE_DEFAULT_ROWS);
    assert_int_equal(scene->folded_threads, 936);
    assert_non_null(find_text(scene, "… and 936 more threads"));
    gboolean has_busy = FALSE;
    for (guint i = 0; i < scene->rows->len; i++)
        has_busy |= row_at(scene, i)->thread == busy;
    assert_true(has_busy);
    stage_clear(&stage, scene);
}

static void rows_shrink_below_the_height_limit_and_then_fail(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    for (int i = 0; i < 3000; i++)
        fixture_thread(stage.model, process, i + 1, "worker");
    stage.request.filter.row_limit = CT_SCENE_ALL_ROWS;
    stage.request.height_limit_px = 32767;
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->rows->len, 3001);
    assert_true(scene->height_px <= 32767);
    ct_scene_free(scene);

    stage.request.height_limit_px = 5000;
    GError *error = NULL;
    assert_null(ct_layout_build(&stage.request, &error));
    assert_true(g_error_matches(error, CT_LAYOUT_ERROR, CT_LAYOUT_ERROR_TOO_TALL));
    g_error_free(error);

    stage.request.height_limit_px = 0;
    scene = stage_layout(&stage);
    stage_clear(&stage, scene);
}

static void a_filter_that_matches_nothing_says_so(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    fixture_thread(stage.model, process, 1, "main");
    fixture_thread(stage.model, process, 2, "worker-7");
    const char *const worker[] = {"work*", NULL}, *const number[] = {"2", NULL},
                      *const nobody[] = {"nobody", NULL};
    stage.request.filter.thread_globs = worker;
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->rows->len, 2);
    ct_scene_free(scene);
    stage.request.filter.thread_globs = number;
    scene = stage_layout(&stage);
    assert_int_equal(row_at(scene, 1)->thread->tid, 2);

    stage.request.filter.process_globs = nobody;
    GError *error = NULL;
    assert_null(ct_layout_build(&stage.request, &error));
    assert_true(g_error_matches(error, CT_LAYOUT_ERROR, CT_LAYOUT_ERROR_NO_THREADS));
    g_error_free(error);
    stage_clear(&stage, scene);
}

/* A hand-over each `period_ns`, with waits of nine tenths of it. */
static struct stage relay(uint64_t length_ns, uint64_t period_ns)
{
    struct stage stage = stage_new(length_ns);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    struct ct_thread *threads[2] = {fixture_thread(stage.model, process, 1, "a"),
                                    fixture_thread(stage.model, process, 2, "b")};
    for (uint64_t i = 0; (i + 1) * period_ns <= length_ns; i++) {
        struct ct_interval wait = fixture_wait(threads[i % 2], CT_OP_MUTEX_LOCK, CT_CLASS_SYNC,
                                               i * period_ns, i * period_ns + period_ns * 9 / 10);
        wait.object = 0xabcd;
        wait.waker = threads[1 - i % 2];
        wait.wake_ns = wait.end_ns - period_ns / 100;
        fixture_send(stage.timeline, wait);
    }
    return stage;
}

static void an_arrow_leads_from_waker_to_waiter(void **state)
{
    (void)state;
    struct stage stage = relay(FIXTURE_S, FIXTURE_S / 10);
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->arrows->len, 10);
    const struct ct_scene_arrow *arrow = &g_array_index(scene->arrows, struct ct_scene_arrow, 0);
    assert_int_equal(row_at(scene, arrow->from_row)->thread->tid, 2);
    assert_int_equal(row_at(scene, arrow->to_row)->thread->tid, 1);
    assert_near(arrow->from_x_px, x_of(scene, 0.089), 0.01);
    assert_near(arrow->to_x_px, x_of(scene, 0.09), 0.01);
    assert_non_null(find_text(scene, "wakes"));
    stage_clear(&stage, scene);
}

static void the_path_goes_from_row_to_row(void **state)
{
    (void)state;
    struct stage stage = relay(FIXTURE_S, FIXTURE_S / 10);
    const struct ct_thread *first = stage.request.model->threads->pdata[0];
    const struct ct_thread *second = stage.request.model->threads->pdata[1];
    const uint64_t begin_ns = stage.request.window.begin_ns;
    const struct ct_scene_path_step steps[] = {
        {first, begin_ns, begin_ns + FIXTURE_S / 4},
        {NULL, begin_ns + FIXTURE_S / 4, begin_ns + FIXTURE_S / 2},
        {second, begin_ns + FIXTURE_S / 2, begin_ns + FIXTURE_S},
    };
    g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(steps[0]));

    g_array_append_vals(path, steps, G_N_ELEMENTS(steps));
    stage.request.path = path;
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->path->len, 2);
    const struct ct_scene_path_line *lines = (struct ct_scene_path_line *)scene->path->data;
    assert_ptr_equal(row_at(scene, lines[0].row)->thread, first);
    assert_ptr_equal(row_at(scene, lines[1].row)->thread, second);
    assert_near(lines[0].end_x_px, x_of(scene, 0.25), 0.01);
    assert_near(lines[1].begin_x_px, x_of(scene, 0.5), 0.01);
    assert_near(lines[1].y_px, row_at(scene, lines[1].row)->bar_y_px, 0.01);
    assert_non_null(find_text(scene, "critical path"));
    stage_clear(&stage, scene);
}

static void arrows_keep_their_distance(void **state)
{
    (void)state;
    struct stage stage = relay(FIXTURE_S, FIXTURE_S / 110);
    struct ct_scene *scene = stage_layout(&stage);
    assert_true(scene->arrows->len > 10);
    for (guint i = 1; i < scene->arrows->len; i++) {
        const struct ct_scene_arrow *arrows = (struct ct_scene_arrow *)scene->arrows->data;
        assert_true(arrows[i].from_x_px - arrows[i - 1].to_x_px >= 12);
    }
    stage_clear(&stage, scene);
}

static void one_wake_of_many_is_a_fan_of_arrows(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    struct ct_thread *waker = fixture_thread(stage.model, process, 1, "waker");
    for (int i = 0; i < 5; i++) {
        struct ct_thread *thread = fixture_thread(stage.model, process, 2 + i, "worker");
        struct ct_interval wait =
            fixture_wait(thread, CT_OP_COND_WAIT, CT_CLASS_SYNC, 0, FIXTURE_S / 2 + i * 1000);
        wait.waker = waker;
        wait.wake_ns = FIXTURE_BEGIN_NS + FIXTURE_S / 2 - 1000;
        fixture_send(stage.timeline, wait);
    }
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->arrows->len, 5);
    stage_clear(&stage, scene);
}

static void there_are_no_arrows_where_none_can_be_read(void **state)
{
    (void)state;
    struct stage stage = relay(FIXTURE_S, FIXTURE_MS);
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->arrows->len, 0);
    assert_null(find_text(scene, "wakes"));
    for (guint i = 0; i < scene->legend->len; i++)
        assert_false(g_array_index(scene->legend, struct ct_scene_legend_item, i).is_arrow_sample);
    stage_clear(&stage, scene);
}

static void labels_fit_their_boxes_and_avoid_arrows(void **state)
{
    (void)state;
    struct stage stage = relay(FIXTURE_S, FIXTURE_S / 8);
    struct ct_scene *scene = stage_layout(&stage);
    int label_count = 0;
    for (guint i = 0; i < scene->texts->len; i++) {
        const struct ct_scene_text *text = &g_array_index(scene->texts, struct ct_scene_text, i);
        if (text->style != CT_STYLE_BOX)
            continue;
        label_count++;
        double end_px = text->x_px + measure(NULL, text->style, text->text);
        assert_true(measure(NULL, text->style, text->text) <= text->width_px);
        for (guint j = 0; j < scene->arrows->len; j++) {
            const struct ct_scene_arrow *arrow =
                &g_array_index(scene->arrows, struct ct_scene_arrow, j);
            assert_false(arrow->from_row == text->row && arrow->from_x_px > text->x_px &&
                         arrow->from_x_px < end_px);
        }
    }
    assert_true(label_count > 0);
    stage_clear(&stage, scene);
}

static void a_label_gives_way_to_an_arrow_that_crosses_its_box(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    struct ct_thread *waker = fixture_thread(stage.model, process, 1, "waker");
    struct ct_thread *between = fixture_thread(stage.model, process, 2, "between");
    struct ct_thread *waiter = fixture_thread(stage.model, process, 3, "waiter");
    fixture_send(stage.timeline,
                 fixture_wait(between, CT_OP_FSYNC, CT_CLASS_SYSCALL, 0, FIXTURE_S));
    struct ct_interval wait =
        fixture_wait(waiter, CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, 0, FIXTURE_S / 20);
    wait.waker = waker;
    wait.wake_ns = wait.end_ns;
    fixture_send(stage.timeline, wait);
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->arrows->len, 1);
    const struct ct_scene_text *label = find_text(scene, "fsync");
    assert_non_null(label);
    assert_true(label->x_px > x_of(scene, 0.05));
    stage_clear(&stage, scene);
}

static const char *find_variable(void *user, const struct ct_process *process,
                                 const struct ct_timeline_wait *wait)
{
    (void)user;
    (void)process;
    return wait->object == 0x601040 ? "queue_lock" : NULL;
}

static GPtrArray *find_frames(void *user, const struct ct_process *process, uint32_t stack_id)
{
    GPtrArray *frames = g_ptr_array_new();
    (void)user;
    (void)process;
    if (stack_id == 7)
        g_ptr_array_add(frames, "serve (server.c:31)");
    return frames;
}

static const struct ct_scene_names names = {find_variable, find_frames, NULL};

static void labels_name_what_a_wait_is_on(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    struct ct_thread *thread = fixture_thread(stage.model, process, 1, "app");
    fixture_thread(stage.model, process, 2, "worker-1");
    struct ct_fd log = {.fd = 4, .kind = CT_FD_KIND_FILE, .peer = ""};
    log.local = "/a/path/that/is/too/long/for/the/box/app.log";
    struct {
        enum ct_op op;
        uint64_t object;
        const struct ct_fd *fd;
        const char *label;
    } waits[] = {
        {CT_OP_MUTEX_LOCK, 0x601040, NULL, "mutex_lock queue_lock"},
        {CT_OP_MUTEX_LOCK, 0x7f0012, NULL, "mutex_lock …0012"},
        {CT_OP_THREAD_JOIN, 2, NULL, "join worker-1"},
        {CT_OP_READ, 4, &log, "read …/app.log"},
    };
    stage.request.names = &names;
    for (guint i = 0; i < G_N_ELEMENTS(waits); i++) {
        struct ct_interval wait =
            fixture_wait(thread, waits[i].op, CT_CLASS_SYNC, i * FIXTURE_S / 5,
                         i * FIXTURE_S / 5 + FIXTURE_S / 6);
        wait.object = waits[i].object;
        wait.fd = waits[i].fd;
        fixture_send(stage.timeline, wait);
    }
    struct ct_scene *scene = stage_layout(&stage);
    for (guint i = 0; i < G_N_ELEMENTS(waits); i++)
        assert_non_null(find_text(scene, waits[i].label));
    assert_null(find_text(scene, "/a/path"));
    stage_clear(&stage, scene);
}

static void a_label_stands_where_its_wait_begins(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    struct ct_thread *waker = fixture_thread(stage.model, process, 1, "waker");
    struct ct_thread *between = fixture_thread(stage.model, process, 2, "between");
    struct ct_thread *waiter = fixture_thread(stage.model, process, 3, "waiter");
    fixture_send(stage.timeline,
                 fixture_wait(between, CT_OP_FSYNC, CT_CLASS_SYSCALL, 0, FIXTURE_S));
    struct ct_interval wait =
        fixture_wait(waiter, CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, 0, FIXTURE_S / 4);
    wait.waker = waker;
    wait.wake_ns = wait.end_ns;
    fixture_send(stage.timeline, wait);
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->arrows->len, 1);
    assert_true(find_text(scene, "fsync")->x_px < x_of(scene, 0.05));
    stage_clear(&stage, scene);
}

static void a_tip_tells_all_about_its_wait(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    struct ct_thread *waker = fixture_thread(stage.model, process, 1, "waker");
    struct ct_thread *waiter = fixture_thread(stage.model, process, 3, "wai\nter");
    struct ct_interval wait =
        fixture_wait(waiter, CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, FIXTURE_S / 4, FIXTURE_S / 2);
    wait.object = 0x601040;
    wait.stack_id = 7;
    wait.waker = waker;
    wait.wake_ns = wait.end_ns;
    fixture_send(stage.timeline, wait);
    fixture_send(stage.timeline, fixture_wait(waiter, CT_OP_READ, CT_CLASS_NET, FIXTURE_S * 3 / 4,
                                              FIXTURE_S * 3 / 4 + FIXTURE_MS));
    stage.request.names = &names;
    stage.request.has_tips = TRUE;
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->tips->len, 1);
    const struct ct_scene_tip *tip = &g_array_index(scene->tips, struct ct_scene_tip, 0);
    assert_string_equal(tip->text, "wai ter (3)\n"
                                   "pthread_mutex_lock on mutex 0x601040 (queue_lock)\n"
                                   "250 ms, from 250 ms on\n"
                                   "woken by waker (1)\n"
                                   "  serve (server.c:31)");
    assert_near(tip->area.x_px, x_of(scene, 0.25), 1);
    assert_near(tip->area.x_px + tip->area.width_px, x_of(scene, 0.5), 1);
    stage_clear(&stage, scene);
}

/* In a picture of a part, too, a tip is about all of the wait. */
static void a_tip_tells_the_whole_wait_and_what_of_it_is_in_the_picture(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 1, "app");
    struct ct_thread *holder = fixture_thread(stage.model, process, 1, "holder");
    struct ct_thread *waiter = fixture_thread(stage.model, process, 2, "waiter");
    struct ct_interval wait =
        fixture_wait(waiter, CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, FIXTURE_S / 10, FIXTURE_S * 9 / 10);
    wait.owner_tid = holder->tid;
    wait.waker = holder;
    wait.wake_ns = wait.end_ns;
    stage.request.window = (struct ct_window){FIXTURE_BEGIN_NS + FIXTURE_S / 2,
                                              FIXTURE_BEGIN_NS + FIXTURE_S * 11 / 20};
    stage.request.is_whole = FALSE;
    stage.request.has_tips = TRUE;
    ct_timeline_free(stage.timeline);
    stage.timeline = ct_timeline_new(&stage.request.window);
    stage.request.timeline = stage.timeline;
    fixture_send(stage.timeline, wait);
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->arrows->len, 0);
    const struct ct_scene_tip *tip =
        &g_array_index(scene->tips, struct ct_scene_tip, scene->tips->len - 1);
    assert_string_equal(tip->text, "waiter (2)\n"
                                   "pthread_mutex_lock on mutex 0x0\n"
                                   "800 ms, from 100 ms on\n"
                                   "here 50.0 ms, from 500 ms on\n"
                                   "held by holder (1) when it began\n"
                                   "woken by holder (1)");
    stage_clear(&stage, scene);
}

static void columns_widen_to_stay_below_the_box_limit(void **state)
{
    (void)state;
    struct stage stage = relay(FIXTURE_S, FIXTURE_S / 3000);
    struct ct_scene *scene = stage_layout(&stage);
    guint all = scene->boxes->len;
    ct_scene_free(scene);
    stage.request.box_limit = all / 2;
    scene = stage_layout(&stage);
    assert_true(scene->column_px > 1 && scene->column_px <= 8);
    assert_true(scene->boxes->len < all);
    assert_non_null(find_text(scene, "is drawn as one"));
    stage_clear(&stage, scene);
}

static void an_empty_recording_is_a_picture_that_says_so(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->rows->len, 0);
    assert_non_null(find_text(scene, "No thread was recorded"));
    stage_clear(&stage, scene);
}

static void a_recording_of_no_length_has_rows_and_no_boxes(void **state)
{
    (void)state;
    struct stage stage = stage_new(0);
    fixture_thread(stage.model, fixture_process(stage.model, 1, "app"), 1, "main");
    struct ct_scene *scene = stage_layout(&stage);
    assert_int_equal(scene->rows->len, 2);
    assert_int_equal(scene->boxes->len, 0);
    stage_clear(&stage, scene);
}

static void losses_are_in_the_picture(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    fixture_thread(stage.model, fixture_process(stage.model, 1, "app"), 1, "main");
    stage.model->capture.is_complete = FALSE;
    stage.model->capture.events_lost = 12345;
    stage.model->capture.kernel_events_lost = 931;
    stage.model->capture.waits_lost = 1;
    struct ct_scene *scene = stage_layout(&stage);
    const struct ct_scene_text *lost = find_text(scene, "12,345 events were lost");
    assert_non_null(lost);
    assert_int_equal(lost->style, CT_STYLE_WARNING);
    assert_non_null(find_text(scene, "1 wait was lost"));
    assert_non_null(find_text(scene, "931 kernel events were lost"));
    assert_non_null(find_text(scene, "cut off"));
    stage_clear(&stage, scene);
}

static void what_the_foot_says_is_never_cut(void **state)
{
    (void)state;
    struct stage stage = stage_new(1000);
    stage.request.width_px = 300;
    stage.model->capture.is_complete = FALSE;
    stage.model->capture.kernel_events_lost = 3;
    struct ct_scene *scene = stage_layout(&stage);

    g_autoptr(GString) foot = g_string_new(NULL);
    for (guint i = 0; i < scene->texts->len; i++) {
        const struct ct_scene_text *text = &g_array_index(scene->texts, struct ct_scene_text, i);
        if (text->style != CT_STYLE_WARNING)
            continue;
        assert_true(measure(NULL, text->style, text->text) <= text->width_px);
        g_string_append_printf(foot, "%s|", text->text);
    }
    assert_string_equal(foot->str, "The recording was cut off: its last part|is missing.|"
                                   "3 kernel events were lost for lack of|buffer space.|");
    stage_clear(&stage, scene);
}

static void names_that_are_no_text_are_made_one_line_of_it(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    fixture_thread(stage.model, fixture_process(stage.model, 1, "app"), 1, "a\xff\nb\x1b[2J");
    struct ct_scene *scene = stage_layout(&stage);
    for (guint i = 0; i < scene->texts->len; i++) {
        const char *text = g_array_index(scene->texts, struct ct_scene_text, i).text;
        assert_true(g_utf8_validate(text, -1, NULL));
        assert_null(strpbrk(text, "\n\x1b"));
    }
    stage_clear(&stage, scene);
}

/* A time that may be anything, but often lies near the recording. */
static uint64_t any_time(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t number = *state >> 11;
    switch (*state >> 61) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX - number % 3;
    case 2:
        return number << 11;
    default:
        return FIXTURE_BEGIN_NS + number % (2 * FIXTURE_S);
    }
}

static void times_that_make_no_sense_still_give_a_picture(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 150; round++) {
        struct stage stage = stage_new(FIXTURE_S);
        stage.model->begin_ns = any_time(&seed);
        stage.model->end_ns = any_time(&seed);
        stage.model->epoch_offset_ns = (int64_t)any_time(&seed);
        struct ct_process *process = fixture_process(stage.model, 1, "app");
        struct ct_thread *threads[3];
        for (int i = 0; i < 3; i++) {
            threads[i] = fixture_thread(stage.model, process, i, "thread");
            threads[i]->start_ns = any_time(&seed);
            threads[i]->end_ns = any_time(&seed);
        }
        for (int i = 0; i < 900; i++) {
            struct ct_interval wait =
                fixture_wait(threads[i % 3], CT_OP_READ, i % CT_CLASS_COUNT, 0, 0);
            wait.begin_ns = any_time(&seed);
            wait.end_ns = any_time(&seed);
            wait.waker = threads[(i + 1) % 3];
            wait.wake_ns = any_time(&seed);
            wait.weight = i % 5 ? 1 : (double)any_time(&seed);
            wait.is_open = i % 7 == 0;
            fixture_send(stage.timeline, wait);
        }
        stage.request.window.begin_ns = stage.model->begin_ns;
        stage.request.window.end_ns = MAX(stage.model->begin_ns, stage.model->end_ns);
        struct ct_scene *scene = stage_layout(&stage);
        for (guint i = 0; i < scene->boxes->len; i++) {
            const struct ct_scene_box *box = box_at(scene, i);
            const struct ct_scene_row *row = row_at(scene, box->row);
            assert_true(box->x_px >= scene->plot.x_px);
            assert_true(box->x_px + box->width_px <= scene->plot.x_px + scene->plot.width_px);
            assert_true(box->y_px >= row->bar_y_px);
            assert_true(box->y_px + box->height_px <= row->bar_y_px + row->bar_height_px);
        }
        stage_clear(&stage, scene);
    }
}

static gboolean is_round(uint64_t step_ns)
{
    while (step_ns % 10 == 0)
        step_ns /= 10;
    return step_ns == 1 || step_ns == 2 || step_ns == 5;
}

static void ticks_are_round_at_every_scale(void **state)
{
    (void)state;
    for (uint64_t span_ns = 100; span_ns <= 36000 * FIXTURE_S; span_ns = span_ns * 5 / 4) {
        struct ct_ticks ticks = ct_ticks_choose(0, span_ns, 12);
        assert_true(ticks.count >= 3 && ticks.count <= 12);
        assert_int_equal(ticks.first_ns, 0);
        assert_true((ticks.count - 1) * ticks.step_ns <= span_ns);
        if (span_ns < 100 * FIXTURE_S)
            assert_true(is_round(ticks.step_ns));
        else
            assert_true(ticks.step_ns % FIXTURE_S == 0);
    }
}

static void assert_label(uint64_t begin_ns, uint64_t end_ns, guint index, const char *expected)
{
    struct ct_ticks ticks = ct_ticks_choose(begin_ns, end_ns, 10);
    g_autofree char *label = ct_ticks_label(&ticks, ticks.first_ns + index * ticks.step_ns);
    assert_string_equal(label, expected);
}

static void tick_labels_use_the_unit_that_reads_best(void **state)
{
    (void)state;
    assert_label(0, 100, 0, "0");
    assert_label(0, 100, 2, "40 ns");
    assert_label(0, 9 * FIXTURE_US, 3, "3 us");
    assert_label(0, 3 * FIXTURE_S, 1, "0.5 s");
    assert_label(0, 3 * FIXTURE_S, 2, "1.0 s");
    assert_label(0, 20 * 60 * FIXTURE_S, 1, "5 min");
    assert_label(0, 10 * 3600 * FIXTURE_S, 2, "4 h 00 min");
    /* Far from the beginning, digits would not fit: count from the first tick. */
    assert_label(1500 * FIXTURE_MS, 1500 * FIXTURE_MS + 100, 0, "1.5 s");
    assert_label(1500 * FIXTURE_MS, 1500 * FIXTURE_MS + 100, 2, "+40 ns");
}

static gboolean has_text(const struct ct_scene *scene, const char *wanted, int row)
{
    for (guint i = 0; i < scene->texts->len; i++) {
        const struct ct_scene_text *text = &g_array_index(scene->texts, struct ct_scene_text, i);
        if (text->row == row && g_str_equal(text->text, wanted))
            return TRUE;
    }
    return FALSE;
}

static void cpus_have_rows_that_say_who_ran_where(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    struct ct_process *process = fixture_process(stage.model, 7, "app");
    struct ct_thread *first = fixture_thread(stage.model, process, 7, "first");
    struct ct_thread *second = fixture_thread(stage.model, process, 8, "second");
    fixture_run(stage.timeline, first, 2, 0, FIXTURE_S / 4);
    fixture_run(stage.timeline, second, 2, FIXTURE_S / 4, FIXTURE_S / 2);
    struct ct_scene *scene = stage_layout(&stage);

    int row = (int)scene->rows->len - 1;
    const struct ct_scene_row *cpu = &g_array_index(scene->rows, struct ct_scene_row, row);
    assert_true(cpu->is_cpu);
    assert_true(has_text(scene, "CPUs", row - 1));
    assert_true(has_text(scene, "CPU 2", row));
    assert_true(has_text(scene, "50%", row));
    assert_true(has_text(scene, "first", row));
    assert_true(has_text(scene, "second", row));
    assert_true(cpu->y_px + cpu->height_px <= scene->plot.y_px + scene->plot.height_px + 0.5);

    assert_int_equal(scene->runs->len, 2);
    const struct ct_scene_run *runs = (const struct ct_scene_run *)scene->runs->data;
    assert_ptr_equal(runs[0].run->thread, first);
    assert_ptr_equal(runs[1].run->thread, second);
    assert_int_not_equal(runs[0].tint, runs[1].tint);
    assert_float_equal(runs[0].x_px, scene->plot.x_px, 1);
    assert_float_equal(runs[0].width_px, scene->plot.width_px / 4, 2);
    assert_float_equal(runs[1].x_px, runs[0].x_px + runs[0].width_px, 1e-9);
    stage_clear(&stage, scene);
}

static void a_recording_without_the_kernel_has_no_cpus(void **state)
{
    (void)state;
    struct stage stage = stage_new(FIXTURE_S);
    fixture_thread(stage.model, fixture_process(stage.model, 7, "app"), 7, "main");
    struct ct_scene *scene = stage_layout(&stage);
    for (guint i = 0; i < scene->rows->len; i++)
        assert_false(g_array_index(scene->rows, struct ct_scene_row, i).is_cpu);
    assert_int_equal(scene->runs->len, 0);
    stage_clear(&stage, scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_a_box_between_running),
        cmocka_unit_test(boxes_of_a_row_never_overlap_and_fill_its_life),
        cmocka_unit_test(a_short_wait_is_never_hidden),
        cmocka_unit_test(shares_of_a_column_follow_time),
        cmocka_unit_test(before_start_and_after_exit_is_empty),
        cmocka_unit_test(a_wait_open_at_the_end_is_marked),
        cmocka_unit_test(the_end_of_a_wait_that_was_killed_is_marked_whatever_its_last_part),
        cmocka_unit_test(rows_group_by_process_with_the_main_thread_first),
        cmocka_unit_test(many_processes_of_one_thread_have_no_headers),
        cmocka_unit_test(the_busiest_threads_have_rows_and_the_rest_is_counted),
        cmocka_unit_test(rows_shrink_below_the_height_limit_and_then_fail),
        cmocka_unit_test(a_filter_that_matches_nothing_says_so),
        cmocka_unit_test(an_arrow_leads_from_waker_to_waiter),
        cmocka_unit_test(the_path_goes_from_row_to_row),
        cmocka_unit_test(arrows_keep_their_distance),
        cmocka_unit_test(one_wake_of_many_is_a_fan_of_arrows),
        cmocka_unit_test(there_are_no_arrows_where_none_can_be_read),
        cmocka_unit_test(labels_fit_their_boxes_and_avoid_arrows),
        cmocka_unit_test(a_label_gives_way_to_an_arrow_that_crosses_its_box),
        cmocka_unit_test(labels_name_what_a_wait_is_on),
        cmocka_unit_test(a_label_stands_where_its_wait_begins),
        cmocka_unit_test(a_tip_tells_all_about_its_wait),
        cmocka_unit_test(a_tip_tells_the_whole_wait_and_what_of_it_is_in_the_picture),
        cmocka_unit_test(columns_widen_to_stay_below_the_box_limit),
        cmocka_unit_test(an_empty_recording_is_a_picture_that_says_so),
        cmocka_unit_test(a_recording_of_no_length_has_rows_and_no_boxes),
        cmocka_unit_test(losses_are_in_the_picture),
        cmocka_unit_test(what_the_foot_says_is_never_cut),
        cmocka_unit_test(names_that_are_no_text_are_made_one_line_of_it),
        cmocka_unit_test(times_that_make_no_sense_still_give_a_picture),
        cmocka_unit_test(ticks_are_round_at_every_scale),
        cmocka_unit_test(tick_labels_use_the_unit_that_reads_best),
        cmocka_unit_test(cpus_have_rows_that_say_who_ran_where),
        cmocka_unit_test(a_recording_without_the_kernel_has_no_cpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
