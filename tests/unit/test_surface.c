/* Pictures as files: whole, valid, the same every time, or not there at all. */
#include "cli/output.h"
#include "paint/surface.h"
#include "scene/layout.h"
#include "timeline_fixture.h"

#include <cairo.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>

#include <cmocka.h>

static const struct {
    const char *name;
    const char *begin;
} files[] = {{"x.png", "\x89PNG"}, {"x.svg", "<?xml"}, {"x.pdf", "%PDF"}};

struct place {
    char *directory; /* owned */
    struct ct_model *model;
    struct ct_timeline *timeline;
    struct ct_typesetter *typesetter;
};

static int set_up(void **state)
{
    struct place *place = g_new0(struct place, 1);
    place->directory = g_dir_make_tmp("ctrace-surface-XXXXXX", NULL);
    place->model = fixture_model("./サーバー", FIXTURE_S);
    place->timeline = ct_timeline_new(NULL);
    place->typesetter = ct_typesetter_new();
    struct ct_process *process = fixture_process(place->model, 1, "app");
    for (int i = 0; i < 8; i++) {
        struct ct_thread *thread = fixture_thread(place->model, process, i + 1, "عامل");
        for (uint64_t j = 0; j < 100; j++) {
            struct ct_interval wait =
                fixture_wait(thread, CT_OP_READ, CT_CLASS_NET + j % 4, j * FIXTURE_MS * 10,
                             j * FIXTURE_MS * 10 + FIXTURE_MS * (1 + j % 9));
            wait.waker = process->threads && i > 0 ? place->model->threads->pdata[0] : NULL;
            wait.wake_ns = wait.end_ns - 1000;
            wait.is_open = j == 99;
            fixture_send(place->timeline, wait);
        }
    }
    ct_timeline_finish(place->timeline);
    *state = place;
    return place->directory ? 0 : -1;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    g_rmdir(place->directory);
    g_free(place->directory);
    ct_typesetter_free(place->typesetter);
    ct_timeline_free(place->timeline);
    ct_model_free(place->model);
    g_free(place);
    return 0;
}

static gboolean write_picture(const struct place *place, const char *path, double scale,
                              GError **error)
{
    const struct ct_surface_format *format = ct_surface_format_of(path, error);
    if (!format)
        return FALSE;
    struct ct_scene_request request = {
        .model = place->model,
        .timeline = place->timeline,
        .window = {place->model->begin_ns, place->model->end_ns},
        .is_whole = TRUE,
        .filter = {.row_limit = CT_SCENE_DEFAULT_ROWS},
        .width_px = 800,
        .measure = ct_typesetter_measure,
        .measure_user = place->typesetter,
        .has_tips = TRUE,
    };
    g_autoptr(ct_scene) scene = ct_layout_build(&request, error);
    assert_non_null(scene);
    const struct ct_surface_look look = {place->typesetter, ct_palette_find("light"), scale};
    g_autoptr(GBytes) bytes = ct_surface_render(format, scene, &look, error);
    return bytes && ct_output_write_file(path, bytes, error);
}

/* cairo numbers the surfaces of a process, and writes the number into SVG. A program that draws one
 * picture always gets the same; this one draws several. */
static char *read_without_numbers(const char *path, gsize *length)
{
    char *contents;
    assert_true(g_file_get_contents(path, &contents, length, NULL));
    char *id = g_strstr_len(contents, *length, "id=\"surface");
    for (id += id ? strlen("id=\"surface") : 0; id && g_ascii_isdigit(*id); id++)
        *id = '0';
    return contents;
}

static void pictures_are_valid_and_the_same_twice(void **state)
{
    struct place *place = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(place->directory, files[i].name, NULL);
        gsize first_length, second_length;
        assert_true(write_picture(place, path, 1, NULL));
        g_autofree char *first = read_without_numbers(path, &first_length);
        assert_true(write_picture(place, path, 1, NULL));
        g_autofree char *second = read_without_numbers(path, &second_length);
        assert_true(g_str_has_prefix(first, files[i].begin));
        assert_int_equal(first_length, second_length);
        assert_memory_equal(first, second, first_length);
        g_unlink(path);
    }
}

/* Whatever the names are made of: the file is XML. */
static void an_svg_tells_of_the_wait_that_is_pointed_at(void **state)
{
    struct place *place = *state;
    g_autofree char *path = g_build_filename(place->directory, "x.svg", NULL);
    g_autofree char *svg = NULL;
    struct ct_thread *thread = place->model->threads->pdata[0];
    gsize length;
    g_free(thread->name);
    thread->name = g_strdup("<a> & \001\357\277\277");
    assert_true(write_picture(place, path, 1, NULL));
    assert_true(g_file_get_contents(path, &svg, &length, NULL));
    assert_non_null(strstr(svg, "<title>&lt;a&gt; &amp; ?? (1)\nread on fd 0\n"));
    assert_true(g_str_has_suffix(svg, "</rect>\n</g>\n</svg>\n"));
    g_unlink(path);
}

/* Where cairo refuses them: no picture would be. */
static void names_that_are_no_text_can_be_drawn(void **state)
{
    static const char *const names[] = {"x.png", "x.svg", "x.pdf"};
    struct place *place = *state;
    struct ct_thread *thread = place->model->threads->pdata[0];
    struct ct_process *process = thread->process;

    g_free(thread->name);
    thread->name = g_strdup("\357\277\276\342\200\256\355\240\200\033\302\233");
    g_free(process->args);
    process->args = g_strdup(thread->name);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(place->directory, names[i], NULL);
        g_autoptr(GError) error = NULL;

        assert_true(write_picture(place, path, 1, &error));
        assert_null(error);
        g_unlink(path);
    }
}

/* A browser's search finds words, not outlines of letters; also what was left out for want of room.
 */
static void the_words_of_an_svg_can_be_found(void **state)
{
    struct place *place = *state;
    g_autofree char *path = g_build_filename(place->directory, "x.svg", NULL);
    g_autofree char *svg = NULL;
    struct ct_thread *thread = place->model->threads->pdata[1];
    gsize length;
    g_free(thread->name);
    thread->name = g_strdup("a-name-far-too-long-to-be-drawn-as-a-whole-beside-its-bar & <more>");
    assert_true(write_picture(place, path, 1, NULL));
    assert_true(g_file_get_contents(path, &svg, &length, NULL));
    assert_non_null(strstr(svg, ">a-name-far-too-long-to-be-drawn-as-a-whole-beside-its-bar "
                                "&amp; &lt;more&gt;</text>"));
    assert_non_null(strstr(svg, ">./サーバー</text>"));
    assert_non_null(strstr(svg, " fill-opacity=\"0\" "));
    g_unlink(path);
}

static void a_png_has_the_size_that_was_asked_for(void **state)
{
    struct place *place = *state;
    g_autofree char *path = g_build_filename(place->directory, "x.PNG", NULL);
    assert_true(write_picture(place, path, 2, NULL));
    cairo_surface_t *image = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    assert_int_equal(cairo_image_surface_get_width(image), 1600);
    cairo_surface_destroy(image);
    g_unlink(path);
}

static void an_unknown_extension_is_an_error(void **state)
{
    struct place *place = *state;
    const char *const names[] = {"x.gif", "x", "png", "-", "x.svg.gz"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        GError *error = NULL;
        assert_false(write_picture(place, names[i], 1, &error));
        assert_true(g_error_matches(error, CT_SURFACE_ERROR, CT_SURFACE_ERROR_FORMAT));
        g_error_free(error);
    }
}

static void a_png_beyond_the_limit_is_an_error(void **state)
{
    struct place *place = *state;
    GError *error = NULL;
    g_autofree char *path = g_build_filename(place->directory, "x.png", NULL);
    assert_false(write_picture(place, path, 50, &error));
    assert_true(g_error_matches(error, CT_SURFACE_ERROR, CT_SURFACE_ERROR_SIZE));
    g_error_free(error);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

/* No file may grow beyond 1000 bytes: what a full disk looks like, without one. */
static void on_a_full_disk_nothing_is_left_behind(void **state)
{
    struct place *place = *state;
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){1000, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(place->directory, files[i].name, NULL);
        assert_true(g_file_set_contents(path, "old", -1, NULL));
        GError *error = NULL;
        setrlimit(RLIMIT_FSIZE, &small);
        gboolean is_written = write_picture(place, path, 1, &error);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_false(is_written);
        assert_non_null(error);
        g_error_free(error);
        g_autofree char *contents = NULL;
        assert_true(g_file_get_contents(path, &contents, NULL, NULL));
        assert_string_equal(contents, "old");
        g_unlink(path);
    }
    /* An empty directory can be removed. */
    assert_int_equal(g_rmdir(place->directory), 0);
    assert_int_equal(g_mkdir(place->directory, 0700), 0);
}

static void a_directory_that_is_not_there_is_an_error(void **state)
{
    struct place *place = *state;
    GError *error = NULL;
    g_autofree char *path = g_build_filename(place->directory, "missing", "x.svg", NULL);
    assert_false(write_picture(place, path, 1, &error));
    assert_non_null(strstr(error->message, path));
    g_error_free(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_valid_and_the_same_twice),
        cmocka_unit_test(an_svg_tells_of_the_wait_that_is_pointed_at),
        cmocka_unit_test(names_that_are_no_text_can_be_drawn),
        cmocka_unit_test(the_words_of_an_svg_can_be_found),
        cmocka_unit_test(a_png_has_the_size_that_was_asked_for),
        cmocka_unit_test(an_unknown_extension_is_an_error),
        cmocka_unit_test(a_png_beyond_the_limit_is_an_error),
        cmocka_unit_test(on_a_full_disk_nothing_is_left_behind),
        cmocka_unit_test(a_directory_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
