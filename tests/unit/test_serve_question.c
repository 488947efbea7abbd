/* What is asked of the agent, as it is typed into an address. */
#include "serve/question.h"
#include "serve/readers.h"
#include "serve/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

static struct ct_question parse(const char *path, const char *query)
{
    struct ct_question question;
    GError *error = NULL;

    assert_true(ct_question_parse(&question, path, query, &error));
    assert_null(error);
    return question;
}

static int refused(const char *path, const char *query)
{
    struct ct_question question;
    g_autoptr(GError) error = NULL;

    assert_false(ct_question_parse(&question, path, query, &error));
    assert_int_equal(error->domain, CT_SERVE_STATUS);
    assert_true(*error->message);
    ct_question_clear(&question);
    return error->code;
}

static void what_is_not_said_is_as_gos(void **state)
{
    struct ct_question cpu = parse("debug/pprof/profile", NULL);
    struct ct_question trace = parse("debug/pprof/trace", "");
    struct ct_question index = parse("debug/pprof/", NULL);

    (void)state;
    assert_int_equal(cpu.duration_ms, 30000);
    assert_int_equal(cpu.hz, 99);
    assert_int_equal(trace.duration_ms, 1000);
    assert_false(trace.is_perfetto);
    assert_null(index.endpoint);
}

static void parameters_say_how(void **state)
{
    struct ct_question question = parse("debug/pprof/wall", "seconds=0.25&hz=1000&debug=2");
    struct ct_question perfetto = parse("debug/pprof/trace", "format=perfetto&seconds=3600");

    (void)state;
    assert_int_equal(question.duration_ms, 250);
    assert_int_equal(question.hz, 1000);
    assert_int_equal(question.debug, 2);
    assert_true(perfetto.is_perfetto);
    assert_int_equal(perfetto.duration_ms, 3600000);
}

static void one_process_is_named_either_way(void **state)
{
    struct ct_question by_path = parse("12/debug/pprof/net", NULL);
    struct ct_question by_both = parse("12/debug/pprof/net", "process=12");
    struct ct_question by_name = parse("debug/pprof/net", "process=my+app%20");

    (void)state;
    assert_string_equal(by_path.process, "12");
    assert_string_equal(by_both.process, "12");
    assert_string_equal(by_name.process, "my app ");
    ct_question_clear(&by_path);
    ct_question_clear(&by_both);
    ct_question_clear(&by_name);
}

static void seconds_below_zero_are_of_the_past(void **state)
{
    struct ct_question past = parse("debug/pprof/trace", "seconds=-2.5");
    struct ct_question present = parse("debug/pprof/trace", "seconds=2.5");

    (void)state;
    assert_true(past.is_past);
    assert_int_equal(past.duration_ms, 2500);
    assert_false(present.is_past);
    assert_int_equal(refused("debug/pprof/heap", "seconds=-2"), CT_SERVE_WRONG);
    ct_question_clear(&past);
    ct_question_clear(&present);
}

static void what_is_wrong_is_refused(void **state)
{
    static const char *const queries[] = {"seconds=",
                                          "seconds=0",
                                          "seconds=1e9",
                                          "seconds=1s",
                                          "seconds=-0",
                                          "hz=0",
                                          "hz=1.5",
                                          "debug=-1",
                                          "debug=3",
                                          "format=",
                                          "process=",
                                          "other=1",
                                          "seconds=1&seconds=1",
                                          "=",
                                          "%zz=1",
                                          "seconds"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++)
        assert_int_equal(refused("debug/pprof/profile", queries[i]), CT_SERVE_WRONG);
    assert_int_equal(refused("12/debug/pprof/net", "process=13"), CT_SERVE_WRONG);
}

static void what_there_is_not_is_unknown(void **state)
{
    static const char *const paths[] = {"debug/pprof/nothing",
                                        "debug/pprof/../heap",
                                        "debug",
                                        "12",
                                        "x/debug/pprof/net",
                                        "0/debug/pprof/net",
                                        "12/13/debug/pprof/net",
                                        "99999999999/debug/pprof/net",
                                        "favicon.ico"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        assert_int_equal(refused(paths[i], NULL), CT_SERVE_UNKNOWN);
}

static void paths_that_lack_their_end_lead_to_the_index(void **state)
{
    static const struct {
        const char *path;
        const char *place;
    } cases[] = {
        {"", "debug/pprof/"},
        {"debug/", "pprof/"},
        {"debug/pprof", "pprof/"},
        {"12", "12/debug/pprof/"},
        {"12/", "debug/pprof/"},
        {"12/debug/pprof", "pprof/"},
        {"debug/pprof/", NULL},
        {"debug/pprof/heap", NULL},
        {"12/debug/pprof/", NULL},
        {"//evil.example/", NULL},
        {"evil", NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *place = ct_question_redirect(cases[i].path);

        if (cases[i].place)
            assert_string_equal(place, cases[i].place);
        else
            assert_null(place);
    }
}

/* ---- Who answers ---- */

static void assert_next(struct ct_reading *reading, const char *expected)
{
    const struct ct_reading_places places = {"/lib", "/tmp/r/ctrace.data", "/tmp/living"};
    g_auto(GStrv) argv = ct_reading_next(reading, &places);
    g_autofree char *line = argv ? g_strjoinv(" ", argv) : NULL;

    if (expected)
        assert_string_equal(line, expected);
    else
        assert_null(line);
}

static void a_profile_is_that_of_ctrace_pprof(void **state)
{
    struct ct_question question = parse("debug/pprof/profile", "seconds=1");
    struct ct_reading *reading = ct_reading_new(&question, "/tmp/a", TRUE);

    (void)state;
    assert_next(reading, "/lib/ctrace-pprof cpu /tmp/r/ctrace.data -o /tmp/a/answer");
    assert_next(reading, NULL);
    assert_string_equal(reading->file, "/tmp/a/answer");
    assert_string_equal(reading->name, "profile");
    ct_reading_free(reading);
}

static void a_text_is_that_of_ctrace_export(void **state)
{
    struct ct_question question = parse("debug/pprof/goroutine", "debug=2");
    struct ct_reading *reading = ct_reading_new(&question, "/tmp/a", TRUE);

    (void)state;
    assert_next(reading, "/lib/ctrace-export --format=dump --profile=threads /tmp/r/ctrace.data");
    assert_next(reading, NULL);
    assert_null(reading->file);
    assert_null(reading->name);
    ct_reading_free(reading);
}

static void a_heap_with_seconds_is_what_changed(void **state)
{
    struct ct_question question = parse("debug/pprof/heap", "seconds=1.5&process=12");
    struct ct_reading *reading = ct_reading_new(&question, "/tmp/a", TRUE);

    (void)state;
    assert_int_equal(question.duration_ms, 0);
    assert_int_equal(reading->pause_ms, 1500);
    assert_next(reading, "/lib/ctrace-snapshot /tmp/living -o /tmp/r/ctrace.data");
    assert_next(reading, "/lib/ctrace-pprof heap /tmp/r/ctrace.data -o /tmp/a/answer.earlier "
                         "--process=12");
    assert_next(reading, "sleep 1.500");
    assert_next(reading, "/lib/ctrace-snapshot /tmp/living -o /tmp/r/ctrace.data");
    assert_next(reading, "/lib/ctrace-pprof heap /tmp/r/ctrace.data -o /tmp/a/answer.later "
                         "--process=12");
    assert_next(reading, "/lib/ctrace-pprof --merge --base=/tmp/a/answer.earlier "
                         "/tmp/a/answer.later -o /tmp/a/answer");
    assert_next(reading, NULL);
    ct_reading_free(reading);
    ct_question_clear(&question);
}

static void of_all_processes_the_one_is_read(void **state)
{
    struct ct_question question = parse("12/debug/pprof/sync", "debug=1");
    struct ct_reading *reading = ct_reading_new(&question, "/tmp/a", TRUE);

    (void)state;
    assert_next(reading, "/lib/ctrace-export --format=stacks --profile=sync /tmp/r/ctrace.data "
                         "--process=12");
    ct_reading_free(reading);
    question.debug = 0;
    reading = ct_reading_new(&question, "/tmp/a", TRUE);
    assert_next(reading, "/lib/ctrace-pprof sync /tmp/r/ctrace.data -o /tmp/a/answer --process=12");
    ct_reading_free(reading);
    reading = ct_reading_new(&question, "/tmp/a", FALSE);
    assert_next(reading, "/lib/ctrace-pprof sync /tmp/r/ctrace.data -o /tmp/a/answer");
    ct_reading_free(reading);
    ct_question_clear(&question);
}

static void what_runs_is_not_seen_inside(void **state)
{
    (void)state;
    for (guint i = 0; ct_endpoint_at(i); i++) {
        const struct ct_endpoint *endpoint = ct_endpoint_at(i);

        if (endpoint->is_seen_inside)
            assert_true(endpoint->kind == CT_ENDPOINT_TRACE || !endpoint->is_sampled);
    }
    assert_true(ct_endpoint_find("mutex")->is_seen_inside);
    assert_false(ct_endpoint_find("sched")->is_seen_inside);
    assert_false(ct_endpoint_find("threads")->is_seen_inside);
}

static void a_recording_has_its_symbols(void **state)
{
    struct ct_question question = parse("debug/pprof/trace", NULL);
    struct ct_reading *reading = ct_reading_new(&question, "/tmp/a", TRUE);

    (void)state;
    assert_next(reading, "/lib/ctrace-symbolize /tmp/r/ctrace.data");
    assert_next(reading, "tar -C /tmp/r -cf - ctrace.data");
    assert_next(reading, NULL);
    assert_string_equal(reading->name, "trace.tar");
    ct_reading_free(reading);
}

static void a_heap_is_that_of_a_snapshot(void **state)
{
    struct ct_question question = parse("debug/pprof/heap", "gc=1");
    struct ct_reading *reading = ct_reading_new(&question, "/tmp/a", TRUE);

    (void)state;
    assert_int_equal(question.duration_ms, 0);
    assert_next(reading, "/lib/ctrace-snapshot /tmp/living -o /tmp/r/ctrace.data");
    assert_next(reading, "/lib/ctrace-pprof heap /tmp/r/ctrace.data -o /tmp/a/answer");
    assert_next(reading, NULL);
    ct_reading_free(reading);

    question = parse("12/debug/pprof/allocs", NULL);
    reading = ct_reading_new(&question, "/tmp/a", TRUE);
    assert_next(reading, "/lib/ctrace-snapshot /tmp/living -o /tmp/r/ctrace.data");
    assert_next(reading, "/lib/ctrace-pprof allocs /tmp/r/ctrace.data -o /tmp/a/answer "
                         "--process=12");
    ct_reading_free(reading);
    ct_question_clear(&question);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_is_as_gos),
        cmocka_unit_test(parameters_say_how),
        cmocka_unit_test(one_process_is_named_either_way),
        cmocka_unit_test(seconds_below_zero_are_of_the_past),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(what_there_is_not_is_unknown),
        cmocka_unit_test(paths_that_lack_their_end_lead_to_the_index),
        cmocka_unit_test(a_profile_is_that_of_ctrace_pprof),
        cmocka_unit_test(a_text_is_that_of_ctrace_export),
        cmocka_unit_test(a_heap_with_seconds_is_what_changed),
        cmocka_unit_test(of_all_processes_the_one_is_read),
        cmocka_unit_test(what_runs_is_not_seen_inside),
        cmocka_unit_test(a_recording_has_its_symbols),
        cmocka_unit_test(a_heap_is_that_of_a_snapshot),
    };
    return cmocka_run_group_tests_name("serve_question", tests, NULL, NULL);
}
