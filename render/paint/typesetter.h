/* Texts through pango: measured for the scene, then drawn. */
#ifndef CTRACE_TYPESETTER_H
#define CTRACE_TYPESETTER_H

#include "paint/palette.h"

struct ct_typesetter;

/* Looks which fonts the system has, for all that this process and its children set; others find
 * that in the user's cache. */
void ct_typesetter_find_fonts(void);
void ct_typesetter_forget_fonts(void);

/* Sizes are in units of the scene's pixels, whatever surface is drawn on. */
struct ct_typesetter *ct_typesetter_new(void);
void ct_typesetter_free(struct ct_typesetter *typesetter);
typedef struct ct_typesetter ct_typesetter; /* for g_autoptr(ct_typesetter) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_typesetter, ct_typesetter_free)

/* Fits ct_scene_request.measure, with the ct_typesetter as `user`. */
double ct_typesetter_measure(void *user, enum ct_scene_style style, const char *string);

/* Where a text stands once it is drawn, shortened or not. */
struct ct_typeset_place {
    double x_px; /* the left edge */
    double baseline_px;
    double width_px;
    double size_px; /* of the font */
};
struct ct_typeset_place ct_typesetter_find_place(struct ct_typesetter *typesetter,
                                                 const struct ct_scene_text *item);

void ct_typesetter_draw(struct ct_typesetter *typesetter, cairo_t *cairo,
                        const struct ct_palette *palette, const struct ct_scene_text *item);

#endif
