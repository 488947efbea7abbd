/* The colours, all of them. */
#ifndef CTRACE_PALETTE_H
#define CTRACE_PALETTE_H

#include "scene/scene.h"

#include <cairo.h>

struct ct_colour {
    double red;
    double green;
    double blue;
};

/* Of a class, and of a text on top of it. */
struct ct_colour ct_palette_class(enum ct_class class);
struct ct_colour ct_palette_on_class(enum ct_class class);

/* Of a thread that has a CPU; 0: of several. */
struct ct_colour ct_palette_run(guint tint);

/* Of a CPU that a thread has, and of a text on top of it; 0: of several. */
struct ct_colour ct_palette_cpu(guint tint);
struct ct_colour ct_palette_on_cpu(guint tint);

enum ct_shade {
    CT_SHADE_PAPER,
    CT_SHADE_PROCESS_BAND,
    CT_SHADE_ROW_LINE,
    CT_SHADE_GRID,
    CT_SHADE_ARROW,
    CT_SHADE_ARROW_HALO,
    CT_SHADE_PATH,
    CT_SHADE_TEXT,
    CT_SHADE_MUTED_TEXT,
    CT_SHADE_WARNING,
    CT_SHADE_COUNT
};

struct ct_colour ct_palette_shade(enum ct_shade shade);

void ct_palette_use(cairo_t *cairo, struct ct_colour colour, double opacity);

#endif
