#include "exec_image.h"

#include "exec_environment.h"
#include "preload/core/memory.h"
#include "preload/core/raw.h"
#include "preload/core/text.h"

#define CT_IMAGE_SYSCALL ct_syscall
#include "schema/image.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* To the next image, which has the real user, and none of the capabilities that we may have yet. */
static bool can_access(const char *path, int mode)
{
    return ct_syscall(SYS_faccessat, AT_FDCWD, path, mode) == 0;
}

static void set_name(struct ct_image *image, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct ct_text name = ct_text_begin(image->file_name, sizeof(image->file_name));

    ct_text_string(&name, slash != NULL && slash[1] != '\0' ? slash + 1 : path);
}

/* Looks at an open file, which is closed; the kernel has read `path` before. Its room on the stack
 * is not for a call that finds no file. */
static __attribute__((noinline)) struct ct_image look_at(int fd, const char *path)
{
    struct ct_image image = {.obstacle = CT_OBSTACLE_NONE, .file_name = ""};

    set_name(&image, path);
    image.obstacle = ct_image_find_obstacle(fd, ct_control->loader);
    if (image.obstacle != CT_OBSTACLE_NONE)
        return image;
    if (!can_access(ct_exec_settings.library, R_OK))
        image.obstacle = CT_OBSTACLE_NO_LIBRARY;
    else if (!can_access(ct_exec_settings.session + sizeof(CT_SESSION_VARIABLE), F_OK))
        image.obstacle = CT_OBSTACLE_NO_SESSION;
    return image;
}

static struct ct_image find_nothing(void)
{
    return (struct ct_image){.obstacle = CT_OBSTACLE_NONE, .file_name = ""};
}

/* Of a file that can be executed, but not read. */
static __attribute__((noinline)) struct ct_image look_at_unreadable(int at, const char *path,
                                                                    int flags)
{
    struct ct_image image = find_nothing();
    int fd = (int)ct_syscall(SYS_openat, at, path,
                             O_PATH | O_CLOEXEC | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));

    if (fd < 0)
        return image;
    if (ct_image_is_privileged(fd)) {
        set_name(&image, path);
        image.obstacle = CT_OBSTACLE_PRIVILEGED;
    }
    ct_syscall(SYS_close, fd);
    return image;
}

struct ct_image ct_exec_find_at(int at, const char *path, int flags)
{
    struct ct_image image = find_nothing();

    if (ct_exec_has_hooks()) {
        int fd = (int)ct_syscall(SYS_openat, at, path,
                                 O_RDONLY | O_CLOEXEC | O_NONBLOCK |
                                     (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
        if (fd >= 0)
            image = look_at(fd, path);
        else if (flags & AT_EMPTY_PATH) /* the program's path may be none */
            image = ct_exec_find_descriptor(at);
        else
            image = look_at_unreadable(at, path, flags);
    }
    return image;
}

struct ct_image ct_exec_find_path(const char *path)
{
    return ct_exec_find_at(AT_FDCWD, path, 0);
}

/* Opened anew: it may not be open for reading. */
__attribute__((noinline)) struct ct_image ct_exec_find_descriptor(int fd)
{
    char link[64];
    char path[PATH_MAX];
    struct ct_text text = ct_text_begin(link, sizeof(link));

    ct_text_string(&text, "/proc/self/fd/");
    ct_text_number(&text, (uint64_t)(unsigned)fd);
    struct ct_image image = ct_exec_find_path(link);
    long length = image.file_name[0] != '\0'
                      ? ct_syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1)
                      : -1;
    if (length > 0) {
        path[length] = '\0';
        set_name(&image, path);
    }
    return image;
}

#define DEFAULT_PATH "/bin:/usr/bin"

/* In the first folder of PATH in which it can be executed, as execvp(3) does. */
static __attribute__((noinline)) struct ct_image find_in_path(const char *file)
{
    const char *folders = getenv("PATH");
    char path[PATH_MAX];
    size_t length;

    for (const char *at = folders != NULL ? folders : DEFAULT_PATH;; at += length + 1) {
        struct ct_text text = ct_text_begin(path, sizeof(path));
        length = strcspn(at, ":");
        ct_text_bytes(&text, at, length);
        if (length > 0)
            ct_text_byte(&text, '/');
        ct_text_string(&text, file);
        if (can_access(path, X_OK))
            return ct_exec_find_path(path);
        if (at[length] == '\0')
            return find_nothing();
    }
}

struct ct_image ct_exec_find_file(const char *file)
{
    uintptr_t known_page = 0;
    struct ct_image image;

    if (!ct_exec_has_hooks() || !ct_memory_is_string(file, PATH_MAX, &known_page))
        return find_nothing();
    image = strchr(file, '/') != NULL ? ct_exec_find_path(file) : find_in_path(file);
    return image;
}
