/* A trend as a picture: for each profile a column, in which functions are stacked by their shares.
 */
#ifndef CTRACE_RENDER_TREND_SCENE_H
#define CTRACE_RENDER_TREND_SCENE_H

#include "scene/scene.h"
#include "trend/trend.h"

struct ct_trend_picture {
    const struct ct_trend *trend;
    guint top; /* functions with a colour of their own, as far as there are colours */
    double width_px;
};

struct ct_scene *ct_trend_scene_new(const struct ct_trend_picture *picture);

#endif
