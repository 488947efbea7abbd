/* What a reader is told who points at a wait, or at a time on a CPU. */
#include "scene/steps.h"

#include "model/format.h"
#include "text/safe_text.h"

#include <inttypes.h>

/* Nobody can point at less. */
static const double least_width_px = 3;

/* Frames of a stack that say where it was: the first ones may be of libraries. */
enum { FRAMES_SHOWN = 4 };

static char *object_of(const struct ct_scene_request *request, const struct ct_process *process,
                       const struct ct_timeline_wait *wait)
{
    /* What the format takes from an interval. */
    struct ct_fd fd = {.fd = (int32_t)wait->object,
                       .kind = CT_FD_KIND_UNKNOWN,
                       .local = (char *)(wait->place ? wait->place : ""),
                       .peer = ""};
    const struct ct_thread member = {.process = (struct ct_process *)process};
    const struct ct_interval interval = {.op = wait->op,
                                         .object = wait->object,
                                         .call_name = wait->call_name,
                                         .thread = (struct ct_thread *)&member,
                                         .fd = &fd};
    char *object = ct_format_object(&interval);
    const char *variable = ct_wait_find_variable(request, process, wait);
    if (!variable)
        return object;
    char *named = g_strdup_printf("%s (%s)", object, variable);
    g_free(object);
    return named;
}

static void add_line(GString *text, const char *line)
{
    g_autofree char *safe = ct_safe_line(line);
    if (text->len > 0)
        g_string_append_c(text, '\n');
    g_string_append(text, safe);
}

static void add_stack(GString *text, const struct ct_scene_request *request,
                      const struct ct_process *process, uint32_t stack_id)
{
    const struct ct_scene_names *names = request->names;
    if (!names)
        return;
    g_autoptr(GPtrArray) frames = names->find_frames(names->user, process, stack_id);
    for (guint i = 0; i < MIN(frames->len, FRAMES_SHOWN); i++) {
        g_autofree char *line = g_strdup_printf("  %s", (const char *)frames->pdata[i]);
        add_line(text, line);
    }
    if (frames->len <= FRAMES_SHOWN)
        return;
    g_string_append(text, "\n  …");
    const struct ct_stack *stack = ct_process_stack(process, stack_id);
    if (stack && stack->omitted > 0) {
        g_autofree char *omitted = ct_format_omitted(stack);
        g_string_append_printf(text, "\n  %s", omitted);
    }
}

/* "50.0 ms, from 1.20 s on": counted from the recording's begin. */
static char *format_stretch(const struct ct_scene_request *request, uint64_t begin_ns,
                            uint64_t end_ns)
{
    uint64_t origin_ns = request->model->begin_ns;
    g_autofree char *length = ct_format_duration(end_ns - begin_ns);
    g_autofree char *offset = ct_format_duration(begin_ns - MIN(origin_ns, begin_ns));

    return g_strdup_printf("%s, from %s on", length, offset);
}

/* How long and since when: all of it, and what of it the box is, where that is less. */
static void add_time(GString *text, const struct ct_scene_request *request,
                     const struct ct_window *whole, const struct ct_window *box, gboolean is_open)
{
    g_autofree char *stretch = format_stretch(request, whole->begin_ns, whole->end_ns);
    g_autofree char *shown = format_stretch(request, box->begin_ns, box->end_ns);
    g_autofree char *when = g_strconcat(stretch, is_open ? ": still waiting at the end" : "", NULL);
    g_autofree char *here = g_strconcat("here ", shown, NULL);

    add_line(text, when);
    if (!g_str_equal(stretch, shown))
        add_line(text, here);
}

/* Who held what the thread waited for. */
static void add_owner(GString *text, const struct ct_scene_row *row,
                      const struct ct_timeline_wait *wait)
{
    const struct ct_thread *owner =
        g_hash_table_lookup(row->process->threads, GINT_TO_POINTER(wait->owner_tid));

    if (wait->owner_tid <= 0)
        return;
    g_autofree char *held =
        owner ? g_strdup_printf("held by %s (%" PRId32 ")", owner->name, owner->tid)
              : g_strdup_printf("held by thread %" PRId32, wait->owner_tid);
    g_autofree char *line = g_strconcat(held, wait->is_open ? "" : " when it began", NULL);
    add_line(text, line);
}

/* Who, what, how long and since when, who held it and who woke the waiter, and where in the
 * program. */
static char *tip_text(const struct ct_scene_request *request, const struct ct_scene_row *row,
                      const struct ct_timeline_wait *wait)
{
    g_autofree char *object = object_of(request, row->process, wait);
    g_autofree char *who = g_strdup_printf("%s (%" PRId32 ")", row->thread->name, row->thread->tid);
    g_autofree char *call = ct_format_call(wait->op, ct_wait_full_name(wait), object);
    gboolean is_runnable = wait->class == CT_CLASS_RUNNABLE && wait->op != CT_OP_NONE;
    g_autofree char *what = g_strconcat(is_runnable ? "runnable, after " : "", call, NULL);
    GString *text = g_string_new(NULL);

    add_line(text, who);
    add_line(text, what);
    add_time(text, request, &wait->whole, &(struct ct_window){wait->begin_ns, wait->end_ns},
             wait->is_open);
    add_owner(text, row, wait);
    if (wait->preempted_by) {
        g_autofree char *instead = g_strdup_printf("%s ran instead", wait->preempted_by);
        add_line(text, instead);
    }
    if (wait->waker) {
        g_autofree char *waker =
            g_strdup_printf("woken by %s (%" PRId32 ")", wait->waker->name, wait->waker->tid);
        add_line(text, waker);
    }
    add_stack(text, request, row->process, wait->stack_id);
    return g_string_free(text, FALSE);
}

/* Who had the CPU, and when. */
static char *run_text(const struct ct_scene_request *request, const struct ct_scene_run *run)
{
    const struct ct_thread *thread = run->run->thread;
    g_autofree char *who = g_strdup_printf("%s (%" PRId32 ")", thread->name, thread->tid);
    g_autofree char *where = g_strdup_printf("ran on CPU %" PRIu32, run->cpu);
    const struct ct_window whole = {run->run->whole_begin_ns, run->run->whole_end_ns};
    const struct ct_window box = {run->run->begin_ns, run->run->end_ns};
    GString *text = g_string_new(NULL);

    add_line(text, who);
    add_line(text, where);
    add_time(text, request, &whole, &box, FALSE);
    return g_string_free(text, FALSE);
}

static char *residency_text(const struct ct_scene_row *row,
                            const struct ct_scene_residency *residency)
{
    GString *text = g_string_new(NULL);
    g_autofree char *who = g_strdup_printf("%s (%" PRId32 ")", row->thread->name, row->thread->tid);
    g_autofree char *where = residency->tint
                                 ? g_strdup_printf("ran on CPU %" PRIu32, residency->cpu)
                                 : g_strdup("ran on several CPUs in turn");

    add_line(text, who);
    add_line(text, where);
    return g_string_free(text, FALSE);
}

static void place_cpu_tips(struct ct_scene *scene, const struct ct_scene_request *request,
                           double least_px)
{
    for (guint i = 0; i < scene->runs->len; i++) {
        const struct ct_scene_run *run = &g_array_index(scene->runs, struct ct_scene_run, i);
        if (!run->run || run->width_px < least_px)
            continue;
        struct ct_scene_tip tip = {{run->x_px, run->y_px, run->width_px, run->height_px},
                                   run_text(request, run)};
        g_array_append_val(scene->tips, tip);
    }
    for (guint i = 0; i < scene->residencies->len; i++) {
        const struct ct_scene_residency *residency =
            &g_array_index(scene->residencies, struct ct_scene_residency, i);
        if (residency->width_px < least_px)
            continue;
        struct ct_scene_tip tip = {
            {residency->x_px, residency->y_px, residency->width_px, residency->height_px},
            residency_text(&g_array_index(scene->rows, struct ct_scene_row, residency->row),
                           residency)};
        g_array_append_val(scene->tips, tip);
    }
}

/* Each width that would be pointed at. */
static GArray *find_widths(const struct ct_scene *scene)
{
    GArray *widths = g_array_new(FALSE, FALSE, sizeof(double));

    for (guint i = 0; i < scene->runs->len; i++) {
        const struct ct_scene_run *run = &g_array_index(scene->runs, struct ct_scene_run, i);
        if (run->run)
            g_array_append_val(widths, run->width_px);
    }
    for (guint i = 0; i < scene->residencies->len; i++)
        g_array_append_val(
            widths, g_array_index(scene->residencies, struct ct_scene_residency, i).width_px);
    for (guint i = 0; i < scene->boxes->len; i++) {
        const struct ct_scene_box *box = &g_array_index(scene->boxes, struct ct_scene_box, i);
        if (box->wait)
            g_array_append_val(widths, box->width_px);
    }
    return widths;
}

static int compare_widest(gconstpointer a, gconstpointer b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left < right) - (left > right);
}

/* As many as there may be: of those that are as wide as the first one too many, none. */
static double choose_least_px(struct ct_scene *scene, guint limit)
{
    g_autoptr(GArray) widths = find_widths(scene);
    double least_px = least_width_px;
    guint wanted = 0, placed = 0;

    g_array_sort(widths, compare_widest);
    if (limit > 0 && widths->len > limit)
        least_px = MAX(least_px, g_array_index(widths, double, limit) + 0.5);
    for (guint i = 0; i < widths->len; i++) {
        wanted += g_array_index(widths, double, i) >= least_width_px;
        placed += g_array_index(widths, double, i) >= least_px;
    }
    scene->tips_left_out = wanted - placed;
    return least_px;
}

void ct_layout_place_tips(struct ct_scene *scene, const struct ct_scene_request *request)
{
    double least_px = choose_least_px(scene, request->tip_limit);

    place_cpu_tips(scene, request, least_px);
    for (guint i = 0; i < scene->boxes->len; i++) {
        const struct ct_scene_box *box = &g_array_index(scene->boxes, struct ct_scene_box, i);
        const struct ct_scene_row *row = &g_array_index(scene->rows, struct ct_scene_row, box->row);
        if (!box->wait || box->width_px < least_px)
            continue;
        struct ct_scene_tip tip = {{box->x_px, box->y_px, box->width_px, box->height_px},
                                   tip_text(request, row, box->wait)};
        g_array_append_val(scene->tips, tip);
    }
}
