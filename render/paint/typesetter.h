/* Texts through pango: measured for the layout, then drawn. */
#ifndef CTRACE_TEXT_H
#define CTRACE_TEXT_H

#include "scene/layout.h"

#include <cairo.h>

struct ct_text;

/* Sizes are in units of the layout's pixels, whatever surface is drawn on. */
struct ct_text *ct_text_new(void);
void ct_text_free(struct ct_text *text);
typedef struct ct_text ct_text; /* for g_autoptr(ct_text) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_text, ct_text_free)

/* Fits ct_layout_request.measure, with the ct_text as `user`. */
double ct_text_measure(void *user, enum ct_text_style style, const char *string);

/* Where a text stands once it is drawn, shortened or not. */
struct ct_text_place {
    double x_px; /* the left edge */
    double baseline_px;
    double width_px;
    double size_px; /* of the font */
};
struct ct_text_place ct_text_find_place(struct ct_text *text, const struct ct_layout_text *item);

void ct_text_draw(struct ct_text *text, cairo_t *cairo, const struct ct_layout_text *item);

#endif
