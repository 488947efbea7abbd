/* Conditions: what can be typed, and of whom it holds, looks at made-up threads. */
#include "conditions/circle.h"
#include "conditions/judge.h"
#include "conditions/state_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

#define MS UINT64_C(1000000)

/* ---- What can be typed ---- */

static void each_kind_is_understood(void **state)
{
    static const struct {
        const char *text;
        enum ct_condition_kind kind;
        enum ct_class class;
        uint64_t bound;
        const char *named;
    } rows[] = {
        {"wait.sync > 200ms", CT_CONDITION_WAIT, CT_CLASS_SYNC, 200 * MS, NULL},
        {" wait.net(a*)>1s ", CT_CONDITION_WAIT, CT_CLASS_NET, 1000 * MS, "accepts"},
        {"thread.state=net > 5s", CT_CONDITION_STATE, CT_CLASS_NET, 5000 * MS, NULL},
        {"thread.state=running (b) > 1s", CT_CONDITION_STATE, CT_CLASS_RUNNING, 1000 * MS, "b"},
        {"memory.rss > 2GB", CT_CONDITION_MEMORY, 0, UINT64_C(2000000000), NULL},
        {"heap.live > 2GB", CT_CONDITION_HEAP, 0, UINT64_C(2000000000), NULL},
        {"deadlock", CT_CONDITION_DEADLOCK, 0, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        struct ct_condition *condition = ct_condition_parse(rows[i].text, &error);

        assert_null(error);
        assert_int_equal(condition->kind, rows[i].kind);
        assert_int_equal(condition->class, rows[i].class);
        assert_int_equal(condition->bound, rows[i].bound);
        assert_int_equal(condition->names != NULL, rows[i].named != NULL);
        if (rows[i].named) {
            assert_true(g_pattern_spec_match_string(condition->names, rows[i].named));
            assert_false(g_pattern_spec_match_string(condition->names, "other"));
        }
        ct_condition_free(condition);
    }
}

static void what_is_wrong_is_refused_with_what_there_is(void **state)
{
    static const struct {
        const char *text;
        const char *said;
    } rows[] = {
        {"", "there are: wait.CLASS"},
        {"> 1s", "there are: wait.CLASS"},
        {"deadlocks", "there are: wait.CLASS"},
        {"deadlock > 1s", "there are: wait.CLASS"},
        {"wait.sink > 1s", "net, sync, syscall, sleep, other"},
        {"wait.running > 1s", "net, sync, syscall, sleep, other"},
        {"wait.unknown > 1s", "net, sync, syscall, sleep, other"},
        {"thread.state= > 1s", "running, runnable, net"},
        {"wait.sync", "more than what?"},
        {"wait.sync >", "is no time"},
        {"wait.sync >= 1s", "is no time"},
        {"wait.sync > 0", "is no time"},
        {"wait.sync > 5", "is no time"},
        {"memory.rss > 1s", "is no size"},
        {"wait.sync() > 1s", "in brackets"},
        {"wait.sync(a > 1s", "in brackets"},
        {"latency(request) > 1s", "how long requests take"},
        {"heap.live > 2s", "is no size"},
        {"heap.live(server) > 2GB", "memory.rss(NAME)"},
        {"heap.lives > 2GB", "heap.live > SIZE"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(ct_condition_parse(rows[i].text, &error));
        assert_non_null(strstr(error->message, rows[i].said));
    }
}

/* ---- Of whom it holds ---- */

static struct ct_judge *judge_of(const char *text)
{
    return ct_judge_new(ct_condition_parse(text, NULL));
}

static char *look_at(struct ct_judge *judge, const struct ct_watched_thread *threads, guint count)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(*threads));
    const struct ct_watched watched = {.threads = all};

    g_array_append_vals(all, threads, count);
    return ct_judge_look(judge, &watched);
}

static void a_wait_is_told_of_once(void **state)
{
    struct ct_judge *judge = judge_of("wait.sync > 200ms");
    struct ct_watched_thread thread = {10, 12, "worker", CT_CLASS_SYNC, 200 * MS, 0, 0};

    (void)state;
    assert_null(look_at(judge, &thread, 1)); /* not more */
    thread.wait_ns = 300 * MS;
    g_autofree char *first = look_at(judge, &thread, 1);

    assert_string_equal(first, "thread worker (12) of process 10 has been in one wait for 300 ms");
    thread.wait_ns = 500 * MS;
    assert_null(look_at(judge, &thread, 1));
    thread.wait_ns = 0;
    assert_null(look_at(judge, &thread, 1));
    thread.wait_ns = 201 * MS;
    g_autofree char *again = look_at(judge, &thread, 1);

    assert_non_null(again);
    ct_judge_free(judge);
}

static void others_are_told_of_while_it_holds_of_one(void **state)
{
    struct ct_judge *judge = judge_of("wait.sync > 200ms");
    struct ct_watched_thread threads[] = {
        {10, 11, "idle", CT_CLASS_SYNC, 900 * MS, 0, 0},
        {10, 12, "worker", CT_CLASS_SYNC, 100 * MS, 0, 0},
    };
    g_autofree char *first = look_at(judge, threads, 2);

    (void)state;
    assert_non_null(strstr(first, "idle (11)"));
    threads[1].wait_ns = 300 * MS;
    g_autofree char *second = look_at(judge, threads, 2);

    assert_non_null(strstr(second, "worker (12)"));
    ct_judge_free(judge);
}

static void classes_and_names_are_told_apart(void **state)
{
    struct ct_judge *judge = judge_of("wait.net(worker-*) > 200ms");
    const struct ct_watched_thread threads[] = {
        {10, 11, "worker-1", CT_CLASS_SYNC, 900 * MS, CT_CLASS_NET, 900 * MS},
        {10, 12, "acceptor", CT_CLASS_NET, 900 * MS, CT_CLASS_NET, 900 * MS},
    };
    const struct ct_watched_thread meant = {10, 13, "worker-2", CT_CLASS_NET, 900 * MS, 0, 0};

    (void)state;
    assert_null(look_at(judge, threads, 2));
    g_autofree char *told = look_at(judge, &meant, 1);

    assert_non_null(told);
    ct_judge_free(judge);
}

static void a_state_is_no_wait(void **state)
{
    struct ct_judge *judge = judge_of("thread.state=net > 5s");
    struct ct_watched_thread thread = {10,       12, "w", CT_CLASS_NET, 9000 * MS, CT_CLASS_UNKNOWN,
                                       9000 * MS};

    (void)state;
    assert_null(look_at(judge, &thread, 1));
    thread.state = CT_CLASS_NET;
    thread.wait_ns = 1;
    g_autofree char *told = look_at(judge, &thread, 1);

    assert_string_equal(told, "thread w (12) of process 10 has been in that state for 9.00 s");
    ct_judge_free(judge);
}

static void names_are_made_harmless(void **state)
{
    struct ct_judge *judge = judge_of("wait.sync > 1ms");
    const struct ct_watched_thread thread = {10, 12, "a\033[2J", CT_CLASS_SYNC, 2 * MS, 0, 0};
    g_autofree char *told = look_at(judge, &thread, 1);

    (void)state;
    assert_null(strchr(told, '\033'));
    ct_judge_free(judge);
}

static void memory_is_of_processes(void **state)
{
    struct ct_judge *judge = judge_of("memory.rss(server) > 1MB");
    struct ct_watched_process process = {10, "server", 1000000};
    g_autoptr(GArray) processes = g_array_new(FALSE, FALSE, sizeof(process));
    const struct ct_watched watched = {.processes = processes};

    (void)state;
    g_array_append_val(processes, process);
    assert_null(ct_judge_look(judge, &watched));
    g_array_index(processes, struct ct_watched_process, 0).rss_bytes = 2500000;
    g_autofree char *told = ct_judge_look(judge, &watched);

    assert_string_equal(told, "process server (10) has 2.5 MB");
    assert_null(ct_judge_look(judge, &watched));
    ct_judge_free(judge);
}

static void a_heap_is_of_all(void **state)
{
    struct ct_judge *judge = judge_of("heap.live > 1MB");
    struct ct_watched watched = {.heap_bytes = 1000000};

    (void)state;
    assert_null(ct_judge_look(judge, &watched));
    watched.heap_bytes = 2500000;
    g_autofree char *told = ct_judge_look(judge, &watched);

    assert_string_equal(told, "about 2.5 MB are live in the heap, by its samples");
    assert_null(ct_judge_look(judge, &watched));
    watched.heap_bytes = 0;
    assert_null(ct_judge_look(judge, &watched));
    watched.heap_bytes = 1000001;
    g_autofree char *again = ct_judge_look(judge, &watched);

    assert_non_null(again);
    ct_judge_free(judge);
}

/* ---- States ---- */

static struct ct_state_run run_of(const struct ct_state_look *looks, guint count)
{
    struct ct_state_run run = {0};

    for (guint i = 0; i < count; i++)
        ct_state_run_update(&run, &looks[i]);
    return run;
}

static void who_has_a_cpu_all_the_time_runs(void **state)
{
    const struct ct_state_look looks[] = {{1000 * MS, 0, CT_CLASS_RUNNING, FALSE},
                                          {1200 * MS, 190 * MS, CT_CLASS_RUNNING, FALSE},
                                          {1400 * MS, 371 * MS, CT_CLASS_SYNC, FALSE}};
    const struct ct_state_run run = run_of(looks, 3);

    (void)state;
    assert_int_equal(run.state, CT_CLASS_RUNNING);
    assert_int_equal(run.since_ns, 1000 * MS);
}

static void who_works_between_waits_is_in_none(void **state)
{
    const struct ct_state_look looks[] = {{1000 * MS, 0, CT_CLASS_NET, FALSE},
                                          {1200 * MS, 1 * MS, CT_CLASS_NET, FALSE},
                                          {1400 * MS, 51 * MS, CT_CLASS_NET, FALSE},
                                          {1600 * MS, 51 * MS, CT_CLASS_NET, FALSE}};
    const struct ct_state_run quiet = run_of(looks, 2);
    const struct ct_state_run busy = run_of(looks, 3);
    const struct ct_state_run quiet_again = run_of(looks, 4);

    (void)state;
    assert_int_equal(quiet.state, CT_CLASS_NET);
    assert_int_equal(quiet.since_ns, 1000 * MS);
    assert_int_equal(busy.state, CT_CLASS_UNKNOWN);
    assert_int_equal(quiet_again.state, CT_CLASS_NET);
    assert_int_equal(quiet_again.since_ns, 1600 * MS);
}

static void who_is_in_line_is_runnable(void **state)
{
    const struct ct_state_look looks[] = {{1000 * MS, 0, CT_CLASS_RUNNING, FALSE},
                                          {1200 * MS, 0, CT_CLASS_RUNNING, TRUE}};
    const struct ct_state_run run = run_of(looks, 2);

    (void)state;
    assert_int_equal(run.state, CT_CLASS_RUNNABLE);
    assert_int_equal(run.since_ns, 1000 * MS);
}

/* ---- Circles ---- */

static GArray *circle_of(const struct ct_lock_wait *waits, guint count)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(*waits));

    g_array_append_vals(all, waits, count);
    return ct_circle_find(all);
}

static void a_circle_is_told_without_those_behind_it(void **state)
{
    const struct ct_lock_wait waits[] = {{1, 9, 7}, {1, 7, 5}, {1, 5, 6}, {1, 6, 7}};
    g_autoptr(GArray) circle = circle_of(waits, 4);

    (void)state;
    assert_int_equal(circle->len, 3);
    assert_int_equal(g_array_index(circle, pid_t, 0), 5);
    assert_int_equal(g_array_index(circle, pid_t, 1), 6);
    assert_int_equal(g_array_index(circle, pid_t, 2), 7);
}

static void one_may_wait_for_itself(void **state)
{
    const struct ct_lock_wait waits[] = {{1, 5, 5}};
    g_autoptr(GArray) circle = circle_of(waits, 1);

    (void)state;
    assert_int_equal(circle->len, 1);
}

static void a_queue_is_no_circle(void **state)
{
    const struct ct_lock_wait waits[] = {{1, 9, 7}, {1, 7, 5}, {1, 6, 5}};

    (void)state;
    assert_null(circle_of(waits, 3));
    assert_null(circle_of(waits, 0));
}

static void processes_have_mutexes_of_their_own(void **state)
{
    const struct ct_lock_wait waits[] = {{1, 5, 6}, {2, 6, 5}};

    (void)state;
    assert_null(circle_of(waits, 2));
}

static void a_deadlock_is_told_of_once(void **state)
{
    struct ct_judge *judge = judge_of("deadlock");
    const pid_t ids[] = {5, 6};
    g_autoptr(GArray) circle = g_array_new(FALSE, FALSE, sizeof(pid_t));
    const struct ct_watched none = {0};
    const struct ct_watched watched = {.circle = circle};

    (void)state;
    g_array_append_vals(circle, ids, 2);
    assert_null(ct_judge_look(judge, &none));
    g_autofree char *told = ct_judge_look(judge, &watched);

    assert_string_equal(told, "threads wait for each other's mutexes: 5 -> 6 -> 5");
    assert_null(ct_judge_look(judge, &watched));
    ct_judge_free(judge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_understood),
        cmocka_unit_test(what_is_wrong_is_refused_with_what_there_is),
        cmocka_unit_test(a_wait_is_told_of_once),
        cmocka_unit_test(others_are_told_of_while_it_holds_of_one),
        cmocka_unit_test(classes_and_names_are_told_apart),
        cmocka_unit_test(a_state_is_no_wait),
        cmocka_unit_test(names_are_made_harmless),
        cmocka_unit_test(memory_is_of_processes),
        cmocka_unit_test(a_heap_is_of_all),
        cmocka_unit_test(who_has_a_cpu_all_the_time_runs),
        cmocka_unit_test(who_works_between_waits_is_in_none),
        cmocka_unit_test(who_is_in_line_is_runnable),
        cmocka_unit_test(a_circle_is_told_without_those_behind_it),
        cmocka_unit_test(one_may_wait_for_itself),
        cmocka_unit_test(a_queue_is_no_circle),
        cmocka_unit_test(processes_have_mutexes_of_their_own),
        cmocka_unit_test(a_deadlock_is_told_of_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
