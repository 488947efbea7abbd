/* The critical path, as fine as a picture can show it. */
#ifndef CTRACE_PATH_STEPS_H
#define CTRACE_PATH_STEPS_H

#include "passes/path.h"
#include "scene/scene.h"

/* struct ct_scene_path_step, in order of time: the window is divided into so many columns, each of
 * which goes to the thread that has the most of it; neighbours of one thread are one step. NULL: an
 * error. The caller owns it. */
GArray *ct_path_steps_find(const struct ct_path_question *question, guint columns, GError **error);

#endif
