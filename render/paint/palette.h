/* The colours, all of them, of two themes. They are those of the page of ctrace view. */
#ifndef CTRACE_PALETTE_H
#define CTRACE_PALETTE_H

#include "scene/scene.h"

#include <cairo.h>

struct ct_colour {
    double red;
    double green;
    double blue;
};

/* What is filled, and a text on top of it. */
struct ct_colour_pair {
    struct ct_colour fill;
    struct ct_colour text;
};

enum ct_shade {
    CT_SHADE_PAPER,
    CT_SHADE_PROCESS_BAND,
    CT_SHADE_ROW_LINE,
    CT_SHADE_GRID,
    CT_SHADE_ARROW,
    CT_SHADE_ARROW_HALO,
    CT_SHADE_PATH,
    CT_SHADE_MARK,
    CT_SHADE_TEXT,
    CT_SHADE_MUTED_TEXT,
    CT_SHADE_WARNING,
    CT_SHADE_COUNT
};

struct ct_palette {
    const char *name;
    struct ct_colour_pair classes[CT_CLASS_COUNT];
    struct ct_colour runs[1 + CT_SCENE_RUN_TINTS]; /* of a thread that has a CPU; 0: of several */
    struct ct_colour_pair cpus[1 + CT_SCENE_CPU_TINTS]; /* that a thread has; 0: of several */
    struct ct_colour shades[CT_SHADE_COUNT];
};

/* "light" or "dark"; NULL: there is none of that name. */
const struct ct_palette *ct_palette_find(const char *name);
/* Of all that there are. Free with g_strfreev(). */
char **ct_palette_names(void);

void ct_palette_use(cairo_t *cairo, struct ct_colour colour, double opacity);

#endif
