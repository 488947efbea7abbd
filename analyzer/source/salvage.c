#include "source/salvage.h"

#include "files/regular_file.h"
#include "source/packets.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ct_salvage {
    char *path; /* owned */
    guint64 stream_ids;
    GArray *copies; /* owned; int, files without a name */
};

/* Another file without a name; -1 if it cannot be made. Belongs to the salvage. */
static int make_copy(const struct ct_salvage *salvage)
{
    g_autofree char *path = g_build_filename(salvage->path, "copy-XXXXXX", NULL);
    int copy = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

    if (copy >= 0) {
        g_unlink(path);
        g_array_append_val(salvage->copies, copy);
    }
    return copy;
}

static gboolean copy_bytes(int file, int copy, int64_t size)
{
    char buffer[65536];
    int64_t at = 0;

    while (at < size) {
        ssize_t got = pread(file, buffer, (size_t)MIN((int64_t)sizeof(buffer), size - at), at);

        if (got <= 0 || write(copy, buffer, (size_t)got) != got)
            break;
        at += got;
    }
    return at == size;
}

/* What a name in a trace's directory stands for. */
enum file_kind {
    FILE_KIND_FOLDER, /* or nothing: of no interest */
    FILE_KIND_REGULAR,
    FILE_KIND_SPECIAL, /* a pipe, a device ...: must not be opened */
};

static enum file_kind kind_of(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0 || S_ISDIR(status.st_mode))
        return FILE_KIND_FOLDER;
    return ct_regular_file_is(path) ? FILE_KIND_REGULAR : FILE_KIND_SPECIAL;
}

/* A stream file while it is looked at. */
struct stream_file {
    const char *path;
    guint64 stream_ids; /* that it may have; 0: of a kind that cannot be checked */
    int file;
    gint64 size;
    struct ct_packets packets;
};

/* FALSE for what is no stream that can be checked. */
static gboolean open_stream(struct stream_file *stream, const char *name)
{
    struct stat status;

    if (stream->stream_ids == 0 || strcmp(name, "metadata") == 0 ||
        kind_of(stream->path) != FILE_KIND_REGULAR)
        return FALSE;
    /* It may have become another file since. */
    stream->file = ct_regular_file_open(stream->path);
    if (stream->file < 0)
        return FALSE;
    if (fstat(stream->file, &status) == 0) {
        stream->size = status.st_size;
        ct_packets_check(stream->file, stream->size, stream->stream_ids, &stream->packets);
        return TRUE;
    }
    close(stream->file);
    return FALSE;
}

/* What is wrong with the file, for people. */
static char *describe_damage(const struct stream_file *stream)
{
    if (stream->packets.is_damaged)
        return g_strdup_printf("'%s' is damaged at byte %" G_GINT64_FORMAT
                               ", the rest of it is left out",
                               stream->path, stream->packets.readable_bytes);
    return g_strdup_printf("'%s' is cut off after byte %" G_GINT64_FORMAT, stream->path,
                           stream->size);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* `index_path` need not exist. */
static void check_stream(struct stream_file *stream, const char *name, const char *index_path,
                         struct ct_salvage_check *check)
{
    if (!open_stream(stream, name))
        return;
    check->packet_count += stream->packets.count;
    if (stream->packets.readable_bytes < stream->size) {
        check->is_needed = TRUE;
        if (!check->damage)
            check->damage = describe_damage(stream);
    } else if (!ct_packets_match_index(stream->file, &stream->packets, index_path)) {
        check->is_needed = TRUE;
    }
    close(stream->file);
}

/* `stream` is not open yet. */
static void check_file(struct stream_file *stream, const char *name, struct ct_salvage_check *check)
{
    g_autofree char *folder = g_path_get_dirname(stream->path);
    g_autofree char *index_name = g_strconcat(name, ".idx", NULL);
    g_autofree char *index_path = g_build_filename(folder, "index", index_name, NULL);

    if (kind_of(stream->path) == FILE_KIND_SPECIAL) {
        check->is_needed = TRUE;
        if (!check->damage)
            check->damage =
                g_strdup_printf("'%s' is no regular file, it is left out", stream->path);
    } else if (kind_of(index_path) == FILE_KIND_SPECIAL) {
        check->is_needed = TRUE;
        index_path[0] = '\0';
    }
    check_stream(stream, name, index_path, check);
}

/* The names in the folder, in a definite order. */
static GPtrArray *list_names(const char *path)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder)))
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    return names;
}

void ct_salvage_check(const char *path, struct ct_salvage_check *check)
{
    g_autoptr(GPtrArray) names = list_names(path);
    guint64 stream_ids;

    *check = (struct ct_salvage_check){0};
    ct_packets_find_streams(path, &stream_ids);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *source = g_build_filename(path, names->pdata[i], NULL);
        struct stream_file stream = {.path = source, .stream_ids = stream_ids};

        check_file(&stream, names->pdata[i], check);
    }
}

static gboolean stage_copy(const struct ct_salvage *salvage, const struct stream_file *stream,
                           const char *target)
{
    int copy = make_copy(salvage);
    g_autofree char *source = g_strdup_printf("/proc/self/fd/%d", copy);

    return copy >= 0 && copy_bytes(stream->file, copy, stream->packets.readable_bytes) &&
           symlink(source, target) == 0;
}

/* Puts the file, or what is readable of it, into the directory. Indexes are not needed, and may be
 * wrong themselves. */
static gboolean stage_file(const struct ct_salvage *salvage, const char *source, const char *name)
{
    g_autofree char *target = g_build_filename(salvage->path, name, NULL);
    struct stream_file stream = {.path = source, .stream_ids = salvage->stream_ids};
    gboolean success = TRUE;

    if (!open_stream(&stream, name))
        return kind_of(source) != FILE_KIND_REGULAR || symlink(source, target) == 0;
    if (stream.packets.readable_bytes == stream.size)
        success = symlink(source, target) == 0;
    else if (stream.packets.readable_bytes > 0)
        success = stage_copy(salvage, &stream, target);
    close(stream.file);
    return success;
}

struct ct_salvage *ct_salvage_new(const char *path)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autoptr(GPtrArray) names = list_names(absolute);
    struct ct_salvage *salvage;
    gboolean success = TRUE;
    char *directory = g_dir_make_tmp("ctrace-XXXXXX", NULL);

    if (!directory)
        return NULL;
    salvage = g_new0(struct ct_salvage, 1);
    salvage->path = directory;
    salvage->copies = g_array_new(FALSE, FALSE, sizeof(int));
    ct_packets_find_streams(absolute, &salvage->stream_ids);
    for (guint i = 0; i < names->len && success; i++) {
        g_autofree char *source = g_build_filename(absolute, names->pdata[i], NULL);

        success = stage_file(salvage, source, names->pdata[i]);
    }
    if (success)
        return salvage;
    ct_salvage_free(salvage);
    return NULL;
}

const char *ct_salvage_path(const struct ct_salvage *salvage)
{
    return salvage->path;
}

void ct_salvage_free(struct ct_salvage *salvage)
{
    g_autoptr(GPtrArray) names = list_names(salvage->path);

    for (guint i = 0; i < names->len; i++) {
        g_autofree char *file = g_build_filename(salvage->path, names->pdata[i], NULL);

        g_unlink(file);
    }
    for (guint i = 0; i < salvage->copies->len; i++)
        close(g_array_index(salvage->copies, int, i));
    g_rmdir(salvage->path);
    g_array_unref(salvage->copies);
    g_free(salvage->path);
    g_free(salvage);
}
