/* What the table of ctrace top shows: cells, bars, and what keys do. */
#include "top/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct ct_kind a_kind = {.process = (char *)"server", .name = (char *)"worker-*"};
static struct ct_kind hostile = {.process = (char *)"\x1b[2Jevil", .name = (char *)"\xff\n"};

static struct ct_seen_thread threads[] = {
    {.pid = 10, .tid = 10, .name = "server", .wait = {.class = CT_CLASS_RUNNING}},
    {.pid = 10, .tid = 11, .name = "worker-1", .wait = {CT_CLASS_SYNC, CT_OP_FUTEX_WAIT, NULL, 64}},
    {.pid = 10, .tid = 12, .name = "worker-2", .wait = {CT_CLASS_SYNC, CT_OP_FUTEX_WAIT, NULL, 64}},
    {.pid = 10, .tid = 13, .name = "worker-3", .wait = {CT_CLASS_SLEEP, CT_OP_NANOSLEEP, NULL, 0}},
};

static struct ct_row row_of(struct ct_seen_thread *thread)
{
    return (struct ct_row){.kind = &a_kind, .thread = thread, .threads = 1, .processes = 1};
}

static void assert_cell(const struct ct_row *row, enum ct_top_column column, const char *expected)
{
    struct ct_describer *describer = ct_describer_new();
    const struct ct_cell_context context = {describer, FALSE};
    g_autofree char *cell = ct_cell(&context, row, column);

    assert_string_equal(cell, expected);
    ct_describer_free(describer);
}

static void a_thread_says_who_it_is_and_what_it_waits_for(void **state)
{
    struct ct_row row = row_of(&threads[1]);

    (void)state;
    row.spent[CT_CLASS_RUNNING] = 0.254;
    row.spent[CT_CLASS_RUNNABLE] = 0.001;
    row.for_ns = 1500000;
    assert_cell(&row, CT_COLUMN_TID, "11");
    assert_cell(&row, CT_COLUMN_NAME, "server/worker-1");
    assert_cell(&row, CT_COLUMN_RUN, "25");
    assert_cell(&row, CT_COLUMN_QUEUE, "<1");
    assert_cell(&row, CT_COLUMN_NET, "");
    assert_cell(&row, CT_COLUMN_FOR, "1.50 ms");
    assert_cell(&row, CT_COLUMN_NOW, "futex_wait on 0x40");
}

static void a_folded_line_counts_what_its_threads_wait_for(void **state)
{
    struct ct_row members[] = {row_of(&threads[1]), row_of(&threads[2]), row_of(&threads[3])};
    struct ct_row row = {.row_kind = CT_ROW_KIND, .kind = &a_kind, .threads = 3, .processes = 1};

    (void)state;
    row.members = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        g_ptr_array_add(row.members, &members[i]);
    row.spent[CT_CLASS_SYNC] = 1234;
    assert_cell(&row, CT_COLUMN_TID, "(3)");
    assert_cell(&row, CT_COLUMN_NAME, "server/worker-*");
    assert_cell(&row, CT_COLUMN_SYNC, "123k");
    assert_cell(&row, CT_COLUMN_NOW, "2 futex_wait, 1 nanosleep");
    g_ptr_array_unref(row.members);
}

static void names_do_nothing_to_the_terminal(void **state)
{
    struct ct_seen_thread thread = {.pid = 1, .tid = 2, .name = "\x1b]0;x\x07"};
    struct ct_row row = {.kind = &hostile, .thread = &thread};

    (void)state;
    assert_cell(&row, CT_COLUMN_NAME, "?[2Jevil/?]0;x?");
    row.thread = NULL;
    row.row_kind = CT_ROW_KIND;
    assert_cell(&row, CT_COLUMN_NAME, "?[2Jevil/\xef\xbf\xbd ");
}

static void a_cell_has_the_width_of_its_column(void **state)
{
    static const struct {
        const char *text, *left, *right;
    } cells[] = {
        {"", "    ", "    "},
        {"ab", "ab  ", "  ab"},
        {"abcdef", "abcd", "abcd"},
        {"\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", "\xe4\xb8\xad\xe6\x96\x87",
         "\xe4\xb8\xad\xe6\x96\x87"},
        {"a\xe4\xb8\xad\xe6\x96\x87", "a\xe4\xb8\xad ", " a\xe4\xb8\xad"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cells); i++) {
        g_autofree char *left = ct_cell_fit(cells[i].text, 4, FALSE);
        g_autofree char *right = ct_cell_fit(cells[i].text, 4, TRUE);

        assert_string_equal(left, cells[i].left);
        assert_string_equal(right, cells[i].right);
    }
}

static void a_bar_is_as_long_as_its_states(void **state)
{
    struct ct_row row = {0};

    (void)state;
    row.spent[CT_CLASS_RUNNING] = 0.25;
    row.spent[CT_CLASS_SYNC] = 0.5;
    row.spent[CT_CLASS_SLEEP] = 0.25;
    g_autofree char *bar = ct_bar(&row, 8);
    assert_string_equal(bar, "RRYYYYSS");
    g_autofree char *none = ct_bar(&(struct ct_row){0}, 3);
    assert_string_equal(none, "   ");
    for (int width = 0; width < 50; width++) {
        g_autofree char *any = ct_bar(&row, width);

        assert_int_equal(strlen(any), width);
        assert_true(strcspn(any, " ") == (size_t)width);
    }
}

/* ---- Keys ---- */

static GPtrArray *lines_of_all(struct ct_row *rows)
{
    GPtrArray *lines = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        rows[i] = row_of(&threads[i]);
        g_ptr_array_add(lines, &rows[i]);
    }
    return lines;
}

static void press(struct ct_view *view, enum ct_key key, gunichar character, const GPtrArray *lines)
{
    ct_view_press(view, &(struct ct_key_press){key, character}, lines, 2);
    ct_view_settle(view, lines, 2);
}

static void type(struct ct_view *view, const char *text, const GPtrArray *lines)
{
    for (; *text != '\0'; text++)
        press(view, CT_KEY_CHARACTER, (gunichar)*text, lines);
}

static void arrows_go_to_lines_and_what_is_seen_follows(void **state)
{
    struct ct_row rows[G_N_ELEMENTS(threads)];
    g_autoptr(GPtrArray) lines = lines_of_all(rows);
    struct ct_view view;

    (void)state;
    ct_view_init(&view, FALSE, FALSE);
    press(&view, CT_KEY_UP, 0, lines);
    assert_int_equal(view.at, 0);
    press(&view, CT_KEY_END, 0, lines);
    assert_int_equal(view.at, 3);
    assert_int_equal(view.top, 2);
    press(&view, CT_KEY_HOME, 0, lines);
    press(&view, CT_KEY_DOWN, 0, lines);
    assert_int_equal(view.at, 1);
    assert_int_equal(view.top, 0);
    /* The line moves, and one stays on it; then it is gone. */
    g_ptr_array_insert(lines, 0, g_ptr_array_steal_index(lines, 3));
    ct_view_settle(&view, lines, 2);
    assert_int_equal(view.at, 2);
    g_ptr_array_set_size(lines, 1);
    ct_view_settle(&view, lines, 2);
    assert_int_equal(view.at, 0);
    g_ptr_array_set_size(lines, 0);
    ct_view_settle(&view, lines, 2);
    press(&view, CT_KEY_PAGE_DOWN, 0, lines);
    press(&view, CT_KEY_CHARACTER, ' ', lines);
    ct_view_clear(&view);
}

static void a_word_is_searched_and_filtered_by(void **state)
{
    struct ct_row rows[G_N_ELEMENTS(threads)];
    g_autoptr(GPtrArray) lines = lines_of_all(rows);
    struct ct_view view;

    (void)state;
    ct_view_init(&view, FALSE, FALSE);
    type(&view, "/WORKER-q", lines);
    assert_int_equal(view.at, 1);
    press(&view, CT_KEY_BACKSPACE, 0, lines);
    press(&view, CT_KEY_ENTER, 0, lines);
    type(&view, "n", lines);
    assert_int_equal(view.at, 2);
    type(&view, "n", lines);
    type(&view, "n", lines);
    assert_int_equal(view.at, 1);
    assert_false(view.is_over); /* the q was a letter of the word */
    type(&view, "\\12", lines);
    press(&view, CT_KEY_ENTER, 0, lines);
    assert_string_equal(ct_view_rows(&view).filter, "12");
    press(&view, CT_KEY_ESCAPE, 0, lines);
    assert_string_equal(ct_view_rows(&view).filter, "");
    type(&view, "q", lines);
    assert_true(view.is_over);
    ct_view_clear(&view);
}

static void every_column_can_be_sorted_by(void **state)
{
    struct ct_row rows[G_N_ELEMENTS(threads)];
    g_autoptr(GPtrArray) lines = lines_of_all(rows);
    struct ct_view view;

    (void)state;
    ct_view_init(&view, FALSE, FALSE);
    for (int i = 0; i < CT_COLUMN_COUNT; i++) {
        struct ct_rows_view chosen = ct_view_rows(&view);

        for (size_t j = 0; j < G_N_ELEMENTS(rows); j++) {
            assert_int_equal(chosen.compare(&rows[j], &rows[j]), 0);
            for (size_t k = 0; k < G_N_ELEMENTS(rows); k++)
                assert_int_equal(chosen.compare(&rows[j], &rows[k]),
                                 -chosen.compare(&rows[k], &rows[j]));
        }
        type(&view, ">", lines);
    }
    assert_int_equal(view.sort, CT_COLUMN_RUN);
    type(&view, "<", lines);
    assert_int_equal(view.sort, CT_COLUMN_NAME);
    ct_view_clear(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_says_who_it_is_and_what_it_waits_for),
        cmocka_unit_test(a_folded_line_counts_what_its_threads_wait_for),
        cmocka_unit_test(names_do_nothing_to_the_terminal),
        cmocka_unit_test(a_cell_has_the_width_of_its_column),
        cmocka_unit_test(a_bar_is_as_long_as_its_states),
        cmocka_unit_test(arrows_go_to_lines_and_what_is_seen_follows),
        cmocka_unit_test(a_word_is_searched_and_filtered_by),
        cmocka_unit_test(every_column_can_be_sorted_by),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
