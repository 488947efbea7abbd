/* What cannot end is found, and nothing else is. */
#include "passes/hangs.h"
#include "store/builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define BEGIN   UINT64_C(1000)
#define END     UINT64_C(9000)
#define PID     7
#define THREADS 6

#define LATE_END UINT64_C(900000000)

/* Threads are 1 to THREADS, locks are told by their addresses. */
struct fixture {
    struct ct_model *model;
    struct ct_model *loaded;
    struct ct_store_builder *builder;
    struct ct_sink sink;
    struct ct_store *store;
    GPtrArray *hangs;
    int fd;
    int aside_fd;
};

static struct ct_thread *thread_of(const struct fixture *fixture, int32_t tid)
{
    return fixture->model->all_threads->pdata[tid - 1];
}

/* Of a wait for a lock, that goes on at the end unless `end_ns` says otherwise. */
static struct ct_interval wait_of(const struct fixture *fixture, int32_t tid, uint64_t begin_ns,
                                  uint64_t lock, int32_t owner_tid)
{
    return (struct ct_interval){
        .thread = thread_of(fixture, tid),
        .begin_ns = begin_ns,
        .end_ns = END,
        .wait_begin_ns = begin_ns,
        .wait_end_ns = END,
        .weight = 1,
        .object = lock,
        .op = CT_OP_MUTEX_LOCK,
        .class = CT_CLASS_SYNC,
        .owner_tid = owner_tid,
        .is_open = TRUE,
        .is_for_lock = TRUE,
    };
}

static void add(const struct fixture *fixture, struct ct_interval interval)
{
    fixture->sink.on_interval(fixture->sink.user, &interval);
}

static void add_wait(const struct fixture *fixture, int32_t tid, uint64_t begin_ns, uint64_t lock,
                     int32_t owner_tid)
{
    add(fixture, wait_of(fixture, tid, begin_ns, lock, owner_tid));
}

static void add_join(const struct fixture *fixture, int32_t tid, int32_t joined)
{
    struct ct_interval join = wait_of(fixture, tid, BEGIN + 1, (uint64_t)joined, 0);

    join.op = CT_OP_THREAD_JOIN;
    join.is_for_lock = FALSE;
    add(fixture, join);
}

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    struct ct_process *process;

    fixture->model = ct_model_new();
    fixture->model->directory = g_strdup("/recording");
    fixture->model->begin_ns = BEGIN;
    fixture->model->end_ns = END;
    process = ct_model_add_process(fixture->model, PID, BEGIN, 0);
    process->end_ns = END;
    for (int32_t tid = 1; tid <= THREADS; tid++)
        ct_model_add_thread(fixture->model, process, tid, BEGIN, 0)->end_ns = END;
    fixture->fd = memfd_create("store", MFD_CLOEXEC);
    fixture->aside_fd = memfd_create("aside", MFD_CLOEXEC);
    fixture->builder = ct_store_builder_new(fixture->fd, fixture->aside_fd);
    fixture->sink = ct_store_builder_sink(fixture->builder);
    fixture->loaded = ct_model_new();
    fixture->loaded->directory = g_strdup("/recording");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->hangs)
        g_ptr_array_unref(fixture->hangs);
    ct_store_free(fixture->store);
    ct_store_builder_free(fixture->builder);
    ct_model_free(fixture->loaded);
    ct_model_free(fixture->model);
    close(fixture->fd);
    close(fixture->aside_fd);
    g_free(fixture);
    return 0;
}

static const GPtrArray *find(struct fixture *fixture)
{
    const uint8_t key[CT_STORE_KEY_SIZE] = {0};

    ct_model_sort(fixture->model);
    assert_true(ct_store_builder_finish(fixture->builder, fixture->model, key, NULL));
    fixture->store = ct_store_open(fixture->fd, NULL, fixture->loaded, NULL);
    assert_non_null(fixture->store);
    fixture->hangs = ct_hangs_find(fixture->store, fixture->loaded, NULL);
    assert_non_null(fixture->hangs);
    return fixture->hangs;
}

static const struct ct_hang *find_one(struct fixture *fixture, enum ct_hang_kind kind, guint waits,
                                      guint behind)
{
    const GPtrArray *hangs = find(fixture);

    assert_int_equal(hangs->len, 1);
    const struct ct_hang *hang = hangs->pdata[0];
    assert_int_equal(hang->kind, kind);
    assert_int_equal(hang->waits->len, waits);
    assert_int_equal(hang->behind, behind);
    for (guint i = 0; i < waits && kind == CT_HANG_DEADLOCK; i++) {
        const struct ct_hang_wait *wait = &g_array_index(hang->waits, struct ct_hang_wait, i);
        const struct ct_hang_wait *next =
            &g_array_index(hang->waits, struct ct_hang_wait, (i + 1) % waits);

        assert_ptr_equal(wait->holder, next->interval.thread);
    }
    return hang;
}

static void two_that_hold_what_the_other_wants_are_a_deadlock(void **state)
{
    struct fixture *fixture = *state;

    add_wait(fixture, 2, 3000, 0xa, 1);
    add_wait(fixture, 1, 2000, 0xb, 2);
    add_wait(fixture, 3, 4000, 0xa, 1); /* in line for one of the locks */
    add_join(fixture, 4, 3);            /* and for who is in line */
    const struct ct_hang *hang = find_one(fixture, CT_HANG_DEADLOCK, 2, 2);

    assert_int_equal(hang->since_ns, 3000);
    assert_int_equal(g_array_index(hang->waits, struct ct_hang_wait, 0).interval.thread->tid, 1);
}

static void a_joiner_whose_lock_the_joined_thread_wants_is_in_one(void **state)
{
    struct fixture *fixture = *state;

    add_join(fixture, 1, 2);
    add_wait(fixture, 2, 2000, 0xa, 1);
    find_one(fixture, CT_HANG_DEADLOCK, 2, 0);
}

/* As the kernel layer tells of who is killed: it ran for a moment, though its call never ended. */
static void who_was_killed_hung_until_then(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval first = wait_of(fixture, 1, 2000, 0xb, 2);
    struct ct_interval second = wait_of(fixture, 2, 3000, 0xa, 1);

    first.end_ns = END - 500;
    second.end_ns = END - 700;
    add(fixture, first);
    add(fixture, second);
    find_one(fixture, CT_HANG_DEADLOCK, 2, 0);
}

static void who_waits_for_its_own_lock_hangs_alone(void **state)
{
    struct fixture *fixture = *state;

    add_wait(fixture, 5, 2000, 0xa, 5);
    add_wait(fixture, 6, 2500, 0xa, 5);
    find_one(fixture, CT_HANG_SELF, 1, 1);
}

static void a_lock_whose_holder_has_exited_is_never_let_go(void **state)
{
    struct fixture *fixture = *state;

    thread_of(fixture, 1)->has_exited = TRUE;
    thread_of(fixture, 1)->end_ns = 5000;
    add_wait(fixture, 2, 2000, 0xa, 1);
    find_one(fixture, CT_HANG_HOLDER_GONE, 1, 0);
}

static void no_hang_is_seen_where_there_is_none(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval timed = wait_of(fixture, 5, 2000, 0xc, 6);
    struct ct_interval earlier = wait_of(fixture, 6, 2000, 0xd, 5);

    add_wait(fixture, 1, 2000, 0xa, 2); /* whose holder works */
    add_join(fixture, 3, 2);
    timed.op = CT_OP_MUTEX_TIMEDLOCK; /* it will give up */
    add(fixture, timed);
    earlier.is_open = FALSE; /* it got the lock */
    earlier.end_ns = earlier.wait_end_ns = 3000;
    add(fixture, earlier);
    add_wait(fixture, 6, 4000, 0xc, 5);
    assert_int_equal(find(fixture)->len, 0);
}

/* The owner that was noted when a wait began has let go since: who got the lock then has it. */
static void a_lock_is_held_by_who_got_it_last(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_wake release = {
        .time_ns = 3000, .thread = thread_of(fixture, 4), .op = CT_OP_MUTEX_UNLOCK};
    struct ct_interval taken = wait_of(fixture, 2, 2500, 0xb, 4);
    struct ct_interval waits = wait_of(fixture, 1, 2000, 0xb, 4);

    taken.is_open = FALSE;
    taken.end_ns = taken.wait_end_ns = 3100;
    taken.releases = waits.releases = &release;
    taken.release_count = waits.release_count = 1;
    add(fixture, taken);
    add(fixture, waits);
    add_wait(fixture, 2, 4000, 0xa, 1);
    find_one(fixture, CT_HANG_DEADLOCK, 2, 0);
}

/* Nobody knows who took it when nobody else was in line. */
static void a_lock_that_was_let_go_has_no_holder_that_is_known(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_wake release = {
        .time_ns = 3000, .thread = thread_of(fixture, 2), .op = CT_OP_MUTEX_UNLOCK};
    struct ct_interval waits = wait_of(fixture, 1, 2000, 0xb, 2);

    waits.releases = &release;
    waits.release_count = 1;
    add(fixture, waits);
    add_wait(fixture, 2, 4000, 0xa, 1);
    assert_int_equal(find(fixture)->len, 0);
}

/* ---- Nobody left to wake ---- */

static struct ct_interval condition_wait(const struct fixture *fixture, int32_t tid,
                                         uint64_t begin_ns)
{
    struct ct_interval wait = wait_of(fixture, tid, begin_ns, 0xc0, 0);

    wait.op = CT_OP_COND_WAIT;
    wait.is_for_lock = FALSE;
    return wait;
}

/* Long enough for it not to be on its way. The other threads have exited. */
static void let_it_be_late(const struct fixture *fixture)
{
    fixture->model->end_ns = LATE_END;
    thread_of(fixture, 1)->process->end_ns = LATE_END;
    for (int32_t tid = 1; tid <= THREADS; tid++) {
        thread_of(fixture, tid)->has_exited = tid > 3;
        thread_of(fixture, tid)->end_ns = tid > 3 ? END : LATE_END;
    }
}

static void add_late(const struct fixture *fixture, struct ct_interval wait)
{
    wait.end_ns = wait.wait_end_ns = LATE_END;
    add(fixture, wait);
}

static void add_join_late(const struct fixture *fixture, int32_t tid, int32_t joined)
{
    struct ct_interval join = condition_wait(fixture, tid, BEGIN + 1);

    join.op = CT_OP_THREAD_JOIN;
    join.object = (uint64_t)joined;
    add_late(fixture, join);
}

static void where_all_wait_nobody_is_left_to_wake(void **state)
{
    struct fixture *fixture = *state;

    let_it_be_late(fixture);
    add_late(fixture, condition_wait(fixture, 1, 2000));
    add_late(fixture, condition_wait(fixture, 2, 3000));
    add_join_late(fixture, 3, 1);
    const struct ct_hang *hang = find_one(fixture, CT_HANG_LOST_WAKE, 2, 1);

    assert_int_equal(hang->since_ns, 3000);
    assert_null(g_array_index(hang->waits, struct ct_hang_wait, 0).holder);
}

static void who_is_not_in_a_wait_may_wake_others(void **state)
{
    struct fixture *fixture = *state;

    let_it_be_late(fixture);
    add_late(fixture, condition_wait(fixture, 1, 2000));
    add_join_late(fixture, 3, 1);
    assert_int_equal(find(fixture)->len, 0);
}

static void what_comes_from_outside_may_wake_others(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval reading = condition_wait(fixture, 2, 2000);

    let_it_be_late(fixture);
    reading.op = CT_OP_READ;
    add_late(fixture, condition_wait(fixture, 1, 2000));
    add_late(fixture, reading);
    add_join_late(fixture, 3, 1);
    assert_int_equal(find(fixture)->len, 0);
}

static void who_has_just_begun_to_wait_may_be_woken_already(void **state)
{
    struct fixture *fixture = *state;

    let_it_be_late(fixture);
    add_late(fixture, condition_wait(fixture, 1, 2000));
    add_late(fixture, condition_wait(fixture, 2, LATE_END - 1000000));
    add_join_late(fixture, 3, 1);
    assert_int_equal(find(fixture)->len, 0);
}

static void what_is_a_deadlock_is_not_told_twice(void **state)
{
    struct fixture *fixture = *state;

    let_it_be_late(fixture);
    add_late(fixture, wait_of(fixture, 1, 2000, 0xb, 2));
    add_late(fixture, wait_of(fixture, 2, 3000, 0xa, 1));
    add_late(fixture, condition_wait(fixture, 3, 2000));
    find_one(fixture, CT_HANG_DEADLOCK, 2, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(two_that_hold_what_the_other_wants_are_a_deadlock),
        TEST(a_joiner_whose_lock_the_joined_thread_wants_is_in_one),
        TEST(who_was_killed_hung_until_then),
        TEST(who_waits_for_its_own_lock_hangs_alone),
        TEST(a_lock_whose_holder_has_exited_is_never_let_go),
        TEST(no_hang_is_seen_where_there_is_none),
        TEST(a_lock_is_held_by_who_got_it_last),
        TEST(a_lock_that_was_let_go_has_no_holder_that_is_known),
        TEST(where_all_wait_nobody_is_left_to_wake),
        TEST(who_is_not_in_a_wait_may_wake_others),
        TEST(what_comes_from_outside_may_wake_others),
        TEST(who_has_just_begun_to_wait_may_be_woken_already),
        TEST(what_is_a_deadlock_is_not_told_twice),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
