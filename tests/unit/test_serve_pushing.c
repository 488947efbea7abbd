/* What --push and its companions say; and what becomes of profiles, where a script is the sender.
 */
#include "serve/pushing_options.h"

#include "files/tree.h"
#include "serve/pushing.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

static char *const targets[] = {"parca:http://host:7070", "otlp:https://host:4318/below", NULL};
static char *const labels[] = {"env=prod", "at=a b", NULL};

static gboolean is_good(struct ct_pushing_given given, gboolean is_collecting)
{
    g_autoptr(GError) error = NULL;
    gboolean is_checked = ct_pushing_given_check(&given, is_collecting, &error);

    assert_true(is_checked == (error == NULL));
    return is_checked;
}

static void it_goes_with_what_is_collected(void **state)
{
    const struct ct_pushing_given given = {(char **)targets, "shop", (char **)labels};

    (void)state;
    assert_true(is_good(given, TRUE));
    assert_false(is_good(given, FALSE));
    assert_true(is_good((struct ct_pushing_given){0}, TRUE));
    assert_true(is_good((struct ct_pushing_given){0}, FALSE));
}

static void what_makes_no_sense_is_refused(void **state)
{
    char *const wrong[] = {targets[0], "http://host:4040", NULL};
    char *const no_label[] = {"env=prod", "prod", NULL};

    (void)state;
    assert_false(is_good((struct ct_pushing_given){.targets = (char **)wrong}, TRUE));
    assert_false(is_good((struct ct_pushing_given){(char **)targets, "a{b}", NULL}, TRUE));
    assert_false(
        is_good((struct ct_pushing_given){(char **)targets, NULL, (char **)no_label}, TRUE));
    assert_false(is_good((struct ct_pushing_given){.name = "shop"}, TRUE));
    assert_false(is_good((struct ct_pushing_given){.labels = (char **)labels}, TRUE));
}

static void assert_name(const char *expected, const char *typed, const struct ct_served *served,
                        const char *const *program)
{
    const struct ct_pushing_given given = {.name = (char *)typed};
    g_autofree char *name = ct_pushing_given_name(&given, served, program);

    assert_true(g_strcmp0(name, expected) == 0);
}

static void they_are_of_what_is_served(void **state)
{
    const char *const program[] = {"/opt/shop/server", "--port=1", NULL};
    const char *const odd[] = {"./a=b", NULL};
    struct ct_served served = {.words = g_ptr_array_new()};

    (void)state;
    assert_name("server", NULL, &served, program);
    assert_name("shop", "shop", &served, program);
    assert_name(NULL, NULL, &served, odd);
    g_ptr_array_add(served.words, "redis-server");
    assert_name("redis-server", NULL, &served, NULL);
    g_ptr_array_add(served.words, "nginx");
    assert_name(NULL, NULL, &served, NULL);
    g_ptr_array_set_size(served.words, 0);
    served.cgroup = "system.slice/shop.service";
    assert_name("shop.service", NULL, &served, NULL);
    g_ptr_array_unref(served.words);
}

static void another_command_line_says_the_same(void **state)
{
    const struct ct_pushing_given given = {(char **)targets, "shop", (char **)labels};
    const struct ct_pushing_given none = {0};
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();

    (void)state;
    ct_pushing_given_add_words(&given, words);
    ct_pushing_given_add_words(&none, words);
    g_auto(GStrv) made = g_strv_builder_end(words);
    g_autofree char *line = g_strjoinv("|", made);

    assert_string_equal(line, "--push=parca:http://host:7070|--push=otlp:https://host:4318/below|"
                              "--push-name=shop|--push-label=env=prod|--push-label=at=a b");
}

/* ---- A sender ---- */

static GString *said;

static void hear(const char *text)
{
    g_string_append(said, text);
}

/* What an agent says that sends so many profiles, "/0" being the first, to two targets by that
 * script (NULL: there is none), which lies in the folder. The caller frees it. */
static char *push_by(const char *script, const char *folder, guint count)
{
    g_autofree char *sender = g_build_filename(folder, "ctrace-push", NULL);
    const struct ct_pushing_request request = {targets, "shop", labels, folder};

    if (script) {
        assert_true(g_file_set_contents(sender, script, -1, NULL));
        assert_int_equal(g_chmod(sender, 0700), 0);
    }
    said = g_string_new(NULL);
    GPrintFunc before = g_set_printerr_handler(hear);
    struct ct_pushing *pushing = ct_pushing_new(&request, NULL);

    assert_non_null(pushing);
    for (guint i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf("/%u", i);

        ct_pushing_add(pushing, path);
    }
    ct_pushing_free(pushing);
    g_set_printerr_handler(before);
    return g_string_free(g_steal_pointer(&said), FALSE);
}

static void each_target_gets_them_in_turn(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ctrace-pushing-test-XXXXXX", NULL);
    g_autofree char *text = push_by("#!/bin/sh\nwhile [ $# -gt 2 ]; do echo \"$1\"; shift; done"
                                    " >\"${0%/*}/options\"\n"
                                    "echo \"$2\" >>\"${0%/*}/${1%%:*}\"\n",
                                    folder, 3);

    (void)state;
    assert_string_equal(text, "");
    for (guint i = 0; i < 2; i++) {
        g_autofree char *file = g_build_filename(folder, i ? "otlp" : "parca", NULL);
        g_autofree char *got = NULL;

        assert_true(g_file_get_contents(file, &got, NULL, NULL));
        assert_string_equal(got, "/0\n/1\n/2\n");
    }
    g_autofree char *file = g_build_filename(folder, "options", NULL);
    g_autofree char *options = NULL;

    assert_true(g_file_get_contents(file, &options, NULL, NULL));
    assert_string_equal(options, "--tries=10\n--name=shop\n--label=env=prod\n--label=at=a b\n");
    ct_tree_remove(folder);
}

static void the_oldest_are_left_out_where_too_many_wait(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ctrace-pushing-test-XXXXXX", NULL);
    g_autofree char *text = push_by("#!/bin/sh\nexec sleep 1000\n", folder, 300);

    (void)state;
    assert_string_equal(
        text,
        "ctrace serve: 256 profiles wait to be sent to parca:http://host:7070: the oldest are left "
        "out\n"
        "ctrace serve: 256 profiles wait to be sent to otlp:https://host:4318/below: the oldest "
        "are "
        "left out\n"
        "ctrace serve: 300 of 300 profiles were not sent to parca:http://host:7070\n"
        "ctrace serve: 300 of 300 profiles were not sent to otlp:https://host:4318/below\n");
    ct_tree_remove(folder);
}

static void what_goes_wrong_is_said_once(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ctrace-pushing-test-XXXXXX", NULL);
    g_autofree char *text =
        push_by("#!/bin/sh\n"
                "while [ $# -gt 2 ]; do shift; done\n[ \"${1%%:*}\" = otlp ] && exit 0\n"
                "[ \"$2\" = /0 ] && exit 0\necho \"ctrace push: it answers 400\nsent 0 of 1\" "
                ">&2\nexit 1\n",
                folder, 2);

    (void)state;
    assert_string_equal(text,
                        "ctrace serve: it answers 400\n"
                        "ctrace serve: 1 of 2 profiles were not sent to parca:http://host:7070\n");
    ct_tree_remove(folder);
}

static void a_sender_that_is_not_there_is_said(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ctrace-pushing-test-XXXXXX", NULL);
    g_autofree char *text = push_by(NULL, folder, 2);

    (void)state;
    assert_non_null(strstr(text, "is this part of ctrace installed?"));
    assert_non_null(strstr(text, "2 of 2 profiles were not sent to parca:"));
    ct_tree_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_with_what_is_collected),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(they_are_of_what_is_served),
        cmocka_unit_test(another_command_line_says_the_same),
        cmocka_unit_test(each_target_gets_them_in_turn),
        cmocka_unit_test(the_oldest_are_left_out_where_too_many_wait),
        cmocka_unit_test(what_goes_wrong_is_said_once),
        cmocka_unit_test(a_sender_that_is_not_there_is_said),
    };

    return cmocka_run_group_tests_name("serve_pushing", tests, NULL, NULL);
}
