/* What was written before a part of a recording began, as readers of the rest count it. */
#include "provider/writer.h"
#include "written.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define PID 7

static int set_up(void **state)
{
    struct ct_written *written = ct_written_new();

    ct_written_expect_parts(written);
    *state = written;
    return 0;
}

static int tear_down(void **state)
{
    ct_written_free(*state);
    return 0;
}

static void add(struct ct_written *written, int32_t tid, enum ct_event event, uint64_t time_ns)
{
    const struct ct_source source = {.vpid = PID, .vtid = tid, .time_ns = time_ns};

    ct_written_add(written, &source, event, time_ns);
}

static void assert_before(const struct ct_written *written, uint64_t begin_ns, uint64_t waits,
                          uint64_t ended_threads)
{
    struct ct_written_counts before;

    ct_written_before(written, begin_ns, &before);
    assert_int_equal(before.waits, waits);
    assert_int_equal(before.ended_threads, ended_threads);
}

static void a_wait_that_comes_late_into_a_part_was_before_it(void **state)
{
    struct ct_written *written = *state;

    add(written, 1, CT_EVENT_ID_WAIT, 50);
    ct_written_begin_part(written, 100);
    add(written, 1, CT_EVENT_ID_LONG_WAIT, 100);
    add(written, 1, CT_EVENT_ID_LOCK_WAIT, 101);
    assert_before(written, 100, 2, 0);
    assert_int_equal(ct_written_all(written)->waits, 3);
}

static void one_that_comes_later_still_was_before_all_parts_since(void **state)
{
    struct ct_written *written = *state;

    ct_written_begin_part(written, 100);
    ct_written_begin_part(written, 200);
    ct_written_begin_part(written, 300);
    add(written, 1, CT_EVENT_ID_WAIT, 150);
    ct_written_add_open_wait(written, 250);
    assert_before(written, 100, 0, 0);
    assert_before(written, 200, 1, 0);
    assert_before(written, 300, 1, 0);
    struct ct_written_counts before;
    ct_written_before(written, 300, &before);
    assert_int_equal(before.open_waits, 1);
    ct_written_before(written, 200, &before);
    assert_int_equal(before.open_waits, 0);
}

static void what_older_parts_had_is_forgotten_with_them(void **state)
{
    struct ct_written *written = *state;

    ct_written_begin_part(written, 100);
    add(written, 1, CT_EVENT_ID_WAIT, 110);
    ct_written_begin_part(written, 200);
    ct_written_forget(written, 200);
    add(written, 1, CT_EVENT_ID_WAIT, 120);
    assert_before(written, 200, 2, 0);
}

static void threads_that_said_so_before_a_part_ended_before_it(void **state)
{
    struct ct_written *written = *state;

    add(written, 1, CT_EVENT_ID_THREAD_START, 10);
    add(written, 2, CT_EVENT_ID_THREAD_START, 10);
    add(written, 1, CT_EVENT_ID_THREAD_EXIT, 20);
    ct_written_begin_part(written, 100);
    ct_written_restate_thread(written, PID, 2);
    ct_written_end_round(written);
    add(written, 2, CT_EVENT_ID_THREAD_EXIT, 120);
    assert_before(written, 100, 0, 1);
    assert_int_equal(ct_written_all(written)->ended_threads, 2);
}

/* It had ended when the part began, but had not been heard yet: readers hear it in the part. */
static void a_thread_that_is_heard_in_a_part_ended_in_it(void **state)
{
    struct ct_written *written = *state;

    add(written, 1, CT_EVENT_ID_THREAD_START, 10);
    ct_written_begin_part(written, 100);
    add(written, 1, CT_EVENT_ID_THREAD_EXIT, 90);
    ct_written_end_round(written);
    assert_before(written, 100, 0, 0);
}

static void one_whose_last_words_were_lost_ended_before(void **state)
{
    struct ct_written *written = *state;

    add(written, 1, CT_EVENT_ID_THREAD_START, 10);
    ct_written_begin_part(written, 100);
    ct_written_end_round(written);
    assert_before(written, 100, 0, 1);
    ct_written_begin_part(written, 200);
    ct_written_end_round(written);
    assert_before(written, 200, 0, 1);
}

static void threads_of_an_image_that_is_over_are_not_missed(void **state)
{
    struct ct_written *written = *state;

    add(written, 1, CT_EVENT_ID_THREAD_START, 10);
    ct_written_forget_image(written, PID);
    ct_written_begin_part(written, 100);
    ct_written_end_round(written);
    assert_before(written, 100, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wait_that_comes_late_into_a_part_was_before_it),
        TEST(one_that_comes_later_still_was_before_all_parts_since),
        TEST(what_older_parts_had_is_forgotten_with_them),
        TEST(threads_that_said_so_before_a_part_ended_before_it),
        TEST(a_thread_that_is_heard_in_a_part_ended_in_it),
        TEST(one_whose_last_words_were_lost_ended_before),
        TEST(threads_of_an_image_that_is_over_are_not_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
