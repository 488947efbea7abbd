/* The columns of the table, and what a line says in each. */
#ifndef CTRACE_TOP_CELLS_H
#define CTRACE_TOP_CELLS_H

#include "accounts/describe.h"
#include "rows.h"

enum ct_top_column {
    CT_COLUMN_PID,
    CT_COLUMN_TID,
    CT_COLUMN_NAME,
    CT_COLUMN_RUN,
    CT_COLUMN_QUEUE,
    CT_COLUMN_NET,
    CT_COLUMN_SYNC,
    CT_COLUMN_SYSCALL,
    CT_COLUMN_SLEEP,
    CT_COLUMN_OTHER,
    CT_COLUMN_HIDDEN,
    CT_COLUMN_FOR,
    CT_COLUMN_NOW,
    CT_COLUMN_COUNT
};

struct ct_top_column_kind {
    const char *title;
    int width; /* of the last one: what is left of the line */
    gboolean is_right;
    gboolean is_descending; /* what is large comes first when sorted by it */
    int class;              /* enum ct_class; -1: of none */
    ct_row_compare compare;
    const char *meaning;
};

extern const struct ct_top_column_kind ct_top_columns[CT_COLUMN_COUNT];

/* What is needed to write cells. All borrowed. */
struct ct_cell_context {
    struct ct_describer *describer;
    gboolean is_ascii; /* the terminal shows nothing else */
};

/* Safe for a terminal, and as long as it is. Caller frees. */
char *ct_cell(const struct ct_cell_context *context, const struct ct_row *row,
              enum ct_top_column column);

/* That text in so many columns of a terminal: cut, or with blanks. Caller frees. */
char *ct_cell_fit(const char *text, int width, gboolean is_right);

/* A letter for each class, for bars that need no colours. */
char ct_class_letter(enum ct_class class);

/*
 * A bar of `width` letters and blanks: what part of all threads' time each state took, to the
 * nearest whole letter; what there is of none is not shown. Caller frees.
 */
char *ct_bar(const struct ct_row *row, int width);

#endif
