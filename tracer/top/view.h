/* What of the table is shown and chosen, and what the keys do to that. No terminal here. */
#ifndef CTRACE_TOP_VIEW_H
#define CTRACE_TOP_VIEW_H

#include "cells.h"

enum ct_key {
    CT_KEY_CHARACTER, /* that was typed */
    CT_KEY_UP,
    CT_KEY_DOWN,
    CT_KEY_LEFT,
    CT_KEY_RIGHT,
    CT_KEY_PAGE_UP,
    CT_KEY_PAGE_DOWN,
    CT_KEY_HOME,
    CT_KEY_END,
    CT_KEY_ENTER,
    CT_KEY_TAB,
    CT_KEY_BACKSPACE,
    CT_KEY_ESCAPE,
    CT_KEY_FUNCTION /* F1 is 1 in `character` */
};

struct ct_key_press {
    enum ct_key key;
    gunichar character;
};

enum ct_view_mode {
    CT_MODE_TABLE,
    CT_MODE_SEARCH, /* a word to go to is typed */
    CT_MODE_FILTER, /* a word that lines must have is typed */
    CT_MODE_SORT,   /* a column is chosen */
    CT_MODE_HELP
};

struct ct_view {
    enum ct_view_mode mode;
    enum ct_top_column sort;
    gboolean is_inverted; /* the other way round than the column's own order */
    gboolean is_unfolded;
    gboolean folds_idle;
    gboolean shows_figures; /* of each state, where there is no room for both */
    gboolean is_paused;
    gboolean is_over; /* the user wants to leave */
    GString *filter;  /* owned */
    GString *search;  /* owned */
    GHashTable *open; /* owned; lines that are unfolded, by ct_row_key() */
    gboolean has_selected;
    gpointer selected; /* the key of the line on which one is, once one has gone there */
    guint at;          /* its place */
    guint top;         /* the first line that is seen */
    guint shift;       /* so many columns of the last cell are to the left of what is seen */
};

void ct_view_init(struct ct_view *view, gboolean is_unfolded, gboolean folds_idle);
void ct_view_clear(struct ct_view *view);

/* Which lines there are for it. Borrows from the view. */
struct ct_rows_view ct_view_rows(const struct ct_view *view);

/* There are these lines now, of which `height` are seen at once: finds the one on which one was. */
void ct_view_settle(struct ct_view *view, const GPtrArray *lines, guint height);

/* A key was pressed while these lines were there. */
void ct_view_press(struct ct_view *view, const struct ct_key_press *press, const GPtrArray *lines,
                   guint height);

/* Every key, and what it does, as help shows it. Ends with NULL. */
struct ct_key_help {
    const char *keys;
    const char *what;
};
extern const struct ct_key_help ct_view_help[];

#endif
