#include "standby.h"

#include "newest.h"
#include "recording_state.h"
#include "snapshot_take.h"

struct ct_standby {
    struct ct_recording *recording; /* borrowed */
    gboolean has_window;            /* it goes on */
    struct ct_taken *last;          /* owned; the last window as it ended, or NULL */
};

static gboolean fail(GError **error, const char *why)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s", why);
    return FALSE;
}

/* From then on waits are shown, but not recorded. */
static void let_hooks_rest(struct ct_standby *standby)
{
    ct_recording_control(standby->recording)->begin_ticks = UINT64_MAX;
    ct_session_directory_publish(standby->recording->engine->directory);
}

struct ct_standby *ct_standby_new(struct ct_recording *recording)
{
    struct ct_standby *standby = g_new0(struct ct_standby, 1);

    standby->recording = recording;
    /* From the first moment on there is a part, which can be followed by others. */
    ct_recording_begin(recording);
    let_hooks_rest(standby);
    return standby;
}

/* At that time, in the unit of the hooks. */
static uint64_t ticks_of(const struct ct_control *control, uint64_t time_ns)
{
    uint64_t ticks, now_ns;

    ct_clock_read(control, &ticks, &now_ns);
    uint64_t ago_ns = now_ns > time_ns ? now_ns - time_ns : 0;
    return ticks - (uint64_t)(((unsigned __int128)ago_ns << 32) / control->ns_per_tick);
}

gboolean ct_standby_begin(struct ct_standby *standby, GError **error)
{
    struct ct_recording *recording = standby->recording;
    struct ct_control *control = ct_recording_control(recording);

    if (standby->has_window)
        return fail(error, "it has begun already: let it rest first");
    const uint32_t before = ct_keeping_newest(&recording->keeping)->number;
    ct_newest_begin_first(recording);
    const struct ct_kept_part *part = ct_keeping_newest(&recording->keeping);
    if (part->number == before)
        return fail(error, "nothing can be recorded: LTTng takes nothing, or the program is over");
    g_clear_pointer(&standby->last, ct_taken_free);
    const uint64_t begin_ns = part->begin_ns;
    if (!ct_newest_drop_older(recording))
        return fail(error, "what was recorded before cannot be dropped: is the disk full?");
    ct_session_directory_calibrate(recording->engine->directory);
    control->begin_ticks = ticks_of(control, begin_ns);
    ct_session_directory_publish(recording->engine->directory);
    standby->has_window = TRUE;
    return TRUE;
}

gboolean ct_standby_rest(struct ct_standby *standby, GError **error)
{
    if (!standby->has_window)
        return fail(error, "nothing is being recorded");
    standby->last = ct_taken_new(standby->recording, error);
    if (standby->last == NULL)
        return FALSE;
    let_hooks_rest(standby);
    standby->has_window = FALSE;
    return TRUE;
}

gboolean ct_standby_rests(const struct ct_standby *standby)
{
    return !standby->has_window;
}

gboolean ct_standby_has_any(const struct ct_standby *standby, GError **error)
{
    const struct ct_control *control = ct_recording_control(standby->recording);

    return standby->has_window || standby->last != NULL || control->heap_rate != CT_HEAP_OFF ||
           fail(error, "nothing was recorded yet: let it begin first");
}

/* The heap is recorded all the time, and is as it is now, whatever the window. */
gboolean ct_standby_write(struct ct_standby *standby, const char *directory, GError **error)
{
    if (!ct_standby_has_any(standby, error))
        return FALSE;
    if (standby->last != NULL)
        return ct_taken_write(standby->last, directory, error);
    struct ct_taken *taken = ct_taken_new(standby->recording, error);
    gboolean is_written = taken != NULL && ct_taken_write(taken, directory, error);
    ct_taken_free(taken);
    return is_written;
}

void ct_standby_free(struct ct_standby *standby)
{
    if (standby == NULL)
        return;
    ct_taken_free(standby->last);
    g_free(standby);
}
