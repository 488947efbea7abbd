/* Which thread ran where: a row for each CPU, below those of the threads. */
#include "scene/steps.h"

#include "scene/grid.h"

#include <math.h>

enum {
    ROWS_MAX = 32,
    HEADER_PX = 24,
    GAP_PX = 10,
    PITCH_PX = 20,
    BAR_PX = 14,
    LABEL_PADDING_PX = 5,
    LABEL_LEAST_PX = 34,
    LABELS_MAX = 100,
};

/* Of one CPU, what part of a column's time the program had it. */
struct cpu_column {
    double busy_ns;
    uint32_t run; /* 1 + index of the one run that fills it, or 0 */
};

struct chart {
    struct ct_grid grid;
    struct cpu_column *columns; /* owned */
};

static void spread(struct chart *chart, const struct ct_grid_span *span, double amount_ns)
{
    for (uint32_t i = span->first; i < span->past; i++)
        chart->columns[i].busy_ns += ct_grid_share(span, i) * amount_ns;
}

static void fill_columns(struct chart *chart, const struct ct_cpu *cpu)
{
    for (uint32_t i = 0; i < cpu->run_count; i++) {
        const struct ct_cpu_run *run = &cpu->runs[i];
        struct ct_grid_span span = ct_grid_span(&chart->grid, run->begin_ns, run->end_ns);

        spread(chart, &span, (double)(run->end_ns - run->begin_ns));
        for (uint32_t j = span.full_first; j < span.full_past; j++)
            chart->columns[j].run = i + 1;
    }
    const uint64_t *others_ns = cpu->bins.time_ns[CT_CLASS_RUNNING];

    for (uint32_t i = 0; others_ns && i < cpu->bins.count; i++) {
        uint64_t begin_ns = ct_bins_begin_ns(&cpu->bins, i);
        struct ct_grid_span span =
            ct_grid_span(&chart->grid, begin_ns, begin_ns + ct_bins_width_ns(&cpu->bins));

        spread(chart, &span, (double)others_ns[i]);
    }
}

/* Neighbours on a CPU are told apart by their tint. */
static GHashTable *number_threads(const struct ct_model *model)
{
    GHashTable *numbers = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < model->threads->len; i++)
        g_hash_table_insert(numbers, model->threads->pdata[i], GUINT_TO_POINTER(i));
    return numbers;
}

static void place_boxes(struct ct_scene *scene, const struct chart *chart, const struct ct_cpu *cpu,
                        int row_index, GHashTable *numbers)
{
    const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, row_index);
    double column_ns = chart->grid.column_ns;
    struct ct_scene_run box = {.row = row_index};
    uint32_t run_before = 0;

    for (uint32_t i = 0; i <= chart->grid.count; i++) {
        struct cpu_column column =
            i < chart->grid.count ? chart->columns[i] : (struct cpu_column){0};
        double share = MIN(column.busy_ns / column_ns, 1);
        double height_px = share > 0 ? MAX(1, floor(share * BAR_PX + 0.5)) : 0;

        if (height_px == box.height_px && column.run == run_before) {
            box.width_px += 1;
            continue;
        }
        if (box.height_px > 0)
            g_array_append_val(scene->runs, box);
        const struct ct_cpu_run *run = column.run ? &cpu->runs[column.run - 1] : NULL;

        box = (struct ct_scene_run){
            .row = row_index,
            .run = run,
            .cpu = cpu->cpu,
            .tint = run ? 1 + GPOINTER_TO_UINT(g_hash_table_lookup(numbers, run->thread)) %
                                  CT_SCENE_RUN_TINTS
                        : 0,
            .x_px = scene->plot.x_px + i,
            .width_px = 1,
            .height_px = height_px,
            .y_px = row->bar_y_px + BAR_PX - height_px,
        };
        run_before = column.run;
    }
}

static void place_boxes_of(struct ct_scene *scene, const struct ct_scene_request *request,
                           const struct ct_cpu *cpu, int row, GHashTable *numbers)
{
    struct chart chart;

    if (!ct_grid_init(&chart.grid, &request->window, scene->plot.width_px))
        return;
    chart.columns = g_new0(struct cpu_column, chart.grid.count);
    fill_columns(&chart, cpu);
    place_boxes(scene, &chart, cpu, row, numbers);
    g_free(chart.columns);
}

static void add_text(struct ct_scene *scene, char *text, enum ct_scene_style style,
                     enum ct_scene_align align, double x_px, double centre_y_px, double width_px)
{
    ct_scene_add_text(scene, (struct ct_scene_text){.text = text,
                                                    .style = style,
                                                    .align = align,
                                                    .x_px = x_px,
                                                    .centre_y_px = centre_y_px,
                                                    .width_px = width_px,
                                                    .row = (int)scene->rows->len - 1});
}

static void place_header(struct ct_scene *scene, const struct ct_scene_request *request,
                         guint shown, guint count, double y_px)
{
    struct ct_scene_row row = {.y_px = y_px, .height_px = HEADER_PX};
    double name_px = ct_scene_measure(request, CT_STYLE_PROCESS, "CPUs") + 2;
    double detail_px = CT_MARGIN + 6 + name_px + 10;

    g_array_append_val(scene->rows, row);
    add_text(scene, g_strdup("CPUs"), CT_STYLE_PROCESS, CT_ALIGN_LEFT, CT_MARGIN + 6,
             y_px + HEADER_PX / 2.0, name_px);
    add_text(scene,
             shown < count
                 ? g_strdup_printf("which thread ran where; the first %u of %u", shown, count)
                 : g_strdup("which thread ran where"),
             CT_STYLE_PROCESS_DETAIL, CT_ALIGN_LEFT, detail_px, y_px + HEADER_PX / 2.0,
             scene->width_px - CT_MARGIN - detail_px - 6);
}

static void place_row(struct ct_scene *scene, const struct ct_scene_request *request,
                      const struct ct_cpu *cpu, double y_px)
{
    struct ct_scene_row row = {
        .is_cpu = TRUE,
        .y_px = y_px,
        .height_px = PITCH_PX,
        .bar_y_px = y_px + (PITCH_PX - BAR_PX) / 2.0,
        .bar_height_px = BAR_PX,
    };
    double span_ns = (double)(request->window.end_ns - request->window.begin_ns);
    double share = span_ns > 0 ? 100.0 * (double)cpu->run_ns / span_ns : 0;
    double centre_px = row.bar_y_px + BAR_PX / 2.0;

    g_array_append_val(scene->rows, row);
    add_text(scene, g_strdup_printf("CPU %u", cpu->cpu), CT_STYLE_THREAD_SMALL, CT_ALIGN_LEFT,
             CT_MARGIN + 6, centre_px, scene->plot.x_px - CT_MARGIN - 50);
    add_text(scene, g_strdup_printf("%.0f%%", share), CT_STYLE_TID_SMALL, CT_ALIGN_RIGHT,
             scene->plot.x_px - 10, centre_px, 40);
}

static void place_labels(struct ct_scene *scene, const struct ct_scene_request *request,
                         guint first_run)
{
    guint labels = 0;

    for (guint i = first_run; i < scene->runs->len && labels < LABELS_MAX; i++) {
        const struct ct_scene_run *run = &g_array_index(scene->runs, struct ct_scene_run, i);
        double width_px = run->width_px - 2 * LABEL_PADDING_PX;

        if (!run->run || run->width_px < LABEL_LEAST_PX ||
            ct_scene_measure(request, CT_STYLE_BOX, run->run->thread->name) > width_px)
            continue;
        labels++;
        ct_scene_add_text(scene,
                          (struct ct_scene_text){.text = g_strdup(run->run->thread->name),
                                                 .style = CT_STYLE_BOX,
                                                 .x_px = run->x_px + LABEL_PADDING_PX,
                                                 .centre_y_px = run->y_px + run->height_px / 2,
                                                 .width_px = width_px,
                                                 .row = run->row,
                                                 .class = CT_CLASS_RUNNING});
    }
}

static guint shown_count(const struct ct_scene_request *request)
{
    return MIN(ct_timeline_cpus(request->timeline)->len, ROWS_MAX);
}

double ct_layout_cpus_height_px(const struct ct_scene_request *request)
{
    guint shown = shown_count(request);

    return shown > 0 ? GAP_PX + HEADER_PX + shown * PITCH_PX : 0;
}

void ct_layout_place_cpus(struct ct_scene *scene, const struct ct_scene_request *request)
{
    const GPtrArray *cpus = ct_timeline_cpus(request->timeline);
    guint shown = shown_count(request);
    double y_px = scene->plot.y_px + scene->plot.height_px + GAP_PX;
    guint first_run = scene->runs->len;

    if (shown == 0)
        return;
    g_autoptr(GHashTable) numbers = number_threads(request->model);

    place_header(scene, request, shown, cpus->len, y_px);
    y_px += HEADER_PX;
    for (guint i = 0; i < shown; i++) {
        place_row(scene, request, cpus->pdata[i], y_px);
        place_boxes_of(scene, request, cpus->pdata[i], (int)scene->rows->len - 1, numbers);
        y_px += PITCH_PX;
    }
    place_labels(scene, request, first_run);
    scene->plot.height_px = y_px - scene->plot.y_px;
}
