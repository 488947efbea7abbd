/* What ctrace timeline is asked for, as its command line says it. */
#ifndef CTRACE_TIMELINE_OPTIONS_H
#define CTRACE_TIMELINE_OPTIONS_H

#include "cli/asked_request.h"
#include "cli/scope.h"
#include "paint/palette.h"

/* What --threads says: a count, "all", or names. */
struct ct_thread_choice {
    int row_limit;
    char **globs; /* owned; NULL: all */
};

struct ct_timeline_options {
    char *output; /* owned, as are the next five */
    char *threads;
    char *sort_name;
    char *theme_name;
    char *max_size;
    char **directories;
    struct ct_scope scope;
    struct ct_asked_request request;
    int width_px;
    double scale;
    gboolean has_no_cpu_lanes;
    gboolean has_no_overview;
    gboolean has_patterns;
    gboolean has_path;
    gboolean has_findings;
    gboolean is_version;

    /* What ct_timeline_options_check() made of them. */
    struct ct_thread_choice choice;
    enum ct_scene_sort sort;
    const struct ct_palette *palette; /* borrowed */
    uint64_t max_bytes;               /* of an .html */
};

/* What is not given. */
#define CT_TIMELINE_USUAL_WIDTH_PX 1600
#define CT_TIMELINE_OPTIONS_INIT                           \
    {                                                      \
        .width_px = CT_TIMELINE_USUAL_WIDTH_PX, .scale = 1 \
    }

void ct_timeline_options_clear(struct ct_timeline_options *options);
typedef struct ct_timeline_options auto_timeline_options; /* for g_auto() */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(auto_timeline_options, ct_timeline_options_clear)

gboolean ct_timeline_options_parse(struct ct_timeline_options *options, char **argv,
                                   GError **error);

/* What can be wrong with the command line whatever the recording is. */
gboolean ct_timeline_options_check(struct ct_timeline_options *options, GError **error);

#endif
