/* What a lane holds back comes out in order, however late some of it came. */
#include "store/pending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>

struct fixture {
    struct ct_pending pending;
    GRand *rand;
    uint64_t sequence;
    uint64_t at_ns;
};

static void add(struct fixture *fixture, uint64_t late_ns)
{
    fixture->at_ns += (uint64_t)g_rand_int_range(fixture->rand, 0, 3);
    const struct ct_store_record record = {.begin_ns = fixture->at_ns - late_ns,
                                           .end_ns = fixture->at_ns,
                                           .sequence = fixture->sequence++};

    ct_pending_add(&fixture->pending, &record);
}

/* A block begins no later than all that stays, and has its records in the order of their sequence.
 */
static void take(struct fixture *fixture, size_t count, uint64_t *taken_until_ns)
{
    uint64_t first_ns = ct_pending_begin_ns(&fixture->pending);
    const struct ct_store_record *records = ct_pending_take(&fixture->pending, count);
    uint64_t last_ns = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(records[i].begin_ns >= first_ns && records[i].begin_ns >= *taken_until_ns);
        if (i > 0)
            assert_true(records[i].sequence > records[i - 1].sequence);
        last_ns = MAX(last_ns, records[i].begin_ns);
    }
    *taken_until_ns = last_ns;
}

/* `late`: one of so many is; 0: none. */
static void come_and_go(guint32 seed, gint32 late)
{
    struct fixture fixture = {.rand = g_rand_new_with_seed(seed), .at_ns = 1000000};
    uint64_t taken_until_ns = 0;

    for (int round = 0; round < 9; round++) {
        while (fixture.pending.count < CT_PENDING_MAX)
            add(&fixture, late > 0 && g_rand_int_range(fixture.rand, 0, late) == 0 ? 90 : 0);
        assert_true(late > 0 || !fixture.pending.is_unordered);
        ct_pending_order(&fixture.pending);
        while (fixture.pending.count > CT_PENDING_KEPT)
            take(&fixture, CT_BLOCK_RECORDS, &taken_until_ns);
    }
    for (int i = 0; i < 77; i++)
        add(&fixture, late > 0 ? 50 : 0);
    ct_pending_order(&fixture.pending);
    while (fixture.pending.count > 0)
        take(&fixture, MIN(CT_BLOCK_RECORDS, fixture.pending.count), &taken_until_ns);
    ct_pending_clear(&fixture.pending);
    g_rand_free(fixture.rand);
}

static void what_came_in_order_stays_so(void **state)
{
    (void)state;
    come_and_go(1, 0);
}

static void what_came_late_is_put_in_order(void **state)
{
    (void)state;
    come_and_go(2, 3);
    /* Once the first ones were taken where they lay. */
    come_and_go(3, 3000);
    come_and_go(4, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_in_order_stays_so),
        cmocka_unit_test(what_came_late_is_put_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
