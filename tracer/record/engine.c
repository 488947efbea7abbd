#include "engine.h"

#include "forked.h"
#include "libraries.h"
#include "record/layers/finish.h"
#include "system/own_loader.h"
#include "system/procfs.h"

/* Boards that wait to be written, of some 60 KB each. */
#define BOARDS_KEPT 1000

static void tell_control(struct ct_engine *engine, const struct ct_engine_settings *settings)
{
    struct ct_control *control = engine->directory->control;

    control->recorded_classes = settings->classes;
    control->stack_frames = settings->stack_frames;
    control->heap_rate = settings->heap_rate;
    control->is_lossless = settings->is_lossless ? 1 : 0;
    ct_own_loader(control->loader, sizeof(control->loader));
    g_strlcpy(control->output, settings->output, sizeof(control->output));
    g_strlcpy(control->command, settings->command, sizeof(control->command));
    ct_session_directory_publish(engine->directory);
}

struct ct_engine *ct_engine_new(const struct ct_engine_settings *settings, GError **error)
{
    struct ct_engine *engine = g_new0(struct ct_engine, 1);

    engine->place = g_strdup(settings->place);
    if (settings->kernel.sched || settings->kernel.cpu_hz > 0)
        engine->kernel = ct_kernel_capture_new(settings->place, &settings->kernel);
    engine->directory =
        ct_session_directory_new(settings->rate_ns, settings->follows_children, error);
    if (engine->directory == NULL) {
        ct_engine_free(engine, FALSE);
        return NULL;
    }
    tell_control(engine, settings);
    return engine;
}

struct ct_engine *ct_engine_adopt(const char *place, struct ct_session_directory *directory)
{
    struct ct_engine *engine = g_new0(struct ct_engine, 1);

    engine->place = g_strdup(place);
    engine->directory = directory;
    engine->closing.has_kernel = TRUE; /* there may have been one */
    return engine;
}

gboolean ct_engine_load_writer(struct ct_engine *engine, GError **error)
{
    struct ct_closing *closing = &engine->closing;

    closing->writer = ct_writer_load(error);
    if (closing->writer == NULL)
        return FALSE;
    engine->boards = ct_boards_new(engine->directory->path);
    engine->drain = ct_drain_new(engine->directory, engine->boards, closing->writer);
    closing->unpreloaded = ct_unpreloaded_new();
    closing->directory = engine->directory;
    closing->cut_ns = UINT64_MAX;
    closing->boards = engine->boards;
    closing->written = ct_drain_written(engine->drain);
    closing->has_kernel = closing->has_kernel || engine->kernel != NULL;
    return TRUE;
}

void ct_engine_start(struct ct_engine *engine, gboolean (*is_taken)(void *user), void *user)
{
    ct_drain_start(engine->drain, is_taken, user);
    engine->handout = ct_handout_start(engine->directory);
}

uint64_t ct_engine_now_ns(const struct ct_engine *engine)
{
    uint64_t ticks, ns;

    ct_clock_read(engine->directory->control, &ticks, &ns);
    return ns;
}

void ct_engine_begin(struct ct_engine *engine)
{
    struct ct_control *control = engine->directory->control;
    uint64_t begin_ticks;

    ct_session_directory_calibrate(engine->directory);
    ct_clock_read(control, &begin_ticks, &control->begin_ns);
    control->begin_ticks = begin_ticks;
    ct_session_directory_publish(engine->directory);
    if (engine->kernel != NULL)
        ct_kernel_capture_begin(engine->kernel);
}

void ct_engine_note_alive(struct ct_engine *engine)
{
    engine->directory->control->alive_ns = ct_engine_now_ns(engine);
    ct_session_directory_publish(engine->directory);
}

/* Their boards go when they end: whoever finishes a killed recorder's work will not see those. */
static void note_preloaded(struct ct_engine *engine)
{
    const GArray *images = ct_boards_images(engine->boards);

    if (engine->kernel == NULL || images->len == engine->noted)
        return;
    engine->noted = images->len;
    ct_kernel_note_preloaded(engine->place, images);
}

void ct_engine_tend(struct ct_engine *engine, gboolean is_live, uint64_t lost_ns)
{
    gboolean is_taken = is_live && engine->closing.writer->is_enabled();

    ct_drain_lock(engine->drain);
    ct_drain_hold(engine->drain, !is_taken);
    if (ct_drain_now(engine->drain))
        ct_closing_write_ended(&engine->closing);
    else
        ct_closing_drop_ended(&engine->closing, lost_ns != 0 ? lost_ns : UINT64_MAX, BOARDS_KEPT);
    ct_boards_unmap_removed(engine->boards);
    ct_boards_read_titles(engine->boards);
    note_preloaded(engine);
    ct_drain_unlock(engine->drain);
}

void ct_engine_look_at_heaps(struct ct_engine *engine)
{
    struct ct_heap_sum sum;

    if (engine->directory->control->heap_rate == CT_HEAP_OFF)
        return;
    const uint64_t now_ns = ct_engine_now_ns(engine);
    ct_drain_lock(engine->drain);
    ct_boards_update(engine->boards);
    ct_boards_look_at_heaps(engine->boards, now_ns);
    ct_boards_sum_heaps(engine->boards, now_ns, &sum);
    ct_drain_unlock(engine->drain);
    ct_session_directory_note_heap(engine->directory, &sum);
}

/* Locked; nobody else writes. */
static void restate(struct ct_engine *engine, struct ct_event_part *part, GArray *living,
                    struct ct_part_before *before)
{
    const struct ct_writer *writer = engine->closing.writer;
    struct ct_known_fds *fds = ct_drain_fds(engine->drain);

    part->is_restated = 0;
    writer->part(part);
    before->restated_bytes = ct_closing_restate(&engine->closing, living);
    before->restated_bytes += ct_known_fds_restate(fds, living, writer);
    before->forgets_fds = ct_known_fds_forgets(fds);
    part->is_restated = 1;
    writer->part(part);
    writer->go_on_from_now(); /* nothing else has the same time */
    ct_closing_sum(&engine->closing, &before->totals);
}

/* It goes with the first part: where nothing else was in that, a reader would not know that it is
 * there. */
static void note_first(const struct ct_engine *engine, const struct ct_event_part *next)
{
    struct ct_event_part first = {.begin_ns = next->recording_begin_ns,
                                  .recording_begin_ns = next->recording_begin_ns,
                                  .is_restated = 1};

    if (next->number == 1)
        engine->closing.writer->part(&first);
}

/* Something that was launched, or attached to, may still be told of. */
static gboolean has_living(const struct ct_engine *engine)
{
    const int32_t root_pid = engine->directory->control->root_pid;
    struct ct_proc_stat stat;

    return root_pid == 0 || ct_boards_update(engine->boards)->len > 0 ||
           (ct_proc_read_stat(root_pid, root_pid, &stat) && !CT_PROC_HAS_ENDED(stat.state));
}

gboolean ct_engine_begin_part(struct ct_engine *engine, const struct ct_part_output *output,
                              struct ct_event_part *part, struct ct_part_before *before)
{
    g_autoptr(GArray) living = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));
    gboolean is_begun = FALSE;

    ct_drain_lock(engine->drain);
    /* Just after the begin, and after a daemon that was slow, it may be held where it need not. */
    ct_drain_hold(engine->drain, !engine->closing.writer->is_enabled());
    if (ct_drain_now(engine->drain)) {
        ct_closing_write_ended(&engine->closing);
        note_first(engine, part);
        is_begun = has_living(engine) && output->end_packets(output->user);
    }
    if (is_begun) {
        if (engine->kernel != NULL)
            ct_kernel_capture_begin_part(engine->kernel, part->number);
        part->bytes_before = output->bytes_before(output->user);
        part->begin_ns = ct_engine_now_ns(engine);
        if (part->recording_begin_ns == 0)
            part->recording_begin_ns = part->begin_ns;
        engine->closing.writer->go_on_from_now();
        ct_written_begin_part(ct_drain_written(engine->drain), part->begin_ns);
        restate(engine, part, living, before);
    }
    ct_drain_unlock(engine->drain);
    if (is_begun && engine->kernel != NULL)
        before->restated_bytes += ct_kernel_capture_restate(engine->kernel, living, part->begin_ns);
    return is_begun;
}

gboolean ct_engine_hold_still(struct ct_engine *engine)
{
    ct_drain_lock(engine->drain);
    ct_drain_hold(engine->drain, !engine->closing.writer->is_enabled());
    if (ct_drain_now(engine->drain)) {
        ct_closing_write_ended(&engine->closing);
        return TRUE;
    }
    ct_drain_unlock(engine->drain);
    return FALSE;
}

void ct_engine_let_go(struct ct_engine *engine)
{
    ct_drain_unlock(engine->drain);
}

void ct_engine_close_ended(struct ct_engine *engine)
{
    ct_drain_lock(engine->drain);
    if (ct_drain_now(engine->drain))
        ct_closing_write_ended(&engine->closing);
    ct_drain_unlock(engine->drain);
}

void ct_engine_stop(struct ct_engine *engine)
{
    ct_session_directory_calibrate(engine->directory);
    engine->directory->control->is_recording = 0;
    ct_session_directory_publish(engine->directory);
    ct_boards_add_refused(engine->boards, CT_REFUSAL_HANDOUT,
                          ct_handout_stop(g_steal_pointer(&engine->handout)));
}

/* Of the children without a board, those that were told are images already. */
static void add_children(GArray *preloaded, const struct ct_mapped_board *board, uint64_t now_ns)
{
    uint32_t count = board->is_lost ? 0 : ct_forked_count(board->map);
    struct ct_forked forked;

    for (uint32_t i = 0; i < count; i++) {
        if (!ct_forked_read(board->map, i, now_ns, &forked) || forked.is_start_told)
            continue;
        const struct ct_image_key child = {forked.identity.pid, forked.identity.start_ns};
        g_array_append_val(preloaded, child);
    }
}

GArray *ct_engine_find_preloaded(const struct ct_engine *engine)
{
    ct_drain_lock(engine->drain);
    ct_boards_look_again(engine->boards);
    const GPtrArray *boards = ct_boards_update(engine->boards);
    const GArray *images = ct_boards_images(engine->boards);
    GArray *preloaded = g_array_new(FALSE, FALSE, sizeof(struct ct_image_key));
    g_array_append_vals(preloaded, images->data, images->len);
    for (guint i = 0; i < boards->len; i++)
        add_children(preloaded, boards->pdata[i], ct_engine_now_ns(engine));
    ct_drain_unlock(engine->drain);
    return preloaded;
}

void ct_engine_free(struct ct_engine *engine, gboolean is_unfinished)
{
    if (engine == NULL)
        return;
    ct_kernel_capture_free(engine->kernel);
    ct_handout_stop(engine->handout);
    ct_drain_free(engine->drain);
    ct_boards_free(engine->boards);
    ct_unpreloaded_free(engine->closing.unpreloaded);
    if (is_unfinished)
        ct_session_directory_keep(engine->directory);
    else
        ct_session_directory_free(engine->directory);
    g_free(engine->place);
    g_free(engine);
}
