/* The patterns of classes, as the page of ctrace view has them: without colours, they tell which is
 * which. */
#ifndef CTRACE_TILES_H
#define CTRACE_TILES_H

#include "paint/palette.h"

/* A pattern of marks in that colour, to be filled with, on a common raster, over the class's own
 * colour; NULL: the class has none. Free with cairo_pattern_destroy(). */
cairo_pattern_t *ct_tile_new(enum ct_class class, struct ct_colour colour);

#endif
