#include "serve/flight.h"

#include "files/own_folder.h"
#include "files/tree.h"
#include "serve/command.h"
#include "serve/say.h"
#include "text/shell_word.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define WRITER "ctrace-snapshot"

/* What is written out has symbols and what was in buffers beside what was kept. */
enum { ROOM_FACTOR = 2 };

enum { WRITER_LIMIT_MS = 120000 };

/* Of a name: "20260131-235959". */
#define TIME_FORMAT "%Y%m%d-%H%M%S"
#define TIME_LENGTH 15

struct ct_flight {
    struct ct_flight_limits limits;
    int fd;         /* by which the folder is ours */
    char *programs; /* owned, as are the next three */
    char *living;
    char *folder;
    char *scratch;              /* for what a writer says */
    struct ct_command *command; /* a writer that runs; or NULL */
    char *path;                 /* owned, as is the next; of what it writes, and why; or NULL */
    char *reason;
    gint64 last_us; /* when the last one was to be written out; 0: none was */
    gboolean is_held_back_told;
};

/* ---- The folder ---- */

static gboolean is_written_out(const char *name)
{
    for (int i = 0; i < TIME_LENGTH; i++)
        if (i == 8 ? name[i] != '-' : !g_ascii_isdigit(name[i]))
            return FALSE;
    return name[TIME_LENGTH] == '-';
}

static int compare_names(const void *first, const void *second)
{
    return strcmp(*(const char *const *)first, *(const char *const *)second);
}

/* The oldest go, so that there are no more than so many. */
static void prune(const struct ct_flight *flight, guint count)
{
    g_autoptr(GDir) folder = g_dir_open(flight->folder, 0, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (folder && (name = g_dir_read_name(folder)))
        if (is_written_out(name))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i + count < names->len; i++) {
        g_autofree char *path = g_build_filename(flight->folder, names->pdata[i], NULL);

        ct_tree_remove(path);
    }
}

/* The caller frees it. */
static char *new_path(const struct ct_flight *flight, const char *reason)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, TIME_FORMAT);
    g_autofree char *word = g_strdup(reason);
    char *path;

    g_strcanon(word, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".", '-');
    g_autofree char *name = g_strconcat(time, "-", word, NULL);

    path = g_build_filename(flight->folder, name, NULL);
    for (guint i = 2; g_file_test(path, G_FILE_TEST_EXISTS); i++) {
        g_free(path);
        path = g_strdup_printf("%s/%s-%u", flight->folder, name, i);
    }
    return path;
}

gboolean ct_flight_has_room(const struct ct_flight *flight)
{
    struct statvfs room;

    return statvfs(flight->folder, &room) != 0 ||
           (guint64)room.f_bavail * room.f_frsize >= ROOM_FACTOR * flight->limits.bytes;
}

/* ---- Writing out ---- */

static void tell_written(const char *path, const char *reason)
{
    g_autofree char *word = ct_shell_path(path);

    ct_serve_say("wrote %s (%s); read it by: ctrace report %s", path, reason, word);
}

static void on_written(void *user, enum ct_command_end end)
{
    struct ct_flight *flight = user;
    g_autofree char *path = g_steal_pointer(&flight->path);
    g_autofree char *reason = g_steal_pointer(&flight->reason);

    flight->command = NULL;
    if (end == CT_COMMAND_GOOD) {
        tell_written(path, reason);
        prune(flight, flight->limits.count);
        return;
    }
    g_autofree char *file = g_build_filename(flight->scratch, "said", NULL);
    g_autofree char *said = ct_command_said(file);

    ct_serve_say("nothing was written out (%s): %s", reason,
                 end == CT_COMMAND_LATE ? "it took too long" : said);
}

static gboolean refuse(const char *reason, const char *why)
{
    ct_serve_say("nothing is written out (%s): %s", reason, why);
    return FALSE;
}

static gboolean start(struct ct_flight *flight, const char *reason)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *writer = g_build_filename(flight->programs, WRITER, NULL);
    g_autofree char *output = g_build_filename(flight->scratch, "out", NULL);
    g_autofree char *said = g_build_filename(flight->scratch, "said", NULL);
    g_autofree char *path = new_path(flight, reason);
    const char *const argv[] = {writer, "-o", path, flight->living, NULL};
    const struct ct_command_request request = {.argv = argv,
                                               .output = output,
                                               .said = said,
                                               .end_signal = SIGTERM,
                                               .limit_ms = WRITER_LIMIT_MS};

    prune(flight, flight->limits.count - 1);
    flight->command = ct_command_start(&request, on_written, flight, &error);
    if (!flight->command)
        return refuse(reason, error->message);
    flight->path = g_steal_pointer(&path);
    flight->reason = g_strdup(reason);
    flight->last_us = g_get_monotonic_time();
    flight->is_held_back_told = FALSE;
    return TRUE;
}

static gboolean is_too_soon(const struct ct_flight *flight)
{
    const guint64 gap_us = flight->limits.gap_ns / 1000;

    return flight->last_us != 0 && (guint64)(g_get_monotonic_time() - flight->last_us) < gap_us;
}

static gboolean is_recorded(const struct ct_flight *flight)
{
    return g_file_test(flight->living, G_FILE_TEST_IS_DIR);
}

gboolean ct_flight_write_out(struct ct_flight *flight, const char *reason)
{
    const char *why = flight->command        ? "one is being written"
                      : is_too_soon(flight)  ? "the last one was a moment ago; see --flight-gap"
                      : !is_recorded(flight) ? "nothing is recorded yet"
                      : !ct_flight_has_room(flight) ? "the disk has too little room left"
                                                    : NULL;

    if (!why)
        return start(flight, reason);
    if (!flight->is_held_back_told)
        refuse(reason, why);
    flight->is_held_back_told = TRUE;
    return FALSE;
}

/* ---- Its end ---- */

void ct_flight_keep_end(struct ct_flight *flight, const char *reason)
{
    if (!is_recorded(flight))
        return;
    g_autofree char *path = new_path(flight, reason);

    if (g_rename(flight->living, path) != 0) {
        ct_serve_say("what was kept last is %s: it cannot be renamed: %s", flight->living,
                     g_strerror(errno));
        return;
    }
    tell_written(path, reason);
    prune(flight, flight->limits.count);
}

/* ---- All of it ---- */

struct ct_flight *ct_flight_new(const struct ct_flight_request *request, GError **error)
{
    g_autofree char *scratch = g_dir_make_tmp("ctrace-flight-XXXXXX", error);

    if (!scratch)
        return NULL;
    g_autofree char *folder = g_canonicalize_filename(request->folder, NULL);
    int fd = ct_own_folder_take(folder, "--flight-dir", error);

    if (fd < 0) {
        ct_tree_remove(scratch);
        return NULL;
    }
    struct ct_flight *flight = g_new0(struct ct_flight, 1);

    flight->fd = fd;
    flight->limits = request->limits;
    flight->programs = g_strdup(request->programs);
    flight->folder = g_steal_pointer(&folder);
    flight->living = g_build_filename(flight->folder, CT_FLIGHT_LIVING, NULL);
    flight->scratch = g_steal_pointer(&scratch);
    return flight;
}

void ct_flight_settle(struct ct_flight *flight)
{
    while (flight->command)
        g_main_context_iteration(NULL, TRUE);
}

void ct_flight_free(struct ct_flight *flight)
{
    ct_flight_settle(flight);
    close(flight->fd);
    ct_tree_remove(flight->scratch);
    g_free(flight->programs);
    g_free(flight->living);
    g_free(flight->folder);
    g_free(flight->scratch);
    g_free(flight);
}

void ct_flight_add_words(const struct ct_flight *flight, GStrvBuilder *words)
{
    g_autofree char *keep =
        g_strdup_printf("--keep=%" G_GUINT64_FORMAT "ns", flight->limits.stretch_ns);
    g_autofree char *size =
        g_strdup_printf("--max-size=%" G_GUINT64_FORMAT "k", flight->limits.bytes / 1000);

    g_strv_builder_add_many(words, keep, size, "-o", flight->living, NULL);
}

const char *ct_flight_living(const struct ct_flight *flight)
{
    return flight->living;
}
