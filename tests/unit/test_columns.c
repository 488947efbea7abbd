/* Columns of any part of a lane are what somebody gets who looks at every interval. */
#include "store/columns.h"

#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

#define WINDOWS     1000
#define COLUMNS_MAX 300

static struct store_fixture fixture;

/* Enough intervals of each thread that pages answer for columns, and pages of pages. */
static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture, 15, 3, 20000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_clear(&fixture);
    return 0;
}

/* Whose lane is held against what was told, and what of it is in the lane. */
struct looked_at {
    int kind; /* TOLD_INTERVAL, or TOLD_RUN by CPU; or of an object */
    int32_t tid;
    uint32_t cpu;
    const struct ct_store_object *object;
};

/* FALSE: it is not in that lane. */
static gboolean look(const struct looked_at *looked_at, const struct told *told,
                     struct ct_store_peak *peak)
{
    const struct ct_interval *interval = &told->interval;

    *peak = (struct ct_store_peak){.is_there = TRUE, .class = CT_CLASS_RUNNING};
    if ((int)told->kind != looked_at->kind)
        return FALSE;
    if (told->kind == TOLD_RUN) {
        peak->begin_ns = told->run.begin_ns;
        peak->end_ns = told->run.end_ns;
        peak->thread = told->run.thread;
        return told->run.cpu == looked_at->cpu;
    }
    peak->begin_ns = interval->begin_ns;
    peak->end_ns = interval->end_ns;
    peak->thread = interval->thread;
    if (looked_at->object)
        return interval->thread->process->pid == looked_at->object->process->pid &&
               ct_op_object(interval->op) == looked_at->object->kind &&
               interval->object == looked_at->object->id;
    peak->class = interval->class;
    return interval->thread->tid == looked_at->tid;
}

/* The first is kept of those as long; `told` is in the order in which they came. */
static gboolean is_longer(const struct ct_store_peak *a, const struct ct_store_peak *b)
{
    uint64_t a_ns = a->end_ns - a->begin_ns, b_ns = b->end_ns - b->begin_ns;

    if (!b->is_there || a_ns != b_ns)
        return !b->is_there || a_ns > b_ns;
    return a->begin_ns < b->begin_ns;
}

static void expect_columns(const struct looked_at *looked_at, const struct ct_store_grid *grid,
                           const struct ct_store_column *columns)
{
    static struct ct_store_column expected[COLUMNS_MAX];

    memset(expected, 0, sizeof(expected));
    for (guint i = 0; i < fixture.told->len; i++) {
        struct ct_store_peak peak;

        if (!look(looked_at, &g_array_index(fixture.told, struct told, i), &peak))
            continue;
        for (guint column = 0; column < grid->count; column++) {
            uint64_t begin_ns = grid->begin_ns + ((uint64_t)column << grid->level);
            uint64_t end_ns = begin_ns + (UINT64_C(1) << grid->level);
            uint64_t from_ns = MAX(begin_ns, peak.begin_ns), to_ns = MIN(end_ns, peak.end_ns);
            gboolean is_point =
                peak.begin_ns == peak.end_ns && peak.begin_ns >= begin_ns && peak.begin_ns < end_ns;

            if (from_ns >= to_ns && !is_point)
                continue;
            expected[column].class_ns[peak.class] += to_ns - from_ns;
            if (is_longer(&peak, &expected[column].peak))
                expected[column].peak = peak;
        }
    }
    for (guint column = 0; column < grid->count; column++) {
        const struct ct_store_peak *peak = &columns[column].peak;

        assert_memory_equal(columns[column].class_ns, expected[column].class_ns,
                            sizeof(columns[column].class_ns));
        assert_int_equal(peak->is_there, expected[column].peak.is_there);
        if (!peak->is_there)
            continue;
        assert_int_equal(peak->begin_ns, expected[column].peak.begin_ns);
        assert_int_equal(peak->end_ns, expected[column].peak.end_ns);
        assert_int_equal(peak->class, expected[column].peak.class);
        const struct ct_thread *thread = expected[column].peak.thread;

        assert_true(peak->thread && thread && peak->thread->tid == thread->tid);
    }
}

/* From columns of some nanoseconds to one that has all, often with an edge where something has. */
static struct ct_store_grid some_grid(void)
{
    guint at = (guint)g_rand_int_range(fixture.rand, 0, (gint32)fixture.told->len);
    const struct told *told = &g_array_index(fixture.told, struct told, at);
    struct ct_store_grid grid = {
        .begin_ns = g_rand_boolean(fixture.rand) ? told_begin_ns(told) : told_end_ns(told),
        .level = (unsigned)g_rand_int_range(fixture.rand, 0, 45),
        .count = (guint)g_rand_int_range(fixture.rand, 1, 40),
    };
    uint64_t back_ns = (uint64_t)g_rand_int_range(fixture.rand, 0, 20) << grid.level;

    if (g_rand_boolean(fixture.rand))
        grid.begin_ns -= MIN(back_ns, grid.begin_ns);
    return grid;
}

static void columns_of_any_window_are_exact(void **state)
{
    (void)state;
    for (int round = 0; round < WINDOWS; round++) {
        const struct ct_store_grid grid = some_grid();
        struct ct_store_column columns[COLUMNS_MAX] = {0};
        guint number =
            (guint)g_rand_int_range(fixture.rand, 0, (gint32)fixture.loaded->all_threads->len);
        struct ct_thread *thread = fixture.loaded->all_threads->pdata[number];
        const struct looked_at looked_at = {.kind = TOLD_INTERVAL, .tid = thread->tid};

        assert_true(ct_store_thread_columns(fixture.store, thread, &grid, columns, NULL));
        expect_columns(&looked_at, &grid, columns);
    }
}

static void columns_of_cpus_say_who_ran(void **state)
{
    const GArray *cpus = ct_store_cpus(fixture.store);

    (void)state;
    assert_true(cpus->len > 0);
    for (guint i = 0; i < cpus->len * 20; i++) {
        const struct ct_store_grid grid = some_grid();
        struct ct_store_column columns[COLUMNS_MAX] = {0};
        const struct looked_at looked_at = {.kind = TOLD_RUN,
                                            .cpu = g_array_index(cpus, uint32_t, i % cpus->len)};

        assert_true(ct_store_cpu_columns(fixture.store, looked_at.cpu, &grid, columns, NULL));
        expect_columns(&looked_at, &grid, columns);
    }
}

static void columns_of_objects_sum_their_waiters(void **state)
{
    guint count = ct_store_object_count(fixture.store);

    (void)state;
    assert_true(count > 0);
    for (guint i = 0; i < 60; i++) {
        guint index = i % MAX(count, 1);
        const struct ct_store_grid grid = some_grid();
        struct ct_store_column columns[COLUMNS_MAX] = {0};
        const struct looked_at looked_at = {.kind = TOLD_INTERVAL,
                                            .object = ct_store_object(fixture.store, index)};

        assert_true(ct_store_object_columns(fixture.store, index, &grid, columns, NULL));
        expect_columns(&looked_at, &grid, columns);
    }
}

/* Of those that are as long, the first. */
static void the_longest_wait_for_an_object_is_found(void **state)
{
    (void)state;
    for (guint i = 0; i < ct_store_object_count(fixture.store); i++) {
        const struct looked_at looked_at = {.kind = TOLD_INTERVAL,
                                            .object = ct_store_object(fixture.store, i)};
        uint64_t longest_ns = 0, begin_ns = 0;
        struct ct_store_peak wait;
        struct ct_store_id id;

        for (guint j = 0; j < fixture.told->len; j++) {
            const struct told *told = &g_array_index(fixture.told, struct told, j);
            uint64_t duration_ns = told_end_ns(told) - told_begin_ns(told);

            if (!look(&looked_at, told, &wait) || duration_ns < longest_ns ||
                (duration_ns == longest_ns && wait.begin_ns >= begin_ns))
                continue;
            longest_ns = duration_ns;
            begin_ns = wait.begin_ns;
        }
        assert_true(ct_store_object_longest(fixture.store, i, &id, NULL));
        assert_int_equal(id.begin_ns, begin_ns);
    }
}

/* Lanes are read backwards, too. */
static void what_began_before_is_found(void **state)
{
    (void)state;
    for (int round = 0; round < WINDOWS; round++) {
        guint number =
            (guint)g_rand_int_range(fixture.rand, 0, (gint32)fixture.loaded->all_threads->len);
        struct ct_thread *thread = fixture.loaded->all_threads->pdata[number];
        const struct looked_at looked_at = {.kind = TOLD_INTERVAL, .tid = thread->tid};
        uint64_t time_ns = some_grid().begin_ns;
        struct ct_store_peak last = {0}, peak;
        struct ct_store_id id;

        for (guint i = 0; i < fixture.told->len; i++)
            if (look(&looked_at, &g_array_index(fixture.told, struct told, i), &peak) &&
                peak.begin_ns < time_ns && peak.begin_ns >= last.begin_ns)
                last = peak;
        assert_int_equal(ct_store_interval_before(fixture.store, thread, time_ns, &id, NULL),
                         last.is_there);
        if (last.is_there)
            assert_int_equal(id.begin_ns, last.begin_ns);
    }
}

static void what_is_not_there_has_no_columns(void **state)
{
    const struct ct_store_grid grid = {0, 10, 4};
    const struct ct_store_grid beyond = {UINT64_MAX - 5, CT_COLUMN_LEVEL_MAX, 4};
    struct ct_store_column columns[4] = {0};
    struct ct_thread *thread = fixture.loaded->all_threads->pdata[0];

    (void)state;
    assert_true(ct_store_cpu_columns(fixture.store, 4000, &grid, columns, NULL));
    assert_false(columns[0].peak.is_there);
    assert_true(ct_store_thread_columns(fixture.store, thread, &beyond, columns, NULL));
    assert_false(columns[0].peak.is_there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_of_any_window_are_exact),
        cmocka_unit_test(columns_of_cpus_say_who_ran),
        cmocka_unit_test(columns_of_objects_sum_their_waiters),
        cmocka_unit_test(the_longest_wait_for_an_object_is_found),
        cmocka_unit_test(what_began_before_is_found),
        cmocka_unit_test(what_is_not_there_has_no_columns),
    };
    return cmocka_run_group_tests_name("columns", tests, set_up, tear_down);
}
