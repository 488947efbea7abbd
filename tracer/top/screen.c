#include "screen.h"

#include "draw.h"
#include "terminal.h"

#include <ncurses.h>
#include <stdlib.h>
#include <unistd.h>

struct screen {
    struct ct_accounts *accounts;          /* borrowed */
    const struct ct_top_options *options;  /* borrowed */
    const struct ct_cell_context *context; /* borrowed */
    struct ct_view view;
    struct ct_rows *rows; /* owned */
    GPtrArray *lines;     /* owned */
    gint64 look_us;       /* when the next one is due */
    gint64 refresh_us;
};

static void list(struct screen *screen)
{
    struct ct_rows_view view = ct_view_rows(&screen->view);

    if (screen->lines != NULL)
        g_ptr_array_unref(screen->lines);
    screen->lines = ct_rows_list(screen->rows, &view);
    ct_view_settle(&screen->view, screen->lines, ct_draw_height());
}

static void draw(struct screen *screen)
{
    list(screen);
    const struct ct_drawing drawing = {
        .accounts = screen->accounts,
        .context = screen->context,
        .view = &screen->view,
        .rows = screen->rows,
        .lines = screen->lines,
    };

    ct_draw(&drawing);
}

static void look(struct screen *screen, gint64 now_us)
{
    ct_accounts_look(screen->accounts);
    screen->look_us = now_us + (gint64)(ct_accounts_pause_ns(screen->accounts) / 1000);
}

static void refresh_rows(struct screen *screen, gint64 now_us)
{
    look(screen, now_us);
    if (!screen->view.is_paused)
        ct_rows_refresh(screen->rows, screen->accounts);
    screen->refresh_us = now_us + (gint64)(screen->options->delay_ns / 1000);
}

/* ---- Keys ---- */

static gboolean find_key(int status, wint_t code, struct ct_key_press *press)
{
    static const struct {
        wint_t code;
        enum ct_key key;
    } keys[] = {
        {KEY_UP, CT_KEY_UP},         {KEY_DOWN, CT_KEY_DOWN},
        {KEY_LEFT, CT_KEY_LEFT},     {KEY_RIGHT, CT_KEY_RIGHT},
        {KEY_PPAGE, CT_KEY_PAGE_UP}, {KEY_NPAGE, CT_KEY_PAGE_DOWN},
        {KEY_HOME, CT_KEY_HOME},     {KEY_END, CT_KEY_END},
        {KEY_ENTER, CT_KEY_ENTER},   {KEY_BACKSPACE, CT_KEY_BACKSPACE},
    };
    static const struct {
        wint_t code;
        enum ct_key key;
    } characters[] = {
        {'\n', CT_KEY_ENTER},     {'\r', CT_KEY_ENTER},     {'\t', CT_KEY_TAB},
        {0x7f, CT_KEY_BACKSPACE}, {'\b', CT_KEY_BACKSPACE}, {0x1b, CT_KEY_ESCAPE},
    };

    *press = (struct ct_key_press){CT_KEY_CHARACTER, code};
    for (size_t i = 0; status == OK && i < G_N_ELEMENTS(characters); i++) {
        if (characters[i].code == code)
            press->key = characters[i].key;
    }
    if (status != KEY_CODE_YES)
        return TRUE;
    if (code >= KEY_F(1) && code <= KEY_F(12)) {
        *press = (struct ct_key_press){CT_KEY_FUNCTION, code - KEY_F0};
        return TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (keys[i].code == code) {
            press->key = keys[i].key;
            return TRUE;
        }
    }
    return FALSE; /* KEY_RESIZE, and what is of no use here */
}

/* Until something is due, or a key was pressed. FALSE: there is no terminal any more. */
static gboolean wait_for_key(struct screen *screen)
{
    gint64 due_us = MIN(screen->look_us, screen->refresh_us);
    gint64 left_us = MAX(due_us - g_get_monotonic_time(), 0);
    struct ct_key_press press;
    wint_t code = 0;

    timeout((int)((left_us + 999) / 1000)); /* not 0 as long as something is left */
    int status = get_wch(&code);
    if (status == ERR)
        return isatty(STDIN_FILENO);
    if (find_key(status, code, &press))
        ct_view_press(&screen->view, &press, screen->lines, ct_draw_height());
    draw(screen);
    return TRUE;
}

static void watch(struct screen *screen)
{
    gboolean is_there = TRUE;

    refresh_rows(screen, g_get_monotonic_time());
    /* The first table does not let itself be waited for. */
    screen->refresh_us =
        g_get_monotonic_time() + (gint64)MIN(screen->options->delay_ns / 1000, 300000);
    draw(screen);
    while (is_there && !screen->view.is_over) {
        gint64 now_us = g_get_monotonic_time();

        if (now_us >= screen->refresh_us) {
            refresh_rows(screen, now_us);
            draw(screen);
        } else if (now_us >= screen->look_us) {
            look(screen, now_us);
        }
        is_there = wait_for_key(screen);
    }
}

int ct_screen_run(struct ct_accounts *accounts, const struct ct_top_options *options,
                  const struct ct_cell_context *context, GError **error)
{
    struct screen screen = {.accounts = accounts, .options = options, .context = context};

    SCREEN *terminal = ct_terminal_open(error);
    if (terminal == NULL)
        return 1;
    cbreak();
    noecho();
    nonl();
    curs_set(0);
    set_escdelay(50);
    keypad(stdscr, TRUE);
    ct_draw_init(options->is_plain || g_getenv("NO_COLOR") != NULL);
    ct_view_init(&screen.view, options->is_unfolded, !ct_accounts_are_narrow(accounts));
    screen.rows = ct_rows_new();
    watch(&screen);
    endwin();
    delscreen(terminal);
    ct_rows_free(screen.rows);
    g_ptr_array_unref(screen.lines);
    ct_view_clear(&screen.view);
    return 0;
}
