#include "trend_scene.h"

#include <math.h>

enum {
    PLOT_HEIGHT = 320,
    TITLE_HEIGHT = 22,
    SUBTITLE_HEIGHT = 24,
    LEGEND_LINE = 18,
    SWATCH_WIDTH = 14,
    SWATCH_HEIGHT = 12,
    SWATCH_GAP = 7,
    SCALE_WIDTH = 44, /* for "100 %" */
    TICK_WIDTH = 150, /* for a date and a time */
    SHARE_TICKS = 4,
};

/* Where profiles are further apart than so many usual distances, there is a gap. */
#define GAP_FACTOR 1.5

struct chart {
    const struct ct_trend_picture *picture;
    struct ct_scene *scene;
    guint colours; /* places with one of their own */
    int64_t begin_ns;
    int64_t end_ns;
    int64_t step_ns; /* from one profile to the next, as a rule */
    double **shares; /* owned; of each of them */
};

static const struct ct_trend_point *point_at(const struct chart *chart, guint index)
{
    return chart->picture->trend->points->pdata[index];
}

static int compare_steps(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;

    return (first > second) - (first < second);
}

/* The median; of one profile, what it covers. */
static int64_t usual_step(const struct chart *chart)
{
    guint count = chart->picture->trend->points->len;
    g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(int64_t));

    for (guint i = 1; i < count; i++) {
        int64_t step_ns = point_at(chart, i)->time_ns - point_at(chart, i - 1)->time_ns;

        g_array_append_val(steps, step_ns);
    }
    if (steps->len == 0)
        return MAX(point_at(chart, 0)->length_ns, 1);
    g_array_sort(steps, compare_steps);
    return MAX(g_array_index(steps, int64_t, steps->len / 2), 1);
}

static double x_of(const struct chart *chart, int64_t time_ns)
{
    const struct ct_scene_rectangle *plot = &chart->scene->plot;

    return plot->x_px + plot->width_px * ((double)time_ns - (double)chart->begin_ns) /
                            ((double)chart->end_ns - (double)chart->begin_ns);
}

static void add_text(struct chart *chart, const char *text, enum ct_scene_style style,
                     enum ct_scene_align align, double x_px, double y_px, double width_px)
{
    ct_scene_add_text(chart->scene, (struct ct_scene_text){.text = g_strdup(text),
                                                           .style = style,
                                                           .align = align,
                                                           .x_px = x_px,
                                                           .centre_y_px = y_px,
                                                           .width_px = width_px,
                                                           .row = -1});
}

static void add_heading(struct chart *chart)
{
    const struct ct_trend *trend = chart->picture->trend;
    double width_px = chart->scene->width_px - 2 * CT_MARGIN;
    g_autofree char *first = ct_trend_time(point_at(chart, 0)->time_ns);
    g_autofree char *last = ct_trend_time(point_at(chart, trend->points->len - 1)->time_ns);
    g_autofree char *title =
        g_strdup_printf("Trend of %s: shares of %s", trend->kind, trend->value);
    g_autofree char *subtitle =
        g_strdup_printf("%u profiles, %s to %s; %s", trend->points->len, first, last,
                        trend->is_cumulative ? "functions with all that they call, each for itself"
                                             : "functions themselves");

    chart->scene->title = g_strdup(title);
    chart->scene->date_s = chart->begin_ns / 1000000000;
    add_text(chart, title, CT_STYLE_TITLE, CT_ALIGN_LEFT, CT_MARGIN, CT_MARGIN + TITLE_HEIGHT / 2.0,
             width_px);
    add_text(chart, subtitle, CT_STYLE_SUBTITLE, CT_ALIGN_LEFT, CT_MARGIN,
             CT_MARGIN + TITLE_HEIGHT + SUBTITLE_HEIGHT / 2.0, width_px);
}

static void add_box(struct chart *chart, guint tint, double x_px, double width_px, double low,
                    double high)
{
    const struct ct_scene_rectangle *plot = &chart->scene->plot;
    const struct ct_scene_residency box = {
        .row = -1,
        .tint = tint,
        .x_px = x_px,
        .width_px = width_px,
        .y_px = plot->y_px + plot->height_px * (1 - high),
        .height_px = plot->height_px * (high - low),
    };

    if (high > low)
        g_array_append_val(chart->scene->residencies, box);
}

/* Up to the next profile, unless that is far. */
static void add_column(struct chart *chart, guint point)
{
    gboolean is_last = point + 1 == chart->picture->trend->points->len;
    int64_t begin_ns = point_at(chart, point)->time_ns;
    int64_t next_ns = is_last ? chart->end_ns : point_at(chart, point + 1)->time_ns;
    int64_t end_ns = (double)(next_ns - begin_ns) <= GAP_FACTOR * (double)chart->step_ns
                         ? next_ns
                         : begin_ns + chart->step_ns;
    double x_px = x_of(chart, begin_ns);
    double width_px = MAX(x_of(chart, end_ns) - x_px, 1);
    double height = 0;

    if (point_at(chart, point)->total <= 0)
        return;
    for (guint i = 0; i < chart->colours; i++) {
        double top = MIN(height + MAX(chart->shares[i][point], 0), 1);

        add_box(chart, i + 1, x_px, width_px, height, top);
        height = top;
    }
    add_box(chart, 0, x_px, width_px, height, 1);
}

static void add_scale(struct chart *chart)
{
    const struct ct_scene_rectangle *plot = &chart->scene->plot;

    for (int i = 0; i <= SHARE_TICKS; i++) {
        g_autofree char *text = g_strdup_printf("%d %%", 100 * i / SHARE_TICKS);

        add_text(chart, text, CT_STYLE_TICK, CT_ALIGN_RIGHT, plot->x_px - 6,
                 plot->y_px + plot->height_px * (1 - (double)i / SHARE_TICKS), SCALE_WIDTH);
    }
}

static void add_times(struct chart *chart)
{
    const struct ct_scene_rectangle *plot = &chart->scene->plot;
    int count = MAX((int)(plot->width_px / TICK_WIDTH), 1);

    for (int i = 0; i < count; i++) {
        double share = (double)i / count;
        int64_t time_ns =
            chart->begin_ns + (int64_t)(share * (double)(chart->end_ns - chart->begin_ns));
        g_autofree char *text = ct_trend_time(time_ns);

        add_text(chart, text, CT_STYLE_TICK, CT_ALIGN_LEFT, plot->x_px + share * plot->width_px,
                 plot->y_px + plot->height_px + CT_LINE_HEIGHT / 2.0, TICK_WIDTH - 6);
    }
}

static void add_legend_line(struct chart *chart, guint tint, const char *name, double y_px)
{
    const struct ct_scene_legend_item item = {.is_cpu_sample = TRUE,
                                              .cpu_tint = tint,
                                              .x_px = CT_MARGIN,
                                              .y_px = y_px - SWATCH_HEIGHT / 2.0,
                                              .width_px = SWATCH_WIDTH,
                                              .height_px = SWATCH_HEIGHT};

    g_array_append_val(chart->scene->legend, item);
    add_text(chart, name, CT_STYLE_LEGEND, CT_ALIGN_LEFT, CT_MARGIN + SWATCH_WIDTH + SWATCH_GAP,
             y_px, chart->scene->width_px - 2 * CT_MARGIN - SWATCH_WIDTH - SWATCH_GAP);
}

/* As they are stacked: the first is at the bottom. */
static void add_legend(struct chart *chart, double y_px)
{
    for (guint i = 0; i < chart->colours; i++) {
        const struct ct_trend_place *place = chart->picture->trend->places->pdata[i];
        g_autofree char *text = g_strdup_printf("%s  %.1f %%", place->name, 100 * place->mean);

        add_legend_line(chart, i + 1, text, y_px + LEGEND_LINE * (i + 0.5));
    }
    add_legend_line(chart, 0, "all others", y_px + LEGEND_LINE * (chart->colours + 0.5));
}

/* Cumulative shares are of each other's parts: stacked, they would say what is not. */
static guint count_colours(const struct ct_trend_picture *picture)
{
    guint most = picture->trend->is_cumulative ? 1 : CT_SCENE_CPU_TINTS;

    return MIN(MIN(picture->top, most), picture->trend->places->len);
}

static void begin(struct chart *chart, const struct ct_trend_picture *picture)
{
    const struct ct_trend *trend = picture->trend;
    g_autoptr(ct_model) none = ct_model_new();
    const struct ct_scene_request request = {.model = none, .width_px = picture->width_px};

    chart->picture = picture;
    chart->scene = ct_scene_new(&request);
    chart->colours = count_colours(picture);
    chart->step_ns = usual_step(chart);
    chart->begin_ns = point_at(chart, 0)->time_ns;
    chart->end_ns = point_at(chart, trend->points->len - 1)->time_ns + chart->step_ns;
    chart->shares = g_new0(double *, MAX(chart->colours, 1));
    for (guint i = 0; i < chart->colours; i++)
        chart->shares[i] = ct_trend_shares(trend, trend->places->pdata[i]);
    chart->scene->plot = (struct ct_scene_rectangle){
        CT_MARGIN + SCALE_WIDTH, CT_MARGIN + TITLE_HEIGHT + SUBTITLE_HEIGHT + CT_LINE_HEIGHT / 2.0,
        chart->scene->width_px - 2 * CT_MARGIN - SCALE_WIDTH, PLOT_HEIGHT};
}

struct ct_scene *ct_trend_scene_new(const struct ct_trend_picture *picture)
{
    struct chart chart = {0};

    begin(&chart, picture);
    double legend_y_px =
        chart.scene->plot.y_px + PLOT_HEIGHT + CT_LINE_HEIGHT + CT_LINE_HEIGHT / 2.0;

    chart.scene->height_px = legend_y_px + LEGEND_LINE * (chart.colours + 1) + CT_MARGIN;
    add_heading(&chart);
    for (guint i = 0; i < picture->trend->points->len; i++)
        add_column(&chart, i);
    add_scale(&chart);
    add_times(&chart);
    add_legend(&chart, legend_y_px);
    for (guint i = 0; i < chart.colours; i++)
        g_free(chart.shares[i]);
    g_free(chart.shares);
    return chart.scene;
}
