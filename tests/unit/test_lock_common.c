/* What waits in line have in common is divided once, and adds up to what it is of each of them. */
#include "passes/lock_holding.h"
#include "store/builder.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BEGIN    UINT64_C(1000)
#define END      UINT64_C(200000)
#define THREADS  24
#define LOCKS    2
#define RELEASES 2000 /* of each lock */

/* A convoy made up at random: what threads say of their waits need not fit together. */
struct fixture {
    struct ct_model *model;
    struct ct_model *loaded;
    struct ct_store *store;
    GRand *rand;
    GArray *intervals; /* struct ct_interval */
    double weight;     /* of some of the waits for locks */
    struct ct_wake releases[LOCKS][RELEASES];
    int fd;
    int aside_fd;
};

static uint64_t random_of(struct fixture *fixture, int begin, int end)
{
    return (uint64_t)g_rand_int_range(fixture->rand, begin, end);
}

static void add_threads(struct fixture *fixture, gboolean has_priorities)
{
    struct ct_process *process = ct_model_add_process(fixture->model, 7, BEGIN, 0);

    process->end_ns = END;
    for (int32_t tid = 1; tid <= THREADS; tid++) {
        struct ct_thread *thread = ct_model_add_thread(fixture->model, process, tid, BEGIN, 0);

        thread->end_ns = END;
        thread->sched.has_priority = has_priorities && tid % 5 != 0;
        thread->sched.priority = 120 + tid % 3;
    }
}

/* Some at the same time. Of the first lock, seldom one of the last threads: they have holds in
 * common. Of the other one all are, so that some hold up the holders of what they wait for. */
static void add_releases(struct fixture *fixture, size_t lock)
{
    uint64_t time_ns = BEGIN;

    for (guint i = 0; i < RELEASES; i++) {
        gboolean is_any = lock == 1 || random_of(fixture, 0, 20) == 0;
        guint thread = (guint)random_of(fixture, 0, is_any ? THREADS : 8);

        time_ns += random_of(fixture, 0, 190);
        fixture->releases[lock][i] =
            (struct ct_wake){.time_ns = time_ns,
                             .thread = fixture->model->all_threads->pdata[thread],
                             .stack_id = 200 + thread % 3,
                             .op = CT_OP_MUTEX_UNLOCK};
    }
}

/* From the first in its time to the first after it. */
static void set_lock(struct fixture *fixture, struct ct_interval *wait)
{
    size_t lock = random_of(fixture, 0, 3) == 0 ? 1 : 0;
    const struct ct_wake *releases = fixture->releases[lock];
    size_t first = 0, end = 0;

    while (first < RELEASES && releases[first].time_ns < wait->begin_ns)
        first++;
    while (end < RELEASES && releases[end].time_ns <= wait->end_ns)
        end++;
    wait->op = CT_OP_MUTEX_LOCK;
    wait->object = 0xa0 + lock;
    wait->is_for_lock = TRUE;
    wait->releases = releases + first;
    wait->release_count = MIN(end + 1, RELEASES) - first;
    wait->weight = random_of(fixture, 0, 3) == 0 ? fixture->weight : 1;
    if (random_of(fixture, 0, 3) == 0)
        wait->result = -ETIMEDOUT;
}

static void add_intervals(struct fixture *fixture, struct ct_thread *thread)
{
    uint64_t at_ns = BEGIN + random_of(fixture, 0, 500);

    for (;;) {
        guint64 kind = random_of(fixture, 0, 6);
        gboolean is_lock = kind < 3;
        struct ct_interval interval = {
            .thread = thread,
            .begin_ns = at_ns,
            .end_ns = at_ns + random_of(fixture, 1, is_lock ? 9000 : 300),
            .weight = 1,
            .op = kind == 3   ? CT_OP_READ
                  : kind == 4 ? CT_OP_NONE
                              : CT_OP_NANOSLEEP,
            .stack_id = 100 + (uint32_t)thread->tid % 4,
        };

        if (interval.end_ns > END)
            return;
        interval.wait_begin_ns = interval.begin_ns;
        interval.wait_end_ns = interval.end_ns;
        interval.class = kind == 3   ? CT_CLASS_SYSCALL
                         : kind == 4 ? CT_CLASS_RUNNABLE
                                     : ct_op_class(interval.op);
        interval.is_outside = kind == 4;
        if (is_lock) {
            interval.class = CT_CLASS_SYNC;
            set_lock(fixture, &interval);
        }
        g_array_append_val(fixture->intervals, interval);
        at_ns = interval.end_ns + random_of(fixture, 1, 400);
    }
}

static int compare_ends(const void *a, const void *b)
{
    const struct ct_interval *first = a, *second = b;

    return (first->end_ns > second->end_ns) - (first->end_ns < second->end_ns);
}

static void build(struct fixture *fixture)
{
    const uint8_t key[CT_STORE_KEY_SIZE] = {0};
    struct ct_store_builder *builder = ct_store_builder_new(fixture->fd, fixture->aside_fd);
    const struct ct_sink sink = ct_store_builder_sink(builder);

    g_array_sort(fixture->intervals, compare_ends);
    for (guint i = 0; i < fixture->intervals->len; i++)
        sink.on_interval(sink.user, &g_array_index(fixture->intervals, struct ct_interval, i));
    ct_model_sort(fixture->model);
    assert_true(ct_store_builder_finish(builder, fixture->model, key, NULL));
    ct_store_builder_free(builder);
    fixture->store = ct_store_open(fixture->fd, NULL, fixture->loaded, NULL);
    assert_non_null(fixture->store);
}

static struct fixture *fixture_new(guint32 seed, double weight)
{
    struct fixture *fixture = g_new0(struct fixture, 1);

    fixture->weight = weight;
    fixture->model = ct_model_new();
    fixture->loaded = ct_model_new();
    fixture->model->directory = g_strdup("/recording");
    fixture->loaded->directory = g_strdup("/recording");
    fixture->model->begin_ns = BEGIN;
    fixture->model->end_ns = END;
    fixture->rand = g_rand_new_with_seed(seed);
    fixture->intervals = g_array_new(FALSE, FALSE, sizeof(struct ct_interval));
    fixture->fd = memfd_create("store", MFD_CLOEXEC);
    fixture->aside_fd = memfd_create("aside", MFD_CLOEXEC);
    add_threads(fixture, seed % 2 == 0);
    for (size_t lock = 0; lock < LOCKS; lock++)
        add_releases(fixture, lock);
    for (guint i = 0; i < THREADS; i++)
        add_intervals(fixture, fixture->model->all_threads->pdata[i]);
    build(fixture);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    ct_store_free(fixture->store);
    ct_model_free(fixture->loaded);
    ct_model_free(fixture->model);
    g_rand_free(fixture->rand);
    g_array_unref(fixture->intervals);
    close(fixture->fd);
    close(fixture->aside_fd);
    g_free(fixture);
}

/* ---- Sums, as text -> nanoseconds ---- */

static void add_sum(GHashTable *sums, char *name, uint64_t ns)
{
    uint64_t *sum = g_hash_table_lookup(sums, name);

    if (!sum) {
        sum = g_new0(uint64_t, 1);
        g_hash_table_insert(sums, g_strdup(name), sum);
    }
    *sum += ns;
    g_free(name);
}

static GHashTable *sums_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static char *place_name(uint64_t lock, const struct ct_thread *holder, uint32_t stack_id)
{
    int32_t tid = holder && stack_id == 0 ? holder->tid : 0;

    return g_strdup_printf("%" PRIx64 " at %u of %d %d", lock, stack_id, holder != NULL, tid);
}

static char *activity_name(const char *place, const struct ct_lock_activity *activity)
{
    return g_strdup_printf("%s: %d class %d op %d for %d %" PRIx64 " %d then %d %d %d", place,
                           activity->share, activity->class, activity->op, activity->is_for_lock,
                           activity->object, activity->is_circle, activity->last_share,
                           activity->last_class, activity->last_op);
}

static gboolean is_nobodys(enum ct_lock_share share)
{
    return share == CT_LOCK_SHARE_HAND_OFF || share == CT_LOCK_SHARE_OWN_QUEUE ||
           share == CT_LOCK_SHARE_OWN_TIME;
}

/* ---- Each wait by itself ---- */

struct brute {
    struct ct_lock_waits *waits;
    struct ct_window window;
    GHashTable *sums;
    uint64_t longest_inverted_ns[LOCKS];
    guint circles;
};

static void add_inverted(struct brute *brute, const struct ct_lock_wait *wait,
                         const struct ct_lock_part *part, uint64_t ns)
{
    const struct ct_thread *waiter = wait->interval.thread, *holder = part->holder;
    uint64_t *longest_ns = &brute->longest_inverted_ns[wait->interval.object - 0xa0];

    if (part->share != CT_LOCK_SHARE_RUNNABLE || !holder || !holder->sched.has_priority ||
        !waiter->sched.has_priority || holder->sched.priority <= waiter->sched.priority)
        return;
    add_sum(brute->sums, g_strdup_printf("%" PRIx64 " inverted", wait->interval.object), ns);
    *longest_ns = MAX(*longest_ns, ns);
}

static void add_brute_part(struct brute *brute, const struct ct_lock_wait *wait,
                           const struct ct_lock_part *part)
{
    uint64_t begin_ns = MAX(part->begin_ns, brute->window.begin_ns);
    uint64_t end_ns = MIN(part->end_ns, brute->window.end_ns);
    uint64_t ns = end_ns > begin_ns ? (end_ns - begin_ns) * (uint64_t)wait->weight : 0;
    uint64_t lock = wait->interval.object;
    g_autofree char *place = place_name(lock, part->holder, part->stack_id);
    struct ct_lock_activity activity = {.share = part->share, .is_circle = part->is_circle};

    if (ns == 0)
        return;
    if (part->share == CT_LOCK_SHARE_WAITING) {
        activity.class = part->wait_class;
        activity.op = part->wait_op;
        activity.object = part->is_wait_for_lock ? part->wait_object : 0;
        activity.is_for_lock = part->is_wait_for_lock;
        activity.last_share = part->last_share;
        activity.last_class = part->last_class;
        if (part->last_share == CT_LOCK_SHARE_WAITING)
            activity.last_op = part->last_op;
    }
    brute->circles += part->is_circle;
    add_sum(brute->sums, g_strdup_printf("%" PRIx64, lock), ns);
    add_sum(brute->sums, g_strdup_printf("%" PRIx64 " share %d", lock, part->share), ns);
    add_inverted(brute, wait, part, ns);
    if (!is_nobodys(part->share))
        add_sum(brute->sums, activity_name(place, &activity), ns);
}

static void add_brute(void *user, const struct ct_interval *interval)
{
    struct brute *brute = user;
    const struct ct_lock_wait *wait = ct_lock_waits_next(brute->waits, interval, NULL);

    for (guint i = 0; wait && i < wait->parts->len; i++)
        add_brute_part(brute, wait, &g_array_index(wait->parts, struct ct_lock_part, i));
}

/* ---- The pass ---- */

static void add_found(GHashTable *sums, const struct ct_lock_holding *lock)
{
    add_sum(sums, g_strdup_printf("%" PRIx64, lock->object), lock->ns);
    if (lock->inverted_ns > 0)
        add_sum(sums, g_strdup_printf("%" PRIx64 " inverted", lock->object), lock->inverted_ns);
    for (int share = 0; share < CT_LOCK_SHARE_COUNT; share++) {
        if (lock->share_ns[share] > 0)
            add_sum(sums, g_strdup_printf("%" PRIx64 " share %d", lock->object, share),
                    lock->share_ns[share]);
    }
    for (guint i = 0; i < lock->holders->len; i++) {
        const struct ct_lock_holder *holder = lock->holders->pdata[i];
        g_autofree char *place = place_name(lock->object, holder->thread, holder->stack_id);

        for (guint a = 0; a < holder->activities->len; a++) {
            const struct ct_lock_activity *activity =
                &g_array_index(holder->activities, struct ct_lock_activity, a);

            if (activity->ns > 0)
                add_sum(sums, activity_name(place, activity), activity->ns);
        }
    }
}

static void check_same(GHashTable *expected, GHashTable *found)
{
    GHashTableIter at;
    void *name, *ns;

    g_hash_table_iter_init(&at, expected);
    while (g_hash_table_iter_next(&at, &name, &ns)) {
        const uint64_t *sum = g_hash_table_lookup(found, name);

        if (!sum || *sum != *(const uint64_t *)ns)
            fail_msg("%s: %" PRIu64 ", and not %" PRIu64, (const char *)name, sum ? *sum : 0,
                     *(const uint64_t *)ns);
    }
    assert_int_equal(g_hash_table_size(found), g_hash_table_size(expected));
}

static void check_window(struct fixture *fixture, const struct ct_window *window,
                         struct brute *brute)
{
    const struct ct_store_scope scope = {.window = window};
    const struct ct_sink sink = {.user = brute, .on_interval = add_brute};
    g_autoptr(ct_lock_waits) waits = ct_lock_waits_new(fixture->store);
    g_autoptr(GHashTable) expected = sums_new();
    g_autoptr(GHashTable) found = sums_new();
    g_autoptr(GPtrArray) locks = ct_lock_holdings_find(fixture->store, &scope, NULL);

    *brute = (struct brute){.waits = waits, .sums = expected, .window = {0, UINT64_MAX}};
    if (window)
        brute->window = *window;
    assert_true(ct_store_replay(fixture->store, &scope, &sink, NULL));
    assert_int_equal(locks->len, LOCKS);
    for (guint i = 0; i < locks->len; i++) {
        const struct ct_lock_holding *lock = locks->pdata[i];

        add_found(found, lock);
        assert_int_equal(lock->longest_inverted_ns,
                         brute->longest_inverted_ns[lock->object - 0xa0]);
    }
    check_same(expected, found);
    brute->sums = NULL;
}

static void sums_are_those_of_each_wait_by_itself(void **state)
{
    (void)state;
    const struct ct_window middle = {BEGIN + 60000, BEGIN + 90001};
    guint circles = 0;
    uint64_t inverted_ns = 0;

    for (guint32 seed = 1; seed <= 4; seed++) {
        struct fixture *fixture = fixture_new(seed, 3);
        struct brute brute;

        check_window(fixture, &middle, &brute);
        check_window(fixture, NULL, &brute);
        circles += brute.circles;
        inverted_ns += brute.longest_inverted_ns[0];
        fixture_free(fixture);
    }
    assert_true(circles > 0);
    assert_true(inverted_ns > 0);
}

/* Of one that stands for two waits and a half, the whole is rounded, not each hold. */
static void broken_weights_add_up(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(2, 2.5);
    const struct ct_store_scope everything = {0};
    g_autoptr(GPtrArray) locks = ct_lock_holdings_find(fixture->store, &everything, NULL);
    uint64_t expected_ns[LOCKS] = {0};

    for (guint i = 0; i < fixture->intervals->len; i++) {
        const struct ct_interval *wait = &g_array_index(fixture->intervals, struct ct_interval, i);

        if (wait->is_for_lock)
            expected_ns[wait->object - 0xa0] +=
                (uint64_t)llround(wait->weight * (double)(wait->end_ns - wait->begin_ns));
    }
    for (guint i = 0; i < locks->len; i++) {
        const struct ct_lock_holding *lock = locks->pdata[i];
        uint64_t shares_ns = 0;

        for (size_t share = 0; share < CT_LOCK_SHARE_COUNT; share++)
            shares_ns += lock->share_ns[share];
        assert_int_equal(lock->ns, expected_ns[lock->object - 0xa0]);
        assert_int_equal(shares_ns, lock->ns);
    }
    fixture_free(fixture);
}

static void count_whole(void *user, const struct ct_interval *interval)
{
    struct brute *brute = user;
    const struct ct_lock_wait *wait = ct_lock_waits_next(brute->waits, interval, NULL);
    uint64_t ns = 0;

    if (!wait)
        return;
    for (guint i = 0; i < wait->parts->len; i++) {
        const struct ct_lock_part *part = &g_array_index(wait->parts, struct ct_lock_part, i);

        ns += part->end_ns - part->begin_ns;
    }
    for (guint i = 0; i < wait->whole->len; i++) {
        const struct ct_lock_whole_holds *whole =
            &g_array_index(wait->whole, struct ct_lock_whole_holds, i);

        ns += whole->releases[whole->count].time_ns - whole->releases[0].time_ns;
        brute->circles += whole->count;
    }
    assert_int_equal(ns, interval->wait_end_ns - interval->wait_begin_ns);
}

/* Parts and what is left out of them are the wait. */
static void whole_holds_are_left_out(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(1, 1);
    g_autoptr(ct_lock_waits) waits = ct_lock_waits_new(fixture->store);
    struct brute brute = {.waits = waits};
    const struct ct_sink sink = {.user = &brute, .on_interval = count_whole};
    const struct ct_store_scope everything = {0};

    ct_lock_waits_leave_whole(waits);
    assert_true(ct_store_replay(fixture->store, &everything, &sink, NULL));
    assert_true(brute.circles > 1000);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_each_wait_by_itself),
        cmocka_unit_test(broken_weights_add_up),
        cmocka_unit_test(whole_holds_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
