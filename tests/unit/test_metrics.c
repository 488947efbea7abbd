/* Prometheus' text of accounts, and what Prometheus' own checker says of it. */
#include "serve/metrics.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct ct_accounts_totals some_totals = {
    .looks = 12, .cost_ns = 2500000, .processes = 3, .refused = 1};

static char *write_kinds(struct ct_kind *kinds, guint count)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    for (guint i = 0; i < count; i++) {
        kinds[i].number = i;
        g_ptr_array_add(all, &kinds[i]);
    }
    return ct_metrics_write(all, &some_totals, NULL);
}

static guint count_lines(const char *text, const char *begin)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint count = 0;

    for (char **line = lines; *line != NULL; line++)
        count += g_str_has_prefix(*line, begin);
    return count;
}

static void assert_has(const char *text, const char *line)
{
    g_autofree char *whole = g_strdup_printf("\n%s\n", line);

    if (strstr(text, whole) == NULL)
        fail_msg("no line %s in:\n%s", line, text);
}

static void figures_are_those_of_the_kinds(void **state)
{
    struct ct_kind kind = {
        .process = (char *)"redis-server",
        .name = (char *)"io_thd_*",
        .ns = {[CT_CLASS_RUNNING] = 1500000001, [CT_CLASS_NET] = 20},
        .turns = 7,
        .waits = 6,
        .ended = 2,
        .alive = 3,
    };

    (void)state;
    g_autofree char *text = write_kinds(&kind, 1);
#define LABELS "{process=\"redis-server\",kind=\"io_thd_*\""
    assert_has(text, "ctrace_thread_seconds_total" LABELS ",state=\"running\"} 1.500000001");
    assert_has(text, "ctrace_thread_seconds_total" LABELS ",state=\"net\"} 0.000000020");
    assert_has(text, "ctrace_thread_seconds_total" LABELS ",state=\"sync\"} 0.000000000");
    assert_has(text, "ctrace_thread_turns_total" LABELS "} 7");
    assert_has(text, "ctrace_thread_waits_total" LABELS "} 6");
    assert_has(text, "ctrace_threads_ended_total" LABELS "} 2");
    assert_has(text, "ctrace_threads" LABELS "} 3");
    assert_has(text, "ctrace_processes 3");
    assert_has(text, "ctrace_hidden_processes 1");
    assert_has(text, "ctrace_looks_total 12");
    assert_has(text, "ctrace_look_cpu_seconds_total 0.0025");
}

static void a_heap_is_told_of_where_it_is_seen(void **state)
{
    static const struct ct_heap_sum heap = {UINT64_C(12345678901234), 77, 2};
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autofree char *text = ct_metrics_write(none, &some_totals, &heap);
    g_autofree char *without = ct_metrics_write(none, &some_totals, NULL);

    (void)state;
    assert_has(text, "ctrace_heap_live_bytes 12345678901234");
    assert_has(text, "ctrace_heap_live_objects 77");
    assert_has(text, "ctrace_heap_processes 2");
    assert_null(strstr(without, "heap"));
}

/* Two samples with the same labels would make a scraper refuse all of them. */
static void names_that_become_alike_are_one(void **state)
{
    struct ct_kind kinds[] = {
        {.process = (char *)"a\x01", .name = (char *)"x\"\\\n", .turns = 1},
        {.process = (char *)"a\x02", .name = (char *)"x\"\\ ", .turns = 2},
        {.process = (char *)"\xff", .name = (char *)"", .turns = 4},
    };

    (void)state;
    g_autofree char *text = write_kinds(kinds, G_N_ELEMENTS(kinds));
    assert_has(text, "ctrace_thread_turns_total{process=\"a?\",kind=\"x\\\"\\\\ \"} 3");
    assert_has(text, "ctrace_thread_turns_total{process=\"\xef\xbf\xbd\",kind=\"\"} 4");
    assert_int_equal(count_lines(text, "ctrace_thread_turns_total{"), 2);
    assert_true(g_utf8_validate(text, -1, NULL));
}

static void names_without_end_are_bounded(void **state)
{
    enum { COUNT = 3 * CT_METRICS_KINDS_MAX };
    static struct ct_kind kinds[COUNT];
    static char names[COUNT][16];

    (void)state;
    for (guint i = 0; i < COUNT; i++) {
        g_snprintf(names[i], sizeof(names[i]), "p%u", i);
        kinds[i] = (struct ct_kind){.process = names[i], .name = names[i], .turns = 1};
    }
    g_autofree char *text = write_kinds(kinds, COUNT);
    assert_int_equal(count_lines(text, "ctrace_thread_turns_total{"), CT_METRICS_KINDS_MAX + 1);
    g_autofree char *rest =
        g_strdup_printf("ctrace_thread_turns_total{process=\"other\",kind=\"other\"} %d",
                        COUNT - CT_METRICS_KINDS_MAX);
    assert_has(text, rest);
}

/* Of a living process: this one's parent. */
static void prometheus_finds_nothing_to_say(void **state)
{
    static const struct ct_heap_sum heap = {1000, 10, 1};
    g_autofree char *promtool = g_find_program_in_path("promtool");
    g_autoptr(GPtrArray) targets = g_ptr_array_new();
    g_autofree char *parent = g_strdup_printf("%d", getppid());
    g_autoptr(GError) error = NULL;

    (void)state;
    if (promtool == NULL)
        skip();
    g_ptr_array_add(targets, parent);
    struct ct_selection *selection = ct_selection_new(targets, NULL, &error);
    assert_non_null(selection);
    struct ct_accounts *accounts = ct_accounts_new(selection, &error);
    assert_non_null(accounts);
    for (int i = 0; i < 3; i++)
        ct_accounts_look(accounts);
    g_autofree char *text = ct_metrics_text(accounts, &heap);
    g_autofree char *folder = g_dir_make_tmp("ctrace-metrics-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(folder, "metrics", NULL);
    g_autofree char *command = g_strdup_printf("sh -c '%s check metrics <%s 2>&1'", promtool, file);
    g_autofree char *said = NULL;
    int status = -1;

    assert_true(g_file_set_contents(file, text, -1, NULL));
    assert_true(g_spawn_command_line_sync(command, &said, NULL, &status, NULL));
    unlink(file);
    rmdir(folder);
    assert_string_equal(said, "");
    assert_int_equal(status, 0);
    ct_accounts_free(accounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_the_kinds),
        cmocka_unit_test(a_heap_is_told_of_where_it_is_seen),
        cmocka_unit_test(names_that_become_alike_are_one),
        cmocka_unit_test(names_without_end_are_bounded),
        cmocka_unit_test(prometheus_finds_nothing_to_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
