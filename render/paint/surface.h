/* A layout as a file: PNG, SVG or PDF. */
#ifndef CTRACE_SURFACE_H
#define CTRACE_SURFACE_H

#include "paint/typesetter.h"
#include "scene/layout.h"

#define CT_SURFACE_ERROR ct_surface_error_quark()
GQuark ct_surface_error_quark(void);

enum ct_surface_error {
    CT_SURFACE_ERROR_FORMAT, /* no such format */
    CT_SURFACE_ERROR_SIZE,   /* too large for the format */
    CT_SURFACE_ERROR_FAILED
};

struct ct_surface_format {
    const char *extension; /* without the dot */
    gboolean is_raster;
    double limit_px; /* of width and height; 0: none */
};

/* The format that the extension of `path` names. */
const struct ct_surface_format *ct_surface_format_of(const char *path, GError **error);

/* The bytes of the file. A process that draws the same layout gives the same bytes. */
GBytes *ct_surface_render(const struct ct_surface_format *format, const struct ct_layout *layout,
                          struct ct_text *text, double scale, GError **error);

#endif
