#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BEGIN_NS     (UINT64_C(7) << 32)
#define RELEASES_MAX 40
#define NESTED_MAX   4

static struct ct_fd *copy_fd(struct store_fixture *fixture, const struct ct_fd *fd)
{
    struct ct_fd *copy = g_new(struct ct_fd, 1);

    *copy = *fd;
    /* Once each: as descriptors' texts are in a recording. */
    copy->local = (char *)g_intern_string(fd->local);
    copy->peer = (char *)g_intern_string(fd->peer);
    g_ptr_array_add(fixture->owned, copy);
    return copy;
}

static void keep(struct store_fixture *fixture, struct told told)
{
    struct ct_interval *interval = &told.interval;

    if (told.kind == TOLD_INTERVAL && interval->fd)
        interval->fd = copy_fd(fixture, interval->fd);
    if (told.kind == TOLD_TURN && told.turn.fd)
        told.turn.fd = copy_fd(fixture, told.turn.fd);
    if (told.kind == TOLD_INTERVAL && interval->release_count > 0) {
        struct ct_wake *copy =
            g_memdup2(interval->releases, interval->release_count * sizeof(*copy));

        g_ptr_array_add(fixture->owned, copy);
        interval->releases = copy;
    }
    g_array_append_val(fixture->told, told);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    keep(user, (struct told){.kind = TOLD_INTERVAL, .interval = *interval});
}

static void on_run(void *user, const struct ct_run *run)
{
    keep(user, (struct told){.kind = TOLD_RUN, .run = *run});
}

static void on_sample(void *user, const struct ct_sample *sample)
{
    keep(user, (struct told){.kind = TOLD_SAMPLE, .sample = *sample});
}

static void on_turn(void *user, const struct ct_turn *turn)
{
    keep(user, (struct told){.kind = TOLD_TURN, .turn = *turn});
}

struct ct_sink told_sink(struct store_fixture *fixture)
{
    return (struct ct_sink){
        .user = fixture,
        .on_interval = on_interval,
        .on_run = on_run,
        .on_sample = on_sample,
        .on_turn = on_turn,
    };
}

static void put_thread(GString *text, const struct ct_thread *thread)
{
    if (thread)
        g_string_append_printf(text, " %d/%d", thread->process->pid, thread->tid);
    else
        g_string_append(text, " -");
}

static void put_interval(GString *text, const struct ct_interval *i)
{
    put_thread(text, i->thread);
    g_string_append_printf(text,
                           " %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                           "-%" G_GUINT64_FORMAT " after %" G_GUINT64_FORMAT " x %a",
                           i->begin_ns, i->end_ns, i->wait_begin_ns, i->wait_end_ns,
                           i->previous_end_ns, i->weight);
    g_string_append_printf(text, " %" G_GUINT64_FORMAT " %s %d %d %u %d %d %d%d%d%d%d", i->object,
                           i->call_name ? i->call_name : "-", (int)i->op, (int)i->class,
                           i->stack_id, i->owner_tid, i->result, i->is_open, i->is_outside,
                           i->is_for_lock, i->is_ended_by_fd, (int)i->fd_role);
    if (i->fd)
        g_string_append_printf(text, " fd %d %d %d '%s' '%s'", i->fd->fd, (int)i->fd->kind,
                               i->fd->watched_classes, i->fd->local, i->fd->peer);
    put_thread(text, i->waker);
    g_string_append_printf(text, " %" G_GUINT64_FORMAT " %u %d %s", i->wake_ns, i->waker_stack_id,
                           (int)i->waker_op, i->preempted_by ? i->preempted_by : "-");
    for (size_t r = 0; r < i->release_count; r++) {
        g_string_append_printf(text, "\n  %" G_GUINT64_FORMAT " %u %d", i->releases[r].time_ns,
                               i->releases[r].stack_id, (int)i->releases[r].op);
        put_thread(text, i->releases[r].thread);
    }
}

static void put_turn(GString *text, const struct ct_turn *turn)
{
    g_string_append(text, "turn");
    put_thread(text, turn->thread);
    put_thread(text, turn->begin_thread);
    g_string_append_printf(
        text, " %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT " x %a %d %d fd %d",
        turn->begin_ns, turn->last_ns, turn->end_ns, turn->weight, (int)turn->kind,
        (int)turn->outcome, turn->fd_number);
    g_string_append_printf(text, " %" G_GUINT64_FORMAT " %u %u %u", turn->lead_ns, turn->lead_round,
                           turn->begin_round, turn->end_round);
    if (turn->fd)
        g_string_append_printf(text, " %d %d '%s' '%s'", turn->fd->fd, (int)turn->fd->kind,
                               turn->fd->local, turn->fd->peer);
}

char *told_text(const struct told *told)
{
    GString *text = g_string_new(NULL);

    if (told->kind == TOLD_INTERVAL) {
        put_interval(text, &told->interval);
    } else if (told->kind == TOLD_TURN) {
        put_turn(text, &told->turn);
    } else if (told->kind == TOLD_RUN) {
        g_string_append(text, "run");
        put_thread(text, told->run.thread);
        g_string_append_printf(text, " %u %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, told->run.cpu,
                               told->run.begin_ns, told->run.end_ns);
    } else {
        g_string_append(text, "sample");
        put_thread(text, told->sample.thread);
        g_string_append_printf(text, " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %u %d%d",
                               told->sample.time_ns, told->sample.period_ns, told->sample.stack_id,
                               told->sample.in_kernel, told->sample.is_partial);
    }
    return g_string_free(text, FALSE);
}

uint64_t told_begin_ns(const struct told *told)
{
    return told->kind == TOLD_INTERVAL ? told->interval.begin_ns
           : told->kind == TOLD_RUN    ? told->run.begin_ns
           : told->kind == TOLD_TURN   ? told->turn.begin_ns
                                       : told->sample.time_ns;
}

uint64_t told_end_ns(const struct told *told)
{
    return told->kind == TOLD_INTERVAL ? told->interval.end_ns
           : told->kind == TOLD_RUN    ? told->run.end_ns
           : told->kind == TOLD_TURN   ? told->turn.end_ns
                                       : told->sample.time_ns;
}

/* ---- Making it up ---- */

static guint below(struct store_fixture *fixture, guint limit)
{
    return (guint)g_rand_int_range(fixture->rand, 0, (gint32)limit);
}

/* Nothing, nanoseconds, milliseconds, or beyond 2^32. */
static uint64_t some_time(struct store_fixture *fixture)
{
    switch (below(fixture, 12)) {
    case 0:
        return 0;
    case 1:
        return UINT64_C(1) + below(fixture, 3);
    case 2:
        return (UINT64_C(1) << 32) - 2 + below(fixture, 5);
    case 3:
        return UINT64_C(1) << (20 + below(fixture, 14));
    default:
        return below(fixture, 1U << (8 + below(fixture, 14)));
    }
}

static struct ct_thread *some_thread(struct store_fixture *fixture)
{
    return fixture->model->all_threads->pdata[below(fixture, fixture->model->all_threads->len)];
}

static void describe_anew(struct store_fixture *fixture, struct ct_interval *interval)
{
    static const char *const names[] = {"kworker/0:1", "postgres", "", "\xff\xfe odd"};
    static char local[] = "/var/lib/a file", peer[] = "10.0.0.1:80", nothing[] = "";
    static char other_local[] = "/var/lib/another", other_peer[] = "10.0.0.2:80";
    const struct ct_fd fds[] = {
        {3, CT_FD_KIND_SOCKET_INET, nothing, peer, 0},
        {-1, CT_FD_KIND_EPOLL, nothing, nothing, 5},
        {1 << 20, CT_FD_KIND_FILE, local, nothing, 0},
        {1 << 20, CT_FD_KIND_FILE, other_local, nothing, 0},
        {3, CT_FD_KIND_SOCKET_INET, nothing, other_peer, 0},
    };

    interval->op = (enum ct_op)below(fixture, CT_OP_COUNT);
    interval->class = (enum ct_class)below(fixture, CT_CLASS_COUNT);
    interval->object = below(fixture, 3) == 0 ? UINT64_MAX - below(fixture, 4) : below(fixture, 9);
    interval->stack_id = below(fixture, 2) ? below(fixture, 9) : UINT32_MAX - below(fixture, 3);
    interval->owner_tid = (int32_t)below(fixture, 5) - 2;
    interval->result = (int32_t)below(fixture, 9) - 4;
    interval->is_open = below(fixture, 50) == 0;
    interval->is_outside = below(fixture, 20) == 0;
    if (below(fixture, 4) == 0) {
        struct ct_fd *fd = copy_fd(fixture, &fds[below(fixture, G_N_ELEMENTS(fds))]);

        interval->fd = fd;
        interval->is_ended_by_fd = below(fixture, 2) == 0;
        interval->fd_role = (enum ct_fd_role)below(fixture, CT_FD_ROLE_COUNT);
    }
    if (below(fixture, 6) == 0)
        interval->call_name = g_string_chunk_insert_const(fixture->model->names, "uring_enter");
    if (below(fixture, 6) == 0)
        interval->preempted_by = g_string_chunk_insert_const(
            fixture->model->names, names[below(fixture, G_N_ELEMENTS(names))]);
    if (below(fixture, 3) == 0) {
        interval->waker = some_thread(fixture);
        interval->wake_ns = interval->wait_end_ns - below(fixture, 2000) + 1000;
        interval->waker_stack_id = below(fixture, 7);
        interval->waker_op = (enum ct_op)below(fixture, CT_OP_COUNT);
    }
}

/* All but its thread and times. */
static void copy_description(const struct ct_interval *from, struct ct_interval *to)
{
    to->op = from->op;
    to->class = from->class;
    to->object = from->object;
    to->stack_id = from->stack_id;
    to->owner_tid = from->owner_tid;
    to->is_open = from->is_open;
    to->is_outside = from->is_outside;
    to->fd = from->fd;
    to->call_name = from->call_name;
    to->preempted_by = from->preempted_by;
    to->waker = from->waker;
    to->wake_ns = from->waker ? to->wait_end_ns - 5 : 0;
    to->waker_stack_id = from->waker_stack_id;
    to->waker_op = from->waker_op;
}

/* One member is that of another interval. */
static void change_one(struct store_fixture *fixture, const struct ct_interval *other,
                       struct ct_interval *interval)
{
    struct ct_interval changed = *interval;

    switch (below(fixture, 14)) {
#define CHANGE(number, member)          \
    case number:                        \
        changed.member = other->member; \
        break
        CHANGE(0, op);
        CHANGE(1, class);
        CHANGE(2, object);
        CHANGE(3, stack_id);
        CHANGE(4, owner_tid);
        CHANGE(5, is_open);
        CHANGE(6, is_outside);
        CHANGE(7, fd);
        CHANGE(8, call_name);
        CHANGE(9, preempted_by);
        CHANGE(10, waker);
        CHANGE(11, wake_ns);
        CHANGE(12, waker_stack_id);
        CHANGE(13, waker_op);
#undef CHANGE
    default:
        break;
    }
    *interval = changed;
}

/* Most are as the last one, as they are in programs, or almost. */
static void describe(struct store_fixture *fixture, struct ct_interval *interval)
{
    struct ct_interval other = *interval;

    describe_anew(fixture, &other);
    if (below(fixture, 3) > 0) {
        copy_description(&fixture->last, interval);
        if (below(fixture, 2))
            change_one(fixture, &other, interval);
        interval->result = other.result;
    } else {
        *interval = other;
    }
    fixture->last = *interval;
}

static void weigh(struct store_fixture *fixture, struct ct_interval *interval)
{
    uint64_t wait_ns = interval->wait_end_ns - interval->wait_begin_ns;

    interval->weight = 1;
    if (below(fixture, 3) == 0 && wait_ns > 0 && wait_ns < 10000)
        interval->weight = 10000.0 / (double)wait_ns;
    else if (below(fixture, 40) == 0)
        interval->weight = 1 + g_rand_double(fixture->rand) * 1e6;
}

/* Releases of one of a few locks: waits for it see those of one list. */
static void let_go(struct ct_interval *interval, struct ct_wake *releases, guint count)
{
    guint first = 0, last;

    while (first < count && releases[first].time_ns < interval->wait_begin_ns)
        first++;
    last = first;
    while (last < count && releases[last].time_ns <= interval->wait_end_ns &&
           last - first < RELEASES_MAX)
        last++;
    interval->op = CT_OP_MUTEX_LOCK;
    interval->object = 0x1000;
    interval->is_for_lock = TRUE;
    interval->releases = releases + first;
    interval->release_count = MIN(last + 1, count) - first;
}

static struct ct_wake *make_releases(struct store_fixture *fixture, guint count)
{
    struct ct_wake *releases = g_new(struct ct_wake, count);
    uint64_t time_ns = BEGIN_NS;

    for (guint i = 0; i < count; i++) {
        time_ns += some_time(fixture) / 4;
        releases[i] =
            (struct ct_wake){time_ns, some_thread(fixture), below(fixture, 5), CT_OP_MUTEX_LOCK};
    }
    g_ptr_array_add(fixture->owned, releases);
    return releases;
}

/* What is told of one thread, in the order of its ends: a wait in which others were comes after
 * them, in parts. */
static void add_wait(struct store_fixture *fixture, struct ct_thread *thread, uint64_t *at_ns,
                     struct ct_wake *releases, guint release_count)
{
    struct ct_interval wait = {.thread = thread, .wait_begin_ns = *at_ns};
    guint inner = below(fixture, 8) == 0 ? 1 + below(fixture, NESTED_MAX) : 0;
    uint64_t begins[NESTED_MAX], ends[NESTED_MAX];

    for (guint i = 0; i < inner; i++) {
        struct ct_interval nested = {.thread = thread};

        begins[i] = *at_ns += some_time(fixture);
        ends[i] = *at_ns += some_time(fixture);
        nested.begin_ns = nested.wait_begin_ns = begins[i];
        nested.end_ns = nested.wait_end_ns = ends[i];
        describe(fixture, &nested);
        weigh(fixture, &nested);
        keep(fixture, (struct told){.kind = TOLD_INTERVAL, .interval = nested});
    }
    *at_ns += some_time(fixture);
    wait.wait_end_ns = *at_ns;
    describe(fixture, &wait);
    weigh(fixture, &wait);
    if (below(fixture, 3) == 0)
        let_go(&wait, releases, release_count);
    for (guint i = 0; i <= inner; i++) {
        wait.begin_ns = i == 0 ? wait.wait_begin_ns : ends[i - 1];
        wait.end_ns = i == inner ? wait.wait_end_ns : begins[i];
        keep(fixture, (struct told){.kind = TOLD_INTERVAL, .interval = wait});
        wait.previous_end_ns = wait.end_ns;
    }
}

static void add_turn(struct store_fixture *fixture, struct ct_thread *thread, uint64_t at_ns)
{
    static char local[] = "10.0.0.1:80", peer[] = "10.0.0.9:50112";
    const struct ct_fd fd = {(int32_t)below(fixture, 9) - 1, CT_FD_KIND_SOCKET_INET, local, peer,
                             0};
    uint64_t spread_ns = some_time(fixture), last_ns = at_ns + spread_ns;
    const struct ct_turn turn = {
        .thread = thread,
        .begin_thread = below(fixture, 3) ? some_thread(fixture) : NULL,
        .begin_ns = at_ns,
        .last_ns = last_ns,
        .end_ns = last_ns + some_time(fixture),
        .weight = 1 + (double)below(fixture, 3) * below(fixture, 5000) / CT_TURN_WHOLE,
        .kind = (enum ct_turn_kind)below(fixture, CT_TURN_KIND_COUNT),
        .outcome = (enum ct_turn_outcome)below(fixture, CT_TURN_OUTCOME_COUNT),
        .lead_ns = below(fixture, 2) * below(fixture, 5000),
        .lead_round = (uint32_t)below(fixture, 3),
        .begin_round = (uint32_t)(below(fixture, 2) * UINT32_MAX),
        .end_round = (uint32_t)below(fixture, 9),
        .fd_number = fd.fd,
        .fd = below(fixture, 4) ? &fd : NULL,
    };

    keep(fixture, (struct told){.kind = TOLD_TURN, .turn = turn});
}

static void add_rest(struct store_fixture *fixture, struct ct_thread *thread, uint64_t *at_ns)
{
    const struct ct_run run = {thread, below(fixture, 3), *at_ns, *at_ns + some_time(fixture)};
    const struct ct_sample sample = {
        thread, run.begin_ns, 1000000, below(fixture, 9), below(fixture, 2), below(fixture, 2)};

    keep(fixture, (struct told){.kind = TOLD_RUN, .run = run});
    if (below(fixture, 2))
        keep(fixture, (struct told){.kind = TOLD_SAMPLE, .sample = sample});
    if (below(fixture, 2))
        add_turn(fixture, thread, *at_ns);
    *at_ns = run.end_ns;
}

static void make_model(struct store_fixture *fixture, guint threads)
{
    struct ct_model *model = fixture->model;

    g_free(model->directory);
    model->directory = g_strdup("/recording");
    model->begin_ns = BEGIN_NS;
    for (guint i = 0; i < threads; i++) {
        struct ct_process *process =
            i < 2 ? ct_model_add_process(model, 10 + (int32_t)i, BEGIN_NS + i, 0)
                  : model->all_processes->pdata[i % 2];

        process->rate_ns = 10000;
        ct_model_add_thread(model, process, 100 + (int32_t)i, BEGIN_NS, 0);
    }
}

/* Others' times on CPUs and waits come between. */
static void make_up(struct store_fixture *fixture, guint threads, guint intervals)
{
    g_autofree uint64_t *at_ns = g_new(uint64_t, threads);
    struct ct_wake *releases = make_releases(fixture, intervals);

    for (guint i = 0; i < threads; i++)
        at_ns[i] = BEGIN_NS + below(fixture, 1000);
    for (guint i = 0; i < threads * intervals; i++) {
        guint index = below(fixture, threads);
        struct ct_thread *thread = fixture->model->all_threads->pdata[index];

        if (below(fixture, 3) == 0)
            add_rest(fixture, thread, &at_ns[index]);
        else
            add_wait(fixture, thread, &at_ns[index], releases, intervals);
    }
    for (guint i = 0; i < threads; i++) {
        struct ct_thread *thread = fixture->model->all_threads->pdata[i];

        thread->end_ns = at_ns[i] + 1;
        fixture->model->end_ns = MAX(fixture->model->end_ns, thread->end_ns);
    }
    ct_model_sort(fixture->model);
}

int store_fixture_build(const struct store_fixture *fixture, const GArray *told)
{
    int fd = memfd_create("store", MFD_CLOEXEC);
    int aside = memfd_create("aside", MFD_CLOEXEC);
    g_autoptr(ct_store_builder) builder = ct_store_builder_new(fd, aside);
    const struct ct_sink sink = ct_store_builder_sink(builder);
    const uint8_t key[CT_STORE_KEY_SIZE] = {1};

    for (guint i = 0; i < told->len; i++) {
        const struct told *one = &g_array_index(told, struct told, i);

        if (one->kind == TOLD_INTERVAL)
            sink.on_interval(sink.user, &one->interval);
        else if (one->kind == TOLD_RUN)
            sink.on_run(sink.user, &one->run);
        else if (one->kind == TOLD_TURN)
            sink.on_turn(sink.user, &one->turn);
        else
            sink.on_sample(sink.user, &one->sample);
    }
    assert_true(ct_store_builder_finish(builder, fixture->model, key, NULL));
    close(aside);
    return fd;
}

void store_fixture_init(struct store_fixture *fixture, guint32 seed, guint threads, guint intervals)
{
    *fixture = (struct store_fixture){
        .model = ct_model_new(),
        .told = g_array_new(FALSE, FALSE, sizeof(struct told)),
        .owned = g_ptr_array_new_with_free_func(g_free),
        .rand = g_rand_new_with_seed(seed),
        .loaded = ct_model_new(),
    };
    make_model(fixture, threads);
    make_up(fixture, threads, intervals);
    fixture->fd = store_fixture_build(fixture, fixture->told);
    fixture->loaded->directory = g_strdup("/recording");
    fixture->store = ct_store_open(fixture->fd, NULL, fixture->loaded, NULL);
    assert_non_null(fixture->store);
}

void store_fixture_clear(struct store_fixture *fixture)
{
    ct_store_free(fixture->store);
    ct_model_free(fixture->loaded);
    ct_model_free(fixture->model);
    close(fixture->fd);
    g_array_unref(fixture->told);
    g_ptr_array_unref(fixture->owned);
    g_rand_free(fixture->rand);
}
