/* Who held the locks that threads waited for. */
#include "assemble/releases.h"
#include "assemble/wakes.h"
#include "model/holders.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 6
#define LOCK    0x40

struct fixture {
    struct ct_model *model;
    struct ct_thread *threads[THREADS];
    uint64_t held_ns[THREADS + 1]; /* of waits; the last: by nobody known */
    uint64_t waited_ns;
    guint waits_for_locks;
    guint holds;
};

static void count_hold(void *user, const struct ct_hold *hold)
{
    struct fixture *fixture = user;
    unsigned holder = 0;

    assert_true(hold->begin_ns <= hold->end_ns);
    while (holder < THREADS && fixture->threads[holder] != hold->holder)
        holder++;
    fixture->held_ns[holder] += hold->end_ns - hold->begin_ns;
    fixture->holds++;
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct fixture *fixture = user;

    if (!interval->is_for_lock)
        return;
    fixture->waits_for_locks++;
    fixture->waited_ns += interval->end_ns - interval->begin_ns;
    ct_interval_visit_holds(interval, count_hold, fixture);
}

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->model = ct_model_new();
    struct ct_process *process =
        ct_model_add_process(fixture->model, 100, 0, sizeof(struct ct_process));

    for (int i = 0; i < THREADS; i++)
        fixture->threads[i] =
            ct_model_add_thread(fixture->model, process, 100 + i, 0, sizeof(struct ct_thread));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    ct_model_free(fixture->model);
    g_free(fixture);
    return 0;
}

static struct ct_interval wait_of(const struct fixture *fixture, int thread, enum ct_op op,
                                  uint64_t begin_ns, uint64_t end_ns)
{
    return (struct ct_interval){.thread = fixture->threads[thread],
                                .begin_ns = begin_ns,
                                .end_ns = end_ns,
                                .wait_begin_ns = begin_ns,
                                .wait_end_ns = end_ns,
                                .weight = 1,
                                .object = LOCK,
                                .op = op,
                                .class = CT_CLASS_SYNC};
}

static struct ct_wake wake_of(const struct fixture *fixture, int thread, enum ct_op op,
                              uint64_t time_ns)
{
    return (struct ct_wake){.time_ns = time_ns, .thread = fixture->threads[thread], .op = op};
}

/* ---- What goes through ct_wakes ---- */

/* What happens to the lock, at a time. */
struct step {
    uint64_t time_ns;
    uint64_t since_ns; /* of a wait that ends; 0: a release */
    int thread;
};

static void play(struct fixture *fixture, const struct step *steps, size_t count, enum ct_op wait,
                 enum ct_op release)
{
    const struct ct_sink sink = {.user = fixture, .on_interval = on_interval};
    struct ct_wakes *wakes = ct_wakes_new(&sink, 1);

    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];

        if (step->since_ns) {
            struct ct_interval interval =
                wait_of(fixture, step->thread, wait, step->since_ns, step->time_ns);
            ct_wakes_add_interval(wakes, step->time_ns, &interval);
        } else {
            struct ct_wake wake = wake_of(fixture, step->thread, release, step->time_ns);
            ct_wakes_add_wake(wakes, ct_op_object(release), LOCK, &wake);
        }
    }
    ct_wakes_flush(wakes);
    ct_wakes_free(wakes);
}

/* Thread 1 waits while 0 holds the lock for 400 and 2, which comes between them, for 10. */
static const struct step convoy[] = {{1400, 0, 0}, {1405, 1100, 2}, {1415, 0, 2}, {1420, 1000, 1}};

static void a_wait_is_divided_among_those_who_held_the_lock(void **state)
{
    struct fixture *fixture = *state;

    play(fixture, convoy, G_N_ELEMENTS(convoy), CT_OP_MUTEX_LOCK, CT_OP_MUTEX_UNLOCK);
    assert_int_equal(fixture->waits_for_locks, 2);
    assert_int_equal(fixture->held_ns[0], 400 + 305);
    assert_int_equal(fixture->held_ns[2], 20); /* with the hand-off */
    assert_int_equal(fixture->held_ns[1] + fixture->held_ns[THREADS], 0);
}

static void read_write_and_spin_locks_are_locks(void **state)
{
    struct fixture *fixture = *state;

    play(fixture, convoy, G_N_ELEMENTS(convoy), CT_OP_RWLOCK_WRLOCK, CT_OP_RWLOCK_UNLOCK);
    play(fixture, convoy, G_N_ELEMENTS(convoy), CT_OP_SPIN_LOCK, CT_OP_SPIN_UNLOCK);
    assert_int_equal(fixture->waits_for_locks, 4);
    assert_int_equal(fixture->held_ns[0], 2 * (400 + 305));
}

static void a_semaphore_that_its_posters_wait_for_is_a_lock(void **state)
{
    struct fixture *fixture = *state;

    play(fixture, convoy, G_N_ELEMENTS(convoy), CT_OP_SEM_WAIT, CT_OP_SEM_POST);
    assert_int_equal(fixture->waits_for_locks, 2);
    assert_int_equal(fixture->held_ns[0], 400 + 305);
}

/* Others wait meanwhile, and it is held for long. */
static void it_is_a_lock_from_the_first_wait(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t ms = 1000000;
    const struct step steps[] = {{100 * ms, 0, 0},
                                 {100 * ms, 1 * ms, 1},
                                 {250 * ms, 240 * ms, 2},
                                 {399 * ms, 0, 1},
                                 {400 * ms, 110 * ms, 0}};

    play(fixture, steps, G_N_ELEMENTS(steps), CT_OP_SEM_WAIT, CT_OP_SEM_POST);
    assert_int_equal(fixture->waits_for_locks, 3);
}

/* One thread posts work, another one waits for it. */
static void a_semaphore_between_two_threads_is_none(void **state)
{
    struct fixture *fixture = *state;
    const struct step steps[] = {{100, 0, 0}, {110, 50, 1}, {200, 0, 0}, {210, 120, 1}};

    play(fixture, steps, G_N_ELEMENTS(steps), CT_OP_SEM_WAIT, CT_OP_SEM_POST);
    assert_int_equal(fixture->waits_for_locks, 0);
}

/*
 * Threads take a lock in turn, for random times, also from those that wait longer. Each moment of
 * each wait is known to be some holder's.
 */
static void sums_are_those_of_the_waits(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GRand) rand = g_rand_new_with_seed(12);
    g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(struct step));
    uint64_t now_ns = 1000, expected_ns[THREADS] = {0}, waited_ns = 0;
    uint64_t since_ns[THREADS];
    uint64_t charged_from_ns[THREADS];
    int holder = 0;

    for (int i = 0; i < THREADS; i++)
        since_ns[i] = charged_from_ns[i] = now_ns + (uint64_t)i;
    for (int round = 0; round < 20000; round++) {
        now_ns += (uint64_t)g_rand_int_range(rand, 10, 1000);
        const struct step release = {now_ns, 0, holder};
        g_array_append_val(steps, release);
        int next = (holder + g_rand_int_range(rand, 1, THREADS)) % THREADS;

        for (int i = 0; i < THREADS; i++) {
            if (i == holder)
                continue;
            expected_ns[holder] += now_ns - charged_from_ns[i];
            charged_from_ns[i] = now_ns;
        }
        const struct step wait = {now_ns + 2, since_ns[next], next};
        expected_ns[holder] += 2;
        waited_ns += wait.time_ns - wait.since_ns;
        now_ns += 2;
        g_array_append_val(steps, wait);
        since_ns[holder] = charged_from_ns[holder] = now_ns + 1;
        holder = next;
    }
    /* Those that wait to the end were charged for, but have no event. */
    for (int i = 0; i < THREADS; i++) {
        if (i != holder && since_ns[i] < now_ns) {
            const struct step wait = {now_ns + 3, since_ns[i], i};
            g_array_append_val(steps, wait);
            waited_ns += wait.time_ns - wait.since_ns;
        }
    }
    play(fixture, (const struct step *)(const void *)steps->data, steps->len, CT_OP_MUTEX_LOCK,
         CT_OP_MUTEX_UNLOCK);

    uint64_t sum_ns = fixture->held_ns[THREADS];
    for (int i = 0; i < THREADS; i++) {
        sum_ns += fixture->held_ns[i];
        /* The last hand-off to each is charged to whom it came from. */
        assert_in_range(fixture->held_ns[i], expected_ns[i], expected_ns[i] + 5 * THREADS);
    }
    assert_int_equal(fixture->waited_ns, waited_ns);
    assert_int_equal(sum_ns, waited_ns);
    assert_int_equal(fixture->held_ns[THREADS], 0);
}

/* ---- One wait ---- */

static void visit(struct fixture *fixture, const struct ct_interval *interval,
                  const struct ct_wake *releases, size_t count)
{
    struct ct_interval wait = *interval;

    wait.is_for_lock = TRUE;
    wait.releases = releases;
    wait.release_count = count;
    memset(fixture->held_ns, 0, sizeof(fixture->held_ns));
    fixture->holds = 0;
    ct_interval_visit_holds(&wait, count_hold, fixture);
}

static void a_wait_in_vain_is_charged_to_who_unlocked_next(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval wait = wait_of(fixture, 0, CT_OP_MUTEX_TIMEDLOCK, 100, 200);
    const struct ct_wake releases[] = {wake_of(fixture, 1, CT_OP_MUTEX_UNLOCK, 130),
                                       wake_of(fixture, 2, CT_OP_MUTEX_UNLOCK, 250)};

    wait.result = -ETIMEDOUT;
    visit(fixture, &wait, releases, 2);
    assert_int_equal(fixture->held_ns[1], 30);
    assert_int_equal(fixture->held_ns[2], 70);
    visit(fixture, &wait, releases, 1);
    assert_int_equal(fixture->held_ns[THREADS], 70);
}

static void a_lock_that_nobody_let_go_is_its_first_owners(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval wait = wait_of(fixture, 0, CT_OP_MUTEX_LOCK, 100, 200);

    wait.is_open = TRUE;
    visit(fixture, &wait, NULL, 0);
    assert_int_equal(fixture->held_ns[THREADS], 100);
    wait.owner_tid = fixture->threads[3]->tid;
    visit(fixture, &wait, NULL, 0);
    assert_int_equal(fixture->held_ns[3], 100);
}

static void a_wait_that_took_no_time_has_a_holder(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval wait = wait_of(fixture, 0, CT_OP_MUTEX_LOCK, 100, 100);
    const struct ct_wake release = wake_of(fixture, 1, CT_OP_MUTEX_UNLOCK, 100);

    visit(fixture, &wait, &release, 1);
    assert_int_equal(fixture->holds, 1);
}

/* A signal handler that waits cuts the wait in two. */
static void parts_of_a_wait_have_the_holders_of_their_time(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval part = wait_of(fixture, 0, CT_OP_MUTEX_LOCK, 100, 200);
    const struct ct_wake releases[] = {wake_of(fixture, 1, CT_OP_MUTEX_UNLOCK, 140),
                                       wake_of(fixture, 2, CT_OP_MUTEX_UNLOCK, 180)};

    part.end_ns = 150;
    visit(fixture, &part, releases, 2);
    assert_int_equal(fixture->held_ns[1], 40);
    assert_int_equal(fixture->held_ns[2], 10);
    part.begin_ns = 160;
    part.end_ns = 200;
    visit(fixture, &part, releases, 2);
    assert_int_equal(fixture->held_ns[1], 0);
    assert_int_equal(fixture->held_ns[2], 40);
}

/* ---- Many releases ---- */

static void releases_are_kept_in_order(void **state)
{
    const struct fixture *fixture = *state;
    struct ct_releases releases = {0};
    const uint64_t times_ns[] = {5, 3, 9, 1, 9, 7};

    for (size_t i = 0; i < G_N_ELEMENTS(times_ns); i++) {
        struct ct_wake wake = wake_of(fixture, 0, CT_OP_MUTEX_UNLOCK, times_ns[i]);
        ct_releases_add(&releases, &wake);
    }
    for (size_t i = 1; i < releases.count; i++)
        assert_true(releases.wakes[i - 1].time_ns <= releases.wakes[i].time_ns);
    assert_int_equal(ct_releases_until(&releases, 0), 0);
    assert_int_equal(ct_releases_until(&releases, 5), 3);
    assert_int_equal(ct_releases_until(&releases, 9), 6);
    ct_releases_clear(&releases);
}

/* Of a million releases, the older ones become fewer; the shares of who held the lock stay. */
static void too_many_releases_keep_their_shares(void **state)
{
    struct fixture *fixture = *state;
    struct ct_releases releases = {0};
    uint64_t now_ns = 1000;
    const uint64_t round_ns = 90 + 10;

    for (int i = 0; i < 1000000; i++) {
        now_ns += i % 2 ? 10 : 90;
        struct ct_wake wake = wake_of(fixture, i % 2 ? 1 : 2, CT_OP_MUTEX_UNLOCK, now_ns);
        ct_releases_add(&releases, &wake);
        assert_true(releases.count <= CT_RELEASES_MAX);
    }
    struct ct_interval wait = wait_of(fixture, 0, CT_OP_MUTEX_LOCK, 1000, now_ns);

    visit(fixture, &wait, releases.wakes, releases.count);
    uint64_t all_ns = 500000 * round_ns;
    assert_int_equal(fixture->held_ns[1] + fixture->held_ns[2], all_ns);
    assert_in_range(fixture->held_ns[2], all_ns * 85 / 100, all_ns * 95 / 100);
    ct_releases_clear(&releases);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wait_is_divided_among_those_who_held_the_lock),
        TEST(read_write_and_spin_locks_are_locks),
        TEST(a_semaphore_that_its_posters_wait_for_is_a_lock),
        TEST(it_is_a_lock_from_the_first_wait),
        TEST(a_semaphore_between_two_threads_is_none),
        TEST(sums_are_those_of_the_waits),
        TEST(a_wait_in_vain_is_charged_to_who_unlocked_next),
        TEST(a_lock_that_nobody_let_go_is_its_first_owners),
        TEST(a_wait_that_took_no_time_has_a_holder),
        TEST(parts_of_a_wait_have_the_holders_of_their_time),
        TEST(releases_are_kept_in_order),
        TEST(too_many_releases_keep_their_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
