/* What the parts of a picture are painted by. Not for use outside of paint. */
#ifndef CTRACE_CANVAS_H
#define CTRACE_CANVAS_H

#include "paint/palette.h"

/* What is drawn, where, and how. */
struct ct_canvas {
    cairo_t *cairo; /* borrowed, as are the next */
    const struct ct_scene *scene;
    const struct ct_palette *palette;
    cairo_pattern_t *tiles[CT_CLASS_COUNT]; /* of what is drawn on; NULL: it has no pattern */
};

static inline void ct_canvas_use(const struct ct_canvas *canvas, enum ct_shade shade,
                                 double opacity)
{
    ct_palette_use(canvas->cairo, canvas->palette->shades[shade], opacity);
}

/* What lies on top of bars; samples of it in the legend, too. */
void ct_canvas_draw_arrows(const struct ct_canvas *canvas, const struct ct_scene_arrow *arrows,
                           guint count);
void ct_canvas_draw_path(const struct ct_canvas *canvas, const struct ct_scene_path_line *lines,
                         guint count);
void ct_canvas_draw_marks(const struct ct_canvas *canvas);

#endif
