#include "tree.h"

#include "files/regular_file.h"
#include "kernel/spool.h"
#include "sandbox/sandbox.h"
#include "schema/recording_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* LTTng nests its traces five deep; each takes a descriptor. */
#define DEPTH_MAX 16

/* How a CTF metadata file begins: in packets, of this machine's byte order or another's. */
#define METADATA_MAGIC 0x75d11d57u

/* The parts that a recording can have: a directory with anything else in it is not one. */
static const char *const parts[] = {
    "ust", "closing", "kernel", CT_JIT_FOLDER, CT_SPOOL_FOLDER, CT_OBJECTS_FOLDER, CT_TREE_RESERVE};

static int open_folder(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int ct_tree_open(int at, const char *name)
{
    int fd = open_folder(at, name);
    struct stat status;

    if (fd < 0 || (fstat(fd, &status) == 0 && status.st_uid == geteuid()))
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

/* Of an open folder, whose descriptor stays the caller's. NULL if it cannot be listed. */
static DIR *list(int folder_fd)
{
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;

    if (entries == NULL && fd >= 0)
        close(fd);
    return entries;
}

/* Without itself and its parent. NULL at the end. */
static const char *next_name(DIR *entries)
{
    const struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return entry->d_name;
    return NULL;
}

static void end_list(DIR *entries)
{
    if (entries != NULL)
        closedir(entries);
}

static gboolean walk(int folder_fd, unsigned depth, ct_tree_visit visit, void *data);

/* What our own converter, confined, left in a folder where only we can have put it. */
static gboolean is_of_sandbox(int folder_fd, const struct stat *entry)
{
    struct stat folder;

    return geteuid() == 0 && entry->st_uid == CT_SANDBOX_USER && fstat(folder_fd, &folder) == 0 &&
           (folder.st_uid == 0 || folder.st_uid == CT_SANDBOX_USER) &&
           (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* One entry, and what is below it. */
static gboolean walk_entry(int folder_fd, const char *name, unsigned depth, ct_tree_visit visit,
                           void *data)
{
    struct stat status;

    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return FALSE;
    if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX) {
        int fd = is_of_sandbox(folder_fd, &status) ? open_folder(folder_fd, name)
                                                   : ct_tree_open(folder_fd, name);
        gboolean is_ended = fd >= 0 && walk(fd, depth + 1, visit, data);
        if (fd >= 0)
            close(fd);
        if (is_ended)
            return TRUE;
    }
    return visit(folder_fd, name, &status, data);
}

static gboolean walk(int folder_fd, unsigned depth, ct_tree_visit visit, void *data)
{
    DIR *entries = list(folder_fd);
    gboolean is_ended = FALSE;
    const char *name;

    while (!is_ended && (name = next_name(entries)) != NULL)
        is_ended = walk_entry(folder_fd, name, depth, visit, data);
    end_list(entries);
    return is_ended;
}

gboolean ct_tree_walk(const char *path, ct_tree_visit visit, void *data)
{
    int fd = ct_tree_open(AT_FDCWD, path);

    if (fd < 0)
        return FALSE;
    gboolean is_ended = walk(fd, 0, visit, data);
    close(fd);
    return is_ended;
}

static gboolean is_part(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (strcmp(name, parts[i]) == 0)
            return TRUE;
    return FALSE;
}

static gboolean has_only_parts(int folder_fd)
{
    DIR *entries = list(folder_fd);
    gboolean is_ours = entries != NULL;
    const char *name;

    while (is_ours && (name = next_name(entries)) != NULL)
        is_ours = is_part(name);
    end_list(entries);
    return is_ours;
}

static gboolean is_metadata(int folder_fd, const char *name, const struct stat *status, void *data)
{
    uint32_t magic = 0;

    (void)data;
    if (!S_ISREG(status->st_mode) || strcmp(name, "metadata") != 0)
        return FALSE;
    int fd = ct_regular_file_open_at(folder_fd, name, O_RDONLY | O_NOFOLLOW);
    if (fd < 0)
        return FALSE;
    gboolean is_one = read(fd, &magic, sizeof(magic)) == sizeof(magic) &&
                      (magic == METADATA_MAGIC || magic == GUINT32_SWAP_LE_BE(METADATA_MAGIC));
    close(fd);
    return is_one;
}

gboolean ct_tree_is_recording(int folder_fd)
{
    return has_only_parts(folder_fd) && walk(folder_fd, 0, is_metadata, NULL);
}

gboolean ct_tree_is_empty(int folder_fd)
{
    DIR *entries = list(folder_fd);
    gboolean is_empty = entries != NULL && next_name(entries) == NULL;

    end_list(entries);
    return is_empty;
}

gboolean ct_tree_has_only(int folder_fd, const char *name)
{
    DIR *entries = list(folder_fd);
    const char *first = next_name(entries);
    gboolean is_all = first != NULL && strcmp(first, name) == 0 && next_name(entries) == NULL;

    end_list(entries);
    return is_all;
}

static gboolean remove_entry(int folder_fd, const char *name, const struct stat *status, void *data)
{
    (void)data;
    unlinkat(folder_fd, name, S_ISDIR(status->st_mode) ? AT_REMOVEDIR : 0);
    return FALSE;
}

void ct_tree_remove(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (folder_fd < 0)
        return;
    walk_entry(folder_fd, name, 0, remove_entry, NULL);
    close(folder_fd);
}

void ct_tree_remove_parts(int folder_fd)
{
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        walk_entry(folder_fd, parts[i], 0, remove_entry, NULL);
}

static gboolean add_size(int folder_fd, const char *name, const struct stat *status, void *data)
{
    uint64_t *total_bytes = data;

    (void)folder_fd;
    (void)name;
    if (S_ISREG(status->st_mode))
        *total_bytes += (uint64_t)status->st_size;
    return FALSE;
}

uint64_t ct_tree_size(const char *path)
{
    uint64_t total_bytes = 0;

    ct_tree_walk(path, add_size, &total_bytes);
    return total_bytes;
}
