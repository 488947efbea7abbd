/* The steps of ct_layout_build(), each in its own file; each needs the scene and the lanes, none
 * the layout. Not for use outside of it. */
#ifndef CTRACE_LAYOUT_STEPS_H
#define CTRACE_LAYOUT_STEPS_H

#include "scene/grid.h"
#include "scene/scene.h"

/* A thread that is alive inside the window. */
struct ct_lane {
    const struct ct_thread *thread;          /* borrowed */
    const struct ct_timeline_thread *waited; /* borrowed; NULL: it neither waited nor ran */
    struct ct_window alive;                  /* cut to the window */
    uint64_t class_ns[CT_CLASS_COUNT];       /* inside the window */
    gboolean has_losses;                     /* as its row */
    gboolean is_folded;                      /* it has no row of its own */
    gboolean is_idle;                        /* but is in the row of those that are */
    gboolean has_header; /* its process has a row of its own above the threads */
};

/* All threads that the filter lets through, in the order of their rows. Those that are idle, or
 * find no place within the limit, are folded. */
GArray *ct_lanes_choose(const struct ct_scene_request *request); /* of struct ct_lane */

/* Puts struct ct_lane, which has its times, into the order of rows. */
void ct_lanes_sort(GArray *lanes, enum ct_scene_sort sort);
/* By start: < 0, 0 or > 0. */
int ct_lane_compare_start(const struct ct_lane *first, const struct ct_lane *second);

/* What the thread is called where its process is not told beside it: as that calls itself, if it is
 * all of it. Free with g_free(). */
char *ct_lane_name(const struct ct_thread *thread);

uint32_t ct_lanes_count_idle(const GArray *lanes);

/* Shown threads that follow each other and are called alike. */
struct ct_lane_group {
    char *name;                    /* owned; "worker-* (12)" */
    const struct ct_thread *first; /* borrowed */
    guint count;
};
GArray *ct_lanes_group(const GArray *lanes); /* of struct ct_lane_group */
void ct_layout_place_groups(struct ct_scene *scene, const GArray *groups, double width_px);

/* What the window has of the thread's wait that never returned; FALSE if its end is not there. */
gboolean ct_lane_find_open(const struct ct_lane *lane, const struct ct_window *window,
                           struct ct_window *open);

/* Appends the boxes of one lane to `boxes`; box.row is left 0. */
struct ct_columns_place {
    gboolean is_of_some; /* waits: nothing is known of what there is beside them */
    struct ct_window window;
    double x_px;      /* of the first column */
    double column_px; /* a whole number */
    uint32_t count;
    double bar_y_px;
    uint32_t bar_height_px;
};
void ct_columns_place_boxes(const struct ct_lane *lane, const struct ct_columns_place *place,
                            GArray *boxes);

/* Adds the lane's time in each column of the grid. */
struct ct_class_times {
    double time_ns[CT_CLASS_COUNT];
};
void ct_columns_add(const struct ct_lane *lane, const struct ct_grid *grid,
                    struct ct_class_times *columns);

/* How many threads are in which state, in the scene's overview rectangle. */
double ct_layout_overview_height_px(const struct ct_scene_request *request, const GArray *lanes);
void ct_layout_place_overview(struct ct_scene *scene, const struct ct_scene_request *request,
                              const GArray *lanes);

/* One row for all idle threads; nothing where there are none. Returns where it ends. */
double ct_layout_place_idle(struct ct_scene *scene, const GArray *lanes, double y_px);
double ct_layout_idle_height_px(const GArray *lanes);

/* What a wait is called: "mutex_lock", "pthread_mutex_lock". */
const char *ct_wait_short_name(const struct ct_timeline_wait *wait);
const char *ct_wait_full_name(const struct ct_timeline_wait *wait);

/* The variable that a wait of this process is on, or NULL. */
const char *ct_wait_find_variable(const struct ct_scene_request *request,
                                  const struct ct_process *process,
                                  const struct ct_timeline_wait *wait);

/* The rows that have a lane, looked up both ways. */
struct ct_placed_lane {
    const struct ct_lane *lane; /* borrowed */
    int row;
};

void ct_layout_place_labels(struct ct_scene *scene, const struct ct_scene_request *request,
                            const GArray *placed);
void ct_layout_place_arrows(struct ct_scene *scene, const struct ct_scene_request *request,
                            const GArray *placed);

void ct_layout_place_path(struct ct_scene *scene, const struct ct_scene_request *request,
                          const GArray *placed);

/* What held the program up, line by line from `y_px` on, and when. Returns where it ends. */
double ct_layout_place_findings(struct ct_scene *scene, const struct ct_scene_request *request,
                                double y_px);
double ct_layout_findings_height_px(const struct ct_scene_request *request);
/* Whom they are about, and the longest wait of each, among the rows. */
void ct_layout_mark_findings(struct ct_scene *scene, const struct ct_scene_request *request,
                             const GArray *placed);

/* On which CPU each thread ran, in the lanes below the rows' bars. */
void ct_layout_place_residencies(struct ct_scene *scene, const struct ct_scene_request *request,
                                 const GArray *placed);
gboolean ct_layout_has_cpu_lanes(const struct ct_scene_request *request);
/* The colour of a CPU. */
guint ct_cpu_tint(uint32_t cpu);

/* A tip for all that is wide enough to be pointed at. */
void ct_layout_place_tips(struct ct_scene *scene, const struct ct_scene_request *request);

/* Which thread ran where, below the threads' rows; nothing without a kernel layer. The plot grows.
 */
void ct_layout_place_cpus(struct ct_scene *scene, const struct ct_scene_request *request);
double ct_layout_cpus_height_px(const struct ct_scene_request *request);

/* Title and legend above the plot; returns where the next thing may begin. */
double ct_layout_place_head(struct ct_scene *scene, const struct ct_scene_request *request,
                            const GArray *lanes);
/* For when it turns out that no arrow found room. */
void ct_layout_drop_arrow_sample(struct ct_scene *scene);
/* Axis labels above (and, for tall plots, below) the plot, whose rectangle must be set. */
void ct_layout_place_axis(struct ct_scene *scene, const struct ct_scene_request *request);
/* What is missing from the picture, below it; returns where it ends. */
double ct_layout_place_foot(struct ct_scene *scene, const struct ct_scene_request *request,
                            double y_px);

#endif
