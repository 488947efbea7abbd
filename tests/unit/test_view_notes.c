/* Notes on a recording's moments: no change of one page is lost to another's. */
#include "view/notes/note_list.h"
#include "view/notes/notes.h"
#include "view/server/change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

static char *place; /* of the test's files */
static char *recording;

static int set_up(void **state)
{
    (void)state;
    place = g_dir_make_tmp("notes-XXXXXX", NULL);
    recording = g_build_filename(place, "x.data", NULL);
    return place && g_mkdir(recording, 0700) == 0 ? 0 : 1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"x.data/notes.json", "x.data.notes.json", "x.data"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(place, names[i], NULL);

        g_remove(path);
    }
    int result = g_rmdir(place); /* fails if anything else was left there */

    g_free(place);
    g_free(recording);
    return result;
}

/* The status: 0 if it was done, and then *notes is what there is; the caller owns it. */
static int change(const char *text, JsonNode **notes)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) answer = ct_view_notes_change(recording, text, strlen(text), &error);

    if (error)
        return error->code;
    assert_non_null(answer);
    JsonNode *root = json_from_string(g_bytes_get_data(answer, NULL), NULL);

    assert_non_null(root);
    if (notes)
        *notes = root;
    else
        json_node_unref(root);
    return 0;
}

static JsonArray *array_of(JsonNode *root)
{
    return json_object_get_array_member(json_node_get_object(root), "notes");
}

static const char *member(JsonNode *root, guint index, const char *name)
{
    return json_object_get_string_member(json_array_get_object_element(array_of(root), index),
                                         name);
}

static void a_note_is_there_for_the_next_one(void **state)
{
    g_autoptr(JsonNode) notes = NULL;
    g_autoptr(JsonNode) read = NULL;
    g_autoptr(GBytes) none = ct_view_notes_read(recording, NULL);

    (void)state;
    assert_non_null(strstr(g_bytes_get_data(none, NULL), "\"notes\":[]"));
    assert_int_equal(change("{\"at_ns\": \"20\", \"text\": \"later \\u2028 \\\"<b>\\\"\"}", NULL),
                     0);
    assert_int_equal(change("{\"at_ns\": \"9223372036854775807\", \"text\": \"end\"}", NULL), 0);
    assert_int_equal(change("{\"at_ns\": \"3\", \"text\": \"first\"}", &notes), 0);
    assert_int_equal(json_array_get_length(array_of(notes)), 3);
    assert_string_equal(member(notes, 0, "text"), "first");
    assert_string_equal(member(notes, 1, "text"), "later \u2028 \"<b>\"");
    assert_string_equal(member(notes, 2, "at_ns"), "9223372036854775807");
    g_autoptr(GBytes) bytes = ct_view_notes_read(recording, NULL);

    read = json_from_string(g_bytes_get_data(bytes, NULL), NULL);
    assert_true(json_node_equal(notes, read));
}

static void what_another_one_changed_is_not_lost(void **state)
{
    g_autoptr(JsonNode) notes = NULL;

    (void)state;
    assert_int_equal(change("{\"at_ns\": \"1\", \"text\": \"a\"}", &notes), 0);
    const char *id = member(notes, 0, "id");
    g_autofree char *first =
        g_strdup_printf("{\"id\": \"%s\", \"version\": 1, \"at_ns\": \"1\", \"text\": \"b\"}", id);
    g_autofree char *removal = g_strdup_printf("{\"id\": \"%s\", \"version\": 2}", id);

    assert_int_equal(change(first, NULL), 0);
    assert_int_equal(change(first, NULL), 409); /* it read the note before it was "b" */
    assert_int_equal(change("{\"at_ns\": \"7\", \"text\": \"of another page\"}", NULL), 0);
    g_clear_pointer(&notes, json_node_unref);
    g_autofree char *id_kept = g_strdup(removal);

    assert_int_equal(change(removal, &notes), 0);
    assert_int_equal(change(id_kept, NULL), 409); /* it is gone */
    assert_int_equal(json_array_get_length(array_of(notes)), 1);
    assert_string_equal(member(notes, 0, "text"), "of another page");
}

static void what_is_no_note_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{",
        "null",
        "{}",
        "{\"at_ns\": 5, \"text\": \"a\"}",
        "{\"at_ns\": \"-5\", \"text\": \"a\"}",
        "{\"at_ns\": \"5\"}",
        "{\"at_ns\": \"5\", \"text\": \"\"}",
        "{\"at_ns\": \"5\", \"text\": [\"a\"]}",
        "{\"at_ns\": \"5\", \"text\": \"\xff\"}",
        "{\"at_ns\": \"9223372036854775808\", \"text\": \"a\"}",
    };
    g_autofree char *deep = g_strnfill(100000, '[');
    g_autofree char *filler = g_strnfill(CT_NOTE_BYTES_MAX + 1, 'x');
    g_autofree char *large = g_strdup_printf("{\"at_ns\": \"5\", \"text\": \"%s\"}", filler);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_int_equal(change(wrong[i], NULL), 400);
    assert_int_equal(change(deep, NULL), 400);
    assert_int_equal(change(large, NULL), 400);
    assert_int_equal(change("{\"id\": \"../../x\", \"text\": \"a\"}", NULL), 409);
    assert_int_equal(change("{\"id\": 5, \"text\": \"a\"}", NULL), 409);
}

static void a_file_that_is_not_understood_is_left_alone(void **state)
{
    static const char without_next_version[] =
        "{\"schema\": \"ctrace-notes-1\", \"notes\": [{\"id\": \"0123456789abcdef\", "
        "\"version\": 9223372036854775807, \"at_ns\": \"1\", \"text\": \"a\"}]}";
    static const char *const files[] = {
        "",
        "[[[[[[[[",
        "{\"schema\": \"ctrace-notes-2\", \"notes\": []}",
        "{\"schema\": \"ctrace-notes-1\", \"notes\": {}}",
        "{\"schema\": \"ctrace-notes-1\", \"notes\": [{\"id\": \"x\", \"version\": 1}]}",
        without_next_version,
    };
    g_autofree char *path = g_build_filename(recording, "notes.json", NULL);

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *after = NULL;

        assert_true(g_file_set_contents(path, files[i], -1, NULL));
        assert_int_equal(change("{\"at_ns\": \"1\", \"text\": \"a\"}", NULL), 500);
        assert_null(ct_view_notes_read(recording, NULL));
        assert_true(g_file_get_contents(path, &after, NULL, NULL));
        assert_string_equal(after, files[i]);
    }
    /* Nor is one followed to elsewhere. */
    g_remove(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_null(ct_view_notes_read(recording, NULL));
    assert_int_equal(change("{\"at_ns\": \"1\", \"text\": \"a\"}", NULL), 500);
}

static void what_is_beside_the_recording_counts(void **state)
{
    g_autofree char *beside = g_strconcat(recording, ".notes.json", NULL);
    g_autofree char *inside = g_build_filename(recording, "notes.json", NULL);
    g_autoptr(JsonNode) notes = NULL;

    (void)state;
    assert_true(
        g_file_set_contents(beside, "{\"schema\": \"ctrace-notes-1\", \"notes\": []}", -1, NULL));
    assert_int_equal(change("{\"at_ns\": \"1\", \"text\": \"a\"}", &notes), 0);
    assert_string_equal(json_object_get_string_member(json_node_get_object(notes), "place"),
                        beside);
    assert_false(g_file_test(inside, G_FILE_TEST_EXISTS));
}

/* As the page sends it. */
static const struct ct_view_change sent = {.name = "api/notes",
                                           .origin = "http://127.0.0.1:4711",
                                           .type = "application/json; charset=utf-8",
                                           .size = CT_VIEW_CHANGE_MAX};

static void notes_alone_are_changed_and_by_the_page(void **state)
{
    static const char *const names[] = {"", "api/", "api/overview", "api/notes/", "index.html"};
    struct ct_view_change change = sent;
    const char *why;

    (void)state;
    assert_int_equal(ct_view_change_check(&sent, &why), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        change.name = names[i];
        assert_int_equal(ct_view_change_check(&change, &why), 405);
    }
    change = sent;
    change.origin = NULL;
    assert_int_equal(ct_view_change_check(&change, &why), 403);
}

static void what_is_sent_is_small_and_says_what_it_is(void **state)
{
    static const char *const types[] = {NULL,
                                        "",
                                        "text/plain",
                                        "application/jsonp",
                                        "application/x-www-form-urlencoded",
                                        "multipart/form-data"};
    struct ct_view_change change = sent;
    const char *why;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        change.type = types[i];
        assert_int_equal(ct_view_change_check(&change, &why), 415);
    }
    change = sent;
    change.size = CT_VIEW_CHANGE_MAX + 1;
    assert_int_equal(ct_view_change_check(&change, &why), 413);
    change.size = -1;
    assert_int_equal(ct_view_change_check(&change, &why), 411);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_alone_are_changed_and_by_the_page),
        cmocka_unit_test(what_is_sent_is_small_and_says_what_it_is),
        cmocka_unit_test_setup_teardown(a_note_is_there_for_the_next_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_another_one_changed_is_not_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_note_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_understood_is_left_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_beside_the_recording_counts, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
