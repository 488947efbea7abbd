#include "view/notes/notes.h"

#include "files/regular_file.h"
#include "schema/recording_files.h"
#include "view/notes/note_list.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* As many notes as there may be, each as long as it may be, of what JSON writes longest. */
#define FILE_MAX (1U << 25)

/* Others hold it while they write a file. */
#define LOCK_TRIES   20
#define LOCK_STEP_US 10000

static void set_failure(GError **error, guint status, const char *what, const char *path,
                        const char *advice)
{
    g_set_error(error, G_IO_ERROR, (int)status, "%s %s: %s%s", what, path, g_strerror(errno),
                advice);
}

/* ---- Where they are ---- */

/* In the folder, and beside it: what is there counts, since the other one could not be written. */
struct place {
    char *inside; /* both owned */
    char *beside;
};

static struct place place_of(const char *directory)
{
    return (struct place){.inside = g_build_filename(directory, CT_NOTES_FILE, NULL),
                          .beside = g_strconcat(directory, CT_NOTES_SUFFIX, NULL)};
}

static void place_clear(struct place *place)
{
    g_free(place->inside);
    g_free(place->beside);
}
typedef struct place auto_place; /* for g_auto() */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(auto_place, place_clear)

/* NULL: an error. No file is no notes. */
static struct ct_note_list *read_file(const char *path, GError **error)
{
    g_autofree char *bytes = NULL;
    gsize size = 0;

    if (!ct_regular_file_read_at(AT_FDCWD, path, O_NOFOLLOW, FILE_MAX, &bytes, &size)) {
        if (errno == ENOENT)
            return ct_note_list_new();
        set_failure(error, 500, "the notes cannot be read:", path, "");
        return NULL;
    }
    struct ct_note_list *list = ct_note_list_parse(bytes, size);

    if (!list)
        g_set_error(error, G_IO_ERROR, 500,
                    "%s is damaged, or of a later ctrace: nothing is written over it; move it away "
                    "to begin anew",
                    path);
    return list;
}

static struct ct_note_list *read_notes(const struct place *place, GError **error)
{
    gboolean is_beside = g_file_test(place->beside, G_FILE_TEST_EXISTS);

    return read_file(is_beside ? place->beside : place->inside, error);
}

/* ---- Writing ---- */

static gboolean write_bytes(int fd, const char *bytes, gsize size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written < 0 && errno != EINTR)
            return FALSE;
        if (written > 0) {
            bytes += written;
            size -= (gsize)written;
        }
    }
    return fsync(fd) == 0;
}

/* Whole or not at all. FALSE and errno. */
static gboolean replace_file(const char *path, const char *text)
{
    g_autofree char *new_path = g_strconcat(path, CT_NOTES_NEW, NULL);

    g_unlink(new_path);
    int fd = g_open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);

    if (fd < 0)
        return FALSE;
    gboolean is_written = write_bytes(fd, text, strlen(text));
    int failure = errno;

    if (close(fd) != 0 && is_written) {
        failure = errno;
        is_written = FALSE;
    }
    if (is_written && g_rename(new_path, path) == 0)
        return TRUE;
    if (is_written)
        failure = errno;
    g_unlink(new_path);
    errno = failure;
    return FALSE;
}

static gboolean write_notes(const struct place *place, const struct ct_note_list *list,
                            GError **error)
{
    g_autofree char *text = ct_note_list_text(list, NULL);
    gboolean is_beside = g_file_test(place->beside, G_FILE_TEST_EXISTS);

    if (!is_beside && replace_file(place->inside, text))
        return TRUE;
    if (!is_beside && errno != EACCES && errno != EROFS && errno != EPERM) {
        set_failure(error, 500, "the note is not kept: cannot write", place->inside, "");
        return FALSE;
    }
    if (replace_file(place->beside, text))
        return TRUE;
    set_failure(error, 500, "the note is not kept: neither the recording's folder nor",
                place->beside, "; copy the recording to where you may write");
    return FALSE;
}

/* ---- One at a time ---- */

/* The descriptor that has the lock, or -1. */
static int lock(const char *directory, GError **error)
{
    int fd = g_open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

    if (fd < 0) {
        set_failure(error, 500, "the note is not kept: cannot open", directory, "");
        return -1;
    }
    for (unsigned i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return fd;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fd; /* a file system without locks */
        g_usleep(LOCK_STEP_US);
    }
    set_failure(error, 503, "the note is not kept: another program uses", directory,
                "; try it again");
    close(fd);
    return -1;
}

static GBytes *answer(const struct ct_note_list *list, const struct place *place)
{
    gboolean is_beside = g_file_test(place->beside, G_FILE_TEST_EXISTS);
    char *text = ct_note_list_text(list, is_beside ? place->beside : place->inside);

    return g_bytes_new_take(text, strlen(text));
}

struct ct_note_list *ct_view_notes_list(const char *directory, GError **error)
{
    g_auto(auto_place) place = place_of(directory);

    return read_notes(&place, error);
}

GBytes *ct_view_notes_read(const char *directory, GError **error)
{
    g_auto(auto_place) place = place_of(directory);
    g_autoptr(ct_note_list) list = read_notes(&place, error);

    return list ? answer(list, &place) : NULL;
}

GBytes *ct_view_notes_change(const char *directory, const char *change, gsize size, GError **error)
{
    g_auto(auto_place) place = place_of(directory);
    int fd = lock(directory, error);

    if (fd < 0)
        return NULL;
    g_autoptr(ct_note_list) list = read_notes(&place, error);
    gboolean is_done =
        list && ct_note_list_change(list, change, size, error) && write_notes(&place, list, error);

    close(fd);
    return is_done ? answer(list, &place) : NULL;
}
