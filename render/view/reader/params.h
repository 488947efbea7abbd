/* What a question says, checked: moments of the recording, numbers, lanes. Errors are of the domain
 * CT_VIEW_ERROR, with the status of HTTP as their code. */
#ifndef CTRACE_VIEW_PARAMS_H
#define CTRACE_VIEW_PARAMS_H

#include <glib.h>
#include <stdint.h>

#define CT_VIEW_ERROR ct_view_error_quark()
GQuark ct_view_error_quark(void);

enum ct_view_error { CT_VIEW_ERROR_WRONG = 400, CT_VIEW_ERROR_NOBODY = 404 };

#define CT_VIEW_LANES_MAX        64
#define CT_VIEW_SUMMED_LANES_MAX 2000

/* Moments go to pages as numbers that are whole up to this. */
#define CT_VIEW_MOMENT_MAX (UINT64_C(1) << 53)

enum ct_view_lane_kind {
    CT_VIEW_LANE_THREAD = 't',
    CT_VIEW_LANE_CPU = 'c',
    CT_VIEW_LANE_OBJECT = 'o',
    CT_VIEW_LANE_KIND = 'k', /* of threads */
};

struct ct_view_lane {
    enum ct_view_lane_kind kind;
    guint number;
};

/* A whole number in [least, most]. FALSE: it is none, or lacks. */
gboolean ct_view_param_number(GHashTable *params, const char *name, uint64_t least, uint64_t most,
                              uint64_t *value, GError **error);
/* `value` stays as it is where the parameter lacks. */
gboolean ct_view_param_optional(GHashTable *params, const char *name, uint64_t least, uint64_t most,
                                uint64_t *value, GError **error);

/* "t3,k0": struct ct_view_lane, `most` of them at most. NULL: an error. The caller owns it. */
GArray *ct_view_lanes_parse(const char *text, guint most, GError **error);

#endif
