/* A report may be told while a trace is read: what it says is what is known at the end. */
#include "summary/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>

static struct ct_thread *add_thread(struct ct_model *model, int32_t tid)
{
    return ct_model_add_thread(model, model->processes->pdata[0], tid, 0, 0);
}

static void a_thread_has_the_name_that_it_got_last(void **state)
{
    (void)state;
    g_autoptr(ct_model) model = ct_model_new();
    const struct ct_report_scope scope = {.is_whole_time = TRUE};

    ct_model_add_process(model, 100, 0, 0);
    struct ct_thread *waiter = add_thread(model, 100), *awaited = add_thread(model, 101);
    g_autoptr(ct_report) report = ct_report_new(model, &scope, 10);
    const struct ct_sink sink = ct_report_sink(report);
    const struct ct_interval interval = {.thread = waiter,
                                         .end_ns = 30,
                                         .wait_end_ns = 30,
                                         .weight = 1,
                                         .object = 101,
                                         .op = CT_OP_THREAD_JOIN,
                                         .class = CT_CLASS_SYNC};

    assert_true(sink.is_early);
    sink.on_interval(sink.user, &interval);
    g_free(awaited->name);
    awaited->name = g_strdup("worker");
    ct_report_finish(report);
    const struct ct_report_site *site = report->lists->sites->pdata[0];
    const struct ct_report_wait *wait = report->lists->longest->pdata[0];

    assert_string_equal(site->object, "thread 101 (worker)");
    assert_string_equal(wait->object, "thread 101 (worker)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_thread_has_the_name_that_it_got_last)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
