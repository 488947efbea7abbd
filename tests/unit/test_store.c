/* A store answers as somebody does who looks at every interval. */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define WINDOWS 1000

static struct store_fixture fixture;

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture, 11, 5, 900);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_clear(&fixture);
    return 0;
}

static const struct told *told_at(const GArray *told, guint index)
{
    return &g_array_index(told, struct told, index);
}

static gboolean touches(const struct told *told, const struct ct_window *window)
{
    return told_end_ns(told) >= window->begin_ns && told_begin_ns(told) <= window->end_ns;
}

static uint64_t inside_ns(const struct ct_window *window, uint64_t begin_ns, uint64_t end_ns)
{
    uint64_t from_ns = MAX(begin_ns, window->begin_ns), to_ns = MIN(end_ns, window->end_ns);

    return from_ns < to_ns ? to_ns - from_ns : 0;
}

static uint64_t unseen_ns(double weight, uint64_t time_ns)
{
    return weight > 1 ? (uint64_t)llround((weight - 1) * (double)time_ns) : 0;
}

/* Of any length; its ends are often where something begins or ends. */
static struct ct_window some_window(void)
{
    struct ct_window window;
    guint count = fixture.told->len;
    guint first = (guint)g_rand_int_range(fixture.rand, 0, (gint32)count);
    guint last = MIN(first + (guint)g_rand_int_range(fixture.rand, 0, 400), count - 1);

    window.begin_ns = told_begin_ns(told_at(fixture.told, first));
    window.end_ns = told_end_ns(told_at(fixture.told, last));
    if (g_rand_boolean(fixture.rand))
        window.begin_ns += (uint64_t)g_rand_int_range(fixture.rand, 0, 100000);
    if (g_rand_int_range(fixture.rand, 0, 5) == 0)
        window.end_ns = window.begin_ns;
    window.end_ns = MAX(window.begin_ns, window.end_ns);
    return window;
}

/* The thread of the loaded model that is the same. */
static struct ct_thread *loaded_thread(const struct ct_thread *thread)
{
    for (guint i = 0; i < fixture.loaded->all_threads->len; i++) {
        struct ct_thread *other = fixture.loaded->all_threads->pdata[i];

        if (other->tid == thread->tid)
            return other;
    }
    fail();
    return NULL;
}

/* Held against what was told, and of that against what `scope` lets through. */
static void expect_replay(struct ct_store *store, const struct ct_store_scope *scope,
                          const GArray *told)
{
    struct store_fixture got = {.told = g_array_new(FALSE, FALSE, sizeof(struct told)),
                                .owned = g_ptr_array_new_with_free_func(g_free)};
    const struct ct_sink sink = told_sink(&got);
    guint at = 0;

    assert_true(ct_store_replay(store, scope, &sink, NULL));
    for (guint i = 0; i < told->len; i++) {
        const struct told *one = told_at(told, i);

        if (scope->window && !touches(one, scope->window))
            continue;
        if (scope->selection && !ct_selection_has_thread(scope->selection, one->interval.thread))
            continue;
        assert_true(at < got.told->len);
        g_autofree char *expected = told_text(one);
        g_autofree char *found = told_text(told_at(got.told, at++));

        assert_string_equal(found, expected);
    }
    assert_int_equal(at, got.told->len);
    g_array_unref(got.told);
    g_ptr_array_unref(got.owned);
}

static void replay_is_what_was_told(void **state)
{
    const struct ct_store_scope everything = {0};

    (void)state;
    assert_int_equal(ct_store_record_count(fixture.store), fixture.told->len);
    expect_replay(fixture.store, &everything, fixture.told);
}

static void replay_of_a_window_is_what_touches_it(void **state)
{
    (void)state;
    for (guint i = 0; i < 100; i++) {
        const struct ct_window window = some_window();
        const struct ct_store_scope scope = {.window = &window};

        expect_replay(fixture.store, &scope, fixture.told);
    }
}

static void cursors_go_by_begin(void **state)
{
    (void)state;
    for (guint i = 0; i < 100; i++) {
        const struct ct_window window = some_window();
        const struct ct_thread *thread = fixture.model->threads->pdata[i % 5];
        g_autoptr(ct_store_cursor) cursor =
            ct_store_intervals(fixture.store, loaded_thread(thread), &window);
        struct ct_store_event event;
        uint64_t last_ns = 0;
        guint expected = 0, found = 0;

        for (guint k = 0; k < fixture.told->len; k++) {
            const struct told *one = told_at(fixture.told, k);

            expected += one->kind == TOLD_INTERVAL && one->interval.thread == thread &&
                        touches(one, &window);
        }
        for (; ct_store_cursor_next(cursor, &event, NULL); found++) {
            const struct told got = {.kind = TOLD_INTERVAL, .interval = event.interval};
            g_autofree char *got_text = told_text(&got);
            g_autofree char *text = told_text(told_at(fixture.told, (guint)event.id.sequence));

            assert_string_equal(got_text, text);
            assert_true(event.begin_ns >= last_ns);
            last_ns = event.begin_ns;
        }
        assert_int_equal(found, expected);
    }
}

static enum ct_store_kind kind_of(const struct told *told)
{
    return told->kind == TOLD_INTERVAL ? CT_STORE_INTERVALS
           : told->kind == TOLD_RUN    ? CT_STORE_RUNS
           : told->kind == TOLD_SAMPLE ? CT_STORE_SAMPLES
                                       : CT_STORE_TURNS;
}

static guint number_of(const struct told *told)
{
    const struct ct_thread *thread = told->kind == TOLD_INTERVAL ? told->interval.thread
                                     : told->kind == TOLD_RUN    ? told->run.thread
                                     : told->kind == TOLD_SAMPLE ? told->sample.thread
                                                                 : told->turn.thread;

    return loaded_thread(thread)->number;
}

/* What a merge of these threads tells: each once, in the order that is asked for. */
static void expect_merge(enum ct_store_kind kind, guint first, guint last,
                         const struct ct_window *window, gboolean is_by_begin)
{
    g_autoptr(ct_store_merge) merge =
        ct_store_merge_new(fixture.store, kind, first, last, window, is_by_begin);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    struct ct_thread *thread;
    struct ct_store_event event;
    uint64_t last_ns = 0;
    guint expected = 0, last_number = 0;

    for (guint k = 0; k < fixture.told->len; k++) {
        const struct told *one = told_at(fixture.told, k);

        expected += kind_of(one) == kind && touches(one, window) && number_of(one) >= first &&
                    number_of(one) <= last;
    }
    while (ct_store_merge_next(merge, &event, &thread, NULL)) {
        const struct told *one = told_at(fixture.told, (guint)event.id.sequence);

        assert_int_equal(kind_of(one), kind);
        assert_int_equal(number_of(one), thread->number);
        assert_int_equal(told_begin_ns(one), event.begin_ns);
        assert_int_equal(told_end_ns(one), event.end_ns);
        assert_true(g_hash_table_add(seen, GUINT_TO_POINTER((guint)event.id.sequence + 1)));
        if (is_by_begin || thread->number == last_number)
            assert_true(event.begin_ns >= last_ns);
        if (!is_by_begin || event.begin_ns == last_ns)
            assert_true(thread->number >= last_number);
        last_ns = event.begin_ns;
        last_number = thread->number;
    }
    assert_int_equal(g_hash_table_size(seen), expected);
}

static void lanes_of_several_threads_are_one(void **state)
{
    static const enum ct_store_kind kinds[] = {CT_STORE_INTERVALS, CT_STORE_RUNS, CT_STORE_SAMPLES,
                                               CT_STORE_TURNS};

    (void)state;
    for (guint i = 0; i < 160; i++) {
        const struct ct_window window = some_window();
        guint first = i % 3, last = i % 7 == 0 ? G_MAXUINT : first + i % 5;

        expect_merge(kinds[i % 4], first, last, &window, i % 8 < 4);
    }
}

static void sums_of_any_window_are_exact(void **state)
{
    (void)state;
    for (guint i = 0; i < WINDOWS; i++) {
        const struct ct_window window = some_window();
        const struct ct_thread *thread = fixture.model->threads->pdata[i % 5];
        struct ct_store_sum expected = {0}, sum;

        for (guint k = 0; k < fixture.told->len; k++) {
            const struct told *one = told_at(fixture.told, k);
            const struct ct_interval *interval = &one->interval;
            uint64_t time_ns = inside_ns(&window, interval->begin_ns, interval->end_ns);

            if (one->kind != TOLD_INTERVAL || interval->thread != thread || !touches(one, &window))
                continue;
            expected.count++;
            expected.class_ns[interval->class] += time_ns;
            expected.unseen_ns[interval->class] += unseen_ns(interval->weight, time_ns);
        }
        assert_true(ct_store_sum(fixture.store, loaded_thread(thread), &window, &sum, NULL));
        assert_memory_equal(&sum, &expected, sizeof(sum));
    }
}

static gboolean is_of_group(const struct ct_store_group_sum *sum, enum ct_store_group group,
                            const struct ct_interval *interval)
{
    if (group == CT_STORE_BY_OP)
        return sum->op == interval->op;
    if (sum->process->pid != interval->thread->process->pid)
        return FALSE;
    return group == CT_STORE_BY_STACK
               ? sum->stack_id == interval->stack_id
               : sum->object == interval->object && sum->object_kind == ct_op_object(interval->op);
}

static void expect_groups(const GArray *sums, enum ct_store_group group,
                          const struct ct_window *window)
{
    uint64_t all = 0, expected_all = 0;

    for (guint i = 0; i < sums->len; i++) {
        const struct ct_store_group_sum *sum = &g_array_index(sums, struct ct_store_group_sum, i);
        uint64_t count = 0, ns = 0, unseen = 0;

        for (guint k = 0; k < fixture.told->len; k++) {
            const struct told *one = told_at(fixture.told, k);
            const struct ct_interval *interval = &one->interval;

            if (one->kind != TOLD_INTERVAL || !touches(one, window))
                continue;
            expected_all += i == 0;
            if (!is_of_group(sum, group, interval))
                continue;
            uint64_t time_ns = inside_ns(window, interval->begin_ns, interval->end_ns);

            count++;
            ns += time_ns;
            unseen += unseen_ns(interval->weight, time_ns);
        }
        assert_int_equal(sum->count, count);
        assert_int_equal(sum->ns, ns);
        assert_int_equal(sum->unseen_ns, unseen);
        assert_true(i == 0 || (sum - 1)->ns >= ns);
        all += count;
    }
    assert_int_equal(all, expected_all);
}

static void sums_by_operation_object_and_stack_are_exact(void **state)
{
    (void)state;
    for (guint i = 0; i < 60; i++) {
        const struct ct_window window = some_window();
        const struct ct_store_scope scope = {.window = &window};
        enum ct_store_group group = (enum ct_store_group)(i % 3);
        g_autoptr(GArray) sums = ct_store_sum_by(fixture.store, group, &scope, NULL);

        assert_non_null(sums);
        expect_groups(sums, group, &window);
    }
}

static int compare_u64_down(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

    return (first < second) - (first > second);
}

static void the_longest_are_found(void **state)
{
    (void)state;
    for (guint i = 0; i < WINDOWS; i++) {
        const struct ct_window window = some_window();
        const struct ct_store_scope scope = {.window = &window};
        guint count = i % 7;
        g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        g_autoptr(GArray) longest = ct_store_longest(fixture.store, &scope, count, NULL);

        for (guint k = 0; k < fixture.told->len; k++) {
            const struct told *one = told_at(fixture.told, k);
            uint64_t time_ns = inside_ns(&window, told_begin_ns(one), told_end_ns(one));

            if (one->kind == TOLD_INTERVAL && touches(one, &window))
                g_array_append_val(times, time_ns);
        }
        g_array_sort(times, compare_u64_down);
        assert_int_equal(longest->len, MIN(count, times->len));
        for (guint k = 0; k < longest->len; k++) {
            const struct ct_store_long *found = &g_array_index(longest, struct ct_store_long, k);
            struct ct_store_event event;
            g_autoptr(ct_store_cursor) cursor =
                ct_store_find(fixture.store, &found->id, &event, NULL);

            assert_non_null(cursor);
            assert_int_equal(found->inside_ns, g_array_index(times, uint64_t, k));
            assert_int_equal(inside_ns(&window, event.begin_ns, event.end_ns), found->inside_ns);
        }
    }
}

/* Who was woken by whom, from either end. */
static void edges_lead_both_ways(void **state)
{
    guint expected = 0, found = 0;

    (void)state;
    for (guint i = 0; i < fixture.told->len; i++) {
        const struct told *one = told_at(fixture.told, i);

        expected += one->kind == TOLD_INTERVAL && one->interval.waker;
    }
    for (guint i = 0; i < fixture.loaded->threads->len; i++) {
        struct ct_thread *waker = fixture.loaded->threads->pdata[i];
        g_autoptr(ct_store_cursor) wakes = ct_store_wakes(fixture.store, waker, NULL);
        struct ct_store_event wake, woken;

        for (; ct_store_cursor_next(wakes, &wake, NULL); found++) {
            g_autoptr(ct_store_cursor) cursor =
                ct_store_find(fixture.store, &wake.id, &woken, NULL);

            assert_non_null(cursor);
            assert_ptr_equal(woken.interval.waker, waker);
            assert_int_equal(woken.interval.wake_ns, wake.begin_ns);
        }
    }
    assert_int_equal(found, expected);
}

static void objects_tell_who_waited_for_them(void **state)
{
    guint expected = 0, found = 0;

    (void)state;
    for (guint i = 0; i < fixture.told->len; i++) {
        const struct told *one = told_at(fixture.told, i);
        enum ct_object kind = ct_op_object(one->interval.op);

        expected += one->kind == TOLD_INTERVAL && kind != CT_OBJECT_NONE &&
                    kind != CT_OBJECT_PROCESS && kind != CT_OBJECT_FD_SET &&
                    kind != CT_OBJECT_MAPPING;
    }
    for (guint i = 0; i < ct_store_object_count(fixture.store); i++) {
        const struct ct_store_object *object = ct_store_object(fixture.store, i);
        g_autoptr(ct_store_cursor) waits = ct_store_object_waits(fixture.store, i, NULL);
        struct ct_store_event wait, event;

        for (; ct_store_cursor_next(waits, &wait, NULL); found++) {
            g_autoptr(ct_store_cursor) cursor =
                ct_store_find(fixture.store, &wait.id, &event, NULL);

            assert_non_null(cursor);
            assert_int_equal(event.interval.object, object->id);
            assert_int_equal(ct_op_object(event.interval.op), object->kind);
            assert_ptr_equal(event.interval.thread->process, object->process);
        }
    }
    assert_int_equal(found, expected);
}

static void cpus_tell_who_ran_there(void **state)
{
    const GArray *cpus = ct_store_cpus(fixture.store);
    guint expected = 0, found = 0;

    (void)state;
    for (guint i = 0; i < fixture.told->len; i++)
        expected += told_at(fixture.told, i)->kind == TOLD_RUN;
    for (guint i = 0; i < cpus->len; i++) {
        uint32_t cpu = g_array_index(cpus, uint32_t, i);
        g_autoptr(ct_store_cursor) runs = ct_store_cpu_runs(fixture.store, cpu, NULL);
        struct ct_store_event event;

        for (; ct_store_cursor_next(runs, &event, NULL); found++) {
            const struct told got = {.kind = TOLD_RUN, .run = event.run};
            g_autofree char *got_text = told_text(&got);
            g_autofree char *text = told_text(told_at(fixture.told, (guint)event.id.sequence));

            assert_int_equal(event.run.cpu, cpu);
            assert_string_equal(got_text, text);
        }
    }
    assert_int_equal(found, expected);
}

static void states_of_a_moment_are_those_of_all_threads(void **state)
{
    (void)state;
    for (guint i = 0; i < 200; i++) {
        uint64_t time_ns = some_window().begin_ns;
        g_autoptr(GArray) states = ct_store_states(fixture.store, time_ns, NULL);
        guint at = 0;

        for (guint t = 0; t < fixture.model->threads->len; t++) {
            const struct ct_thread *thread = fixture.model->threads->pdata[t];
            enum ct_class class = CT_CLASS_RUNNING;

            if (time_ns < thread->start_ns || time_ns >= thread->end_ns)
                continue;
            for (guint k = 0; k < fixture.told->len; k++) {
                const struct told *one = told_at(fixture.told, k);

                if (one->kind == TOLD_INTERVAL && one->interval.thread == thread &&
                    told_begin_ns(one) <= time_ns && time_ns < told_end_ns(one))
                    class = one->interval.class;
            }
            assert_int_equal(g_array_index(states, struct ct_store_state, at).thread->tid,
                             thread->tid);
            assert_int_equal(g_array_index(states, struct ct_store_state, at++).class, class);
        }
        assert_int_equal(at, states->len);
    }
}

static int compare_begins_down(const void *a, const void *b)
{
    uint64_t first = told_begin_ns(a), second = told_begin_ns(b);

    return (first < second) - (first > second);
}

/* Each comes before all that came: none is where it was expected. */
static void what_comes_in_any_order_is_put_in_order(void **state)
{
    struct store_fixture late;
    const struct ct_store_scope everything = {0};

    (void)state;
    store_fixture_init(&late, 5, 2, 20000);
    g_array_sort(late.told, compare_begins_down);
    int fd = store_fixture_build(&late, late.told);
    g_autoptr(ct_model) model = ct_model_new();
    g_autoptr(ct_store) store = ct_store_open(fd, NULL, model, NULL);

    assert_non_null(store);
    expect_replay(store, &everything, late.told);
    for (guint i = 0; i < model->threads->len; i++) {
        g_autoptr(ct_store_cursor) cursor =
            ct_store_intervals(store, model->threads->pdata[i], NULL);
        struct ct_store_event event;
        uint64_t last_ns = 0;

        for (; ct_store_cursor_next(cursor, &event, NULL); last_ns = event.begin_ns)
            assert_true(event.begin_ns >= last_ns);
    }
    close(fd);
    store_fixture_clear(&late);
}

static void the_key_must_be_the_same(void **state)
{
    const uint8_t same[CT_STORE_KEY_SIZE] = {1}, other[CT_STORE_KEY_SIZE] = {2};
    g_autoptr(ct_model) first = ct_model_new();
    g_autoptr(ct_model) second = ct_model_new();
    g_autoptr(ct_store) store = ct_store_open(fixture.fd, same, first, NULL);
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_non_null(store);
    assert_null(ct_store_open(fixture.fd, other, second, &error));
    assert_true(g_error_matches(error, CT_STORE_ERROR, CT_STORE_ERROR_OTHER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_is_what_was_told),
        cmocka_unit_test(replay_of_a_window_is_what_touches_it),
        cmocka_unit_test(cursors_go_by_begin),
        cmocka_unit_test(lanes_of_several_threads_are_one),
        cmocka_unit_test(sums_of_any_window_are_exact),
        cmocka_unit_test(sums_by_operation_object_and_stack_are_exact),
        cmocka_unit_test(the_longest_are_found),
        cmocka_unit_test(edges_lead_both_ways),
        cmocka_unit_test(objects_tell_who_waited_for_them),
        cmocka_unit_test(cpus_tell_who_ran_there),
        cmocka_unit_test(states_of_a_moment_are_those_of_all_threads),
        cmocka_unit_test(what_comes_in_any_order_is_put_in_order),
        cmocka_unit_test(the_key_must_be_the_same),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
