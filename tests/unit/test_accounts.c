/* What a thread's time is told to have been spent on, by looks at it. */
#include "accounts/account.h"
#include "accounts/kinds.h"
#include "accounts/waits.h"

#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static uint64_t sum_of(const struct ct_account *account)
{
    uint64_t sum_ns = 0;

    for (int i = 0; i < CT_CLASS_COUNT; i++)
        sum_ns += account->ns[i];
    return sum_ns;
}

static void look(struct ct_account *account, uint64_t now_ms, uint64_t running_ms,
                 uint64_t runnable_ms, enum ct_class class)
{
    const struct ct_look_times times = {running_ms * MS, runnable_ms * MS, 1};
    const struct ct_account before = *account;
    uint64_t added[CT_CLASS_COUNT];

    ct_account_update(account, now_ms * MS, &times, class, added);
    for (int i = 0; i < CT_CLASS_COUNT; i++)
        assert_true(account->ns[i] == before.ns[i] + added[i]);
}

static void time_off_the_cpu_goes_to_what_is_seen(void **state)
{
    struct ct_account account = {.begin_ns = 1000 * MS};

    (void)state;
    look(&account, 1100, 30, 10, CT_CLASS_NET);
    assert_int_equal(account.ns[CT_CLASS_RUNNING], 30 * MS);
    assert_int_equal(account.ns[CT_CLASS_RUNNABLE], 10 * MS);
    assert_int_equal(account.ns[CT_CLASS_NET], 60 * MS);
    look(&account, 1200, 40, 10, CT_CLASS_SYNC);
    assert_int_equal(account.ns[CT_CLASS_SYNC], 90 * MS);
    assert_int_equal(sum_of(&account), 200 * MS);
}

/* The kernel tells what a thread runs by and by, and its time in line only at the end. */
static void a_look_that_finds_it_on_a_cpu_leaves_the_rest_for_the_next(void **state)
{
    struct ct_account account = {.begin_ns = 0};

    (void)state;
    look(&account, 100, 0, 0, CT_CLASS_RUNNING);
    assert_int_equal(sum_of(&account), 0);
    assert_int_equal(ct_account_untold_ns(&account, 100 * MS), 100 * MS);
    look(&account, 200, 10, 90, CT_CLASS_RUNNING);
    assert_int_equal(sum_of(&account), 100 * MS);
    look(&account, 300, 20, 90, CT_CLASS_SLEEP);
    assert_int_equal(account.ns[CT_CLASS_SLEEP], 190 * MS);
    assert_int_equal(sum_of(&account), 300 * MS);
}

static void no_figure_goes_down_and_the_sum_comes_right_again(void **state)
{
    struct ct_account account = {.begin_ns = 0};

    (void)state;
    look(&account, 100, 0, 0, CT_CLASS_NET);
    /* It had been in line since the last look, as is told only now. */
    look(&account, 200, 50, 120, CT_CLASS_SYNC);
    assert_int_equal(account.ns[CT_CLASS_NET], 100 * MS);
    assert_int_equal(account.ns[CT_CLASS_SYNC], 0);
    look(&account, 300, 20, 60, CT_CLASS_SYNC); /* nonsense */
    assert_int_equal(account.ns[CT_CLASS_RUNNING], 50 * MS);
    assert_int_equal(account.ns[CT_CLASS_SYNC], 30 * MS);
    assert_int_equal(sum_of(&account), 300 * MS);
}

static void what_was_before_the_first_look_is_not_told(void **state)
{
    struct ct_account account = {.begin_ns = 500 * MS, .at_begin = {.running_ns = 400 * MS}};

    (void)state;
    look(&account, 600, 450, 0, CT_CLASS_SLEEP);
    assert_int_equal(account.ns[CT_CLASS_RUNNING], 50 * MS);
    assert_int_equal(account.ns[CT_CLASS_SLEEP], 50 * MS);
}

static void threads_are_alike_by_their_names_without_numbers(void **state)
{
    static const struct {
        const char *process, *thread, *kind;
    } names[] = {
        {"server", "worker-1", "worker-*"},
        {"server", "worker-23", "worker-*"},
        {"python3", "python3", "python3"},
        {"server", "", ""},
        {"server", "12", "*"},
        {"server", "a1b22c", "a*b*c"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *kind = ct_kind_name(names[i].process, names[i].thread);

        assert_string_equal(kind, names[i].kind);
    }
}

/* As many as a hostile program makes up. */
static void names_without_end_become_one_kind(void **state)
{
    struct ct_kinds *kinds = ct_kinds_new();
    char name[16] = "";
    char process[16] = "p";

    (void)state;
    for (int i = 0; i < 1000; i++) {
        g_snprintf(name, sizeof(name), "%c%c%c", 'a' + i % 10, 'a' + i / 10 % 10, 'a' + i / 100);
        struct ct_kind *kind = ct_kinds_find(kinds, process, name);

        assert_ptr_equal(kind, ct_kinds_find(kinds, process, name));
        assert_string_equal(kind->name, i < CT_KINDS_OF_PROCESS_MAX - 1 ? name : CT_KIND_OTHER);
    }
    assert_int_equal(ct_kinds_all(kinds)->len, CT_KINDS_OF_PROCESS_MAX);
    for (int i = 0; i < 20000; i++) {
        g_snprintf(process, sizeof(process), "p%d", i);
        ct_kinds_find(kinds, process, "x");
    }
    assert_true(ct_kinds_all(kinds)->len <= CT_KINDS_MAX);
    for (guint i = 0; i < ct_kinds_all(kinds)->len; i++)
        assert_int_equal(((struct ct_kind *)ct_kinds_all(kinds)->pdata[i])->number, i);
    ct_kinds_free(kinds);
}

/* ---- What a look shows ---- */

static struct ct_wait find_wait(const char *text, char thread_state)
{
    struct ct_look look = {.state = thread_state};
    struct ct_syscall_names *names = ct_syscall_names_new();
    struct ct_account_fds *fds = ct_account_fds_new(getpid());
    const struct ct_waiter waiter = {getpid(), CT_SYSCALL_ABI_OWN, names, fds};

    ct_look_parse_call(text, &look);
    struct ct_wait wait = ct_wait_find(&waiter, &look, 1);
    wait.call = NULL;
    ct_account_fds_free(fds);
    ct_syscall_names_free(names);
    return wait;
}

static void a_call_is_what_its_number_and_arguments_say(void **state)
{
    g_autofree char *futex =
        g_strdup_printf("%d 0xdead0 0x80 0x2 0x0 0x0 0x0 0x7f 0x7f", SYS_futex);
    g_autofree char *wake = g_strdup_printf("%d 0xdead0 0x81 0x2 0x0 0x0 0x0 0x7f 0x7f", SYS_futex);
    g_autofree char *nap =
        g_strdup_printf("%d 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f 0x7f", SYS_clock_nanosleep);

    (void)state;
    struct ct_wait wait = find_wait(futex, 'S');
    assert_int_equal(wait.class, CT_CLASS_SYNC);
    assert_int_equal(wait.op, CT_OP_FUTEX_WAIT);
    assert_int_equal(wait.object, 0xdead0);
    assert_int_equal(find_wait(wake, 'D').op, CT_OP_OTHER_SYSCALL);
    assert_int_equal(find_wait(nap, 'S').class, CT_CLASS_SLEEP);
    assert_int_equal(find_wait(nap, 'T').op, CT_OP_STOPPED);
    assert_int_equal(find_wait("running\n", 'R').class, CT_CLASS_RUNNING);
    assert_int_equal(find_wait("-1 0x7f 0x7f\n", 'D').op, CT_OP_PAGE_FAULT);
    assert_int_equal(find_wait("", 'S').class, CT_CLASS_UNKNOWN);
    assert_int_equal(find_wait("nonsense", 'S').class, CT_CLASS_UNKNOWN);
}

/* As who may not trace it sees it. */
static void a_hidden_call_is_what_the_kernels_function_says(void **state)
{
    static const struct {
        const char *function;
        enum ct_op op;
        enum ct_class class;
    } rows[] = {
        {"futex_wait_queue", CT_OP_FUTEX_WAIT, CT_CLASS_SYNC},
        {"ep_poll", CT_OP_EPOLL_WAIT, CT_CLASS_NET},
        {"poll_schedule_timeout.constprop.0", CT_OP_POLL, CT_CLASS_NET},
        {"do_wait", CT_OP_WAITPID, CT_CLASS_SYSCALL},
        {"do_wait_intr_irq", CT_OP_NONE, CT_CLASS_UNKNOWN},
        {"wait_woken", CT_OP_NONE, CT_CLASS_UNKNOWN},
        {"0", CT_OP_NONE, CT_CLASS_UNKNOWN},
        {"", CT_OP_NONE, CT_CLASS_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct ct_look look = {.state = 'S', .place = CT_PLACE_HIDDEN};

        g_strlcpy(look.function, rows[i].function, sizeof(look.function));
        struct ct_wait wait = ct_wait_find(NULL, &look, 1);
        assert_int_equal(wait.op, rows[i].op);
        assert_int_equal(wait.class, rows[i].class);
        assert_true(wait.is_nameless);
    }
}

/* Of descriptors of this very process. */
static void a_read_is_of_its_descriptors_class(void **state)
{
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    g_autofree char *text =
        g_strdup_printf("%d 0x%x 0x7f 0x1 0x0 0x0 0x0 0x7f 0x7f", SYS_read, pipe_fds[0]);
    struct ct_wait wait = find_wait(text, 'S');
    assert_int_equal(wait.class, CT_CLASS_SYSCALL);
    assert_int_equal(wait.object, pipe_fds[0]);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    assert_int_equal(find_wait(text, 'S').class, CT_CLASS_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_off_the_cpu_goes_to_what_is_seen),
        cmocka_unit_test(a_look_that_finds_it_on_a_cpu_leaves_the_rest_for_the_next),
        cmocka_unit_test(no_figure_goes_down_and_the_sum_comes_right_again),
        cmocka_unit_test(what_was_before_the_first_look_is_not_told),
        cmocka_unit_test(threads_are_alike_by_their_names_without_numbers),
        cmocka_unit_test(names_without_end_become_one_kind),
        cmocka_unit_test(a_call_is_what_its_number_and_arguments_say),
        cmocka_unit_test(a_hidden_call_is_what_the_kernels_function_says),
        cmocka_unit_test(a_read_is_of_its_descriptors_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
