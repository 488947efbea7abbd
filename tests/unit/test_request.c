/* What is told of a request, piece by piece. */
#include "passes/request_parts.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static struct ct_request *new_request(void)
{
    const struct ct_turn turn = {.begin_ns = 100, .end_ns = 1000, .weight = 1};
    struct ct_request *request = ct_request_new(&turn);

    ct_request_keep_stretches(request);
    return request;
}

static void tell_wait(const struct ct_request_account *account, enum ct_class class,
                      const char *object, uint64_t ns)
{
    const struct ct_request_stretch wait = {
        .what = {.class = class, .op = CT_OP_READ, .object = (char *)object, .ns = ns},
        .stack_id = 7,
        .peer = (char *)"",
    };

    ct_request_tell_wait(account, &wait);
}

static const struct ct_request_stretch *stretch_at(const struct ct_request *request, guint place)
{
    return &g_array_index(request->stretches, struct ct_request_stretch, place);
}

static void its_stretches_are_in_order_and_its_parts_are_sums(void **state)
{
    struct ct_request *request = new_request();
    const struct ct_request_account account = ct_request_account(request);

    (void)state;
    ct_request_tell_state(&account, CT_REQUEST_RUNNING, NULL, 10);
    tell_wait(&account, CT_CLASS_NET, "fd 3", 20);
    ct_request_tell_state(&account, CT_REQUEST_RUNNING, NULL, 0);
    tell_wait(&account, CT_CLASS_RUNNABLE, "fd 3", 5);
    ct_request_tell_state(&account, CT_REQUEST_RUNNING, NULL, 1);
    ct_request_tell_state(&account, CT_REQUEST_RUNNING, NULL, 2);
    tell_wait(&account, CT_CLASS_NET, "fd 3", 40);
    tell_wait(&account, CT_CLASS_NET, "fd 4", 80);

    static const struct {
        enum ct_request_state state;
        const char *object;
        uint64_t ns;
    } expected[] = {{CT_REQUEST_RUNNING, "", 10},     {CT_REQUEST_WAITING, "fd 3", 20},
                    {CT_REQUEST_RUNNABLE, "", 5},     {CT_REQUEST_RUNNING, "", 3},
                    {CT_REQUEST_WAITING, "fd 3", 40}, {CT_REQUEST_WAITING, "fd 4", 80}};

    assert_int_equal(request->stretches->len, G_N_ELEMENTS(expected));
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        assert_int_equal(stretch_at(request, i)->what.state, expected[i].state);
        assert_string_equal(stretch_at(request, i)->what.object, expected[i].object);
        assert_int_equal(stretch_at(request, i)->what.ns, expected[i].ns);
    }
    ct_request_parts_sort(request->parts);
    const struct ct_request_part *most = &g_array_index(request->parts, struct ct_request_part, 1);

    assert_int_equal(request->parts->len, 4);
    assert_string_equal(most->object, "fd 3");
    assert_int_equal(most->ns, 60);
    ct_request_free(request);
}

static void so_many_stretches_are_kept_and_the_rest_is_one(void **state)
{
    struct ct_request *request = new_request();
    const struct ct_request_account account = ct_request_account(request);
    uint64_t sum_ns = 0;

    (void)state;
    for (guint i = 0; i < CT_REQUEST_STRETCHES_MAX; i++) {
        ct_request_tell_state(&account, CT_REQUEST_RUNNING, NULL, 1);
        tell_wait(&account, CT_CLASS_NET, "fd 3", 2);
    }
    assert_int_equal(request->stretches->len, CT_REQUEST_STRETCHES_MAX);
    for (guint i = 0; i < request->stretches->len; i++)
        sum_ns += stretch_at(request, i)->what.ns;
    assert_int_equal(sum_ns, CT_REQUEST_STRETCHES_MAX * 3);

    const struct ct_request_stretch *rest = stretch_at(request, CT_REQUEST_STRETCHES_MAX - 1);

    assert_int_equal(rest->rest, CT_REQUEST_STRETCHES_MAX + 1);
    assert_int_equal(rest->what.state, CT_REQUEST_UNKNOWN);
    assert_int_equal(stretch_at(request, CT_REQUEST_STRETCHES_MAX - 2)->rest, 0);
    ct_request_free(request);
}

static uint64_t sum_parts(const GArray *parts)
{
    uint64_t sum_ns = 0;

    for (guint i = 0; i < parts->len; i++) {
        uint64_t ns = g_array_index(parts, struct ct_request_part, i).ns;

        assert_true(sum_ns + ns > sum_ns); /* none is less than nothing */
        sum_ns += ns;
    }
    return sum_ns;
}

static void check_turn(struct store_fixture *fixture, const struct ct_turn *turn)
{
    struct ct_request *request = ct_request_new(turn);
    uint64_t sum_ns = 0;

    ct_request_keep_stretches(request);
    assert_true(ct_request_take_apart(request, fixture->store, NULL));
    for (guint i = 0; i < request->stretches->len; i++) {
        assert_true(stretch_at(request, i)->what.ns > 0);
        sum_ns += stretch_at(request, i)->what.ns;
    }
    assert_int_equal(sum_ns, turn->end_ns - turn->begin_ns);
    assert_int_equal(sum_parts(request->parts), sum_ns);
    assert_int_equal(sum_parts(request->unread_parts), request->unread_ns);
    ct_request_free(request);
}

static void who_wakes_may_say_so_late(void **state)
{
    struct store_fixture fixture;
    g_autoptr(GArray) told = g_array_new(FALSE, TRUE, sizeof(struct told));

    (void)state;
    store_fixture_init(&fixture, 1, 3, 0);
    struct ct_thread *reader = fixture.model->threads->pdata[0];
    struct ct_thread *writer = fixture.model->threads->pdata[1];
    uint64_t begin_ns = fixture.model->begin_ns;
    const struct told wait = {.kind = TOLD_INTERVAL,
                              .interval = {.thread = writer,
                                           .begin_ns = begin_ns + 1000,
                                           .end_ns = begin_ns + 3000,
                                           .wait_begin_ns = begin_ns + 1000,
                                           .wait_end_ns = begin_ns + 3000,
                                           .weight = 1,
                                           .op = CT_OP_COND_WAIT,
                                           .class = CT_CLASS_SYNC,
                                           .waker = reader,
                                           .wake_ns = begin_ns + 3500}};
    const struct told turn = {.kind = TOLD_TURN,
                              .turn = {.thread = writer,
                                       .begin_thread = reader,
                                       .begin_ns = begin_ns + 2000,
                                       .last_ns = begin_ns + 2000,
                                       .end_ns = begin_ns + 4000,
                                       .weight = 1,
                                       .kind = CT_TURN_REQUEST}};

    g_array_append_val(told, wait);
    g_array_append_val(told, turn);
    assert_ptr_equal(reader->process, writer->process);
    int fd = store_fixture_build(&fixture, told);
    g_autoptr(ct_model) model = ct_model_new();

    model->directory = g_strdup("/recording");
    g_autoptr(ct_store) store = ct_store_open(fd, NULL, model, NULL);
    g_autoptr(ct_store_cursor) turns = ct_store_turns(store, model->threads->pdata[1], NULL);
    struct ct_store_event event;

    assert_true(ct_store_cursor_next(turns, &event, NULL));
    struct ct_request *request = ct_request_new(&event.turn);

    assert_true(ct_request_take_apart(request, store, NULL));
    assert_int_equal(request->link, CT_REQUEST_WOKEN);
    assert_int_equal(sum_parts(request->parts), 2000);
    ct_request_free(request);
    store_fixture_clear(&fixture);
    close(fd);
}

/* Whatever its threads did, and whoever seems to have woken whom when. */
static void what_is_told_of_a_request_adds_up_to_it(void **state)
{
    guint count = 0;

    (void)state;
    for (guint32 seed = 1; seed <= 20; seed++) {
        struct store_fixture fixture;

        store_fixture_init(&fixture, seed, 6, 200);
        for (guint i = 0; i < fixture.loaded->threads->len; i++) {
            g_autoptr(ct_store_cursor) turns =
                ct_store_turns(fixture.store, fixture.loaded->threads->pdata[i], NULL);
            struct ct_store_event event;

            while (ct_store_cursor_next(turns, &event, NULL)) {
                if (event.turn.kind != CT_TURN_REQUEST)
                    continue;
                check_turn(&fixture, &event.turn);
                count++;
            }
        }
        store_fixture_clear(&fixture);
    }
    assert_true(count > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_stretches_are_in_order_and_its_parts_are_sums),
        cmocka_unit_test(so_many_stretches_are_kept_and_the_rest_is_one),
        cmocka_unit_test(who_wakes_may_say_so_late),
        cmocka_unit_test(what_is_told_of_a_request_adds_up_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
