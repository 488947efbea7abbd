/* What a selection of waits lets through is what somebody would who looks at every one, and its
 * parts add up to the whole. */
#include "model/fact_finder.h"
#include "passes/filter.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

static struct store_fixture fixture;
static struct ct_symbolizer *symbolizer;
static struct ct_idle *idle;

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture, 23, 5, 600);
    for (guint i = 0; i < fixture.told->len; i++) {
        const struct told *told = &g_array_index(fixture.told, struct told, i);

        if (told->kind == TOLD_INTERVAL)
            ct_fact_finder_add(fixture.loaded->facts, &told->interval);
    }
    symbolizer = ct_symbolizer_new(fixture.loaded);
    idle = ct_idle_new(fixture.loaded, symbolizer);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ct_idle_free(idle);
    ct_symbolizer_free(symbolizer);
    store_fixture_clear(&fixture);
    return 0;
}

struct sum {
    uint64_t count;
    uint64_t time_ns;
};

static void add_interval(void *user, const struct ct_interval *interval)
{
    struct sum *sum = user;

    sum->count++;
    sum->time_ns += interval->end_ns - interval->begin_ns;
}

static void add_sum(struct sum *sum, struct sum more)
{
    sum->count += more.count;
    sum->time_ns += more.time_ns;
}

static void assert_same(struct sum sum, struct sum other)
{
    assert_int_equal(sum.count, other.count);
    assert_int_equal(sum.time_ns, other.time_ns);
}

/* All questions of a store, which must agree. */
static struct sum sum_of(const struct ct_selection *selection)
{
    g_autoptr(ct_filter) filter = ct_filter_new(selection, symbolizer, idle);
    const struct ct_store_scope scope = {.filter = ct_filter_of_intervals(filter)};
    struct sum sum = {0}, by_stack = {0};
    const struct ct_sink sink = {.user = &sum, .on_interval = add_interval};

    assert_true(ct_store_replay(fixture.store, &scope, &sink, NULL));
    g_autoptr(GArray) groups = ct_store_sum_by(fixture.store, CT_STORE_BY_STACK, &scope, NULL);
    g_autoptr(GArray) longest = ct_store_longest(fixture.store, &scope, 100000, NULL);

    for (guint i = 0; i < groups->len; i++) {
        const struct ct_store_group_sum *group =
            &g_array_index(groups, struct ct_store_group_sum, i);

        add_sum(&by_stack, (struct sum){group->count, group->ns});
    }
    assert_same(by_stack, sum);
    assert_int_equal(longest->len, sum.count);
    return sum;
}

static struct sum whole(void)
{
    const struct ct_selection everything = {0};
    struct sum sum = sum_of(&everything);

    assert_true(sum.count > 1000 && sum.time_ns > 0);
    return sum;
}

static void classes_add_up_to_the_whole(void **state)
{
    struct sum sum = {0};
    guint some = 0;

    (void)state;
    for (guint class = 0; class < CT_CLASS_COUNT; class ++) {
        const struct ct_selection selection = {.classes = 1U << class};
        struct sum one = sum_of(&selection);

        some += one.count > 0;
        add_sum(&sum, one);
    }
    assert_true(some > 1);
    assert_same(sum, whole());

    const struct ct_selection two = {.classes = 1U << CT_CLASS_NET | 1U << CT_CLASS_SYNC};
    const struct ct_selection net = {.classes = 1U << CT_CLASS_NET};
    const struct ct_selection sync = {.classes = 1U << CT_CLASS_SYNC};

    sum = sum_of(&net);
    add_sum(&sum, sum_of(&sync));
    assert_same(sum_of(&two), sum);
}

/* What has no operation, or no system call's name, is in none of them. */
static void operations_add_up_to_what_has_one(void **state)
{
    struct sum sum = {0}, wanted = {0};

    (void)state;
    for (guint op = CT_OP_NONE + 1; op < CT_OP_COUNT; op++) {
        const char *names[] = {ct_op_name((enum ct_op)op), NULL};
        const struct ct_selection selection = {.operations = names};

        add_sum(&sum, sum_of(&selection));
    }
    for (guint i = 0; i < fixture.told->len; i++) {
        const struct told *told = &g_array_index(fixture.told, struct told, i);

        if (told->kind == TOLD_INTERVAL && told->interval.op != CT_OP_NONE)
            add_interval(&wanted, &told->interval);
    }
    assert_same(sum, wanted);

    const char *any[] = {"*", NULL};
    const struct ct_selection all = {.operations = any};

    assert_true(sum_of(&all).count >= wanted.count);
}

static uint64_t length_ns(const struct ct_interval *interval)
{
    return interval->class == CT_CLASS_RUNNABLE ? interval->end_ns - interval->begin_ns
                                                : ct_interval_wait_ns(interval);
}

static void long_and_short_waits_add_up_to_the_whole(void **state)
{
    const struct ct_selection selection = {.min_ns = 20000};
    struct sum sum = sum_of(&selection);

    (void)state;
    assert_true(sum.count > 0 && sum.count < whole().count);
    for (guint i = 0; i < fixture.told->len; i++) {
        const struct told *told = &g_array_index(fixture.told, struct told, i);

        if (told->kind == TOLD_INTERVAL && length_ns(&told->interval) < selection.min_ns)
            add_interval(&sum, &told->interval);
    }
    assert_same(sum, whole());
}

static void add_if_idle(void *user, const struct ct_interval *interval)
{
    if (ct_idle_has(idle, interval))
        add_interval(user, interval);
}

static void idle_waits_and_delays_add_up_to_the_whole(void **state)
{
    static const struct ct_store_scope everything;
    const struct ct_selection selection = {.is_without_idle = TRUE};
    struct sum sum = sum_of(&selection), idle_sum = {0};
    const struct ct_sink sink = {.user = &idle_sum, .on_interval = add_if_idle};

    (void)state;
    assert_true(ct_store_replay(fixture.store, &everything, &sink, NULL));
    assert_true(sum.count > 0 && idle_sum.count > 0);
    add_sum(&sum, idle_sum);
    assert_same(sum, whole());
}

/* One at a time, each by all that it is called. */
static void objects_are_found_by_what_they_are_called(void **state)
{
    guint checked = 0;

    (void)state;
    for (guint i = 0; i < fixture.told->len && checked < 20; i++) {
        const struct told *told = &g_array_index(fixture.told, struct told, i);
        const struct ct_interval *interval = &told->interval;

        if (told->kind != TOLD_INTERVAL || interval->call_name ||
            !ct_object_is_address(ct_op_object(interval->op)))
            continue;
        g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", interval->object);
        g_autofree char *text =
            g_strdup_printf("%s %s", ct_object_name(ct_op_object(interval->op)), address);
        const char *by_address[] = {address, NULL}, *by_text[] = {text, NULL};
        const struct ct_selection first = {.objects = by_address}, second = {.objects = by_text};

        assert_true(sum_of(&first).count > 0);
        assert_true(sum_of(&second).count > 0);
        assert_true(sum_of(&second).count <= sum_of(&first).count);
        checked++;
    }
    assert_true(checked > 0);
}

static void what_is_asked_for_at_once_is_what_has_all(void **state)
{
    const struct ct_selection both = {.classes = 1U << CT_CLASS_SYNC, .min_ns = 20000};
    struct sum wanted = {0};

    (void)state;
    for (guint i = 0; i < fixture.told->len; i++) {
        const struct told *told = &g_array_index(fixture.told, struct told, i);

        if (told->kind == TOLD_INTERVAL && told->interval.class == CT_CLASS_SYNC &&
            length_ns(&told->interval) >= 20000)
            add_interval(&wanted, &told->interval);
    }
    assert_same(sum_of(&both), wanted);
}

static void who_asks_for_what_is_not_there_is_told(void **state)
{
    const char *operations[] = {"pthread_mutex_lok", "*", NULL};
    const char *objects[] = {"no such lock", NULL};
    const struct ct_selection selection = {.operations = operations, .objects = objects};
    g_autoptr(ct_filter) filter = ct_filter_new(&selection, symbolizer, idle);
    const struct ct_store_scope scope = {.filter = ct_filter_of_intervals(filter)};
    struct sum sum = {0};
    const struct ct_sink sink = {.user = &sum, .on_interval = add_interval};

    (void)state;
    assert_true(ct_store_replay(fixture.store, &scope, &sink, NULL));
    assert_int_equal(sum.count, 0);
    g_autoptr(GPtrArray) complaints = ct_filter_complaints(filter);

    assert_int_equal(complaints->len, 2);
    assert_non_null(strstr(complaints->pdata[0], "--op=pthread_mutex_lok"));
    assert_non_null(strstr(complaints->pdata[1], "no such lock"));
}

static void what_is_selected_is_put_into_words(void **state)
{
    const char *operations[] = {"read", "recv", "poll", NULL}, *objects[] = {"*_lock", NULL};
    g_autoptr(GRegex) place = g_regex_new("serve_.*", 0, 0, NULL);
    const struct ct_selection selection = {
        .classes = 1U << CT_CLASS_NET | 1U << CT_CLASS_SYNC,
        .operations = operations,
        .objects = objects,
        .place = place,
        .min_ns = 1000000,
        .is_without_idle = TRUE,
    };
    const struct ct_selection everything = {0};
    g_autofree char *text = ct_selection_describe_waits(&selection);
    g_autofree char *nothing = ct_selection_describe(&everything);

    (void)state;
    assert_string_equal(text, "waits of class net or sync, in read, recv or poll, for *_lock, "
                              "through /serve_.*/, of 1.00 ms or more that are not idle");
    assert_string_equal(nothing, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_add_up_to_the_whole),
        cmocka_unit_test(operations_add_up_to_what_has_one),
        cmocka_unit_test(long_and_short_waits_add_up_to_the_whole),
        cmocka_unit_test(idle_waits_and_delays_add_up_to_the_whole),
        cmocka_unit_test(objects_are_found_by_what_they_are_called),
        cmocka_unit_test(what_is_asked_for_at_once_is_what_has_all),
        cmocka_unit_test(who_asks_for_what_is_not_there_is_told),
        cmocka_unit_test(what_is_selected_is_put_into_words),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
