/* Makes the scene: a recording's timeline and a window -> where everything in the picture is. */
#ifndef CTRACE_LAYOUT_H
#define CTRACE_LAYOUT_H

#include "scene/scene.h"

#define CT_LAYOUT_ERROR ct_layout_error_quark()
GQuark ct_layout_error_quark(void);

enum ct_layout_error {
    CT_LAYOUT_ERROR_NO_THREADS, /* the filter matches none */
    CT_LAYOUT_ERROR_TOO_TALL
};

struct ct_scene *ct_layout_build(const struct ct_scene_request *request, GError **error);

#endif
