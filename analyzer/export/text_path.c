/* The chain of running and waiting that led to the end of a thread. */
#include "export/path_words.h"
#include "export/text_sections.h"

#include "model/format.h"
#include "passes/path.h"
#include "symbols/stack_text.h"

/* Functions of a place. */
#define FRAMES_SHOWN 3

/* As much of the time is told of by itself: less is not worth it. */
#define LEAST_SHARE 0.001

static char *format_share(uint64_t part_ns, uint64_t whole_ns)
{
    double percent = whole_ns > 0 ? 100.0 * (double)part_ns / (double)whole_ns : 0;

    if (part_ns > 0 && percent < 0.05)
        return g_strdup("<0.1 %");
    return g_strdup_printf(percent < 9.95 && part_ns > 0 ? "%.1f %%" : "%.0f %%", percent);
}

/* The innermost function that is not of the C or C++ library. */
static guint first_shown(const struct ct_text_out *out, const struct ct_process *process,
                         uint32_t stack_id)
{
    g_autoptr(GArray) frames = ct_stack_list_shown(out->report->symbolizer, process, stack_id);
    const struct ct_symbol_frame *place =
        ct_stack_place(out->report->symbolizer, process, stack_id);

    for (guint i = 0; i < frames->len; i++) {
        if (g_array_index(frames, struct ct_stack_frame, i).function == place)
            return i;
    }
    return 0;
}

/* "compress (pipeline.c:40) < worker (pipeline.c:51)": callers come behind. "" if it is unknown. */
static char *place_text(const struct ct_text_out *out, const struct ct_thread *thread,
                        const struct ct_path_place *place)
{
    GString *text = g_string_new(NULL);

    if (!thread)
        return g_string_free(text, FALSE);
    g_autoptr(GPtrArray) frames =
        ct_stack_frames_shown(out->report->symbolizer, thread->process, place->stack_id);
    guint first = first_shown(out, thread->process, place->stack_id);
    guint end = MIN(frames->len, first + MIN(FRAMES_SHOWN, MAX(out->layout->depth, 1)));

    for (guint i = first; i < end; i++)
        g_string_append_printf(text, "%s%s", i > first ? " < " : "",
                               (const char *)frames->pdata[i]);
    return g_string_free(text, FALSE);
}

static void write_place(const struct ct_text_out *out, const struct ct_thread *thread,
                        const struct ct_path_place *place)
{
    g_autofree char *text = place_text(out, thread, place);

    if (*text)
        ct_text_out_line(out, CT_TEXT_OUT_ENTRY, "%s", text);
}

/* ---- Threads ---- */

static void add_time(struct ct_text_table *table, uint64_t time_ns)
{
    ct_text_table_take(table, time_ns > 0 ? ct_format_duration(time_ns) : g_strdup("-"));
}

static void add_thread(struct ct_text_table *table, const struct ct_path_thread *thread,
                       uint64_t length_ns)
{
    ct_text_table_add(table, thread->thread ? thread->thread->name : "(nobody)");
    ct_text_table_take(table,
                       thread->thread ? g_strdup_printf("%d", thread->thread->tid) : g_strdup("-"));
    ct_text_table_take(table, ct_format_duration(thread->ns));
    ct_text_table_take(table, format_share(thread->ns, length_ns));
    add_time(table, thread->running_ns);
    add_time(table, thread->runnable_ns);
    add_time(table, thread->woken_ns);
    add_time(table, thread->waiting_ns);
    add_time(table, thread->unknown_ns);
}

static void write_threads(const struct ct_text_out *out, const struct ct_path *path,
                          uint64_t length_ns)
{
    static const char *const headings[] = {"THREAD",   "TID",   "TIME",    "SHARE",  "RUNNING",
                                           "RUNNABLE", "WOKEN", "WAITING", "UNKNOWN"};
    struct ct_text_table *table = ct_text_table_new("lrrrrrrrr");
    guint shown = MIN(path->threads->len, MAX(out->layout->top, 1));

    for (size_t i = 0; i < G_N_ELEMENTS(headings); i++)
        ct_text_table_add(table, headings[i]);
    for (guint i = 0; i < shown; i++)
        add_thread(table, &g_array_index(path->threads, struct ct_path_thread, i), length_ns);
    ct_text_table_finish(table, out->text, out->layout->width);
    if (shown < path->threads->len)
        ct_text_out_line(out, 2, "and %u more threads, with less of it",
                         path->threads->len - shown);
}

/* ---- Places ---- */

static void write_row(const struct ct_text_out *out, const struct ct_path_row *row, guint number,
                      uint64_t length_ns)
{
    g_autofree char *time = ct_format_duration(row->ns);
    g_autofree char *share = format_share(row->ns, length_ns);
    g_autofree char *count = ct_format_count(row->count);
    g_autofree char *longest = ct_format_duration(row->longest.end_ns - row->longest.begin_ns);
    g_autofree char *what = ct_path_words_of(out->report, &row->longest, row->object);

    if (row->count == 1)
        ct_text_out_entry(out, time, "%u. %s: %s", number, what, share);
    else
        ct_text_out_entry(out, time, "%u. %s: %s, %s times, %s at most", number, what, share, count,
                          longest);
    write_place(out, row->thread, &row->place);
}

static void write_rows(const struct ct_text_out *out, const struct ct_path *path,
                       uint64_t length_ns)
{
    guint shown = 0;

    while (shown < MIN(path->rows->len, out->layout->top) &&
           (shown == 0 || (double)g_array_index(path->rows, struct ct_path_row, shown).ns >=
                              LEAST_SHARE * (double)length_ns))
        shown++;
    ct_text_out_heading(out, "By thread, state and place (%u of %u)", shown, path->rows->len);
    for (guint i = 0; i < shown; i++)
        write_row(out, &g_array_index(path->rows, struct ct_path_row, i), i + 1, length_ns);
}

/* ---- The chain ---- */

static void write_gap(const struct ct_text_out *out, uint64_t time_ns)
{
    g_autofree char *time = ct_format_duration(time_ns);

    if (time_ns > 0)
        ct_text_out_entry(out, time, "... shorter ones");
}

static void write_stretch(const struct ct_text_out *out, const struct ct_path_long *one)
{
    const struct ct_path_stretch *stretch = &one->stretch;
    uint64_t origin_ns = MIN(out->report->model->begin_ns, stretch->begin_ns);
    g_autofree char *time = ct_format_duration(stretch->end_ns - stretch->begin_ns);
    g_autofree char *at = ct_format_duration(stretch->begin_ns - origin_ns);
    g_autofree char *what = ct_path_words_of(out->report, stretch, one->object);
    g_autofree char *via = ct_path_words_via(out->report, stretch);

    ct_text_out_entry(out, time, "%s, %s after the start%s", what, at, via);
    write_place(out, stretch->thread, &stretch->place);
}

static void write_chain(const struct ct_text_out *out, const struct ct_path *path)
{
    guint count = path->longest->len;
    g_autofree char *all = ct_format_count(path->stretch_count);
    uint64_t at_ns = path->question.window.begin_ns;

    if (count == path->stretch_count)
        ct_text_out_heading(out, "The path, from its begin");
    else
        ct_text_out_heading(out, "The path, from its begin: the %u longest of %s stretches%s",
                            count, all,
                            out->layout->extent == CT_REPORT_ALL ? "" : "; --all has more");
    for (guint i = 0; i < count; i++) {
        const struct ct_path_long *one = &g_array_index(path->longest, struct ct_path_long, i);

        write_gap(out, one->stretch.begin_ns - at_ns);
        write_stretch(out, one);
        at_ns = one->stretch.end_ns;
    }
    write_gap(out, path->question.window.end_ns - at_ns);
}

void ct_text_section_path(const struct ct_text_out *out)
{
    const struct ct_path *path = out->report->path;

    if (!path)
        return;
    const struct ct_window *window = &path->question.window;
    const struct ct_thread *last = path->question.thread;
    uint64_t length_ns = window->end_ns - window->begin_ns;
    g_autofree char *length = ct_format_duration(length_ns);
    g_autofree char *hops = ct_format_count(path->hop_count);

    ct_text_out_heading(out, "The path to %s of %s (%d): %s, %s change%s of thread",
                        window->end_ns == last->end_ns ? "the end" : "the last moment", last->name,
                        last->tid, length, hops, path->hop_count == 1 ? "" : "s");
    ct_text_out_line(out, 2,
                     "What ran, or was waited for, at each moment on the way there: followed back "
                     "from the end, over whoever let a thread go on.");
    if (!out->report->model->capture.has_kernel)
        ct_text_out_line(out, 2,
                         "Without a kernel layer, who is runnable (waiting for a CPU) counts as "
                         "running, or as woken.");
    write_threads(out, path, length_ns);
    write_rows(out, path, length_ns);
    write_chain(out, path);
}
