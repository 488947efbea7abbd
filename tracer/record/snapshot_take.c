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

struct ct_taken {
    struct ct_recording *recording; /* borrowed; while it is taken */
    struct ct_moment moment;
    GPtrArray *copies; /* owned; struct ct_board_copy */
};

static gboolean add_file(int folder_fd, const char *name, const struct stat *status, void *data)
{
    struct ct_taken *taken = data;

    (void)folder_fd;
    (void)name;
    if (S_ISREG(status->st_mode))
        ct_moment_add_size(&taken->moment, status->st_ino, (guint64)status->st_size);
    return FALSE;
}

static void add_files(struct ct_taken *taken, const char *part)
{
    g_autofree char *path = g_build_filename(taken->recording->place, part, NULL);

    ct_tree_walk(path, add_file, taken);
}

/* What is written by now is on the disk, and how large its files are then is known. */
static gboolean note_streams(struct ct_taken *taken, GError **error)
{
    struct ct_recording *recording = taken->recording;

    if (!ct_trace_pause(recording->trace, error))
        return FALSE;
    add_files(taken, "ust");
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
static void note_others(struct ct_taken *taken)
{
    struct ct_kernel_capture *kernel = taken->recording->engine->kernel;

    if (kernel != NULL)
        ct_kernel_capture_bring_out(kernel, add_other_files, taken);
    else
        add_other_files(taken);
}

static gboolean has_room(const struct ct_taken *taken, const char *folder, GError **error)
{
    struct statvfs status;
    uint64_t wanted = ROOM_MARGIN;

    for (guint i = 0; i < taken->copies->len; i++)
        wanted += ct_board_copy_size(taken->copies->pdata[i]);
    if (statvfs(folder, &status) != 0 || (uint64_t)status.f_bavail * status.f_frsize >= wanted)
        return TRUE;
    g_autofree char *size = ct_format_size(wanted);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
                "there is no room in " CT_SESSION_FOLDER " for a copy of what all processes do at "
                "the moment, of %s: make some, or the recorded programs would lack it",
                size);
    return FALSE;
}

static void take_boards(struct ct_taken *taken)
{
    struct ct_engine *engine = taken->recording->engine;
    const GPtrArray *boards = ct_boards_update(engine->boards);

    for (guint i = 0; i < boards->len; i++)
        g_ptr_array_add(taken->copies, ct_board_copy_take(boards->pdata[i]));
    taken->moment.control.alive_ns = ct_engine_now_ns(engine);
}

static gboolean write_boards(const struct ct_taken *taken, const char *folder, GError **error)
{
    if (!has_room(taken, folder, error))
        return FALSE;
    for (guint i = 0; i < taken->copies->len; i++) {
        if (ct_board_copy_write(taken->copies->pdata[i], folder) || errno == ENOENT)
            continue;
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot copy a board to %s: %s", folder, g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

static void add_losses(struct ct_taken *taken)
{
    const struct ct_recording *recording = taken->recording;
    const struct ct_engine *engine = recording->engine;
    const GArray *damaged = ct_boards_damaged(engine->boards);
    const GArray *images = ct_boards_images(engine->boards);
    struct ct_moment *moment = &taken->moment;

    memcpy(moment->refused, ct_boards_refused(engine->boards), sizeof(moment->refused));
    moment->deserted = ct_shared_memory_deserted(engine->directory->doorbell);
    g_array_append_vals(moment->damaged, damaged->data, damaged->len);
    g_array_append_vals(moment->images, images->data, images->len);
    moment->unpreloaded = g_variant_ref_sink(ct_unpreloaded_save(engine->closing.unpreloaded));
}

/* What the capture event is to say. */
static void add_notes(struct ct_taken *taken)
{
    const struct ct_recording *recording = taken->recording;
    struct ct_kernel_capture *kernel = recording->engine->kernel;
    const char *missing = kernel != NULL ? ct_kernel_capture_missing(kernel) : NULL;

    taken->moment.missing =
        g_strdup_printf("%s%s%s", recording->missing->str,
                        recording->missing->len > 0 && missing != NULL ? CT_NOTE_SEPARATOR : "",
                        missing != NULL ? missing : "");
    taken->moment.has_calls = kernel != NULL && ct_kernel_capture_has_calls(kernel);
    taken->moment.stopped = g_strdup("");
}

/* Held. */
static gboolean take(struct ct_taken *taken, GError **error)
{
    struct ct_recording *recording = taken->recording;

    if (!note_streams(taken, error))
        return FALSE;
    taken->moment.control = *ct_recording_control(recording);
    taken->moment.control.is_recording = 0;
    take_boards(taken); /* which is the moment */
    note_others(taken);
    ct_newest_totals(recording, &taken->moment.totals);
    add_losses(taken);
    return TRUE;
}

/* FALSE and an error: there is nothing to be taken, or it cannot be. */
static gboolean check(struct ct_recording *recording, GError **error)
{
    const char *fault;

    ct_recording_follow_folder(recording);
    if (recording->is_removed)
        return fail(error, "somebody has removed the recording");
    if (ct_recording_control(recording)->begin_ns == 0)
        return fail(error, "nothing is recorded yet: its --delay is not over");
    if (ct_trace_is_live(recording->trace))
        return TRUE;
    fault = ct_trace_find_fault(recording->trace);
    return fail(error, fault != NULL ? fault : "LTTng takes nothing at this moment");
}

struct ct_taken *ct_taken_new(struct ct_recording *recording, GError **error)
{
    if (!check(recording, error))
        return NULL;
    ct_trace_is_taken(recording->trace); /* what describes the events is there, too */
    if (!ct_engine_hold_still(recording->engine)) {
        fail(error, "LTTng takes nothing at this moment: try again");
        return NULL;
    }
    struct ct_taken *taken = g_new0(struct ct_taken, 1);
    taken->recording = recording;
    ct_moment_init(&taken->moment);
    taken->copies = g_ptr_array_new_with_free_func((GDestroyNotify)ct_board_copy_free);
    gboolean is_taken = take(taken, error);
    ct_engine_let_go(recording->engine);
    add_notes(taken);
    if (is_taken)
        return taken;
    ct_taken_free(taken);
    return NULL;
}

gboolean ct_taken_write(const struct ct_taken *taken, const char *directory, GError **error)
{
    g_autofree char *folder = find_folder(directory);

    if (folder == NULL)
        return fail(error, "there is no such session directory of this user");
    return write_boards(taken, folder, error) && ct_moment_save(&taken->moment, folder, error);
}

void ct_taken_free(struct ct_taken *taken)
{
    if (taken == NULL)
        return;
    g_ptr_array_unref(taken->copies);
    ct_moment_clear(&taken->moment);
    g_free(taken);
}
