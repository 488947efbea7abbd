#include "draw.h"

#include "plain.h"
#include "text/safe_text.h"

#include <ncurses.h>
#include <string.h>

#define HEAD_LINES 4
#define FOOT_LINES 1

/* Where there are so many columns, there are bars and figures. */
#define WIDE      150
#define BAR_WIDTH 24

/* Pairs of colours: 1 + the class. */
static const struct {
    short background; /* of 256, after the colours of a timeline, which every eye can tell apart */
    short text;
    short plain_background; /* of 8 */
    short plain_text;
} class_colours[CT_CLASS_COUNT] = {
    [CT_CLASS_RUNNING] = {36, 231, COLOR_GREEN, COLOR_BLACK},
    [CT_CLASS_RUNNABLE] = {227, 16, COLOR_YELLOW, COLOR_BLACK},
    [CT_CLASS_NET] = {32, 231, COLOR_BLUE, COLOR_WHITE},
    [CT_CLASS_SYNC] = {166, 231, COLOR_RED, COLOR_WHITE},
    [CT_CLASS_SYSCALL] = {54, 231, COLOR_MAGENTA, COLOR_WHITE},
    [CT_CLASS_SLEEP] = {253, 240, COLOR_WHITE, COLOR_BLACK},
    [CT_CLASS_OTHER] = {176, 16, COLOR_CYAN, COLOR_BLACK},
    [CT_CLASS_UNKNOWN] = {241, 231, COLOR_BLACK, COLOR_WHITE},
};

void ct_draw_init(gboolean is_plain)
{
    if (is_plain || !has_colors())
        return;
    start_color();
    use_default_colors();
    for (int i = 0; i < CT_CLASS_COUNT; i++) {
        if (COLORS >= 256)
            init_pair((short)(i + 1), class_colours[i].text, class_colours[i].background);
        else
            init_pair((short)(i + 1), class_colours[i].plain_text,
                      class_colours[i].plain_background);
    }
}

guint ct_draw_height(void)
{
    return (guint)MAX(LINES - HEAD_LINES - FOOT_LINES, 1);
}

/* In the `width` columns from `x` on, the rest of which become blank. */
static void put(int y, int x, int width, const char *text, gboolean is_right)
{
    width = MIN(width, COLS - x);
    if (width <= 0)
        return;
    g_autofree char *fit = ct_cell_fit(text, width, is_right);

    mvaddstr(y, x, fit);
}

static enum ct_class class_of_letter(char letter)
{
    for (int i = 0; i < CT_CLASS_COUNT; i++) {
        if (ct_class_letter((enum ct_class)i) == letter)
            return (enum ct_class)i;
    }
    return CT_CLASS_COUNT;
}

/* Each letter on its colour. */
static void put_bar(int y, int x, int width, const struct ct_row *row)
{
    g_autofree char *bar = ct_bar(row, MAX(MIN(width, COLS - x), 0));
    attr_t attributes;
    short pair;

    /* Colours mean the same on the line where one is. */
    attr_get(&attributes, &pair, NULL);
    attrset(A_NORMAL);
    for (int i = 0; bar[i] != '\0'; i++) {
        enum ct_class class = class_of_letter(bar[i]);
        chtype colour = class < CT_CLASS_COUNT && has_colors() ? COLOR_PAIR(class + 1) : 0;

        mvaddch(y, x + i, (chtype)bar[i] | colour);
    }
    attr_set(attributes, pair, NULL);
}

/* ---- The head ---- */

static void put_legend(int y)
{
    static const struct {
        enum ct_class class;
        const char *word;
    } words[] = {
        {CT_CLASS_RUNNING, "running"},     {CT_CLASS_RUNNABLE, "in line for a CPU"},
        {CT_CLASS_SYNC, "sync"},           {CT_CLASS_NET, "net"},
        {CT_CLASS_SYSCALL, "system call"}, {CT_CLASS_OTHER, "other"},
        {CT_CLASS_UNKNOWN, "not seen"},    {CT_CLASS_SLEEP, "sleep"},
    };
    int x = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        chtype colour = has_colors() ? COLOR_PAIR(words[i].class + 1) : 0;
        int width = (int)strlen(words[i].word);

        if (x + width + 3 > COLS)
            break;
        mvaddch(y, x, (chtype)ct_class_letter(words[i].class) | colour);
        mvaddstr(y, x + 2, words[i].word);
        x += width + 4;
    }
}

/* What is typed, or else what should be known. Caller frees. */
static char *make_note(const struct ct_drawing *drawing)
{
    const struct ct_view *view = drawing->view;
    const char *column = ct_top_columns[view->sort].title;

    if (view->mode == CT_MODE_SEARCH)
        return g_strdup_printf("Search: %s_", view->search->str);
    if (view->mode == CT_MODE_FILTER)
        return g_strdup_printf("Filter: %s_", view->filter->str);
    if (view->mode == CT_MODE_SORT)
        return g_strdup_printf("Sort by %s (%s): Up and Down choose, Enter", column,
                               ct_top_columns[view->sort].meaning);
    if (view->is_paused)
        return g_strdup("Paused: p goes on");
    if (view->filter->len > 0)
        return g_strdup_printf("Only with \"%s\": Esc shows all", view->filter->str);
    if (drawing->lines->len == 0)
        return g_strdup("None of the processes is left");
    return ct_plain_refused(drawing->accounts);
}

static void draw_head(const struct ct_drawing *drawing)
{
    g_autofree char *heading = ct_plain_heading(drawing->accounts, drawing->rows);
    g_autofree char *note = make_note(drawing);
    g_autofree char *safe = note != NULL ? ct_safe_line(note) : g_strdup("");

    put(0, 0, COLS, heading, FALSE);
    put_legend(1);
    attron(A_BOLD);
    put(2, 0, COLS, safe, FALSE);
    attroff(A_BOLD);
}

/* ---- The table ---- */

static gboolean is_shown(const struct ct_drawing *drawing, enum ct_top_column column)
{
    gboolean is_wide = COLS >= WIDE;

    if (column == CT_COLUMN_PID)
        return COLS >= 70;
    if (column == CT_COLUMN_HIDDEN && ct_rows_total(drawing->rows)->spent[CT_CLASS_UNKNOWN] <= 0)
        return FALSE;
    if (ct_top_columns[column].class < 0 || column == CT_COLUMN_RUN || column == CT_COLUMN_QUEUE)
        return TRUE;
    return is_wide || drawing->view->shows_figures;
}

static gboolean shows_bars(const struct ct_drawing *drawing)
{
    return COLS >= WIDE || !drawing->view->shows_figures;
}

static void draw_titles(const struct ct_drawing *drawing, int y)
{
    int x = 0;

    attron(A_REVERSE);
    mvhline(y, 0, ' ', COLS);
    for (int column = 0; column < CT_COLUMN_COUNT; column++) {
        const struct ct_top_column_kind *kind = &ct_top_columns[column];
        gboolean is_sorted = column == (int)drawing->view->sort;
        int width = kind->width > 0 ? kind->width : COLS - x;

        if (!is_shown(drawing, (enum ct_top_column)column))
            continue;
        if (column == CT_COLUMN_FOR && shows_bars(drawing)) {
            put(y, x, BAR_WIDTH, "STATES", FALSE);
            x += BAR_WIDTH + 1;
            width = kind->width;
        }
        if (is_sorted)
            attron(A_BOLD | A_UNDERLINE);
        put(y, x, width, kind->title, kind->is_right);
        if (is_sorted)
            attroff(A_BOLD | A_UNDERLINE);
        x += width + 1;
    }
    attroff(A_REVERSE);
}

/* A name with what is before it: how deep it is folded, and whether it can be opened. Caller frees.
 */
static char *mark_name(const struct ct_drawing *drawing, const struct ct_row *row, const char *name)
{
    gboolean is_open =
        row->members != NULL && g_hash_table_contains(drawing->view->open, ct_row_key(row));
    const char *mark = row->members == NULL ? " " : is_open ? "-" : "+";

    return g_strdup_printf("%*s%s %s", (int)row->depth * 2, "", mark, name);
}

/* What is to the right of the first `shift` characters. */
static const char *shifted(const char *text, guint shift)
{
    while (shift-- > 0 && *text != '\0')
        text = g_utf8_next_char(text);
    return text;
}

static void draw_line(const struct ct_drawing *drawing, int y, const struct ct_row *row)
{
    int x = 0;

    for (int column = 0; column < CT_COLUMN_COUNT; column++) {
        const struct ct_top_column_kind *kind = &ct_top_columns[column];

        if (!is_shown(drawing, (enum ct_top_column)column))
            continue;
        g_autofree char *cell = ct_cell(drawing->context, row, (enum ct_top_column)column);
        g_autofree char *name = column == CT_COLUMN_NAME ? mark_name(drawing, row, cell) : NULL;
        const char *text = name != NULL ? name : cell;

        if (column == CT_COLUMN_FOR && shows_bars(drawing)) {
            put_bar(y, x, BAR_WIDTH, row);
            x += BAR_WIDTH + 1;
        }
        if (column == CT_COLUMN_NOW)
            put(y, x, COLS - x, shifted(text, drawing->view->shift), FALSE);
        else
            put(y, x, kind->width, text, kind->is_right);
        x += kind->width + 1;
    }
}

static void draw_table(const struct ct_drawing *drawing)
{
    guint height = ct_draw_height();
    const struct ct_view *view = drawing->view;

    draw_titles(drawing, HEAD_LINES - 1);
    for (guint i = 0; i < height && view->top + i < drawing->lines->len; i++) {
        int y = HEAD_LINES + (int)i;

        if (view->top + i == view->at) {
            attron(A_REVERSE);
            mvhline(y, 0, ' ', COLS);
        }
        draw_line(drawing, y, drawing->lines->pdata[view->top + i]);
        attroff(A_REVERSE);
    }
}

static void draw_help(void)
{
    int y = HEAD_LINES;

    for (const struct ct_key_help *help = ct_view_help; help->keys != NULL; help++, y++) {
        attron(A_BOLD);
        put(y, 2, 28, help->keys, FALSE);
        attroff(A_BOLD);
        put(y, 31, COLS - 31, help->what, FALSE);
    }
    y++;
    for (int column = 0; column < CT_COLUMN_COUNT; column++, y++) {
        attron(A_BOLD);
        put(y, 2, 28, ct_top_columns[column].title, FALSE);
        attroff(A_BOLD);
        put(y, 31, COLS - 31, ct_top_columns[column].meaning, FALSE);
    }
    y++;
    put(y, 2, COLS - 2,
        "RUN and QUEUE are exact; the rest of the time is divided by what was seen at a few looks "
        "a "
        "second.",
        FALSE);
}

static void draw_foot(void)
{
    attron(A_REVERSE);
    mvhline(LINES - 1, 0, ' ', COLS);
    put(LINES - 1, 0, COLS,
        "?Help  Space Unfold  tThreads  <>Sort  /Search  \\Filter  bFigures  pPause  qQuit", FALSE);
    attroff(A_REVERSE);
}

void ct_draw(const struct ct_drawing *drawing)
{
    erase();
    draw_head(drawing);
    if (drawing->view->mode == CT_MODE_HELP)
        draw_help();
    else
        draw_table(drawing);
    if (LINES > HEAD_LINES + FOOT_LINES)
        draw_foot();
    refresh();
}
