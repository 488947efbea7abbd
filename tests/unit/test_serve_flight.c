/* What the options of a flight recorder say. */
#include "serve/flight_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>

#define MB     G_GUINT64_CONSTANT(1000000)
#define SECOND G_GUINT64_CONSTANT(1000000000)

static gboolean reads(struct ct_flight_given given, struct ct_flight_limits *limits)
{
    g_autoptr(GError) error = NULL;
    gboolean is_read = ct_flight_given_read(&given, limits, &error);

    assert_true(is_read == (error == NULL));
    return is_read;
}

static void a_time_a_size_or_both(void **state)
{
    struct ct_flight_limits limits;

    (void)state;
    assert_true(reads((struct ct_flight_given){.flight = "5s,8MB"}, &limits));
    assert_int_equal(limits.stretch_ns, 5 * SECOND);
    assert_int_equal(limits.bytes, 8 * MB);
    assert_true(reads((struct ct_flight_given){.flight = "2m"}, &limits));
    assert_int_equal(limits.stretch_ns, 120 * SECOND);
    assert_int_equal(limits.bytes, 64 * MB);
    assert_true(reads((struct ct_flight_given){.flight = "1G"}, &limits));
    assert_int_equal(limits.stretch_ns, 30 * SECOND);
    assert_int_equal(limits.bytes, 1000 * MB);
}

static void how_often_and_how_many(void **state)
{
    struct ct_flight_limits limits;

    (void)state;
    assert_true(reads((struct ct_flight_given){.flight = "5s"}, &limits));
    assert_int_equal(limits.gap_ns, 60 * SECOND);
    assert_int_equal(limits.count, 10);
    assert_true(reads((struct ct_flight_given){.flight = "5s", .gap = "0", .count = "3"}, &limits));
    assert_int_equal(limits.gap_ns, 0);
    assert_int_equal(limits.count, 3);
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const char *const flights[] = {"",      ",",    "5s,",    ",5M", "5M,5s",
                                          "5s,1M", "10ms", "5s,5M,", "x"};
    struct ct_flight_limits limits;

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(flights); i++)
        assert_false(reads((struct ct_flight_given){.flight = (char *)flights[i]}, &limits));
    assert_false(reads((struct ct_flight_given){.flight = "5s", .gap = "often"}, &limits));
    assert_false(reads((struct ct_flight_given){.flight = "5s", .count = "0"}, &limits));
    assert_false(reads((struct ct_flight_given){.gap = "5s"}, &limits));
    assert_true(reads((struct ct_flight_given){0}, &limits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_a_size_or_both),
        cmocka_unit_test(how_often_and_how_many),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
