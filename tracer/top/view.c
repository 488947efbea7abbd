#include "view.h"

#include <string.h>

#define WORD_MAX 64

const struct ct_key_help ct_view_help[] = {
    {"Up Down PgUp PgDn Home End", "go to another line"},
    {"Space Tab Enter + -", "unfold a line into its threads, and fold it again"},
    {"t", "a line for each thread, or folded by kind"},
    {"i", "those that have not run in one line, or each"},
    {"< > F6", "sort by the column before, by the next, by one that is chosen"},
    {"I", "sort the other way round"},
    {"/ F3", "search; n goes to the next"},
    {"\\ F4", "filter: only lines with a word; Esc ends that"},
    {"b", "bars, or figures of each state"},
    {"Left Right", "the beginning, or more, of what they wait for"},
    {"p", "pause, and go on"},
    {"? h F1", "this help"},
    {"q F10", "quit"},
    {NULL, NULL},
};

void ct_view_init(struct ct_view *view, gboolean is_unfolded, gboolean folds_idle)
{
    *view = (struct ct_view){
        .sort = CT_COLUMN_RUN,
        .is_unfolded = is_unfolded,
        .folds_idle = folds_idle,
        .filter = g_string_new(NULL),
        .search = g_string_new(NULL),
        .open = g_hash_table_new(NULL, NULL),
    };
}

void ct_view_clear(struct ct_view *view)
{
    g_string_free(view->filter, TRUE);
    g_string_free(view->search, TRUE);
    g_hash_table_unref(view->open);
}

struct ct_rows_view ct_view_rows(const struct ct_view *view)
{
    return (struct ct_rows_view){
        .compare = ct_top_columns[view->sort].compare,
        .is_reversed = (ct_top_columns[view->sort].is_descending != 0) != (view->is_inverted != 0),
        .filter = view->filter->str,
        .is_unfolded = view->is_unfolded,
        .folds_idle = view->folds_idle,
        .open = view->open,
    };
}

/* ---- Lines ---- */

static void go_to(struct ct_view *view, const GPtrArray *lines, gint64 at)
{
    if (lines->len == 0)
        return;
    view->at = (guint)CLAMP(at, 0, (gint64)lines->len - 1);
    view->selected = ct_row_key(lines->pdata[view->at]);
    view->has_selected = TRUE;
}

void ct_view_settle(struct ct_view *view, const GPtrArray *lines, guint height)
{
    for (guint i = 0; i < lines->len && view->has_selected; i++) {
        if (ct_row_key(lines->pdata[i]) == view->selected) {
            view->at = i;
            break;
        }
    }
    view->at = lines->len > 0 ? MIN(view->at, lines->len - 1) : 0;
    height = MAX(height, 1);
    view->top = MIN(view->top, view->at);
    if (view->at >= view->top + height)
        view->top = view->at - height + 1;
    view->top = MIN(view->top, lines->len > height ? lines->len - height : 0);
}

/* Whether it is open now. */
static void toggle(struct ct_view *view, const GPtrArray *lines)
{
    const struct ct_row *row = view->at < lines->len ? lines->pdata[view->at] : NULL;

    if (row == NULL || row->row_kind == CT_ROW_THREAD)
        return;
    if (!g_hash_table_remove(view->open, ct_row_key(row)))
        g_hash_table_add(view->open, ct_row_key(row));
    go_to(view, lines, view->at);
}

static gboolean is_found(const struct ct_row *row, const char *word)
{
    g_autofree char *small = g_ascii_strdown(word, -1);
    g_autofree char *text =
        row->row_kind == CT_ROW_IDLE ? g_strdup("")
        : row->thread != NULL
            ? g_strdup_printf("%s/%s %d %d", row->kind->process, row->thread->name,
                              row->thread->pid, row->thread->tid)
            : g_strdup_printf("%s/%s", row->kind->process, row->kind->name);
    g_autofree char *small_text = g_ascii_strdown(text, -1);

    return strstr(small_text, small) != NULL;
}

/* From the line that is `from` lines further on, and round. */
static void search(struct ct_view *view, const GPtrArray *lines, guint from)
{
    for (guint i = 0; i < lines->len && view->search->len > 0; i++) {
        guint at = (view->at + from + i) % lines->len;

        if (is_found(lines->pdata[at], view->search->str)) {
            go_to(view, lines, at);
            return;
        }
    }
}

/* ---- Columns ---- */

static void sort_by_next(struct ct_view *view, int step)
{
    int next = (int)view->sort + step;

    view->sort = (enum ct_top_column)((next + CT_COLUMN_COUNT) % CT_COLUMN_COUNT);
    view->is_inverted = FALSE;
    view->has_selected = FALSE;
    view->at = 0;
}

/* ---- Keys ---- */

static gboolean move(struct ct_view *view, enum ct_key key, const GPtrArray *lines, guint height)
{
    gint64 page = MAX(height, 2) - 1;

    switch (key) {
    case CT_KEY_UP:
        go_to(view, lines, (gint64)view->at - 1);
        return TRUE;
    case CT_KEY_DOWN:
        go_to(view, lines, (gint64)view->at + 1);
        return TRUE;
    case CT_KEY_PAGE_UP:
        go_to(view, lines, (gint64)view->at - page);
        return TRUE;
    case CT_KEY_PAGE_DOWN:
        go_to(view, lines, (gint64)view->at + page);
        return TRUE;
    case CT_KEY_HOME:
        go_to(view, lines, 0);
        return TRUE;
    case CT_KEY_END:
        go_to(view, lines, lines->len);
        return TRUE;
    default:
        return FALSE;
    }
}

#define SHIFT 8

/* A key that is no character has one that does the same. */
static gunichar meaning(const struct ct_key_press *press)
{
    static const gunichar functions[] = {0, '?', 0, '/', '\\', 0, 'S', 0, 0, 0, 'q'};

    if (press->key == CT_KEY_CHARACTER)
        return press->character;
    if (press->key == CT_KEY_ENTER || press->key == CT_KEY_TAB)
        return ' ';
    if (press->key == CT_KEY_FUNCTION && press->character < G_N_ELEMENTS(functions))
        return functions[press->character];
    return 0;
}

static void begin_typing(struct ct_view *view, enum ct_view_mode mode, GString *word)
{
    view->mode = mode;
    g_string_truncate(word, 0);
}

static void press_character(struct ct_view *view, gunichar character, const GPtrArray *lines)
{
    switch (character) {
    case ' ':
    case '+':
    case '-':
        toggle(view, lines);
        break;
    case 't':
        view->is_unfolded = !view->is_unfolded;
        break;
    case 'i':
        view->folds_idle = !view->folds_idle;
        break;
    case '<':
    case ',':
        sort_by_next(view, -1);
        break;
    case '>':
    case '.':
        sort_by_next(view, 1);
        break;
    case 'S':
        view->mode = CT_MODE_SORT;
        break;
    case 'I':
        view->is_inverted = !view->is_inverted;
        break;
    case '/':
        begin_typing(view, CT_MODE_SEARCH, view->search);
        break;
    case 'n':
        search(view, lines, 1);
        break;
    case '\\':
        begin_typing(view, CT_MODE_FILTER, view->filter);
        break;
    case 'b':
        view->shows_figures = !view->shows_figures;
        break;
    case 'p':
        view->is_paused = !view->is_paused;
        break;
    case '?':
    case 'h':
        view->mode = CT_MODE_HELP;
        break;
    case 'q':
        view->is_over = TRUE;
        break;
    default:
        break;
    }
}

static void press_in_table(struct ct_view *view, const struct ct_key_press *press,
                           const GPtrArray *lines, guint height)
{
    if (move(view, press->key, lines, height))
        return;
    if (press->key == CT_KEY_ESCAPE)
        g_string_truncate(view->filter, 0);
    else if (press->key == CT_KEY_RIGHT)
        view->shift += SHIFT;
    else if (press->key == CT_KEY_LEFT)
        view->shift -= MIN(view->shift, SHIFT);
    else
        press_character(view, meaning(press), lines);
}

/* A word is typed; what it finds shows at once. */
static void press_in_word(struct ct_view *view, const struct ct_key_press *press, GString *word,
                          const GPtrArray *lines)
{
    if (press->key == CT_KEY_ESCAPE) {
        g_string_truncate(word, 0);
        view->mode = CT_MODE_TABLE;
    } else if (press->key == CT_KEY_ENTER) {
        view->mode = CT_MODE_TABLE;
    } else if (press->key == CT_KEY_BACKSPACE && word->len > 0) {
        const char *last = g_utf8_find_prev_char(word->str, word->str + word->len);

        g_string_truncate(word, (gsize)(last - word->str));
    } else if (press->key == CT_KEY_CHARACTER && g_unichar_isprint(press->character) &&
               word->len < WORD_MAX) {
        g_string_append_unichar(word, press->character);
    }
    if (view->mode == CT_MODE_SEARCH)
        search(view, lines, 0);
}

static void press_in_sort(struct ct_view *view, const struct ct_key_press *press)
{
    if (press->key == CT_KEY_UP)
        sort_by_next(view, -1);
    else if (press->key == CT_KEY_DOWN)
        sort_by_next(view, 1);
    else
        view->mode = CT_MODE_TABLE;
}

void ct_view_press(struct ct_view *view, const struct ct_key_press *press, const GPtrArray *lines,
                   guint height)
{
    switch (view->mode) {
    case CT_MODE_SEARCH:
        press_in_word(view, press, view->search, lines);
        break;
    case CT_MODE_FILTER:
        press_in_word(view, press, view->filter, lines);
        break;
    case CT_MODE_SORT:
        press_in_sort(view, press);
        break;
    case CT_MODE_HELP:
        view->mode = CT_MODE_TABLE;
        break;
    default:
        press_in_table(view, press, lines, height);
        break;
    }
}
