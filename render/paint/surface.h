/* A scene as a file: PNG, SVG or PDF. */
#ifndef CTRACE_SURFACE_H
#define CTRACE_SURFACE_H

#include "paint/typesetter.h"

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
    gboolean has_tips; /* it shows what the pointer is on */
    double limit_px;   /* of width and height; 0: none */
    gsize most_bytes;  /* larger ones are of no use; 0: as large as they come */
    /* A vector surface writes to `bytes` as it is drawn on; a raster one by `write`, once it was.
     */
    cairo_surface_t *(*make)(const struct ct_scene *scene, double scale, GByteArray *bytes);
    cairo_status_t (*write)(cairo_surface_t *surface, GByteArray *bytes); /* or NULL */
    /* Adds what cairo has no word for, or NULL. */
    void (*complete)(GByteArray *bytes, const struct ct_scene *scene,
                     struct ct_typesetter *typesetter);
};

/* The format that the extension of `path` names. */
const struct ct_surface_format *ct_surface_format_of(const char *path, GError **error);

/* How a scene is drawn; all borrowed. */
struct ct_surface_look {
    struct ct_typesetter *typesetter;
    const struct ct_palette *palette;
    double scale; /* dots for each pixel of the scene, in an image */
};

/* The bytes of the file. A process that draws the same scene gives the same bytes. */
GBytes *ct_surface_render(const struct ct_surface_format *format, const struct ct_scene *scene,
                          const struct ct_surface_look *look, GError **error);

#endif
