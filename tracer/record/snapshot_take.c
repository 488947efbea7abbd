#include "snapshot_take.h"

#include "board_copy.h"
#include "files/tree.h"
#include "moment.h"
#include "newest.h"
#include "recording_state.h"
#include "schema/capture_words.h"
#include "schema/recording_files.h"
#include "spool/spool.h"
#include "text/figures.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The programs' boards are to have room to grow, too. */
#define ROOM_MARGIN (UINT64_C(16) << 20)

static gboolean fail(GError **error, const char *why)
{
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s", why);
    return FALSE;
}

/* Caller frees; NULL: it is no session directory of ours. */
static char *find_folder(const char *name)
{
    g_autofree char *path = g_build_filename(CT_SESSION_FOLDER, name, NULL);
    int fd = g_str_has_prefix(name, CT_SESSION_PREFIX) && strchr(name, '/') == NULL
                 ? ct_tree_open(AT_FDCWD, path)
                 : -1;

    if (fd < 0)
        return NULL;
    close(fd);
    return g_steal_pointer(&path);
}

/* What is done while nobody fetches events. */
struct work {
    struct ct_recording *recording;
    struct ct_moment moment;
    const char *folder;
    GPtrArray *copies; /* owned; struct ct_board_copy */
};

static gboolean add_file(int folder_fd, const char *name, const struct stat *status, void *data)
{
    struct work *work = data;

    (void)folder_fd;
    (void)name;
    if (S_ISREG(status->st_mode))
        ct_moment_add_size(&work->moment, status->st_ino, (guint64)status->st_size);
    return FALSE;
}

static void add_files(struct work *work, const char *part)
{
    g_autofree char *path = g_build_filename(work->recording->place, part, NULL);

    ct_tree_walk(path, add_file, work);
}

/* What is written by now is on the disk, and how large its files are then is known. */
static gboolean note_streams(struct work *work, GError **error)
{
    struct ct_recording *recording = work->recording;

    if (!ct_trace_pause(recording->trace, error))
        return FALSE;
    add_files(work, "ust");
    if (!ct_trace_go_on(recording->trace, error))
        return FALSE;
    recording->engine->closing.writer->go_on_from_now();
    return TRUE;
}

static void add_other_files(void *data)
{
    static const char *const parts[] = {CT_SPOOL_FOLDER, CT_JIT_FOLDER, CT_OBJECTS_FOLDER};

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        add_files(data, parts[i]);
}

/* The same of what the kernel told, and of what was copied. */
static void note_others(struct work *work)
{
    struct ct_kernel_capture *kernel = work->recording->engine->kernel;

    if (kernel != NULL)
        ct_kernel_capture_bring_out(kernel, add_other_files, work);
    else
        add_other_files(work);
}

static gboolean has_room(const struct work *work, GError **error)
{
    struct statvfs status;
    uint64_t wanted = ROOM_MARGIN;

    for (guint i = 0; i < work->copies->len; i++)
        wanted += ct_board_copy_size(work->copies->pdata[i]);
    if (statvfs(work->folder, &status) != 0 ||
        (uint64_t)status.f_bavail * status.f_frsize >= wanted)
        return TRUE;
    g_autofree char *size = ct_format_size(wanted);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                "there is no room in " CT_SESSION_FOLDER " for a copy of what all processes do at "
                "the moment, of %s: make some, or the recorded programs would lack it",
                size);
    return FALSE;
}

static void take_boards(struct work *work)
{
    struct ct_engine *engine = work->recording->engine;
    const GPtrArray *boards = ct_boards_update(engine->boards);

    for (guint i = 0; i < boards->len; i++)
        g_ptr_array_add(work->copies, ct_board_copy_take(boards->pdata[i]));
    work->moment.control.alive_ns = ct_engine_now_ns(engine);
}

static gboolean write_boards(struct work *work, GError **error)
{
    if (!has_room(work, error))
        return FALSE;
    for (guint i = 0; i < work->copies->len; i++) {
        if (ct_board_copy_write(work->copies->pdata[i], work->folder) || errno == ENOENT)
            continue;
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot copy a board to %s: %s", work->folder, g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

static void add_losses(struct work *work)
{
    const struct ct_recording *recording = work->recording;
    const struct ct_engine *engine = recording->engine;
    const GArray *damaged = ct_boards_damaged(engine->boards);
    const GArray *images = ct_boards_images(engine->boards);
    struct ct_moment *moment = &work->moment;

    memcpy(moment->refused, ct_boards_refused(engine->boards), sizeof(moment->refused));
    moment->deserted = ct_shared_memory_deserted(engine->directory->doorbell);
    g_array_append_vals(moment->damaged, damaged->data, damaged->len);
    g_array_append_vals(moment->images, images->data, images->len);
    moment->unpreloaded = g_variant_ref_sink(ct_unpreloaded_save(engine->closing.unpreloaded));
}

/* What the capture event is to say. */
static void add_notes(struct work *work)
{
    const struct ct_recording *recording = work->recording;
    struct ct_kernel_capture *kernel = recording->engine->kernel;
    const char *missing = kernel != NULL ? ct_kernel_capture_missing(kernel) : NULL;

    work->moment.missing =
        g_strdup_printf("%s%s%s", recording->missing->str,
                        recording->missing->len > 0 && missing != NULL ? CT_NOTE_SEPARATOR : "",
                        missing != NULL ? missing : "");
    work->moment.has_calls = kernel != NULL && ct_kernel_capture_has_calls(kernel);
    work->moment.stopped = g_strdup("");
}

/* Held. */
static gboolean take(struct work *work, GError **error)
{
    struct ct_recording *recording = work->recording;

    if (!note_streams(work, error))
        return FALSE;
    work->moment.control = *ct_recording_control(recording);
    work->moment.control.is_recording = 0;
    take_boards(work); /* which is the moment */
    note_others(work);
    if (!write_boards(work, error))
        return FALSE;
    ct_newest_totals(recording, &work->moment.totals);
    add_losses(work);
    return TRUE;
}

gboolean ct_snapshot_take(struct ct_recording *recording, const char *directory, GError **error)
{
    g_autofree char *folder = find_folder(directory);
    struct work work = {.recording = recording, .folder = folder};
    const char *fault;

    if (folder == NULL)
        return fail(error, "there is no such session directory of this user");
    ct_recording_follow_folder(recording);
    if (recording->is_removed)
        return fail(error, "somebody has removed the recording");
    if (ct_recording_control(recording)->begin_ns == 0)
        return fail(error, "nothing is recorded yet: its --delay is not over");
    if (!ct_trace_is_live(recording->trace)) {
        fault = ct_trace_find_fault(recording->trace);
        return fail(error, fault != NULL ? fault : "LTTng takes nothing at this moment");
    }
    ct_trace_is_taken(recording->trace); /* what describes the events is there, too */
    if (!ct_engine_hold_still(recording->engine))
        return fail(error, "LTTng takes nothing at this moment: try again");
    ct_moment_init(&work.moment);
    work.copies = g_ptr_array_new_with_free_func((GDestroyNotify)ct_board_copy_free);
    gboolean is_taken = take(&work, error);
    ct_engine_let_go(recording->engine);
    if (is_taken) {
        add_notes(&work);
        is_taken = ct_moment_save(&work.moment, folder, error);
    }
    g_ptr_array_unref(work.copies);
    ct_moment_clear(&work.moment);
    return is_taken;
}
