/*
 * Where everything in the picture is, without drawing any of it: rows, boxes,
 * arrows, ticks, legend and texts, in pixels from the top left. How wide a text
 * is comes in through a callback, so that a test needs no fonts.
 */
#ifndef CTRACE_SCENE_H
#define CTRACE_SCENE_H

#include "model/timeline.h"

/* What a text is for; its font and colour follow from that. */
enum ct_scene_style {
    CT_STYLE_TITLE,
    CT_STYLE_SUBTITLE,
    CT_STYLE_LEGEND,
    CT_STYLE_LEGEND_TOTAL,
    CT_STYLE_TICK,
    CT_STYLE_PROCESS,
    CT_STYLE_PROCESS_DETAIL,
    CT_STYLE_THREAD,
    CT_STYLE_THREAD_SMALL,
    CT_STYLE_TID,
    CT_STYLE_TID_SMALL,
    CT_STYLE_BOX,
    CT_STYLE_CPU,
    CT_STYLE_FINDING,
    CT_STYLE_BADGE,
    CT_STYLE_NOTE,
    CT_STYLE_WARNING,
    CT_STYLE_COUNT
};

enum ct_scene_align { CT_ALIGN_LEFT, CT_ALIGN_CENTRE, CT_ALIGN_RIGHT };

struct ct_scene_text {
    char *text; /* owned; UTF-8, one line */
    enum ct_scene_style style;
    enum ct_scene_align align;
    double x_px;         /* the left edge, centre or right edge, as `align` says */
    double centre_y_px;  /* of the line */
    double width_px;     /* shortened with an ellipsis to fit into this */
    int row;             /* index of the row it belongs to, or -1 */
    enum ct_class class; /* of the box that a CT_STYLE_BOX stands in */
    guint cpu_tint;      /* of the residency that a CT_STYLE_CPU stands in */
};

struct ct_scene_rectangle {
    double x_px;
    double y_px;
    double width_px;
    double height_px;
};

/* A row is a thread, a CPU, the header of a process or of the CPUs, or all idle threads. */
struct ct_scene_row {
    const struct ct_process *process; /* borrowed from the model */
    const struct ct_thread *thread;   /* borrowed from the model */
    gboolean is_cpu;
    gboolean is_idle;
    gboolean
        has_losses; /* waits of the thread are lost: where it seems to run, it may have waited */
    double y_px;
    double height_px;
    double bar_y_px; /* the part that boxes fill */
    double bar_height_px;
    double lane_y_px; /* the part that says on which CPU the thread ran */
    double lane_height_px;
};

/* Part of a thread's time in one class. Where classes alternate faster than a column is wide,
 * boxes share the column's height as the classes share its time. */
struct ct_scene_box {
    int row;
    enum ct_class class;
    double x_px;
    double y_px;
    double width_px;
    double height_px;
    const struct ct_timeline_wait *wait; /* borrowed; NULL: a sum of several, or running */
};

/* So much of an open wait's end is marked. */
enum { CT_OPEN_END_PX = 60 };

/* How boxes that share a column are stacked, from the bottom of the bar upwards. */
extern const enum ct_class ct_scene_stacking[CT_CLASS_COUNT];

/* Who woke whom: from the waker's row at that time to the waiter's row when it went on. */
struct ct_scene_arrow {
    int from_row;
    int to_row;
    double from_x_px;
    double from_y_px;
    double to_x_px;
    double to_y_px;
};

/* A time for which the critical path was on one thread. */
struct ct_scene_path_step {
    const struct ct_thread *thread; /* borrowed from the model; NULL: on none that is recorded */
    uint64_t begin_ns;
    uint64_t end_ns;
};

/* The same as a line along the row's bar. One that begins where the one before ends goes on from
 * there. */
struct ct_scene_path_line {
    int row;
    double begin_x_px;
    double end_x_px;
    double y_px;
};

/* What held the program up, as a report tells. */
struct ct_scene_finding {
    char *text;               /* owned */
    gboolean is_none;         /* it says that there are none: it has no number */
    struct ct_window when;    /* from when to when it shows; as long as 0: that is not known */
    struct ct_window longest; /* the longest wait of it: the same */
    int32_t longest_tid;      /* whose that is */
    GArray *tids;             /* owned; int32_t: whom it is about */
};

/* Where a finding shows. */
enum ct_scene_mark_kind {
    CT_MARK_EXTENT, /* a time, as a line */
    CT_MARK_WAIT,   /* a wait, as a frame around it */
    CT_MARK_BADGE   /* a number, as the text in it says */
};

struct ct_scene_mark {
    enum ct_scene_mark_kind kind;
    struct ct_scene_rectangle area;
};

/* Neighbours on a CPU have different tints, as far as there are so many. */
enum { CT_SCENE_RUN_TINTS = 4 };

/* A time for which the program had a CPU; as high as the part of it that it had. */
struct ct_scene_run {
    int row;
    const struct ct_cpu_run *run; /* borrowed from the timeline; NULL: several threads */
    uint32_t cpu;
    guint tint; /* from 1 on; 0: several threads */
    double x_px;
    double y_px;
    double width_px;
    double height_px;
};

/* CPUs have so many colours, one after the other by their numbers. */
enum { CT_SCENE_CPU_TINTS = 9 };

/* A time that a thread spent on one CPU; as high as the part of it for which the thread ran. */
struct ct_scene_residency {
    int row;
    uint32_t cpu;
    guint tint; /* from 1 on; 0: on several CPUs in turn */
    double x_px;
    double y_px;
    double width_px;
    double height_px;
};

/* What a reader is told who points at a wait. */
struct ct_scene_tip {
    struct ct_scene_rectangle area;
    char *text; /* owned; UTF-8, several lines */
};

struct ct_scene_tick {
    uint64_t time_ns; /* from the beginning of the recording */
    double x_px;
};

struct ct_scene_legend_item {
    enum ct_class class;
    gboolean is_open_sample; /* explains the hatching rather than a class */
    gboolean is_lost_sample; /* the same of what is lost */
    gboolean is_arrow_sample;
    gboolean is_path_sample;
    gboolean is_cpu_sample; /* explains a tint of the lanes */
    guint cpu_tint;
    uint64_t total_ns;
    double x_px;
    double y_px;
    double width_px;
    double height_px;
};

struct ct_scene {
    char *title;           /* owned; for the document's metadata */
    gboolean has_patterns; /* classes have patterns beside their colours */
    int64_t date_s;        /* when the recording began, in Unix time; 0: unknown */
    double width_px;
    double height_px;
    struct ct_scene_rectangle plot; /* where time is */
    double column_px;        /* the width of a column; wider where there would be too many boxes */
    double lane_column_px;   /* the same of the lanes */
    uint32_t folded_threads; /* alive in the window, but not among the rows */
    struct ct_scene_rectangle overview; /* the chart above the plot; empty: there is none */
    GArray *overview_boxes; /* owned; struct ct_scene_box of no row: the chart, by time */
    GArray *rows;           /* owned; struct ct_scene_row, top to bottom */
    GArray *boxes;          /* owned; struct ct_scene_box, by row */
    GArray *open_ends;      /* owned; struct ct_scene_rectangle; of waits that never returned */
    GArray *runs;           /* owned; struct ct_scene_run, by row */
    GArray *residencies;    /* owned; struct ct_scene_residency, by row; none without lanes */
    GArray *arrows;         /* owned; struct ct_scene_arrow */
    GArray *path;           /* owned; struct ct_scene_path_line, in order of time */
    GArray *marks;          /* owned; struct ct_scene_mark, what lies on others after them */
    GArray *ticks;          /* owned; struct ct_scene_tick */
    GArray *legend;         /* owned; struct ct_scene_legend_item */
    GArray *texts;          /* owned; struct ct_scene_text */
    GArray *tips;           /* owned; struct ct_scene_tip, if asked for */
    guint tips_left_out;    /* of narrower ones, for want of room */
};

enum { CT_SCENE_DEFAULT_ROWS = 64, CT_SCENE_ALL_ROWS = G_MAXINT };

/* In which order threads come, and by the first of its own, processes. */
enum ct_scene_sort {
    CT_SCENE_SORT_START,    /* when they were started, but main threads first */
    CT_SCENE_SORT_ACTIVITY, /* those that ran, or were ready to, for the longest first */
    CT_SCENE_SORT_NAME,     /* numbers in names count as such */
    CT_SCENE_SORT_TIME,     /* when, in what is shown, they first did something */
};

/* Which threads have a row. */
struct ct_scene_filter {
    int row_limit;                    /* the busiest so many threads */
    const char *const *thread_globs;  /* borrowed; NULL: every name */
    const char *const *process_globs; /* borrowed; names or pids; NULL: every process */
};

/* Names that take more than the recording to find. */
struct ct_scene_names {
    /* The variable at the address that is the wait's object, or NULL. Borrowed. */
    const char *(*find_variable)(void *user, const struct ct_process *process,
                                 const struct ct_timeline_wait *wait);
    /* The functions of a stack, leaf first; may be empty. Free with g_ptr_array_unref(). */
    GPtrArray *(*find_frames)(void *user, const struct ct_process *process, uint32_t stack_id);
    void *user;
};

struct ct_scene_request {
    const struct ct_model *model;       /* borrowed */
    const struct ct_timeline *timeline; /* borrowed; gathered for `window`, and finished */
    struct ct_window window;
    gboolean is_whole; /* the window is the whole recording */
    const char *only;  /* borrowed; which waits alone are shown, in words; NULL or "": all */
    struct ct_scene_filter filter;
    enum ct_scene_sort sort;
    /* Borrowed; struct ct_thread * as a set: those that did nothing but wait for work, which have
     * one row together. NULL: all have their own. */
    GHashTable *idle;
    gboolean has_overview; /* how many threads are in which state, above the plot */
    double width_px;
    double height_limit_px; /* rows shrink to residency below; 0: no limit */
    uint32_t
        box_limit; /* columns widen to residency about below, lanes at half of it; 0: no limit */
    double (*measure)(void *user, enum ct_scene_style style, const char *text); /* px */
    void *measure_user;
    const struct ct_scene_names *names; /* borrowed; NULL: none can be found */
    const GArray *findings; /* borrowed; struct ct_scene_finding; NULL: they are not shown */
    const GArray *path;     /* borrowed; struct ct_scene_path_step, in order of time; NULL: none */
    gboolean has_tips;
    guint tip_limit;        /* the widest so many; 0: no limit */
    gboolean has_patterns;  /* as the scene's */
    gboolean has_cpu_lanes; /* where the kernel told which thread ran where */
};

/* Empty; takes its width and its date from the request. */
struct ct_scene *ct_scene_new(const struct ct_scene_request *request);
void ct_scene_free(struct ct_scene *scene);
typedef struct ct_scene ct_scene; /* for g_autoptr(ct_scene) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_scene, ct_scene_free)

/* Where a time is, for times inside the window. */
double ct_scene_x_px(const struct ct_scene *scene, const struct ct_window *window,
                     uint64_t time_ns);

/* Takes text.text. */
void ct_scene_add_text(struct ct_scene *scene, struct ct_scene_text text);

double ct_scene_measure(const struct ct_scene_request *request, enum ct_scene_style style,
                        const char *text);

/* Distances that the steps share, in px. */
enum {
    CT_MARGIN = 24,
    CT_AXIS_HEIGHT = 24,
    CT_LINE_HEIGHT = 18,
    CT_WIDEST_COLUMN = 8,
    CT_TALL_PLOT = 900, /* from here on, the axis is repeated below */
};

#endif
