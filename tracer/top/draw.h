/* Draws the table with ncurses, which has begun. */
#ifndef CTRACE_TOP_DRAW_H
#define CTRACE_TOP_DRAW_H

#include "view.h"

struct ct_drawing {
    const struct ct_accounts *accounts; /* borrowed, as are all */
    const struct ct_cell_context *context;
    const struct ct_view *view;
    const struct ct_rows *rows;
    const GPtrArray *lines;
};

/* Once: the colours, unless `is_plain`. */
void ct_draw_init(gboolean is_plain);

/* Lines of the table that there is room for. */
guint ct_draw_height(void);

void ct_draw(const struct ct_drawing *drawing);

#endif
