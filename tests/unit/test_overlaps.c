/* That a thread does two things at once is found, and nothing where it does not. */
#include "store_fixture.h"

#include "verify/overlaps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static GPtrArray *faults_of(struct store_fixture *fixture, const GArray *told)
{
    GPtrArray *faults = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(ct_model) model = ct_model_new();
    int fd = store_fixture_build(fixture, told);
    g_autoptr(ct_store) store = ct_store_open(fd, NULL, model, NULL);

    assert_non_null(store);
    assert_true(ct_verify_overlaps(store, model, faults, NULL));
    close(fd);
    return faults;
}

/* The first thread's last wait lasts into another one. */
static void add_overlap(const struct store_fixture *fixture, GArray *told)
{
    struct told last = {.kind = TOLD_RUN};

    for (guint i = 0; i < told->len; i++) {
        const struct told *one = &g_array_index(told, struct told, i);

        if (one->kind == TOLD_INTERVAL &&
            one->interval.thread == fixture->model->all_threads->pdata[0] &&
            one->interval.end_ns > last.interval.end_ns &&
            one->interval.end_ns > one->interval.begin_ns)
            last = *one;
    }
    assert_int_equal(last.kind, TOLD_INTERVAL);
    last.interval.begin_ns = last.interval.wait_begin_ns = last.interval.end_ns - 1;
    last.interval.end_ns = last.interval.wait_end_ns = last.interval.end_ns + 100;
    last.interval.previous_end_ns = 0;
    g_array_append_val(told, last);
}

static void what_lies_over_one_another_is_a_fault(void **state)
{
    (void)state;
    for (guint32 seed = 0; seed < 8; seed++) {
        struct store_fixture fixture;

        store_fixture_init(&fixture, seed, 4, 300);
        g_autoptr(GPtrArray) none = faults_of(&fixture, fixture.told);
        g_autoptr(GArray) told = g_array_copy(fixture.told);

        assert_int_equal(none->len, 0);
        add_overlap(&fixture, told);
        g_autoptr(GPtrArray) one = faults_of(&fixture, told);

        assert_int_equal(one->len, 1);
        assert_non_null(strstr(one->pdata[0], "1 time it is told to wait for two things at once"));
        assert_non_null(strstr(one->pdata[0], "1 ns together"));
        store_fixture_clear(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_over_one_another_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
