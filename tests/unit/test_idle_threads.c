/* Which threads did nothing but wait for work, as a timeline tells. */
#include "idle_threads.h"
#include "timeline_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
    struct ct_model *model; /* owned, as are the next three */
    struct ct_timeline *timeline;
    struct ct_symbolizer *symbolizer;
    struct ct_idle *idle;
    struct ct_thread *worker; /* borrowed, as is the next; neither is idle */
    struct ct_thread *thread;
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    struct ct_process *process;

    fixture->model = fixture_model("program", FIXTURE_S);
    fixture->timeline = ct_timeline_new(NULL);
    process = fixture_process(fixture->model, 10, "program");
    fixture->worker = fixture_thread(fixture->model, process, 10, "worker");
    fixture->thread = fixture_thread(fixture->model, process, 11, "thread");
    fixture->symbolizer = ct_symbolizer_new(fixture->model);
    fixture->idle = ct_idle_new(fixture->model, fixture->symbolizer);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ct_idle_free(fixture->idle);
    ct_symbolizer_free(fixture->symbolizer);
    ct_timeline_free(fixture->timeline);
    ct_model_free(fixture->model);
    g_free(fixture);
    return 0;
}

static void wait_at(const struct fixture *fixture, enum ct_op op, enum ct_class class,
                    uint64_t begin_us, uint64_t end_us)
{
    fixture_send(fixture->timeline, fixture_wait(fixture->thread, op, class, begin_us * FIXTURE_US,
                                                 end_us * FIXTURE_US));
}

static gboolean is_idle(const struct fixture *fixture)
{
    const struct ct_window window = {fixture->model->begin_ns, fixture->model->end_ns};

    ct_timeline_finish(fixture->timeline);
    g_autoptr(GHashTable) idle =
        ct_idle_threads_find(fixture->model, fixture->timeline, &window, fixture->idle);
    assert_false(g_hash_table_contains(idle, fixture->worker));
    return g_hash_table_contains(idle, fixture->thread);
}

static void one_that_waits_for_work_again_and_again_is_idle(void **state)
{
    const struct fixture *fixture = *state;

    for (uint64_t i = 0; i < 10; i++)
        wait_at(fixture, CT_OP_EPOLL_WAIT, CT_CLASS_NET, i * 100000 + 500, (i + 1) * 100000);
    assert_true(is_idle(fixture));
}

static void one_that_works_now_and_then_is_not(void **state)
{
    const struct fixture *fixture = *state;

    for (uint64_t i = 0; i < 10; i++)
        wait_at(fixture, CT_OP_EPOLL_WAIT, CT_CLASS_NET, i * 100000 + 5000, (i + 1) * 100000);
    assert_false(is_idle(fixture));
}

/* What stands still has to be seen. */
static void one_that_waits_for_a_lock_is_not(void **state)
{
    const struct fixture *fixture = *state;

    wait_at(fixture, CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, 0, 1000000);
    assert_false(is_idle(fixture));
}

static void one_of_a_pool_is_whoever_ends_it(void **state)
{
    const struct fixture *fixture = *state;
    struct ct_interval wait =
        fixture_wait(fixture->thread, CT_OP_COND_WAIT, CT_CLASS_SYNC, 0, 999 * FIXTURE_MS);

    wait.waker = fixture->worker;
    fixture_send(fixture->timeline, wait);
    assert_true(is_idle(fixture));
}

static void one_that_is_woken_for_work_is_not(void **state)
{
    const struct fixture *fixture = *state;

    for (uint64_t i = 0; i < 2; i++) {
        struct ct_interval wait =
            fixture_wait(fixture->thread, CT_OP_COND_WAIT, CT_CLASS_SYNC, i * FIXTURE_S / 2,
                         (i + 1) * FIXTURE_S / 2 - FIXTURE_MS);
        wait.waker = fixture->worker;
        fixture_send(fixture->timeline, wait);
    }
    assert_false(is_idle(fixture));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_waits_for_work_again_and_again_is_idle, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_that_works_now_and_then_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_waits_for_a_lock_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_of_a_pool_is_whoever_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_woken_for_work_is_not, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
