#include "ingest/salvage.h"

#include "ingest/packets.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ct_salvage {
    char *path; /* owned */
    guint64 stream_ids;
};

static gboolean copy_bytes(int file, const char *target, int64_t size)
{
    char buffer[65536];
    int copy = g_open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int64_t at = 0;

    while (copy >= 0 && at < size) {
        ssize_t got = pread(file, buffer, (size_t)MIN((int64_t)sizeof(buffer), size - at), at);

        if (got <= 0 || write(copy, buffer, (size_t)got) != got)
            break;
        at += got;
    }
    return copy >= 0 && close(copy) == 0 && at == size;
}

/* A stream file while it is looked at. */
struct stream_file {
    const char *path;
    guint64 stream_ids; /* that it may have */
    int file;
    gint64 size;
    struct ct_packets packets;
};

/* FALSE for what is no stream: the metadata, and the folder of indexes. */
static gboolean open_stream(struct stream_file *stream, const char *name)
{
    struct stat status;

    if (strcmp(name, "metadata") == 0)
        return FALSE;
    stream->file = g_open(stream->path, O_RDONLY | O_CLOEXEC, 0);
    if (stream->file < 0)
        return FALSE;
    if (fstat(stream->file, &status) == 0 && S_ISREG(status.st_mode)) {
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

/* `stream` is not open yet. */
static void check_stream(struct stream_file *stream, const char *name,
                         struct ct_salvage_check *check)
{
    g_autofree char *folder = g_path_get_dirname(stream->path);
    g_autofree char *index_name = g_strconcat(name, ".idx", NULL);
    g_autofree char *index_path = g_build_filename(folder, "index", index_name, NULL);

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

void ct_salvage_check(const char *path, struct ct_salvage_check *check)
{
    guint64 stream_ids;
    gboolean is_known = ct_packets_find_streams(path, &stream_ids);
    g_autoptr(GDir) folder = is_known ? g_dir_open(path, 0, NULL) : NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    *check = (struct ct_salvage_check){0};
    while (folder && (name = g_dir_read_name(folder)))
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *source = g_build_filename(path, names->pdata[i], NULL);
        struct stream_file stream = {.path = source, .stream_ids = stream_ids};

        check_stream(&stream, names->pdata[i], check);
    }
}

/* Puts the file, or what is readable of it, into the directory. */
static gboolean stage_file(const struct ct_salvage *salvage, const char *source, const char *name)
{
    g_autofree char *target = g_build_filename(salvage->path, name, NULL);
    struct stream_file stream = {.path = source, .stream_ids = salvage->stream_ids};
    gboolean success;

    if (!open_stream(&stream, name)) /* indexes are not needed, and may be wrong themselves */
        return g_file_test(source, G_FILE_TEST_IS_DIR) || symlink(source, target) == 0;
    if (stream.packets.readable_bytes == stream.size)
        success = symlink(source, target) == 0;
    else if (stream.packets.readable_bytes == 0)
        success = TRUE;
    else
        success = copy_bytes(stream.file, target, stream.packets.readable_bytes);
    close(stream.file);
    return success;
}

struct ct_salvage *ct_salvage_new(const char *path)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *directory = g_dir_make_tmp("ctrace-XXXXXX", NULL);
    g_autoptr(GDir) folder = g_dir_open(absolute, 0, NULL);
    struct ct_salvage *salvage;
    gboolean success = TRUE;
    const char *name;

    if (!directory || !folder) {
        if (directory)
            g_rmdir(directory);
        return NULL;
    }
    salvage = g_new0(struct ct_salvage, 1);
    salvage->path = g_steal_pointer(&directory);
    ct_packets_find_streams(absolute, &salvage->stream_ids);
    while (success && (name = g_dir_read_name(folder))) {
        g_autofree char *source = g_build_filename(absolute, name, NULL);

        success = stage_file(salvage, source, name);
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
    g_autoptr(GDir) folder = g_dir_open(salvage->path, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *file = g_build_filename(salvage->path, name, NULL);

        g_unlink(file);
    }
    g_rmdir(salvage->path);
    g_free(salvage->path);
    g_free(salvage);
}
