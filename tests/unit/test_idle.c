/* Idle or delay, by the rule that the manual states, case by case. */
#include "model/fact_finder.h"
#include "passes/idle.h"
#include "store/model_section.h"
#include "timeline_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>

struct case_fixture {
    struct ct_model *model; /* owned, as are the next two */
    struct ct_symbolizer *symbolizer;
    struct ct_idle *idle;
    struct ct_thread *waiter; /* borrowed, as are the next: by what they do most of their lives */
    struct ct_thread *worker;
    struct ct_thread *sleeper;
    struct ct_thread *reader;
};

static int set_up(void **state)
{
    struct case_fixture *fixture = g_new0(struct case_fixture, 1);
    struct ct_process *process;

    fixture->model = fixture_model("program", 10 * FIXTURE_S);
    process = fixture_process(fixture->model, 10, "program");
    fixture->waiter = fixture_thread(fixture->model, process, 10, "waiter");
    fixture->worker = fixture_thread(fixture->model, process, 11, "worker");
    fixture->sleeper = fixture_thread(fixture->model, process, 12, "sleeper");
    fixture->reader = fixture_thread(fixture->model, process, 13, "reader");
    fixture->worker->class_ns[CT_CLASS_RUNNING] = 9 * FIXTURE_S;
    fixture->sleeper->class_ns[CT_CLASS_SLEEP] = 9 * FIXTURE_S;
    fixture->reader->class_ns[CT_CLASS_SYSCALL] = 9 * FIXTURE_S;
    fixture->symbolizer = ct_symbolizer_new(fixture->model);
    fixture->idle = ct_idle_new(fixture->model, fixture->symbolizer);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct case_fixture *fixture = *state;

    ct_idle_free(fixture->idle);
    ct_symbolizer_free(fixture->symbolizer);
    ct_model_free(fixture->model);
    g_free(fixture);
    return 0;
}

static struct ct_interval wait_of(struct ct_thread *thread, enum ct_op op, enum ct_class class)
{
    return fixture_wait(thread, op, class, 0, FIXTURE_S / 100);
}

static enum ct_cause cause_of(const struct case_fixture *fixture,
                              const struct ct_interval *interval)
{
    const struct ct_wait_traits traits = ct_wait_traits_of(interval);
    enum ct_cause cause = ct_idle_cause(fixture->idle, &traits);

    assert_int_equal(ct_idle_has(fixture->idle, interval), cause == CT_CAUSE_IDLE);
    return cause;
}

/* A wait on a socket that has these ends. */
static struct ct_interval on_socket(const struct case_fixture *fixture, enum ct_op op,
                                    struct ct_fd *fd, const char *local, const char *peer)
{
    struct ct_interval interval = wait_of(fixture->waiter, op, CT_CLASS_NET);

    *fd = (struct ct_fd){
        .kind = CT_FD_KIND_SOCKET_INET, .local = (char *)local, .peer = (char *)peer};
    interval.fd = fd;
    return interval;
}

static void a_server_that_reads_is_idle_and_a_client_is_not(void **state)
{
    const struct case_fixture *fixture = *state;
    struct ct_fd fd;
    struct ct_interval interval =
        on_socket(fixture, CT_OP_RECV, &fd, "127.0.0.1:6379", "127.0.0.1:50112");

    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_IDLE);
    interval = on_socket(fixture, CT_OP_RECV, &fd, "127.0.0.1:50112", "127.0.0.1:6379");
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_PEER);
    interval = on_socket(fixture, CT_OP_SEND, &fd, "127.0.0.1:6379", "127.0.0.1:50112");
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_PEER);
}

/* Where both numbers are of those that anybody gets, others tell. */
static void who_accepts_or_has_many_connections_is_a_server(void **state)
{
    const struct case_fixture *fixture = *state;
    struct ct_wait_facts *facts = fixture->model->facts;
    struct ct_fd fd;
    struct ct_interval first =
        on_socket(fixture, CT_OP_RECV, &fd, "10.0.0.1:40000", "10.0.0.2:50000");

    assert_int_equal(cause_of(fixture, &first), CT_CAUSE_PEER);
    ct_fact_finder_add(facts, &first);
    assert_int_equal(cause_of(fixture, &first), CT_CAUSE_PEER);
    struct ct_fd other_fd;
    struct ct_interval other =
        on_socket(fixture, CT_OP_RECV, &other_fd, "10.0.0.1:40000", "10.0.0.3:50000");

    ct_fact_finder_add(facts, &other);
    assert_int_equal(cause_of(fixture, &first), CT_CAUSE_IDLE);

    struct ct_interval accepted = on_socket(fixture, CT_OP_ACCEPT, &other_fd, "0.0.0.0:41000", "");

    ct_fact_finder_add(facts, &accepted);
    assert_int_equal(cause_of(fixture, &accepted), CT_CAUSE_IDLE);
    first = on_socket(fixture, CT_OP_RECV, &fd, "10.0.0.1:41000", "10.0.0.2:50000");
    assert_int_equal(cause_of(fixture, &first), CT_CAUSE_IDLE);
}

static void waiting_for_a_thread_goes_by_what_that_one_did(void **state)
{
    const struct case_fixture *fixture = *state;
    struct ct_interval interval = wait_of(fixture->waiter, CT_OP_COND_WAIT, CT_CLASS_SYNC);
    struct ct_interval asleep =
        fixture_wait(fixture->sleeper, CT_OP_NANOSLEEP, CT_CLASS_SLEEP, 0, 9 * FIXTURE_S);

    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_IDLE);
    interval.waker = fixture->worker;
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_SLOW_THREAD);
    interval.waker = fixture->reader; /* which waited itself, for what delays */
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_OTHERS);
    interval.waker = fixture->sleeper; /* nothing was to be done */
    ct_fact_finder_add(fixture->model->facts, &asleep);
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_IDLE);
    interval.is_for_lock = TRUE;
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_LOCK);
}

static void short_sleeps_again_and_again_are_polling(void **state)
{
    const struct case_fixture *fixture = *state;
    struct ct_interval interval = wait_of(fixture->waiter, CT_OP_NANOSLEEP, CT_CLASS_SLEEP);

    for (int i = 0; i < 9; i++)
        ct_fact_finder_add(fixture->model->facts, &interval);
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_IDLE);
    ct_fact_finder_add(fixture->model->facts, &interval);
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_POLLING);
    interval.stack_id = 7; /* at another place it sleeps for the first time */
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_IDLE);
    for (int i = 0; i < 20; i++) {
        struct ct_interval rare =
            fixture_wait(fixture->waiter, CT_OP_NANOSLEEP, CT_CLASS_SLEEP, 0, FIXTURE_S);

        rare.stack_id = 7;
        ct_fact_finder_add(fixture->model->facts, &rare);
    }
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_IDLE);
}

static void what_waits_for_nobody_in_particular_is_idle(void **state)
{
    const struct case_fixture *fixture = *state;
    static const struct {
        enum ct_op op;
        enum ct_class class;
        enum ct_cause cause;
    } cases[] = {
        {CT_OP_EPOLL_WAIT, CT_CLASS_NET, CT_CAUSE_IDLE},
        {CT_OP_POLL, CT_CLASS_NET, CT_CAUSE_IDLE},
        {CT_OP_FSYNC, CT_CLASS_SYSCALL, CT_CAUSE_FILE},
        {CT_OP_MUTEX_LOCK, CT_CLASS_SYNC, CT_CAUSE_LOCK},
        {CT_OP_GETADDRINFO, CT_CLASS_NET, CT_CAUSE_PEER},
        {CT_OP_THREAD_JOIN, CT_CLASS_SYNC, CT_CAUSE_OTHERS},
        {CT_OP_WAITPID, CT_CLASS_SYSCALL, CT_CAUSE_CHILD}, /* of whom nothing is recorded */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct ct_interval interval = wait_of(fixture->waiter, cases[i].op, cases[i].class);

        assert_int_equal(cause_of(fixture, &interval), cases[i].cause);
    }
}

/* What ended it says what it was for. */
static void waiting_for_several_descriptors_goes_by_what_ended_it(void **state)
{
    const struct case_fixture *fixture = *state;
    struct ct_wait_facts *facts = fixture->model->facts;
    struct ct_fd fd;
    struct ct_interval interval =
        on_socket(fixture, CT_OP_EPOLL_WAIT, &fd, "10.0.0.1:40000", "10.0.0.2:5432");

    interval.is_ended_by_fd = TRUE;
    interval.fd_role = CT_FD_ROLE_AWAITED;
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_PEER);
    ct_fact_finder_add(facts, &interval);
    assert_true(ct_wait_facts_unasked(facts, fixture->waiter->number).ns == 0);
    interval.fd_role = CT_FD_ROLE_ACCEPTED;
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_IDLE);
    ct_fact_finder_add(facts, &interval);
    assert_true(ct_wait_facts_unasked(facts, fixture->waiter->number).ns ==
                (double)FIXTURE_S / 100);

    fd = (struct ct_fd){.kind = CT_FD_KIND_EVENTFD, .local = "", .peer = ""};
    interval.fd_role = CT_FD_ROLE_UNKNOWN;
    interval.class = CT_CLASS_SYNC;
    interval.waker = fixture->worker;
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_SLOW_THREAD);
    interval.is_ended_by_fd = FALSE;
    assert_int_equal(cause_of(fixture, &interval), CT_CAUSE_IDLE);
}

/* What comes meanwhile waits; where nothing comes, it is a timer. */
static void who_serves_events_is_not_idle_asleep(void **state)
{
    const struct case_fixture *fixture = *state;
    struct ct_wait_facts *facts = fixture->model->facts;
    const struct ct_interval sleep = wait_of(fixture->waiter, CT_OP_NANOSLEEP, CT_CLASS_SLEEP);
    struct ct_interval events = wait_of(fixture->waiter, CT_OP_EPOLL_WAIT, CT_CLASS_NET);
    struct ct_interval timer = wait_of(fixture->waiter, CT_OP_POLL, CT_CLASS_SLEEP);

    for (int i = 0; i < 10; i++)
        ct_fact_finder_add(facts, &timer);
    for (int i = 0; i < 9; i++)
        ct_fact_finder_add(facts, &events);
    assert_int_equal(cause_of(fixture, &sleep), CT_CAUSE_IDLE);
    events.fd_role = CT_FD_ROLE_AWAITED; /* what it had asked for itself */
    ct_fact_finder_add(facts, &events);
    assert_int_equal(cause_of(fixture, &sleep), CT_CAUSE_IDLE);
    events.fd_role = CT_FD_ROLE_UNKNOWN;
    ct_fact_finder_add(facts, &events);
    assert_int_equal(cause_of(fixture, &sleep), CT_CAUSE_AWAY);
    assert_int_equal(cause_of(fixture, &events), CT_CAUSE_IDLE);
}

/* Whatever the wait was that this ended. */
static void who_is_in_line_for_a_cpu_is_not_idle(void **state)
{
    const struct case_fixture *fixture = *state;
    struct ct_interval interval = wait_of(fixture->waiter, CT_OP_EPOLL_WAIT, CT_CLASS_RUNNABLE);

    assert_false(ct_idle_has(fixture->idle, &interval));
    interval = wait_of(fixture->waiter, CT_OP_NONE, CT_CLASS_OTHER);
    interval.is_outside = TRUE;
    assert_false(ct_idle_has(fixture->idle, &interval));
}

/* The verdict is the same when a recording is asked once more. */
static void a_store_keeps_what_decides(void **state)
{
    const struct case_fixture *fixture = *state;
    const struct ct_interval sleep = wait_of(fixture->waiter, CT_OP_NANOSLEEP, CT_CLASS_SLEEP);
    g_autoptr(ct_model) loaded = ct_model_new();
    g_autoptr(GPtrArray) processes = g_ptr_array_new();
    struct ct_bytes bytes = {0};

    ct_wait_facts_add_server(fixture->model->facts, "10.0.0.1:40000");
    ct_wait_facts_add_server(fixture->model->facts, "/run/socket");
    for (int i = 0; i < 10; i++)
        ct_fact_finder_add(fixture->model->facts, &sleep);
    ct_model_section_write(fixture->model, &bytes);
    struct ct_bytes_input input = {bytes.bytes, bytes.bytes + bytes.size, FALSE};

    assert_true(ct_model_section_read(loaded, &input, processes));
    assert_true(ct_wait_facts_is_server(loaded->facts, "127.0.0.1:40000"));
    assert_true(ct_wait_facts_is_server(loaded->facts, "/run/socket"));
    assert_false(ct_wait_facts_is_server(loaded->facts, "127.0.0.1:40001"));
    const struct ct_wait_sleeps *sleeps =
        ct_wait_facts_sleeps(loaded->facts, fixture->waiter->number, CT_OP_NANOSLEEP, 0);

    assert_true(sleeps && sleeps->count == 10 && sleeps->total_ns == (double)FIXTURE_S / 10);
    assert_true(ct_wait_facts_unasked(loaded->facts, fixture->waiter->number).ns ==
                (double)FIXTURE_S / 10);
    for (size_t size = 0; size < bytes.size; size++) { /* none of its beginnings is one */
        g_autoptr(ct_model) part = ct_model_new();
        struct ct_bytes_input cut = {bytes.bytes, bytes.bytes + size, FALSE};

        assert_false(ct_model_section_read(part, &cut, processes));
    }
    ct_bytes_clear(&bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_server_that_reads_is_idle_and_a_client_is_not),
        CASE(who_accepts_or_has_many_connections_is_a_server),
        CASE(waiting_for_a_thread_goes_by_what_that_one_did),
        CASE(short_sleeps_again_and_again_are_polling),
        CASE(what_waits_for_nobody_in_particular_is_idle),
        CASE(waiting_for_several_descriptors_goes_by_what_ended_it),
        CASE(who_is_in_line_for_a_cpu_is_not_idle),
        CASE(who_serves_events_is_not_idle_asleep),
        CASE(a_store_keeps_what_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
