/* The steps of ct_layout_build(), each in its own file. Not for use outside the layout. */
#ifndef CTRACE_LAYOUT_PARTS_H
#define CTRACE_LAYOUT_PARTS_H

#include "scene/layout.h"

/* A thread that is alive inside the window. */
struct ct_lane {
    const struct ct_thread *thread;          /* borrowed */
    const struct ct_timeline_thread *waited; /* borrowed; NULL: it neither waited nor ran */
    struct ct_window alive;                  /* cut to the window */
    uint64_t class_ns[CT_CLASS_COUNT];       /* inside the window */
    gboolean is_hidden;
    gboolean has_header; /* its process has a row of its own above the threads */
};

/* All threads that the filter lets through, in the order of their rows: processes by start, the
 * main thread first, then by start. Those that find no place within the limit are hidden. */
GArray *ct_lanes_choose(const struct ct_layout_request *request); /* of struct ct_lane */

/* What the window has of the thread's wait that never returned; FALSE if its end is not there. */
gboolean ct_lane_find_open(const struct ct_lane *lane, const struct ct_window *window,
                           struct ct_window *open);

/* Appends the boxes of one lane to `boxes`; box.row is left 0. */
struct ct_columns_place {
    struct ct_window window;
    double x_px;      /* of the first column */
    double column_px; /* a whole number */
    uint32_t count;
    double bar_y_px;
    uint32_t bar_height_px;
};
void ct_columns_place_boxes(const struct ct_lane *lane, const struct ct_columns_place *place,
                            GArray *boxes);

/* What a wait is called: "mutex_lock", "pthread_mutex_lock". */
const char *ct_wait_short_name(const struct ct_timeline_wait *wait);
const char *ct_wait_full_name(const struct ct_timeline_wait *wait);

/* The variable that a wait of this process is on, or NULL. */
const char *ct_layout_find_variable(const struct ct_layout_request *request,
                                    const struct ct_process *process,
                                    const struct ct_timeline_wait *wait);

/* The rows that have a lane, looked up both ways. */
struct ct_placed_lane {
    const struct ct_lane *lane; /* borrowed */
    int row;
};

void ct_layout_place_labels(struct ct_layout *layout, const struct ct_layout_request *request,
                            const GArray *placed);
void ct_layout_place_arrows(struct ct_layout *layout, const struct ct_layout_request *request,
                            const GArray *placed);

/* On which CPU each thread ran, in the lanes below the rows' bars. */
void ct_layout_place_stays(struct ct_layout *layout, const struct ct_layout_request *request,
                           const GArray *placed);
gboolean ct_layout_has_cpu_lanes(const struct ct_layout_request *request);
/* The colour of a CPU. */
guint ct_layout_cpu_tint(uint32_t cpu);

/* A tip for all that is wide enough to be pointed at. */
void ct_layout_place_tips(struct ct_layout *layout, const struct ct_layout_request *request);

/* Which thread ran where, below the threads' rows; nothing without a kernel layer. The plot grows.
 */
void ct_layout_place_cpus(struct ct_layout *layout, const struct ct_layout_request *request);
double ct_layout_cpus_height_px(const struct ct_layout_request *request);

/* Title and legend above the plot; returns where the next thing may begin. */
double ct_layout_place_head(struct ct_layout *layout, const struct ct_layout_request *request,
                            const GArray *lanes);
/* For when it turns out that no arrow found room. */
void ct_layout_drop_arrow_sample(struct ct_layout *layout);
/* Axis labels above (and, for tall plots, below) the plot, whose rectangle must be set. */
void ct_layout_place_axis(struct ct_layout *layout, const struct ct_layout_request *request);
/* What is missing from the picture, below it; returns where it ends. */
double ct_layout_place_foot(struct ct_layout *layout, const struct ct_layout_request *request,
                            double y_px);

/* Where a time is, for times inside the window. */
double ct_layout_x_px(const struct ct_layout *layout, const struct ct_window *window,
                      uint64_t time_ns);

/* Takes text.text. */
void ct_layout_add_text(struct ct_layout *layout, struct ct_layout_text text);

double ct_layout_measure(const struct ct_layout_request *request, enum ct_text_style style,
                         const char *text);

/* Distances that several parts share, in px. */
enum {
    CT_MARGIN = 24,
    CT_AXIS_HEIGHT = 24,
    CT_LINE_HEIGHT = 18,
    CT_WIDEST_COLUMN = 8,
    CT_TALL_PLOT = 900, /* from here on, the axis is repeated below */
};

#endif
