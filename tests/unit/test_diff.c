/* Runs that are made up, compared: what is divided by what, left out, proven, and failed on. */
#include "diff/changes.h"
#include "diff/gate.h"
#include "diff/place_names.h"

#include "model/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1e6

/* ---- Runs ---- */

static struct ct_digest *make_run(uint64_t duration_ns, const char *layers)
{
    struct ct_digest *digest = ct_digest_new("run");

    g_free(digest->layers);
    digest->layers = g_strdup(layers);
    digest->duration_ns = duration_ns;
    digest->rate_ns = 10000;
    return digest;
}

/* So many waits of that length. */
static struct ct_digest_row *add(struct ct_digest *digest, enum ct_digest_kind kind,
                                 enum ct_class class, const char *name, double count, double each)
{
    struct ct_digest_row *row = ct_digest_add(digest, kind, class, name);

    row->count = count;
    row->delay_ns = row->length_ns = count * each;
    row->p50_ns = row->p99_ns = each;
    return row;
}

struct sides {
    GPtrArray *digests[CT_SIDES];
};

static void sides_init(struct sides *sides)
{
    for (int side = 0; side < CT_SIDES; side++)
        sides->digests[side] = g_ptr_array_new_with_free_func((GDestroyNotify)ct_digest_free);
}

static void sides_clear(struct sides *sides)
{
    for (int side = 0; side < CT_SIDES; side++)
        g_ptr_array_unref(sides->digests[side]);
}

/* `runs` a side, each of 100 waits in sync and at one lock that are a little longer each time. */
static void sides_fill(struct sides *sides, guint runs, double old_each, double new_each)
{
    sides_init(sides);
    for (int side = 0; side < CT_SIDES; side++) {
        for (guint i = 0; i < runs; i++) {
            struct ct_digest *digest = make_run(1000000000, "preload");
            double each = (side == CT_OLD ? old_each : new_each) * (1 + 0.001 * i);

            add(digest, CT_DIGEST_STATE, CT_CLASS_SYNC, "sync", 100, each);
            add(digest, CT_DIGEST_LOCK, CT_CLASS_SYNC, "mutex a_lock", 100, each);
            add(digest, CT_DIGEST_CAUSE, CT_CLASS_SYNC, "mutex a_lock", 100, each);
            add(digest, CT_DIGEST_STATE, CT_CLASS_NET, "net", 10, 1 * MS + i);
            g_ptr_array_add(sides->digests[side], digest);
        }
    }
}

static struct ct_diff *compare(const struct sides *sides, const char *per)
{
    struct ct_per what;
    GError *error = NULL;

    assert_true(ct_per_parse(per, NULL, NULL, &what, &error));
    struct ct_diff *diff = ct_diff_new(sides->digests, &what, 10, &error);

    assert_non_null(diff);
    return diff;
}

static gboolean has_row(const struct ct_diff *diff, enum ct_digest_kind kind, const char *name)
{
    g_autoptr(GPtrArray) rows = ct_diff_find(diff, kind, name);

    return rows->len > 0;
}

static const struct ct_diff_row *row_of(const struct ct_diff *diff, enum ct_digest_kind kind,
                                        const char *name)
{
    g_autoptr(GPtrArray) rows = ct_diff_find(diff, kind, name);

    if (rows->len == 0) {
        fail_msg("there is no %s", name);
        abort();
    }
    return rows->pdata[0];
}

/* ---- Packing ---- */

static void a_run_comes_out_as_it_went_in(void **state)
{
    g_autoptr(ct_digest) digest = make_run(7, "preload,kernel");
    struct ct_digest_row *row =
        add(digest, CT_DIGEST_LOCK, CT_CLASS_SYNC, "mutex \xff\"a\"", 3.5, 2.25);

    (void)state;
    digest->requests = 12;
    row->idle_ns = 1;
    g_autoptr(GBytes) packed = ct_digest_pack(digest);
    g_autoptr(ct_digest) out = ct_digest_unpack(packed);
    const struct ct_digest_row *copy = out->rows->pdata[0];

    assert_string_equal(out->layers, "preload,kernel");
    assert_int_equal(out->duration_ns, 7);
    assert_true(out->requests == 12 && out->rows->len == 1);
    assert_string_equal(copy->name, row->name);
    assert_true(copy->kind == row->kind && copy->class == row->class);
    assert_true(copy->count == 3.5 && copy->delay_ns == 3.5 * 2.25 && copy->idle_ns == 1 &&
                copy->p99_ns == 2.25);
}

static void what_is_no_run_is_refused(void **state)
{
    g_autoptr(ct_digest) digest = make_run(7, "preload");
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);

    (void)state;
    add(digest, CT_DIGEST_LOCK, CT_CLASS_SYNC, "mutex", 1, 1)->p50_ns = NAN;
    g_autoptr(GBytes) packed = ct_digest_pack(digest);

    assert_null(ct_digest_unpack(packed));
    for (int round = 0; round < 3000; round++) {
        gsize size;
        const void *data = g_bytes_get_data(packed, &size);
        g_autofree guint8 *changed = g_memdup2(data, size);

        for (int i = 0; i < 3; i++)
            changed[g_rand_int_range(rand, 0, (gint32)size)] = (guint8)g_rand_int(rand);
        g_autoptr(GBytes) bytes = g_bytes_new(changed, size - (gsize)(round % 4));
        g_autoptr(ct_digest) out = ct_digest_unpack(bytes);

        for (guint i = 0; out && i < out->rows->len; i++)
            assert_true(isfinite(((struct ct_digest_row *)out->rows->pdata[i])->p50_ns));
    }
}

/* ---- Comparing ---- */

static void sums_are_divided_and_means_are_not(void **state)
{
    static const struct {
        const char *per;
        double divisor;
    } cases[] = {{NULL, 2}, {"second", 2}, {"run", 1}, {"request", 50}, {"25", 25}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sides sides;

        sides_init(&sides);
        for (int side = 0; side < CT_SIDES; side++) {
            struct ct_digest *digest = make_run(2000000000, "preload");

            digest->requests = 50;
            add(digest, CT_DIGEST_STATE, CT_CLASS_SYNC, "sync", 100, 3 * MS);
            g_ptr_array_add(sides.digests[side], digest);
        }
        g_autoptr(ct_diff) diff = compare(&sides, cases[i].per);
        const struct ct_change *changes = row_of(diff, CT_DIGEST_STATE, "sync")->changes;

        assert_true(changes[CT_METRIC_COUNT].medians[CT_OLD] == 100 / cases[i].divisor);
        assert_true(changes[CT_METRIC_DELAY].medians[CT_NEW] == 300 * MS / cases[i].divisor);
        assert_true(changes[CT_METRIC_MEAN].medians[CT_NEW] == 3 * MS);
        assert_true(changes[CT_METRIC_P99].medians[CT_NEW] == 3 * MS);
        sides_clear(&sides);
    }
}

static void each_side_may_have_done_other_work(void **state)
{
    struct ct_per per;
    g_autoptr(GError) error = NULL;

    (void)state;
    assert_true(ct_per_parse(NULL, "10", "20", &per, NULL));
    assert_true(ct_per_divisor(&per, CT_OLD, NULL) == 10 &&
                ct_per_divisor(&per, CT_NEW, NULL) == 20);
    assert_false(ct_per_parse(NULL, "10", NULL, &per, NULL));
    assert_false(ct_per_parse("run", "10", "20", &per, NULL));
    assert_false(ct_per_parse("0", NULL, NULL, &per, NULL));
    assert_false(ct_per_parse("nan", NULL, NULL, &per, NULL));
    assert_false(ct_per_parse("requests", NULL, NULL, &per, &error));
    assert_non_null(strstr(error->message, "request"));
}

static void five_runs_a_side_prove_what_moved_and_nothing_else(void **state)
{
    struct sides sides;

    (void)state;
    sides_fill(&sides, 5, 20 * MS, 1 * MS);
    g_autoptr(ct_diff) diff = compare(&sides, "run");
    g_autoptr(GPtrArray) changes = ct_changes_find(diff);
    const struct ct_change *lock = &row_of(diff, CT_DIGEST_LOCK, "mutex a_lock")->changes[1];

    assert_true(lock->is_proven && fabs(lock->p - 2.0 / 252) < 1e-12);
    assert_false(row_of(diff, CT_DIGEST_STATE, "net")->changes[CT_METRIC_DELAY].is_proven);
    assert_int_equal(changes->len, 1);
    assert_non_null(strstr(((struct ct_told_change *)changes->pdata[0])->text, "20 times less"));
    assert_null(ct_changes_remark(diff, changes));
    sides_clear(&sides);
}

static void one_run_a_side_proves_nothing_and_shows_the_change(void **state)
{
    struct sides sides;

    (void)state;
    sides_fill(&sides, 1, 20 * MS, 1 * MS);
    g_autoptr(ct_diff) diff = compare(&sides, NULL);
    g_autoptr(GPtrArray) changes = ct_changes_find(diff);
    g_autofree char *remark = ct_changes_remark(diff, changes);
    const struct ct_told_change *change = changes->pdata[0];

    assert_non_null(strstr(remark, "One run a side proves nothing"));
    assert_non_null(strstr(remark, "4 times"));
    assert_true(g_str_has_suffix(change->text, "~"));
    assert_false(row_of(diff, CT_DIGEST_STATE, "sync")->changes[CT_METRIC_DELAY].is_proven);
    sides_clear(&sides);
}

static void runs_that_are_alike_prove_nothing(void **state)
{
    struct sides sides;

    (void)state;
    sides_fill(&sides, 6, 5 * MS, 5 * MS);
    g_autoptr(ct_diff) diff = compare(&sides, NULL);
    g_autoptr(GPtrArray) changes = ct_changes_find(diff);
    g_autofree char *remark = ct_changes_remark(diff, changes);

    assert_int_equal(changes->len, 0);
    assert_string_equal(remark, "Nothing changed that these runs can prove.");
    sides_clear(&sides);
}

/* Ten causes of ten runs, by chance; all ways to call five of the runs the old ones. */
static void a_program_and_itself_seldom_differ(void **state)
{
    enum { RUNS = 10, CAUSES = 10 };
    g_autoptr(GRand) rand = g_rand_new_with_seed(14);
    double times[RUNS][CAUSES];
    guint divisions = 0, alarms = 0;

    (void)state;
    for (int run = 0; run < RUNS; run++) {
        for (int cause = 0; cause < CAUSES; cause++)
            times[run][cause] = (1 + cause) * g_rand_double_range(rand, 1, 2) * MS;
    }
    for (uint32_t chosen = 0; chosen < 1U << RUNS; chosen++) {
        struct sides sides;

        if (__builtin_popcount(chosen) != RUNS / 2)
            continue;
        sides_init(&sides);
        for (int run = 0; run < RUNS; run++) {
            struct ct_digest *digest = make_run(1000000000, "preload");

            for (int cause = 0; cause < CAUSES; cause++) {
                g_autofree char *name = g_strdup_printf("recv in function_%d", cause);

                add(digest, CT_DIGEST_CAUSE, CT_CLASS_NET, name, 1, times[run][cause]);
            }
            g_ptr_array_add(sides.digests[chosen >> run & 1], digest);
        }
        g_autoptr(ct_diff) diff = compare(&sides, NULL);
        g_autoptr(GPtrArray) changes = ct_changes_find(diff);

        divisions++;
        alarms += changes->len > 0;
        sides_clear(&sides);
    }
    assert_int_equal(divisions, 252);
    assert_true(alarms <= CT_ALPHA * divisions);
}

static void what_one_side_lacks_is_none_of_it(void **state)
{
    struct sides sides;

    (void)state;
    sides_fill(&sides, 5, 1 * MS, 1 * MS);
    for (guint i = 0; i < 5; i++)
        add(sides.digests[CT_NEW]->pdata[i], CT_DIGEST_CAUSE, CT_CLASS_NET, "recv in added", 10,
            (9 + i) * MS);
    g_autoptr(ct_diff) diff = compare(&sides, NULL);
    const struct ct_diff_row *row = row_of(diff, CT_DIGEST_CAUSE, "recv in added");
    g_autoptr(GPtrArray) changes = ct_changes_find(diff);

    assert_true(row->changes[CT_METRIC_DELAY].medians[CT_OLD] == 0);
    assert_true(row->changes[CT_METRIC_DELAY].is_proven);
    assert_int_equal(row->changes[CT_METRIC_P99].counts[CT_OLD], 0);
    assert_false(row->changes[CT_METRIC_P99].is_tested);
    assert_non_null(strstr(((struct ct_told_change *)changes->pdata[0])->text, "all of it is new"));
    sides_clear(&sides);
}

static void states_are_left_out_where_only_some_runs_know_them(void **state)
{
    struct sides sides;

    (void)state;
    sides_fill(&sides, 2, 5 * MS, 5 * MS);
    for (int side = 0; side < CT_SIDES; side++) {
        struct ct_digest *digest = sides.digests[side]->pdata[0];

        add(digest, CT_DIGEST_STATE, CT_CLASS_RUNNING, "running", 0, 0)->delay_ns = 5 * MS;
        add(digest, CT_DIGEST_STATE, CT_CLASS_RUNNABLE, "runnable", 3, 5 * MS);
    }
    g_autoptr(ct_diff) alike = compare(&sides, NULL);

    assert_int_equal(alike->notes->len, 0);
    assert_true(has_row(alike, CT_DIGEST_STATE, "runnable"));

    struct ct_digest *other = sides.digests[CT_NEW]->pdata[1];

    g_free(other->layers);
    other->layers = g_strdup("preload,kernel");
    other->rate_ns = 0;
    /* The thread was blocked for half of its waits, and runnable for the rest. */
    ((struct ct_digest_row *)other->rows->pdata[0])->delay_ns /= 2;
    g_autoptr(ct_diff) mixed = compare(&sides, "run");
    const struct ct_diff_row *sync = row_of(mixed, CT_DIGEST_STATE, "sync");

    assert_int_equal(mixed->notes->len, 2);
    assert_non_null(strstr(mixed->notes->pdata[0], "kernel layer"));
    assert_non_null(strstr(mixed->notes->pdata[1], "rates"));
    assert_false(has_row(mixed, CT_DIGEST_STATE, "running"));
    assert_false(has_row(mixed, CT_DIGEST_STATE, "runnable"));
    assert_true(fabs(sync->values[CT_NEW][CT_METRIC_DELAY * 2 + 1] - 100 * 5.005 * MS) < 1);
    sides_clear(&sides);
}

/* ---- Checks ---- */

static void a_check_is_read(void **state)
{
    static const struct {
        const char *text;
        enum ct_digest_kind kind;
        const char *name;
        enum ct_metric metric;
        gboolean is_above;
        enum ct_limit_kind limit_kind;
        double limit;
    } cases[] = {
        {"sync.delay>+10%", CT_DIGEST_STATE, "sync", CT_METRIC_DELAY, TRUE, CT_LIMIT_SHARE, 1.1},
        {"net.count<-5%", CT_DIGEST_STATE, "net", CT_METRIC_COUNT, FALSE, CT_LIMIT_SHARE, 0.95},
        {"lock:mutex a.b.p99>5ms", CT_DIGEST_LOCK, "mutex a.b", CT_METRIC_P99, TRUE, CT_LIMIT_VALUE,
         5 * MS},
        {"place:list<int>::get.mean>+2us", CT_DIGEST_FUNCTION, "list<int>::get", CT_METRIC_MEAN,
         TRUE, CT_LIMIT_CHANGE, 2000},
        {"stack:recv: a < b.p50<1s", CT_DIGEST_STACK, "recv: a < b", CT_METRIC_P50, FALSE,
         CT_LIMIT_VALUE, 1e9},
        {"op:read.count>100", CT_DIGEST_OPERATION, "read", CT_METRIC_COUNT, TRUE, CT_LIMIT_VALUE,
         100},
        {"peer:127.0.0.1:80.p99>+0.5ms", CT_DIGEST_PEER, "127.0.0.1:80", CT_METRIC_P99, TRUE,
         CT_LIMIT_CHANGE, 0.5 * MS},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct ct_gate *gate = ct_gate_parse(cases[i].text, NULL);

        assert_non_null(gate);
        assert_int_equal(gate->kind, cases[i].kind);
        assert_string_equal(gate->name, cases[i].name);
        assert_int_equal(gate->metric, cases[i].metric);
        assert_int_equal(gate->is_above, cases[i].is_above);
        assert_int_equal(gate->limit_kind, cases[i].limit_kind);
        assert_true(fabs(gate->limit - cases[i].limit) < 1e-9 * fabs(cases[i].limit));
        ct_gate_free(gate);
    }
}

static void what_is_no_check_is_shown_where(void **state)
{
    static const struct {
        const char *text;
        int column; /* of the caret */
    } cases[] = {
        {"sync.delay", 10},       {"sync>+10%", 4},         {"sink.delay>+10%", 0},
        {"sync.dealy>+10%", 5},   {"sync.delay>", 11},      {"sync.delay>10%", 11},
        {"sync.delay>+10", 14},   {"sync.count>5ms", 12},   {"sync.delay>+10 %", 14},
        {"sync.delay>-101%", 11}, {"lock:.delay>+1%", 0},   {"", 0},
        {"duration.p99>1s", 0},   {"sync.delay>=+10%", 11}, {"sync.delay>+infs", 11},
        {"sync.delay> +5ms", 11}, {"sync.delay >+5ms", 10}, {"duration > 1s", 8},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        assert_null(ct_gate_parse(cases[i].text, &error));
        g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);

        assert_int_equal(g_strv_length(lines), 3);
        assert_string_equal(lines[1] + 2, cases[i].text);
        if ((int)strlen(lines[2]) - 3 != cases[i].column)
            fail_msg("%s\n%s", lines[1], lines[2]);
    }
}

static enum ct_outcome outcome_of(const struct ct_diff *diff, const char *const *texts)
{
    g_autoptr(GPtrArray) gates = g_ptr_array_new_with_free_func((GDestroyNotify)ct_gate_free);

    for (; *texts; texts++) {
        struct ct_gate *gate = ct_gate_parse(*texts, NULL);

        assert_non_null(gate);
        g_ptr_array_add(gates, gate);
    }
    g_autoptr(GPtrArray) verdicts = ct_gates_judge(gates, diff);

    return ct_gates_outcome(verdicts);
}

static void assert_outcome(const struct ct_diff *diff, const char *text, enum ct_outcome outcome)
{
    if (outcome_of(diff, (const char *const[]){text, NULL}) != outcome)
        fail_msg("%s is not %s", text, ct_outcome_name(outcome));
}

/* From 10 ms to 15. */
static void a_check_fails_where_it_is_proven(void **state)
{
    struct sides sides;

    (void)state;
    sides_fill(&sides, 5, 10 * MS, 15 * MS);
    g_autoptr(ct_diff) diff = compare(&sides, NULL);

    assert_outcome(diff, "sync.delay>+10%", CT_REGRESSED);
    assert_outcome(diff, "sync.delay>+60%", CT_PASSED);
    assert_outcome(diff, "lock:mutex a_lock.p99>+4ms", CT_REGRESSED);
    assert_outcome(diff, "lock:mutex a_lock.p99>+6ms", CT_PASSED);
    assert_outcome(diff, "lock:mutex a_lock.p99>14ms", CT_REGRESSED);
    assert_outcome(diff, "lock:mutex a_lock.p99>16ms", CT_PASSED);
    assert_outcome(diff, "sync.count<+0%", CT_PASSED);
    assert_outcome(diff, "sync.count<101", CT_REGRESSED);
    assert_outcome(diff, "sync.count<99", CT_PASSED);
    assert_outcome(diff, "duration>+1%", CT_PASSED);
    assert_outcome(diff, "lock:mutex b_lock.delay>+10%", CT_CANNOT_TELL);
    assert_outcome(diff, "sleep.delay>+10%", CT_CANNOT_TELL);
    assert_int_equal(outcome_of(diff, (const char *const[]){"sync.delay>+10%", "sleep.p50>1s",
                                                            "net.delay>+10%", NULL}),
                     CT_REGRESSED);
    assert_int_equal(
        outcome_of(diff, (const char *const[]){"net.delay>+10%", "sleep.p50>1s", NULL}),
        CT_CANNOT_TELL);
    sides_clear(&sides);
}

static void what_is_beyond_but_not_proven_cannot_be_told(void **state)
{
    struct sides sides;

    (void)state;
    sides_fill(&sides, 5, 10 * MS, 15 * MS);
    /* Two of the old runs are as bad as the new ones. */
    for (guint i = 0; i < 2; i++)
        ((struct ct_digest_row *)((struct ct_digest *)sides.digests[CT_OLD]->pdata[i])
             ->rows->pdata[0])
            ->delay_ns = 1700 * MS;
    g_autoptr(ct_diff) diff = compare(&sides, NULL);

    assert_outcome(diff, "sync.delay>+10%", CT_CANNOT_TELL);
    assert_outcome(diff, "sync.delay>+80%", CT_PASSED);
    sides_clear(&sides);
}

static void so_few_runs_cannot_tell_anything(void **state)
{
    (void)state;
    for (guint runs = 1; runs <= 4; runs++) {
        struct sides sides;

        sides_fill(&sides, runs, 10 * MS, 10 * MS);
        g_autoptr(ct_diff) diff = compare(&sides, NULL);

        /* One-sided, three runs a side have a chance of one in twenty: that is proof. */
        assert_outcome(diff, "sync.delay>+10%", runs < 3 ? CT_CANNOT_TELL : CT_PASSED);
        assert_outcome(diff, "sync.p99>20ms", CT_CANNOT_TELL);
        sides_clear(&sides);
    }
}

static void names_of_templates_are_shown_short(void **state)
{
    static const char long_name[] =
        "cache<std::vector<std::pair<std::string, std::map<std::string, unsigned long>>>, std::"
        "less<void>>::load(std::string const&, std::function<void()>)";
    g_autofree char *one = ct_place_name_shown("mutex used in serve_page");
    g_autofree char *six = ct_place_name_shown("read: a < b < c < d < e < f");
    g_autofree char *seven = ct_place_name_shown("read: a < b < c < d < e < f < g");
    g_autofree char *stack = g_strdup_printf("read: read_all < %s < main", long_name);
    g_autofree char *shown = ct_place_name_shown(stack);

    (void)state;
    assert_string_equal(one, "mutex used in serve_page");
    assert_string_equal(six, "read: a < b < c < d < e < f");
    assert_string_equal(seven, "read: a < b < c < d < e < ... 2 callers");
    assert_string_equal(shown, "read: read_all < cache<...>::load(std::string const&, "
                               "std::function<void()>) < main");
}

static void a_check_takes_a_name_as_it_is_shown(void **state)
{
    struct sides sides;

    (void)state;
    sides_fill(&sides, 5, 10 * MS, 20 * MS);
    for (int side = 0; side < CT_SIDES; side++)
        for (guint i = 0; i < sides.digests[side]->len; i++)
            add(sides.digests[side]->pdata[i], CT_DIGEST_STACK, CT_CLASS_SYNC,
                "read: a < b < c < d < e < f < g", 100,
                (side == CT_OLD ? 10 : 20) * MS * (1 + 0.001 * i));
    g_autoptr(ct_diff) diff = compare(&sides, NULL);

    assert_outcome(diff, "stack:read: a < b < c < d < e < ... 2 callers.delay>+10%", CT_REGRESSED);
    assert_outcome(diff, "stack:read: a < b < c < d < e < f < g.delay>+10%", CT_REGRESSED);
    sides_clear(&sides);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_comes_out_as_it_went_in),
        cmocka_unit_test(what_is_no_run_is_refused),
        cmocka_unit_test(sums_are_divided_and_means_are_not),
        cmocka_unit_test(each_side_may_have_done_other_work),
        cmocka_unit_test(five_runs_a_side_prove_what_moved_and_nothing_else),
        cmocka_unit_test(one_run_a_side_proves_nothing_and_shows_the_change),
        cmocka_unit_test(runs_that_are_alike_prove_nothing),
        cmocka_unit_test(a_program_and_itself_seldom_differ),
        cmocka_unit_test(what_one_side_lacks_is_none_of_it),
        cmocka_unit_test(states_are_left_out_where_only_some_runs_know_them),
        cmocka_unit_test(a_check_is_read),
        cmocka_unit_test(what_is_no_check_is_shown_where),
        cmocka_unit_test(a_check_fails_where_it_is_proven),
        cmocka_unit_test(what_is_beyond_but_not_proven_cannot_be_told),
        cmocka_unit_test(so_few_runs_cannot_tell_anything),
        cmocka_unit_test(names_of_templates_are_shown_short),
        cmocka_unit_test(a_check_takes_a_name_as_it_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
