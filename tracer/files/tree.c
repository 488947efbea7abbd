#include "files/tree.h"

#include "sandbox/user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* LTTng nests its traces five deep; each takes a descriptor. */
#define DEPTH_MAX 16

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

gboolean ct_tree_walk_at(int folder_fd, ct_tree_visit visit, void *data)
{
    return walk(folder_fd, 0, visit, data);
}

static gboolean is_among(const char *name, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return TRUE;
    return FALSE;
}

gboolean ct_tree_has_only(int folder_fd, const char *const names[], size_t count)
{
    DIR *entries = list(folder_fd);
    gboolean has_no_other = entries != NULL;
    const char *name;

    while (has_no_other && (name = next_name(entries)) != NULL)
        has_no_other = is_among(name, names, count);
    end_list(entries);
    return has_no_other;
}

static gboolean remove_entry(int folder_fd, const char *name, const struct stat *status, void *data)
{
    (void)data;
    unlinkat(folder_fd, name, S_ISDIR(status->st_mode) ? AT_REMOVEDIR : 0);
    return FALSE;
}

void ct_tree_remove_at(int folder_fd, const char *name)
{
    walk_entry(folder_fd, name, 0, remove_entry, NULL);
}

void ct_tree_remove(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (folder_fd < 0)
        return;
    ct_tree_remove_at(folder_fd, name);
    close(folder_fd);
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

/* As a file has a part of a block at its end, it takes more. */
static gboolean add_room(int folder_fd, const char *name, const struct stat *status, void *data)
{
    uint64_t *total_bytes = data;

    (void)folder_fd;
    (void)name;
    if (S_ISREG(status->st_mode))
        *total_bytes += MIN((uint64_t)status->st_size, (uint64_t)status->st_blocks * 512);
    return FALSE;
}

uint64_t ct_tree_room(const char *path)
{
    uint64_t total_bytes = 0;

    ct_tree_walk(path, add_room, &total_bytes);
    return total_bytes;
}

static gboolean add_blocks(int folder_fd, const char *name, const struct stat *status, void *data)
{
    uint64_t *total_bytes = data;

    (void)folder_fd;
    (void)name;
    *total_bytes += (uint64_t)status->st_blocks * 512;
    return FALSE;
}

uint64_t ct_tree_blocks(const char *path)
{
    uint64_t total_bytes = 0;
    struct stat status;

    if (lstat(path, &status) == 0)
        total_bytes = (uint64_t)status.st_blocks * 512;
    ct_tree_walk(path, add_blocks, &total_bytes);
    return total_bytes;
}

uint64_t ct_tree_size(const char *path)
{
    uint64_t total_bytes = 0;

    ct_tree_walk(path, add_size, &total_bytes);
    return total_bytes;
}
