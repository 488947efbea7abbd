/* What held a program up, marked in its picture: as the report says it, and where it shows. */
#include "findings.h"
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

static GArray *read_report(const char *text)
{
    g_autoptr(GBytes) report = g_bytes_new_static(text, strlen(text));
    GError *error = NULL;
    GArray *findings = ct_timeline_findings_read(report, &error);

    assert_null(error);
    assert_non_null(findings);
    return findings;
}

static const char two_findings[] =
    "{\"findings\": [{\"text\": \"First of it. Second of it, which is far too long to stand beside "
    "the first one on the same line of a picture that is as narrow as this one is here.\", "
    "\"from_ns\": 7357200000000, \"to_ns\": 7357800000000, \"tids\": [10, 11], "
    "\"longest\": {\"tid\": 11, \"from_ns\": 7357500000000, \"to_ns\": 7357600000000}}, "
    "{\"text\": \"Another one.\", \"tids\": [11]}]}";

static void findings_are_read_from_the_report(void **state)
{
    g_autoptr(GArray) findings = read_report(two_findings);
    g_autoptr(GArray) nothing =
        read_report("{\"findings\": [], \"no_findings\": {\"text\": \"All is well.\"}}");
    const struct ct_scene_finding *first = &g_array_index(findings, struct ct_scene_finding, 0);
    const struct ct_scene_finding *none = &g_array_index(nothing, struct ct_scene_finding, 0);

    (void)state;
    assert_int_equal(findings->len, 2);
    assert_int_equal(first->tids->len, 2);
    assert_int_equal(first->when.end_ns - first->when.begin_ns, 600 * FIXTURE_MS);
    assert_int_equal(first->longest_tid, 11);
    assert_int_equal(nothing->len, 1);
    assert_true(none->is_none && g_str_equal(none->text, "All is well."));
}

static void times_that_are_told_as_text_are_read(void **state)
{
    g_autoptr(GArray) findings =
        read_report("{\"findings\": [{\"text\": \"It.\", \"from_ns\": \"9007199254740993\", "
                    "\"to_ns\": \"9007199254740999\", \"tids\": [], \"longest\": {\"tid\": 11, "
                    "\"from_ns\": \"9007199254740994\", \"to_ns\": \"9007199254740998\"}}]}");
    const struct ct_scene_finding *finding = &g_array_index(findings, struct ct_scene_finding, 0);

    (void)state;
    assert_true(finding->when.begin_ns == UINT64_C(9007199254740993));
    assert_true(finding->when.end_ns == UINT64_C(9007199254740999));
    assert_true(finding->longest.begin_ns == UINT64_C(9007199254740994));
    assert_true(finding->longest.end_ns == UINT64_C(9007199254740998));
}

static void what_is_no_report_is_an_error(void **state)
{
    g_autoptr(GBytes) half = g_bytes_new_static("{\"findings\": [", 14);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_null(ct_timeline_findings_read(half, &error));
    assert_non_null(error);
}

struct stage {
    struct ct_model *model;
    struct ct_timeline *timeline;
    struct ct_scene_request request;
};

/* A second of two threads. */
static struct stage stage_new(const GArray *findings)
{
    struct stage stage = {fixture_model("./app", FIXTURE_S), ct_timeline_new(NULL), {0}};
    struct ct_process *process = fixture_process(stage.model, 10, "app");

    fixture_thread(stage.model, process, 10, "main");
    fixture_thread(stage.model, process, 11, "worker");
    ct_timeline_finish(stage.timeline);
    stage.request = (struct ct_scene_request){
        .model = stage.model,
        .timeline = stage.timeline,
        .window = {stage.model->begin_ns, stage.model->end_ns},
        .is_whole = TRUE,
        .filter = {.row_limit = CT_SCENE_DEFAULT_ROWS},
        .findings = findings,
        .width_px = 700,
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
    ct_timeline_free(stage->timeline);
    ct_model_free(stage->model);
}

static guint count_marks(const struct ct_scene *scene, enum ct_scene_mark_kind kind,
                         struct ct_scene_mark *last)
{
    guint count = 0;

    for (guint i = 0; i < scene->marks->len; i++) {
        const struct ct_scene_mark *mark = &g_array_index(scene->marks, struct ct_scene_mark, i);
        if (mark->kind != kind)
            continue;
        count++;
        *last = *mark;
    }
    return count;
}

static guint count_texts(const struct ct_scene *scene, enum ct_scene_style style, const char *text)
{
    guint count = 0;

    for (guint i = 0; i < scene->texts->len; i++) {
        const struct ct_scene_text *found = &g_array_index(scene->texts, struct ct_scene_text, i);
        count += found->style == style && g_str_equal(found->text, text);
    }
    return count;
}

static void assert_at(const struct ct_scene *scene, const struct ct_scene_mark *mark, double begin,
                      double end)
{
    const struct ct_scene_rectangle *plot = &scene->plot;

    assert_true(fabs(mark->area.x_px - (plot->x_px + begin * plot->width_px)) < 0.01);
    assert_true(fabs(mark->area.width_px - (end - begin) * plot->width_px) < 0.01);
}

static void a_finding_shows_when_it_was_and_in_whom(void **state)
{
    g_autoptr(GArray) findings = read_report(two_findings);
    struct stage stage = stage_new(findings);
    g_autoptr(ct_scene) scene = stage_layout(&stage);
    struct ct_scene_mark mark = {0};
    const struct ct_scene_row *worker = &g_array_index(scene->rows, struct ct_scene_row, 2);

    (void)state;
    assert_int_equal(count_texts(scene, CT_STYLE_FINDING, "First of it."), 1);
    assert_int_equal(count_texts(scene, CT_STYLE_FINDING, "Another one."), 1);
    assert_int_equal(count_marks(scene, CT_MARK_EXTENT, &mark), 1);
    assert_at(scene, &mark, 0.2, 0.8);
    assert_true(mark.area.y_px < scene->plot.y_px);
    assert_int_equal(count_marks(scene, CT_MARK_WAIT, &mark), 1);
    assert_at(scene, &mark, 0.5, 0.6);
    assert_true(mark.area.y_px == worker->bar_y_px);
    /* Beside its words, its threads, and its longest wait. */
    assert_int_equal(count_texts(scene, CT_STYLE_BADGE, "1"), 4);
    assert_int_equal(count_texts(scene, CT_STYLE_BADGE, "2"), 2);
    assert_int_equal(count_marks(scene, CT_MARK_BADGE, &mark), 6);
    stage_clear(&stage);
}

static void a_window_shows_what_of_a_finding_lies_in_it(void **state)
{
    g_autoptr(GArray) findings = read_report(two_findings);
    struct stage stage = stage_new(findings);
    struct ct_scene_mark mark = {0};

    (void)state;
    stage.request.window.begin_ns += 700 * FIXTURE_MS;
    stage.request.is_whole = FALSE;
    g_autoptr(ct_scene) scene = stage_layout(&stage);
    assert_int_equal(count_marks(scene, CT_MARK_EXTENT, &mark), 1);
    assert_at(scene, &mark, 0, 1.0 / 3);
    assert_int_equal(count_marks(scene, CT_MARK_WAIT, &mark), 0);
    stage_clear(&stage);
}

static void that_there_are_none_is_said_without_a_number(void **state)
{
    g_autoptr(GArray) findings =
        read_report("{\"findings\": [], \"no_findings\": {\"text\": \"All is well.\"}}");
    struct stage stage = stage_new(findings);
    g_autoptr(ct_scene) scene = stage_layout(&stage);

    (void)state;
    assert_int_equal(count_texts(scene, CT_STYLE_FINDING, "All is well."), 1);
    assert_int_equal(scene->marks->len, 0);
    stage_clear(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_are_read_from_the_report),
        cmocka_unit_test(times_that_are_told_as_text_are_read),
        cmocka_unit_test(what_is_no_report_is_an_error),
        cmocka_unit_test(a_finding_shows_when_it_was_and_in_whom),
        cmocka_unit_test(a_window_shows_what_of_a_finding_lies_in_it),
        cmocka_unit_test(that_there_are_none_is_said_without_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
