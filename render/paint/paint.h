/* Paints a scene. Decides nothing about where things are. */
#ifndef CTRACE_PAINT_H
#define CTRACE_PAINT_H

#include "paint/typesetter.h"

/* One unit of `cairo` is one pixel of the scene. */
void ct_paint_scene(cairo_t *cairo, const struct ct_scene *scene, const struct ct_palette *palette,
                    struct ct_typesetter *typesetter);

#endif
