/* What held a program up, as ctrace report finds it, for a picture to mark. */
#ifndef CTRACE_TIMELINE_FINDINGS_H
#define CTRACE_TIMELINE_FINDINGS_H

#include "cli/scope.h"
#include "scene/scene.h"

/* What the report says of the same recording and scope, in JSON; it reads the recording on its own.
 * NULL: an error. */
GBytes *ct_timeline_findings_ask(const char *directory, const struct ct_scope *scope,
                                 GError **error);

/* struct ct_scene_finding, in the report's order, from what it said; where it found nothing, one
 * that says so. NULL: an error. The caller owns it. */
GArray *ct_timeline_findings_read(GBytes *report, GError **error);

#endif
