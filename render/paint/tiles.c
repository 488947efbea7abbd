#include "paint/tiles.h"

#include <math.h>

/* Lines in a square tile, which meet those of the next one. */
struct line {
    double from_x;
    double from_y;
    double to_x;
    double to_y;
};

enum { LINES_MAX = 4 };

static const struct tile {
    double size_px;
    double line_px;
    struct line lines[LINES_MAX]; /* as long as nothing: there are no more */
} tiles[CT_CLASS_COUNT] = {
    [CT_CLASS_RUNNABLE] = {6, 1, {{0, 3, 4, 3}}},
    [CT_CLASS_NET] = {6, 1, {{-1, -1, 7, 7}, {-1, 5, 1, 7}, {5, -1, 7, 1}}},
    [CT_CLASS_SYNC] = {6, 1, {{-1, 7, 7, -1}, {-1, 1, 1, -1}, {5, 7, 7, 5}}},
    [CT_CLASS_SYSCALL] = {4, 1.4, {{1, 2, 2.4, 2}}},
    [CT_CLASS_OTHER] = {6, 1, {{3, 0, 3, 6}}},
    [CT_CLASS_UNKNOWN] = {5, 1, {{-1, -1, 6, 6}, {-1, 6, 6, -1}}},
};

cairo_pattern_t *ct_tile_new(enum ct_class class, struct ct_colour colour)
{
    const struct tile *tile = &tiles[class];
    const cairo_rectangle_t extents = {0, 0, tile->size_px, tile->size_px};

    if (!(tile->size_px > 0))
        return NULL;
    /* Recorded, so that it is as sharp as what it is drawn on. */
    cairo_surface_t *surface = cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, &extents);
    cairo_t *cairo = cairo_create(surface);

    for (int i = 0; i < LINES_MAX; i++) {
        const struct line *line = &tile->lines[i];

        if (line->from_x == line->to_x && line->from_y == line->to_y)
            break;
        cairo_move_to(cairo, line->from_x, line->from_y);
        cairo_line_to(cairo, line->to_x, line->to_y);
    }
    cairo_set_line_width(cairo, tile->line_px);
    ct_palette_use(cairo, colour, 0.6);
    cairo_stroke(cairo);
    cairo_destroy(cairo);
    cairo_pattern_t *pattern = cairo_pattern_create_for_surface(surface);

    cairo_surface_destroy(surface);
    cairo_pattern_set_extend(pattern, CAIRO_EXTEND_REPEAT);
    return pattern;
}
