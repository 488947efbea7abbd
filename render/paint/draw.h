/* Paints a layout. Decides nothing about where things are. */
#ifndef CTRACE_DRAW_H
#define CTRACE_DRAW_H

#include "paint/typesetter.h"
#include "scene/layout.h"

#include <cairo.h>

/* One unit of `cairo` is one pixel of the layout. */
void ct_draw_layout(cairo_t *cairo, const struct ct_layout *layout, struct ct_text *text);

#endif
