/* Each moment of a wait for a lock goes to who held it then, and to what that one did. */
#include "passes/lock_holding.h"
#include "passes/thread_spans.h"
#include "store_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BEGIN   UINT64_C(1000)
#define END     UINT64_C(90000)
#define PID     7
#define THREADS 16
#define LOCK    0xa0
#define OTHER   0xb0

/* Threads are 1 to THREADS, locks are told by their addresses. */
struct fixture {
    struct ct_model *model;
    struct ct_model *loaded;
    struct ct_store_builder *builder;
    struct ct_sink sink;
    struct ct_store *store;
    struct ct_lock_waits *waits;
    GPtrArray *holdings;
    GPtrArray *owned; /* releases */
    int fd;
    int aside_fd;
};

static struct ct_thread *thread_of(const struct fixture *fixture, int32_t tid)
{
    return fixture->model->all_threads->pdata[tid - 1];
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
    fixture->owned = g_ptr_array_new_with_free_func(g_free);
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

    if (fixture->holdings)
        g_ptr_array_unref(fixture->holdings);
    ct_lock_waits_free(fixture->waits);
    ct_store_free(fixture->store);
    ct_store_builder_free(fixture->builder);
    ct_model_free(fixture->loaded);
    ct_model_free(fixture->model);
    g_ptr_array_unref(fixture->owned);
    close(fixture->fd);
    close(fixture->aside_fd);
    g_free(fixture);
    return 0;
}

/* ---- What was recorded ---- */

static struct ct_interval interval_of(const struct fixture *fixture, int32_t tid, enum ct_op op,
                                      uint64_t begin_ns, uint64_t end_ns)
{
    return (struct ct_interval){
        .thread = thread_of(fixture, tid),
        .begin_ns = begin_ns,
        .end_ns = end_ns,
        .wait_begin_ns = begin_ns,
        .wait_end_ns = end_ns,
        .weight = 1,
        .op = op,
        .class = ct_op_class(op),
        .stack_id = 100 + (uint32_t)tid,
    };
}

static void add(const struct fixture *fixture, const struct ct_interval *interval)
{
    fixture->sink.on_interval(fixture->sink.user, interval);
}

static void add_call(const struct fixture *fixture, int32_t tid, enum ct_op op, uint64_t begin_ns,
                     uint64_t end_ns)
{
    struct ct_interval interval = interval_of(fixture, tid, op, begin_ns, end_ns);

    if (op == CT_OP_READ)
        interval.class = CT_CLASS_SYSCALL;
    add(fixture, &interval);
}

/* Who let go, and when: pairs up to a 0. */
struct release {
    int32_t tid;
    uint64_t time_ns;
};

static struct ct_interval wait_of(const struct fixture *fixture, int32_t tid, uint64_t lock,
                                  uint64_t begin_ns, uint64_t end_ns,
                                  const struct release *releases)
{
    struct ct_interval wait = interval_of(fixture, tid, CT_OP_MUTEX_LOCK, begin_ns, end_ns);
    size_t count = 0;

    while (releases[count].tid)
        count++;
    struct ct_wake *wakes = g_new0(struct ct_wake, count + 1);

    for (size_t i = 0; i < count; i++)
        wakes[i] = (struct ct_wake){.time_ns = releases[i].time_ns,
                                    .thread = thread_of(fixture, releases[i].tid),
                                    .stack_id = 200 + (uint32_t)releases[i].tid,
                                    .op = CT_OP_MUTEX_UNLOCK};
    g_ptr_array_add(fixture->owned, wakes);
    wait.object = lock;
    wait.is_for_lock = TRUE;
    wait.releases = wakes;
    wait.release_count = count;
    return wait;
}

#define RELEASES(...)        \
    (const struct release[]) \
    {                        \
        __VA_ARGS__          \
        {                    \
            0, 0             \
        }                    \
    }

static void add_wait(const struct fixture *fixture, int32_t tid, uint64_t lock, uint64_t begin_ns,
                     uint64_t end_ns, const struct release *releases)
{
    struct ct_interval wait = wait_of(fixture, tid, lock, begin_ns, end_ns, releases);

    add(fixture, &wait);
}

static void finish(struct fixture *fixture)
{
    const uint8_t key[CT_STORE_KEY_SIZE] = {0};

    ct_model_sort(fixture->model);
    assert_true(ct_store_builder_finish(fixture->builder, fixture->model, key, NULL));
    fixture->store = ct_store_open(fixture->fd, NULL, fixture->loaded, NULL);
    assert_non_null(fixture->store);
    fixture->waits = ct_lock_waits_new(fixture->store);
}

/* ---- What comes out ---- */

/* Adds up to the wait, without a hole. */
static void check_parts(const struct ct_lock_wait *wait)
{
    uint64_t at_ns = wait->interval.wait_begin_ns;

    for (guint i = 0; i < wait->parts->len; i++) {
        const struct ct_lock_part *part = &g_array_index(wait->parts, struct ct_lock_part, i);

        assert_int_equal(part->begin_ns, at_ns);
        assert_true(part->end_ns > part->begin_ns);
        at_ns = part->end_ns;
    }
    assert_int_equal(at_ns, wait->interval.wait_end_ns);
}

/* The first thread's first wait. */
static const struct ct_lock_wait *divide(struct fixture *fixture)
{
    const struct ct_thread *first = fixture->loaded->all_threads->pdata[0];
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(fixture->store, first, NULL);
    struct ct_store_event event;

    assert_true(ct_store_cursor_next(cursor, &event, NULL));
    const struct ct_lock_wait *wait = ct_lock_waits_divide(fixture->waits, &event.interval, NULL);

    assert_non_null(wait);
    check_parts(wait);
    return wait;
}

static const struct ct_lock_part *part_at(const struct ct_lock_wait *wait, guint index)
{
    assert_true(index < wait->parts->len);
    return &g_array_index(wait->parts, struct ct_lock_part, index);
}

/* One after the other: how long, what, and of whom, or 0. */
struct expected {
    uint64_t ns;
    enum ct_lock_share share;
    int32_t holder;
};

#define ALL(array) array, G_N_ELEMENTS(array)

static void check(const struct ct_lock_wait *wait, const struct expected *expected, guint count)
{
    assert_int_equal(wait->parts->len, count);
    for (guint i = 0; i < count; i++) {
        const struct ct_lock_part *part = part_at(wait, i);

        assert_int_equal(part->end_ns - part->begin_ns, expected[i].ns);
        assert_int_equal(part->share, expected[i].share);
        assert_int_equal(part->holder ? part->holder->tid : 0, expected[i].holder);
    }
}

/* ---- One wait ---- */

/* The owner that was noted let go soon: another one had it for longer, which was in line. */
static void a_wait_is_that_of_all_who_held_the_lock(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval wait =
        wait_of(fixture, 1, LOCK, 2000, 4600, RELEASES({2, 3000}, {3, 4500}, ));
    const struct expected expected[] = {{1000, CT_LOCK_SHARE_RUNNING, 2},
                                        {100, CT_LOCK_SHARE_HAND_OFF, 3},
                                        {1400, CT_LOCK_SHARE_RUNNING, 3},
                                        {100, CT_LOCK_SHARE_HAND_OFF, 3}};

    add_wait(fixture, 3, LOCK, 2500, 3100, RELEASES({2, 3000}, {3, 4500}, ));
    wait.owner_tid = 2;
    add(fixture, &wait);
    finish(fixture);
    check(divide(fixture), ALL(expected));
    assert_int_equal(part_at(divide(fixture), 2)->stack_id, 203);
    assert_int_equal(part_at(divide(fixture), 2)->op, CT_OP_MUTEX_UNLOCK);
}

static void what_the_holder_did_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval queued = interval_of(fixture, 2, CT_OP_NONE, 4000, 4300);
    const struct expected expected[] = {{500, CT_LOCK_SHARE_RUNNING, 2},
                                        {1000, CT_LOCK_SHARE_WAITING, 2},
                                        {500, CT_LOCK_SHARE_RUNNING, 2},
                                        {300, CT_LOCK_SHARE_RUNNABLE, 2},
                                        {700, CT_LOCK_SHARE_RUNNING, 2}};

    queued.class = CT_CLASS_RUNNABLE;
    queued.is_outside = TRUE;
    add_call(fixture, 2, CT_OP_READ, 2500, 3500);
    add(fixture, &queued);
    add_wait(fixture, 1, LOCK, 2000, 5000, RELEASES({2, 5000}, ));
    finish(fixture);
    const struct ct_lock_wait *wait = divide(fixture);
    const struct ct_lock_part *waiting = part_at(wait, 1);

    check(wait, ALL(expected));
    assert_int_equal(waiting->wait_op, CT_OP_READ);
    assert_int_equal(waiting->wait_class, CT_CLASS_SYSCALL);
    assert_int_equal(waiting->wait_stack_id, 102);
    assert_int_equal(waiting->depth, 0);
}

/* A mutex is one thread's: who slept when it was let go took it later. */
static void who_was_elsewhere_took_it_when_it_came_back(void **state)
{
    struct fixture *fixture = *state;
    const struct expected expected[] = {{1000, CT_LOCK_SHARE_RUNNING, 2},
                                        {200, CT_LOCK_SHARE_HAND_OFF, 3},
                                        {800, CT_LOCK_SHARE_RUNNING, 3}};

    add_call(fixture, 3, CT_OP_NANOSLEEP, 1500, 3200);
    add_wait(fixture, 1, LOCK, 2000, 4000, RELEASES({2, 3000}, {3, 4000}, ));
    finish(fixture);
    check(divide(fixture), ALL(expected));
}

static void a_holder_that_waits_for_a_lock_leads_to_its_holder(void **state)
{
    struct fixture *fixture = *state;
    const struct expected expected[] = {{500, CT_LOCK_SHARE_RUNNING, 2},
                                        {500, CT_LOCK_SHARE_WAITING, 2},
                                        {1000, CT_LOCK_SHARE_WAITING, 2},
                                        {100, CT_LOCK_SHARE_WAITING, 2},
                                        {900, CT_LOCK_SHARE_RUNNING, 2}};

    add_call(fixture, 3, CT_OP_NANOSLEEP, 3000, 4000);
    add_wait(fixture, 2, OTHER, 2500, 4100, RELEASES({3, 4000}, ));
    add_wait(fixture, 1, LOCK, 2000, 5000, RELEASES({2, 5000}, ));
    finish(fixture);
    const struct ct_lock_wait *wait = divide(fixture);
    const struct ct_lock_part *sleeps = part_at(wait, 2);

    check(wait, ALL(expected));
    assert_int_equal(part_at(wait, 1)->last_share, CT_LOCK_SHARE_RUNNING);
    assert_int_equal(part_at(wait, 3)->last_share, CT_LOCK_SHARE_HAND_OFF);
    assert_true(sleeps->is_wait_for_lock);
    assert_int_equal(sleeps->wait_op, CT_OP_MUTEX_LOCK);
    assert_int_equal(sleeps->wait_object, OTHER);
    assert_int_equal(sleeps->depth, 1);
    assert_int_equal(sleeps->last->tid, 3);
    assert_int_equal(sleeps->last_share, CT_LOCK_SHARE_WAITING);
    assert_int_equal(sleeps->last_op, CT_OP_NANOSLEEP);
    assert_int_equal(sleeps->stack_id, 202);
}

static void a_circle_is_told_and_left(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval first = wait_of(fixture, 1, LOCK, 2000, END, RELEASES());
    struct ct_interval second = wait_of(fixture, 2, OTHER, 3000, END, RELEASES());

    first.is_open = second.is_open = TRUE;
    first.owner_tid = 2;
    second.owner_tid = 1;
    add(fixture, &first);
    add(fixture, &second);
    finish(fixture);
    const struct ct_lock_wait *wait = divide(fixture);

    assert_int_equal(wait->parts->len, 2);
    assert_int_equal(part_at(wait, 0)->share, CT_LOCK_SHARE_RUNNING);
    assert_int_equal(part_at(wait, 1)->share, CT_LOCK_SHARE_WAITING);
    assert_int_equal(part_at(wait, 1)->holder->tid, 2);
    assert_true(part_at(wait, 1)->is_circle);
    assert_int_equal(part_at(wait, 1)->last->tid, 1);
}

static void a_long_chain_is_followed_so_far(void **state)
{
    struct fixture *fixture = *state;

    for (int32_t tid = CT_LOCK_CHAIN_MAX + 3; tid > 0; tid--) {
        struct ct_interval wait =
            wait_of(fixture, tid, LOCK + (uint64_t)tid, 2000, END, RELEASES());

        wait.is_open = TRUE;
        wait.owner_tid = tid + 1;
        add(fixture, &wait);
    }
    finish(fixture);
    const struct ct_lock_wait *wait = divide(fixture);

    assert_int_equal(wait->parts->len, 1);
    assert_int_equal(part_at(wait, 0)->holder->tid, 2);
    assert_int_equal(part_at(wait, 0)->share, CT_LOCK_SHARE_WAITING);
    assert_int_equal(part_at(wait, 0)->depth, CT_LOCK_CHAIN_MAX - 1);
    assert_int_equal(part_at(wait, 0)->last_share, CT_LOCK_SHARE_UNKNOWN);
}

static struct ct_interval piece_of(const struct ct_interval *whole, uint64_t begin_ns,
                                   uint64_t end_ns, enum ct_class class)
{
    struct ct_interval piece = *whole;

    piece.begin_ns = begin_ns;
    piece.end_ns = end_ns;
    piece.class = class;
    return piece;
}

/* As a kernel layer tells it: blocked, in the run queue, and on a CPU before it had the lock. */
static void the_waiters_own_time_is_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval whole = wait_of(fixture, 1, LOCK, 2000, 4600, RELEASES({2, 3900}, ));
    struct ct_interval blocked = piece_of(&whole, 2100, 4000, CT_CLASS_SYNC);
    struct ct_interval queued = piece_of(&whole, 4000, 4500, CT_CLASS_RUNNABLE);
    const struct expected expected[] = {{100, CT_LOCK_SHARE_OWN_TIME, 0},
                                        {1800, CT_LOCK_SHARE_RUNNING, 2},
                                        {100, CT_LOCK_SHARE_HAND_OFF, 2},
                                        {500, CT_LOCK_SHARE_OWN_QUEUE, 0},
                                        {100, CT_LOCK_SHARE_OWN_TIME, 0}};

    blocked.weight = 3;
    add(fixture, &blocked);
    add(fixture, &queued);
    finish(fixture);
    check(divide(fixture), ALL(expected));
    assert_true(divide(fixture)->weight == 3);
}

static void what_is_not_recorded_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    const struct expected expected[] = {{END - 2000, CT_LOCK_SHARE_UNKNOWN, 0}};
    struct ct_interval wait = wait_of(fixture, 1, LOCK, 2000, END, RELEASES());

    wait.is_open = TRUE;
    add(fixture, &wait);
    finish(fixture);
    check(divide(fixture), ALL(expected));
}

/* The kernel tells of a time that it lost its events: not running, for all that is known. */
static void a_holder_that_was_not_seen_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval lost = interval_of(fixture, 2, CT_OP_NONE, 2500, 3000);
    const struct expected expected[] = {{500, CT_LOCK_SHARE_RUNNING, 2},
                                        {500, CT_LOCK_SHARE_UNKNOWN, 2},
                                        {1000, CT_LOCK_SHARE_RUNNING, 2}};

    lost.class = CT_CLASS_UNKNOWN;
    lost.is_outside = TRUE;
    add(fixture, &lost);
    add_wait(fixture, 1, LOCK, 2000, 4000, RELEASES({2, 4000}, ));
    finish(fixture);
    check(divide(fixture), ALL(expected));
}

/* It lets go of the mutex, which is not recorded. */
static void a_holder_that_waits_for_a_condition_has_let_go(void **state)
{
    struct fixture *fixture = *state;
    struct ct_interval wait = wait_of(fixture, 1, LOCK, 2000, 3100, RELEASES());
    const struct expected expected[] = {{1000, CT_LOCK_SHARE_RUNNING, 2},
                                        {100, CT_LOCK_SHARE_HAND_OFF, 2}};

    add_call(fixture, 2, CT_OP_COND_WAIT, 3000, 9000);
    wait.owner_tid = 2;
    add(fixture, &wait);
    finish(fixture);
    check(divide(fixture), ALL(expected));
}

/* ---- All waits of a lock ---- */

static const struct ct_lock_holding *find_one(struct fixture *fixture,
                                              const struct ct_window *window)
{
    const struct ct_store_scope scope = {.window = window};

    finish(fixture);
    fixture->holdings = ct_lock_holdings_find(fixture->store, &scope, NULL);
    assert_non_null(fixture->holdings);
    assert_int_equal(fixture->holdings->len, 1);
    return fixture->holdings->pdata[0];
}

/* 2 holds it for 1000, then 3 for 500, which was in line from 2500 on, as was 1. */
static void add_convoy(const struct fixture *fixture)
{
    add_call(fixture, 3, CT_OP_READ, 3150, 3250);
    add_wait(fixture, 3, LOCK, 2500, 3100, RELEASES({2, 3000}, {3, 3600}, ));
    add_wait(fixture, 1, LOCK, 2000, 3700, RELEASES({2, 3000}, {3, 3600}, {1, 3900}, ));
    add_wait(fixture, 4, LOCK, 3800, 3900, RELEASES({1, 3900}, ));
}

static void a_lock_is_summed_up(void **state)
{
    struct fixture *fixture = *state;

    add_convoy(fixture);
    const struct ct_lock_holding *lock = find_one(fixture, NULL);
    const struct ct_lock_holder *first = lock->holders->pdata[0], *second = lock->holders->pdata[1];

    assert_int_equal(lock->kind, CT_OBJECT_LOCK);
    assert_int_equal(lock->object, LOCK);
    assert_true(lock->count == 3);
    assert_int_equal(lock->ns, 600 + 1700 + 100);
    assert_int_equal(lock->longest_ns, 1700);
    assert_int_equal(lock->thread_count, 3);
    assert_int_equal(lock->longest_queue, 2);
    assert_int_equal(lock->share_ns[CT_LOCK_SHARE_WAITING], 100);
    assert_int_equal(lock->share_ns[CT_LOCK_SHARE_HAND_OFF], 100 + 100 + 100);
    assert_int_equal(lock->share_ns[CT_LOCK_SHARE_RUNNING], 500 + 1000 + 400 + 100);
    assert_int_equal(lock->holders->len, 3);
    assert_int_equal(first->thread->tid, 2);
    assert_int_equal(first->ns, 1500);
    assert_int_equal(second->thread->tid, 3);
    assert_int_equal(second->ns, 500);
    assert_int_equal(second->activities->len, 2);
    const struct ct_lock_activity *reads =
        &g_array_index(second->activities, struct ct_lock_activity, 1);

    assert_int_equal(reads->op, CT_OP_READ);
    assert_int_equal(reads->ns, 100);
}

/* Of 3, from 3100 to 3600, and of 1, from 3700 to 3900: of 2, nobody saw when it took it. */
static void holds_are_known_of_who_was_in_line(void **state)
{
    struct fixture *fixture = *state;

    add_convoy(fixture);
    const struct ct_lock_holding *lock = find_one(fixture, NULL);

    assert_int_equal(lock->hold_count, 2);
    assert_int_equal(lock->hold_ns, 500 + 200);
    assert_int_equal(lock->longest_hold_ns, 500);
}

static void of_locks_that_are_asked_for_shares_are_the_same(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_store_scope scope = {0};
    g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(struct ct_lock_key));
    const struct ct_lock_key asked =
        ct_lock_key_of(thread_of(fixture, 1)->process, CT_OBJECT_LOCK, LOCK);

    add_convoy(fixture);
    add_wait(fixture, 5, OTHER, 2000, 3000, RELEASES({6, 2900}, ));
    finish(fixture);
    g_array_append_val(keys, asked);
    fixture->holdings = ct_lock_holdings_estimate(fixture->store, &scope, keys, NULL);
    assert_int_equal(fixture->holdings->len, 1);
    const struct ct_lock_holding *lock = fixture->holdings->pdata[0];

    assert_true(ct_lock_key_is_of(&asked, lock));
    assert_int_equal(lock->ns, 600 + 1700 + 100);
    assert_int_equal(lock->share_ns[CT_LOCK_SHARE_RUNNING], 500 + 1000 + 400 + 100);
}

/* 2 has the lock, of which 500 without a CPU. */
static uint64_t find_inverted_ns(struct fixture *fixture, int32_t waiter, int32_t holder)
{
    struct ct_interval queued = interval_of(fixture, 2, CT_OP_NONE, 2200, 2700);

    thread_of(fixture, 1)->sched.has_priority = thread_of(fixture, 2)->sched.has_priority = TRUE;
    thread_of(fixture, 1)->sched.priority = waiter;
    thread_of(fixture, 2)->sched.priority = holder;
    queued.class = CT_CLASS_RUNNABLE;
    add(fixture, &queued);
    add_wait(fixture, 1, LOCK, 2000, 3100, RELEASES({2, 3000}, ));
    return find_one(fixture, NULL)->inverted_ns;
}

static void a_lesser_one_without_cpu_that_holds_up_a_greater_one_is_inversion(void **state)
{
    assert_int_equal(find_inverted_ns(*state, 120, 139), 500);
}

static void who_comes_first_or_at_once_holds_up_nobody(void **state)
{
    assert_int_equal(find_inverted_ns(*state, 120, 120), 0);
}

static void a_window_has_its_part(void **state)
{
    struct fixture *fixture = *state;
    const struct ct_window window = {2900, 3050};

    add_convoy(fixture);
    const struct ct_lock_holding *lock = find_one(fixture, &window);

    assert_true(lock->count == 2);
    assert_int_equal(lock->ns, 150 + 150);
    assert_int_equal(lock->share_ns[CT_LOCK_SHARE_RUNNING], 200);
    assert_int_equal(lock->share_ns[CT_LOCK_SHARE_HAND_OFF], 100);
}

/* ---- Sums ---- */

static void check_holding(const struct ct_lock_holding *lock)
{
    uint64_t shares_ns = 0, held_ns = 0, holders_ns = 0, waiters_ns = 0;
    double count = 0;

    for (size_t share = 0; share < CT_LOCK_SHARE_COUNT; share++)
        shares_ns += lock->share_ns[share];
    for (size_t share = 0; share <= CT_LOCK_SHARE_UNKNOWN; share++)
        held_ns += lock->share_ns[share];
    for (guint i = 0; i < lock->holders->len; i++) {
        const struct ct_lock_holder *holder = lock->holders->pdata[i];
        uint64_t activities_ns = 0;

        for (guint a = 0; a < holder->activities->len; a++)
            activities_ns += g_array_index(holder->activities, struct ct_lock_activity, a).ns;
        assert_int_equal(activities_ns, holder->ns);
        holders_ns += holder->ns;
    }
    for (guint i = 0; i < lock->waiters->len; i++) {
        const struct ct_lock_waiter *waiter = lock->waiters->pdata[i];

        waiters_ns += waiter->ns;
        count += waiter->count;
    }
    assert_int_equal(shares_ns, lock->ns);
    assert_int_equal(holders_ns, held_ns);
    assert_int_equal(waiters_ns, lock->ns);
    assert_true(count > 0.999 * lock->count && count < 1.001 * lock->count);
}

/* What is found adds up, whatever was recorded, and in any window. */
static void sums_are_those_of_the_waits(void **state)
{
    (void)state;
    for (guint32 seed = 1; seed <= 12; seed++) {
        struct store_fixture fixture;

        store_fixture_init(&fixture, seed, 2 + seed % 6, 150);
        uint64_t middle_ns = fixture.model->begin_ns / 2 + fixture.model->end_ns / 2;
        const struct ct_window halves[] = {{0, middle_ns}, {middle_ns, UINT64_MAX}};
        const struct ct_window *const windows[] = {NULL, &halves[0], &halves[1]};

        for (size_t i = 0; i < G_N_ELEMENTS(windows); i++) {
            const struct ct_store_scope scope = {.window = windows[i]};
            g_autoptr(GPtrArray) locks = ct_lock_holdings_find(fixture.store, &scope, NULL);

            assert_non_null(locks);
            for (guint l = 0; l < locks->len; l++)
                check_holding(locks->pdata[l]);
        }
        store_fixture_clear(&fixture);
    }
}

struct visit {
    struct ct_lock_waits *waits;
    guint count;
};

static void divide_interval(void *user, const struct ct_interval *interval)
{
    struct visit *visit = user;
    g_autoptr(GError) error = NULL;
    const struct ct_lock_wait *wait = ct_lock_waits_next(visit->waits, interval, &error);

    assert_null(error);
    if (!wait)
        return;
    visit->count++;
    check_parts(wait);
}

static void parts_are_those_of_the_waits(void **state)
{
    (void)state;
    for (guint32 seed = 1; seed <= 12; seed++) {
        struct store_fixture fixture;
        const struct ct_store_scope everything = {0};

        store_fixture_init(&fixture, seed, 2 + seed % 6, 300);
        g_autoptr(ct_lock_waits) waits = ct_lock_waits_new(fixture.store);
        struct visit visit = {.waits = waits};
        const struct ct_sink sink = {.user = &visit, .on_interval = divide_interval};

        assert_true(ct_store_replay(fixture.store, &everything, &sink, NULL));
        assert_true(visit.count > 0);
        store_fixture_clear(&fixture);
    }
}

/* ---- What a thread did, asked in any order ---- */

static void spans_are_those_of_the_lane(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t i = 0; i < 4000; i++)
        add_call(fixture, 2, CT_OP_READ, 2000 + 20 * i, 2010 + 20 * i);
    finish(fixture);
    struct ct_thread *thread = fixture->loaded->all_threads->pdata[1];
    struct ct_thread_spans *spans = ct_thread_spans_new(fixture->store);
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);

    for (int i = 0; i < 2000; i++) {
        uint64_t at_ns = 2000 + (uint64_t)g_rand_int_range(rand, 0, 80000);
        gboolean is_waiting = (at_ns - 2000) % 20 < 10;
        struct ct_thread_span span;

        assert_true(ct_thread_span_at(spans, thread, at_ns, END, &span, NULL));
        assert_true(span.is_known);
        assert_int_equal(span.interval.thread != NULL, is_waiting);
        assert_int_equal(span.end_ns, at_ns - at_ns % 10 + 10);
        assert_true(ct_thread_span_at(spans, thread, at_ns, at_ns + 1, &span, NULL));
        assert_int_equal(span.end_ns, at_ns + 1);
    }
    ct_thread_spans_free(spans);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_wait_is_that_of_all_who_held_the_lock),
        TEST(what_the_holder_did_is_told),
        TEST(who_was_elsewhere_took_it_when_it_came_back),
        TEST(a_holder_that_waits_for_a_lock_leads_to_its_holder),
        TEST(a_circle_is_told_and_left),
        TEST(a_long_chain_is_followed_so_far),
        TEST(the_waiters_own_time_is_told_apart),
        TEST(what_is_not_recorded_is_unknown),
        TEST(a_holder_that_was_not_seen_is_unknown),
        TEST(a_holder_that_waits_for_a_condition_has_let_go),
        TEST(a_lock_is_summed_up),
        TEST(holds_are_known_of_who_was_in_line),
        TEST(of_locks_that_are_asked_for_shares_are_the_same),
        TEST(a_lesser_one_without_cpu_that_holds_up_a_greater_one_is_inversion),
        TEST(who_comes_first_or_at_once_holds_up_nobody),
        TEST(a_window_has_its_part),
        cmocka_unit_test(sums_are_those_of_the_waits),
        cmocka_unit_test(parts_are_those_of_the_waits),
        TEST(spans_are_those_of_the_lane),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
