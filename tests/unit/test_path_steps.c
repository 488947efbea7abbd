/* The critical path at a picture's resolution is all of the path, in no more steps than columns. */
#include "path/path_steps.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check_steps(const GArray *steps, const struct ct_window *window, guint columns)
{
    uint64_t at_ns = window->begin_ns;

    assert_in_range(steps->len, 1, columns);
    for (guint i = 0; i < steps->len; i++) {
        const struct ct_scene_path_step *step = &g_array_index(steps, struct ct_scene_path_step, i);

        assert_int_equal(step->begin_ns, at_ns);
        assert_true(step->end_ns > step->begin_ns);
        if (i > 0)
            assert_ptr_not_equal(step->thread, step[-1].thread);
        at_ns = step->end_ns;
    }
    assert_int_equal(at_ns, window->end_ns);
}

struct share {
    const struct ct_thread *thread;
    struct ct_window window;
    uint64_t ns;
};

static void add_share(void *user, const struct ct_path_stretch *stretch)
{
    struct share *share = user;
    uint64_t begin_ns = MAX(stretch->begin_ns, share->window.begin_ns);
    uint64_t end_ns = MIN(stretch->end_ns, share->window.end_ns);

    if (stretch->thread == share->thread && begin_ns < end_ns)
        share->ns += end_ns - begin_ns;
}

static void a_picture_has_all_of_the_path(void **state)
{
    (void)state;
    for (guint32 seed = 1; seed <= 6; seed++) {
        struct store_fixture random;

        store_fixture_init(&random, seed, 8, 80);
        struct ct_path_question question = {.store = random.store, .model = random.loaded};
        const struct ct_selection all = {0};

        assert_true(ct_path_choose(&question, &all, NULL, NULL));
        for (guint columns = 1; columns <= 1000; columns *= 10) {
            g_autoptr(GArray) steps = ct_path_steps_find(&question, columns, NULL);

            check_steps(steps, &question.window, columns);
            if (columns > 1)
                continue;
            /* The one column is the one's who has the most. */
            const struct ct_scene_path_step *only =
                &g_array_index(steps, struct ct_scene_path_step, 0);
            struct share most = {only->thread, question.window, 0};

            assert_true(ct_path_walk(&question, add_share, &most, NULL));
            for (guint i = 0; i < random.loaded->threads->len; i++) {
                struct share other = {random.loaded->threads->pdata[i], question.window, 0};

                assert_true(ct_path_walk(&question, add_share, &other, NULL));
                assert_true(other.ns <= most.ns);
            }
        }
        store_fixture_clear(&random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_picture_has_all_of_the_path)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
