#include "image_fixture.h"
#include "summary/profile.h"
#include "timeline_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct ct_profile_limits no_limits = {.end_ns = UINT64_MAX};
static const struct ct_selection everybody;

/* Two processes with two threads each, and one stack, of id 1. */
struct fixture {
    struct ct_model *model;
    struct ct_thread *threads[4];
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    const uint64_t addresses[] = {0x1010, 0x1020};

    fixture->model = fixture_model("shop --all", 10 * FIXTURE_S);
    for (int i = 0; i < 4; i++) {
        g_autofree char *name = g_strdup_printf("worker-%d", i);
        struct ct_process *process =
            i % 2 ? fixture->threads[i - 1]->process
                  : fixture_process(fixture->model, 100 + i, i ? "server" : "client");
        fixture->threads[i] = fixture_thread(fixture->model, process, 200 + i, name);
        fixture_add_stack(process, 1, addresses, G_N_ELEMENTS(addresses));
    }
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

static struct ct_interval lock_wait(const struct fixture *fixture, int thread, uint64_t begin_ns,
                                    uint64_t end_ns)
{
    struct ct_interval wait =
        fixture_wait(fixture->threads[thread], CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, begin_ns, end_ns);
    wait.stack_id = 1;
    wait.object = 0xabc0;
    return wait;
}

static void send(struct ct_profile *profile, struct ct_interval wait)
{
    struct ct_sink sink = ct_profile_sink(profile);
    sink.on_interval(sink.user, &wait);
}

static GArray *samples_of(const struct fixture *fixture, const struct ct_profile *profile)
{
    return ct_profile_samples(profile, fixture->model, &everybody);
}

static const struct ct_profile_sample *sample_at(const GArray *samples, guint index)
{
    assert_true(index < samples->len);
    return &g_array_index(samples, struct ct_profile_sample, index);
}

/* The only sample of a profile. */
static struct ct_profile_sample only_sample(const struct fixture *fixture,
                                            const struct ct_profile *profile)
{
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    assert_int_equal(samples->len, 1);
    return *sample_at(samples, 0);
}

static void waits_at_one_stack_are_summed(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYNC, &no_limits);

    send(profile, lock_wait(fixture, 0, 100, 350));
    send(profile, lock_wait(fixture, 0, 400, 450));
    struct ct_profile_sample sample = only_sample(fixture, profile);
    assert_int_equal(sample.count, 2);
    assert_int_equal(sample.delay_ns, 300);
    assert_ptr_equal(sample.thread, fixture->threads[0]);
    assert_int_equal(sample.stack->addresses[0], 0x1010);
    assert_int_equal(sample.op, CT_OP_MUTEX_LOCK);
    assert_string_equal(sample.object_text, "mutex 0xabc0");
    assert_null(sample.other);
    assert_false(sample.is_open);
}

static void threads_objects_wakers_and_open_waits_are_told_apart(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYNC, &no_limits);
    struct ct_interval wait = lock_wait(fixture, 0, 0, 10);

    send(profile, wait);
    send(profile, lock_wait(fixture, 1, 0, 10));
    wait.object++;
    send(profile, wait);
    wait.waker = fixture->threads[1];
    send(profile, wait);
    wait.is_open = TRUE;
    send(profile, wait);
    wait.op = CT_OP_MUTEX_TIMEDLOCK;
    send(profile, wait);
    wait.stack_id = 2;
    send(profile, wait);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    assert_int_equal(samples->len, 7);
}

static void only_waits_of_the_kind_count(void **state)
{
    const struct fixture *fixture = *state;
    static const enum ct_class classes[] = {
        [CT_PROFILE_KIND_NET] = CT_CLASS_NET,
        [CT_PROFILE_KIND_SYNC] = CT_CLASS_SYNC,
        [CT_PROFILE_KIND_SYSCALL] = CT_CLASS_SYSCALL,
        [CT_PROFILE_KIND_SLEEP] = CT_CLASS_SLEEP,
    };

    for (enum ct_profile_kind kind = 0; kind < G_N_ELEMENTS(classes); kind++) {
        g_autoptr(ct_profile) profile = ct_profile_new(kind, &no_limits);
        for (enum ct_class class = 0; class < CT_CLASS_COUNT; class ++)
            send(profile, fixture_wait(fixture->threads[0], CT_OP_READ, class, 0, 1 + class));
        assert_int_equal(only_sample(fixture, profile).delay_ns, 1 + classes[kind]);
    }
}

static void a_sampled_wait_counts_as_often_as_it_stands_for(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYNC, &no_limits);

    for (int i = 0; i < 3; i++) {
        struct ct_interval wait = lock_wait(fixture, 0, 0, 4000);
        wait.weight = 2.4;
        send(profile, wait);
    }
    struct ct_profile_sample sample = only_sample(fixture, profile);
    /* Rounded one by one, they would be 6. */
    assert_int_equal(sample.count, 7);
    assert_int_equal(sample.delay_ns, 28800);
}

static void a_weight_that_cannot_be_is_one(void **state)
{
    const struct fixture *fixture = *state;
    const double weights[] = {NAN, INFINITY, -3, 0};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYNC, &no_limits);

    for (size_t i = 0; i < G_N_ELEMENTS(weights); i++) {
        struct ct_interval wait = lock_wait(fixture, 0, 0, 10);
        wait.weight = weights[i];
        send(profile, wait);
    }
    assert_int_equal(only_sample(fixture, profile).count, 4);
    assert_int_equal(only_sample(fixture, profile).delay_ns, 40);
}

static void a_window_cuts_waits(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_profile_limits limits = {.begin_ns = FIXTURE_BEGIN_NS + 100,
                                             .end_ns = FIXTURE_BEGIN_NS + 200};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYNC, &limits);

    send(profile, lock_wait(fixture, 0, 0, 100));   /* before */
    send(profile, lock_wait(fixture, 0, 50, 130));  /* 30 in it */
    send(profile, lock_wait(fixture, 0, 150, 150)); /* in it, but took no time */
    send(profile, lock_wait(fixture, 0, 190, 250)); /* 10 in it */
    send(profile, lock_wait(fixture, 0, 200, 300)); /* after */
    assert_int_equal(only_sample(fixture, profile).count, 3);
    assert_int_equal(only_sample(fixture, profile).delay_ns, 40);
}

static void short_waits_are_left_out_by_their_whole_length(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_selection selection = {.min_ns = 50};
    g_autoptr(ct_filter) filter = ct_filter_new(&selection, NULL, NULL);
    const struct ct_profile_limits limits = {
        .begin_ns = FIXTURE_BEGIN_NS + 100, .end_ns = UINT64_MAX, .filter = filter};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYNC, &limits);

    send(profile, lock_wait(fixture, 0, 60, 110));
    send(profile, lock_wait(fixture, 0, 200, 249));
    assert_int_equal(only_sample(fixture, profile).count, 1);
    assert_int_equal(only_sample(fixture, profile).delay_ns, 10);
}

/* Two pieces of a wait of 100, from 0 to 40 and from 60 to 100: another took the time between. */
static void send_in_pieces(const struct fixture *fixture, struct ct_profile *profile)
{
    struct ct_interval piece = lock_wait(fixture, 0, 0, 100);

    piece.end_ns = FIXTURE_BEGIN_NS + 40;
    send(profile, piece);
    piece.previous_end_ns = piece.end_ns;
    piece.begin_ns = FIXTURE_BEGIN_NS + 60;
    piece.end_ns = FIXTURE_BEGIN_NS + 100;
    send(profile, piece);
}

static void a_wait_in_pieces_counts_once(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_selection selection = {.min_ns = 90};
    g_autoptr(ct_filter) filter = ct_filter_new(&selection, NULL, NULL);
    const struct ct_profile_limits cases[] = {
        /* Its length is that of the whole wait. */
        {.end_ns = UINT64_MAX, .filter = filter},
        {.begin_ns = FIXTURE_BEGIN_NS + 30, .end_ns = UINT64_MAX},
        /* Its second piece only. */
        {.begin_ns = FIXTURE_BEGIN_NS + 40, .end_ns = UINT64_MAX},
    };
    const int64_t delays_ns[] = {80, 50, 40};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYNC, &cases[i]);

        send_in_pieces(fixture, profile);
        assert_int_equal(only_sample(fixture, profile).count, 1);
        assert_int_equal(only_sample(fixture, profile).delay_ns, delays_ns[i]);
    }
}

static void a_mutex_profile_charges_the_unlocker(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_MUTEX, &no_limits);
    struct ct_interval wait = lock_wait(fixture, 0, 0, 70);

    const struct ct_wake unlock = {.time_ns = FIXTURE_BEGIN_NS + 60,
                                   .thread = fixture->threads[3],
                                   .stack_id = 1,
                                   .op = CT_OP_MUTEX_UNLOCK};

    wait.is_for_lock = TRUE;
    wait.releases = &unlock;
    wait.release_count = 1;
    wait.stack_id = 9;
    send(profile, wait);
    /* Not for a lock. */
    send(profile, fixture_wait(fixture->threads[0], CT_OP_COND_WAIT, CT_CLASS_SYNC, 0, 10));
    struct ct_profile_sample sample = only_sample(fixture, profile);
    assert_ptr_equal(sample.thread, fixture->threads[3]);
    assert_ptr_equal(sample.process, fixture->threads[3]->process);
    assert_ptr_equal(sample.other, fixture->threads[0]);
    assert_int_equal(sample.op, CT_OP_MUTEX_UNLOCK);
    assert_int_equal(sample.stack->id, 1);
    assert_int_equal(sample.delay_ns, 70);
}

/* The second of two held it for most of the wait; the window shows the end of the first's time. */
static void a_mutex_profile_divides_a_wait_among_its_holders(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_profile_limits limits = {.begin_ns = FIXTURE_BEGIN_NS + 10,
                                             .end_ns = UINT64_MAX};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_MUTEX, &limits);
    struct ct_interval wait = lock_wait(fixture, 0, 0, 70);
    const struct ct_wake unlocks[] = {{.time_ns = FIXTURE_BEGIN_NS + 20,
                                       .thread = fixture->threads[1],
                                       .stack_id = 1,
                                       .op = CT_OP_MUTEX_UNLOCK},
                                      {.time_ns = FIXTURE_BEGIN_NS + 65,
                                       .thread = fixture->threads[2],
                                       .stack_id = 1,
                                       .op = CT_OP_MUTEX_UNLOCK}};

    wait.is_for_lock = TRUE;
    wait.releases = unlocks;
    wait.release_count = G_N_ELEMENTS(unlocks);
    send(profile, wait);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    assert_int_equal(samples->len, 2);
    assert_ptr_equal(sample_at(samples, 0)->thread, fixture->threads[1]);
    assert_int_equal(sample_at(samples, 0)->delay_ns, 10);
    assert_int_equal(sample_at(samples, 0)->count, 0);
    assert_int_equal(sample_at(samples, 1)->delay_ns, 50);
    assert_int_equal(sample_at(samples, 1)->count, 1);
}

static void a_mutex_profile_keeps_waits_with_an_unknown_holder(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_MUTEX, &no_limits);
    struct ct_interval wait = lock_wait(fixture, 0, 0, 70);

    wait.is_for_lock = TRUE;
    send(profile, wait);
    struct ct_profile_sample sample = only_sample(fixture, profile);
    assert_null(sample.thread);
    assert_null(sample.stack);
    assert_ptr_equal(sample.process, fixture->threads[0]->process);
    assert_int_equal(sample.delay_ns, 70);
}

static void objects_beyond_the_limit_are_others(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYNC, &no_limits);
    int64_t count = 0, others = 0;

    for (int i = 0; i < 1000; i++) {
        struct ct_interval wait = lock_wait(fixture, 0, 0, 10);
        wait.object = 0x1000 + (uint64_t)i % 500;
        send(profile, wait);
    }
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    assert_int_equal(samples->len, CT_PROFILE_MAX_OBJECTS + 1);
    for (guint i = 0; i < samples->len; i++) {
        count += sample_at(samples, i)->count;
        if (strcmp(sample_at(samples, i)->object_text, "others") == 0)
            others += sample_at(samples, i)->count;
    }
    assert_int_equal(count, 1000);
    assert_int_equal(others, 1000 - 2 * CT_PROFILE_MAX_OBJECTS);
}

static void sockets_are_told_apart_by_their_other_end(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_NET, &no_limits);
    struct ct_fd fd = {7, CT_FD_KIND_SOCKET_INET, (char *)"10.0.0.1:5001", (char *)"10.0.0.2:80",
                       0};
    struct ct_interval wait = fixture_wait(fixture->threads[0], CT_OP_RECV, CT_CLASS_NET, 0, 100);

    wait.object = 7;
    wait.fd = &fd;
    send(profile, wait);
    /* The next connection to the same service: another descriptor, another port of ours. */
    wait.object = 8;
    fd.local = (char *)"10.0.0.1:5002";
    send(profile, wait);
    fd.peer = (char *)"10.0.0.3:80";
    send(profile, wait);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    assert_int_equal(samples->len, 2);
    assert_string_equal(sample_at(samples, 0)->peer, "10.0.0.2:80");
    assert_string_equal(sample_at(samples, 0)->object_text, "inet socket -> 10.0.0.2:80");
    assert_int_equal(sample_at(samples, 0)->count, 2);
    assert_string_equal(sample_at(samples, 1)->peer, "10.0.0.3:80");
}

static void files_are_told_apart_by_their_path(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYSCALL, &no_limits);
    struct ct_fd fd = {7, CT_FD_KIND_FILE, (char *)"/tmp/journal", (char *)"", 0};
    struct ct_interval wait =
        fixture_wait(fixture->threads[0], CT_OP_FSYNC, CT_CLASS_SYSCALL, 0, 100);

    wait.object = 7;
    wait.fd = &fd;
    send(profile, wait);
    fd.local = (char *)"/tmp/other";
    send(profile, wait);
    wait.fd = NULL;
    send(profile, wait);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    assert_int_equal(samples->len, 3);
    assert_string_equal(sample_at(samples, 0)->object_text, "file /tmp/journal");
    assert_string_equal(sample_at(samples, 0)->peer, "");
    assert_string_equal(sample_at(samples, 1)->object_text, "file /tmp/other");
    assert_string_equal(sample_at(samples, 2)->object_text, "fd 7");
}

static void a_kernel_object_without_a_name_is_called_by_its_kind(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_NET, &no_limits);
    struct ct_fd fd = {5, CT_FD_KIND_EPOLL, (char *)"anon_inode:[eventpoll]", (char *)"", 0};
    struct ct_interval wait =
        fixture_wait(fixture->threads[0], CT_OP_EPOLL_WAIT, CT_CLASS_NET, 0, 100);

    wait.object = 5;
    wait.fd = &fd;
    send(profile, wait);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    assert_string_equal(sample_at(samples, 0)->object_text, "epoll");
}

static guint count_selected(const struct fixture *fixture, const struct ct_profile *profile,
                            const char *process, const char *thread)
{
    const char *processes[] = {(char *)process, NULL}, *threads[] = {(char *)thread, NULL};
    const struct ct_selection selection = {.processes = processes, .threads = threads};
    g_autoptr(GArray) samples = ct_profile_samples(profile, fixture->model, &selection);
    return samples->len;
}

static void processes_and_threads_are_selected_by_name_or_id(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_SYNC, &no_limits);

    for (int i = 0; i < 4; i++)
        send(profile, lock_wait(fixture, i, 0, 10));
    assert_int_equal(count_selected(fixture, profile, NULL, NULL), 4);
    assert_int_equal(count_selected(fixture, profile, "server", NULL), 2);
    assert_int_equal(count_selected(fixture, profile, "102", NULL), 2);
    assert_int_equal(count_selected(fixture, profile, NULL, "worker-1"), 1);
    assert_int_equal(count_selected(fixture, profile, NULL, "worker-*"), 4);
    assert_int_equal(count_selected(fixture, profile, NULL, "203"), 1);
    assert_int_equal(count_selected(fixture, profile, "client", "203"), 0);
    assert_int_equal(count_selected(fixture, profile, "serve", NULL), 0);
}

static void the_order_of_arrival_does_not_matter(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) forward = ct_profile_new(CT_PROFILE_KIND_SYNC, &no_limits);
    g_autoptr(ct_profile) backward = ct_profile_new(CT_PROFILE_KIND_SYNC, &no_limits);

    for (int i = 0; i < 40; i++) {
        struct ct_interval first = lock_wait(fixture, i % 4, 0, 10);
        struct ct_interval last = lock_wait(fixture, (39 - i) % 4, 0, 10);
        first.object = 0x100 + (uint64_t)i;
        last.object = 0x100 + (uint64_t)(39 - i);
        send(forward, first);
        send(backward, last);
    }
    g_autoptr(GArray) first = samples_of(fixture, forward);
    g_autoptr(GArray) second = samples_of(fixture, backward);
    assert_int_equal(first->len, 40);
    assert_int_equal(second->len, 40);
    for (guint i = 0; i < first->len; i++) {
        assert_ptr_equal(sample_at(first, i)->thread, sample_at(second, i)->thread);
        assert_int_equal(sample_at(first, i)->object, sample_at(second, i)->object);
    }
}

/* ---- What runs, and all of the time ---- */

static void send_sample(const struct fixture *fixture, struct ct_profile *profile, int thread,
                        uint64_t time_ns, uint32_t stack_id)
{
    struct ct_sink sink = ct_profile_sink(profile);
    struct ct_sample sample = {.thread = fixture->threads[thread],
                               .time_ns = FIXTURE_BEGIN_NS + time_ns,
                               .period_ns = 10 * FIXTURE_MS,
                               .stack_id = stack_id};

    sink.on_sample(sink.user, &sample);
    sample.in_kernel = TRUE;
    sink.on_sample(sink.user, &sample);
}

static int64_t sum_of(const GArray *samples, const struct ct_thread *thread, int state)
{
    int64_t sum_ns = 0;

    for (guint i = 0; i < samples->len; i++) {
        const struct ct_profile_sample *sample = sample_at(samples, i);

        if (sample->thread == thread && (state < 0 || sample->state == (enum ct_class)state))
            sum_ns += sample->delay_ns;
    }
    return sum_ns;
}

static void a_cpu_profile_sums_samples_by_stack(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_CPU, &no_limits);

    assert_null(ct_profile_sink(profile).on_interval);
    send_sample(fixture, profile, 0, 5, 1);
    send_sample(fixture, profile, 0, 7, 1);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    assert_int_equal(samples->len, 2);
    for (guint i = 0; i < 2; i++) {
        assert_int_equal(sample_at(samples, i)->in_kernel, i);
        assert_int_equal(sample_at(samples, i)->count, 2);
        assert_int_equal(sample_at(samples, i)->delay_ns, 20 * FIXTURE_MS);
        assert_int_equal(sample_at(samples, i)->op, CT_OP_NONE);
        assert_int_equal(sample_at(samples, i)->stack->addresses[0], 0x1010);
        assert_string_equal(sample_at(samples, i)->object_text, "");
    }
}

static void a_window_leaves_samples_out(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_profile_limits window = {.begin_ns = FIXTURE_BEGIN_NS + 10,
                                             .end_ns = FIXTURE_BEGIN_NS + 20};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_CPU, &window);

    for (uint64_t time_ns = 9; time_ns <= 20; time_ns++)
        send_sample(fixture, profile, 0, time_ns, 1);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    assert_int_equal(sample_at(samples, 0)->count, 10);
}

/* Three of the threads; of their times in each state, not all was seen. */
static void settle_times(const struct fixture *fixture)
{
    struct ct_thread *const *threads = fixture->threads;

    for (int i = 0; i < 4; i++)
        threads[i]->class_ns[CT_CLASS_RUNNING] = 10 * FIXTURE_S;
    threads[0]->class_ns[CT_CLASS_RUNNING] = 6 * FIXTURE_S + 1;
    threads[0]->class_ns[CT_CLASS_SYNC] = 3 * FIXTURE_S - 1;
    threads[0]->class_ns[CT_CLASS_OTHER] = 1 * FIXTURE_S;
}

static void send_all(const struct fixture *fixture, struct ct_profile *profile)
{
    settle_times(fixture);
    for (uint32_t i = 0; i < 7; i++)
        send_sample(fixture, profile, 0, FIXTURE_S + i, i % 3);
    send(profile, lock_wait(fixture, 0, 2 * FIXTURE_S, 3 * FIXTURE_S));
    send(profile, lock_wait(fixture, 0, 4 * FIXTURE_S, 4 * FIXTURE_S + 333));
}

static void a_wall_profile_sums_up_to_each_thread_s_life(void **state)
{
    const struct fixture *fixture = *state;
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_WALL, &no_limits);

    send_all(fixture, profile);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    for (int i = 0; i < 4; i++) {
        const struct ct_thread *thread = fixture->threads[i];

        assert_int_equal(sum_of(samples, thread, -1), 10 * FIXTURE_S);
        for (int class = 0; class < CT_CLASS_COUNT; class ++)
            assert_int_equal(sum_of(samples, thread, class), thread->class_ns[class]);
    }
    /* 3 stacks, in and outside of the kernel; a lock; other; and 3 threads of which nothing is
     * known but that they ran. */
    assert_int_equal(samples->len, 6 + 1 + 1 + 3);
    assert_int_equal(sample_at(samples, 0)->count, 3);
    assert_null(sample_at(samples, samples->len - 1)->stack);
    assert_int_equal(sample_at(samples, samples->len - 1)->count, 0);
}

static void a_wall_profile_of_a_window_sums_up_to_the_life_in_it(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_profile_limits window = {.begin_ns = FIXTURE_BEGIN_NS + FIXTURE_S / 2,
                                             .end_ns = FIXTURE_BEGIN_NS + 5 * FIXTURE_S / 2};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_WALL, &window);

    send_all(fixture, profile);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    for (int i = 0; i < 4; i++)
        assert_int_equal(sum_of(samples, fixture->threads[i], -1), 2 * FIXTURE_S);
    assert_int_equal(sum_of(samples, fixture->threads[0], CT_CLASS_SYNC), FIXTURE_S / 2);
}

static void short_waits_are_left_out_of_a_wall_profile(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_selection selection = {.min_ns = 1000};
    g_autoptr(ct_filter) filter = ct_filter_new(&selection, NULL, NULL);
    const struct ct_profile_limits limits = {.end_ns = UINT64_MAX, .filter = filter};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_WALL, &limits);

    send_all(fixture, profile);
    g_autoptr(GArray) samples = samples_of(fixture, profile);
    int64_t waited_ns = sum_of(samples, fixture->threads[0], CT_CLASS_SYNC);

    /* The short one's share of what was waited. */
    assert_in_range(waited_ns, 3 * FIXTURE_S - 1002, 3 * FIXTURE_S - 990);
    assert_int_equal(sum_of(samples, fixture->threads[0], CT_CLASS_RUNNING), 6 * FIXTURE_S + 1);
}

static void a_wall_profile_of_some_threads_has_no_others(void **state)
{
    const struct fixture *fixture = *state;
    const char *const names[] = {"worker-2", NULL};
    const struct ct_selection selection = {.threads = names};
    g_autoptr(ct_profile) profile = ct_profile_new(CT_PROFILE_KIND_WALL, &no_limits);

    send_all(fixture, profile);
    g_autoptr(GArray) samples = ct_profile_samples(profile, fixture->model, &selection);
    assert_int_equal(samples->len, 1);
    assert_int_equal(sum_of(samples, fixture->threads[2], CT_CLASS_RUNNING), 10 * FIXTURE_S);
}

/* When the recording began is only known once all is read. */
static void threads_from_before_the_recording_have_no_samples(void **state)
{
    static const enum ct_profile_kind kinds[] = {CT_PROFILE_KIND_SYNC, CT_PROFILE_KIND_MUTEX,
                                                 CT_PROFILE_KIND_WALL};
    const struct fixture *fixture = *state;
    struct ct_profile *profiles[G_N_ELEMENTS(kinds)];

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct ct_interval early = lock_wait(fixture, 1, 100, 200);
        struct ct_interval present = lock_wait(fixture, 0, 100, 300);

        early.is_for_lock = present.is_for_lock = TRUE;
        profiles[i] = ct_profile_new(kinds[i], &no_limits);
        send(profiles[i], early);
        send(profiles[i], present);
    }
    fixture->threads[1]->start_ns = 100;
    fixture->threads[1]->end_ns = 200;
    ct_model_drop_early(fixture->model);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GArray) samples = ct_profile_samples(profiles[i], fixture->model, &everybody);
        guint present = 0;

        for (guint j = 0; j < samples->len; j++) {
            const struct ct_profile_sample *sample =
                &g_array_index(samples, struct ct_profile_sample, j);

            assert_ptr_not_equal(sample->thread, fixture->threads[1]);
            assert_ptr_not_equal(sample->other, fixture->threads[1]);
            present +=
                sample->thread == fixture->threads[0] || sample->other == fixture->threads[0];
        }
        assert_true(present > 0);
        ct_profile_free(profiles[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(waits_at_one_stack_are_summed),
        TEST(threads_objects_wakers_and_open_waits_are_told_apart),
        TEST(only_waits_of_the_kind_count),
        TEST(a_sampled_wait_counts_as_often_as_it_stands_for),
        TEST(a_weight_that_cannot_be_is_one),
        TEST(a_window_cuts_waits),
        TEST(short_waits_are_left_out_by_their_whole_length),
        TEST(a_wait_in_pieces_counts_once),
        TEST(a_mutex_profile_charges_the_unlocker),
        TEST(a_mutex_profile_divides_a_wait_among_its_holders),
        TEST(a_mutex_profile_keeps_waits_with_an_unknown_holder),
        TEST(objects_beyond_the_limit_are_others),
        TEST(sockets_are_told_apart_by_their_other_end),
        TEST(files_are_told_apart_by_their_path),
        TEST(a_kernel_object_without_a_name_is_called_by_its_kind),
        TEST(processes_and_threads_are_selected_by_name_or_id),
        TEST(the_order_of_arrival_does_not_matter),
        TEST(a_cpu_profile_sums_samples_by_stack),
        TEST(a_window_leaves_samples_out),
        TEST(a_wall_profile_sums_up_to_each_thread_s_life),
        TEST(a_wall_profile_of_a_window_sums_up_to_the_life_in_it),
        TEST(short_waits_are_left_out_of_a_wall_profile),
        TEST(a_wall_profile_of_some_threads_has_no_others),
        TEST(threads_from_before_the_recording_have_no_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
