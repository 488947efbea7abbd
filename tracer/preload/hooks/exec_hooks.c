/*
 * exec and posix_spawn: the new image is followed, also when the program gives it an environment
 * of its own; or left alone, without a trace of us.
 */
#include "exec_hooks.h"
#include "preload/core/memory.h"
#include "preload/core/raw.h"
#include "preload/core/text.h"
#include "preload/life/exec_room.h"
#include "preload/life/process.h"
#include "wrap.h"

#define CT_IMAGE_SYSCALL ct_syscall
#include "schema/image.h"

#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOADER_VARIABLE "LD_PRELOAD"

/* Stands in every loader setting that loads this library; first in the recorder's. */
#define OWN_LIBRARY "libctrace-preload.so"

/* An environment of more strings passes as it is. */
#define MAX_STRINGS 65536

/* The kernel refuses longer ones. */
#define STRING_SIZE_MAX (128 * 1024)

/* So much of the array is looked for at once. */
#define STRINGS_AT_ONCE 512

#define LOADER_SETTING_SIZE  8192
#define SESSION_SETTING_SIZE 4200

/* What is kept of the environment, one after the other. */
static CT_LARGE char kept[LOADER_SETTING_SIZE + SESSION_SETTING_SIZE + PATH_MAX];
static size_t kept_size;

/* What every followed image needs, as this one was given it: "NAME=value", or empty. */
static const char *loader_setting = "";
static const char *session_setting = "";

/* This library, by the name that the loader is given. */
static const char *library = "";

/* Of the value, up to `size` bytes. */
static const char *keep(const char *prefix, const char *value, size_t size)
{
    struct ct_text text = ct_text_begin(kept + kept_size, sizeof(kept) - kept_size);
    const char *begin = kept + kept_size;

    ct_text_string(&text, prefix);
    ct_text_bytes(&text, value, size);
    kept_size += strlen(begin) + 1;
    return begin;
}

/* "" if it is not there, or longer. */
static const char *keep_setting(const char *prefix, const char *value, size_t size)
{
    if (value == NULL || strlen(prefix) + strlen(value) + 1 > size)
        return "";
    return keep(prefix, value, strlen(value));
}

static void find_library(void)
{
    const char *end = strstr(loader_setting, OWN_LIBRARY);

    if (end == NULL)
        return;
    const char *begin = end;
    while (begin > loader_setting && begin[-1] != '=' && begin[-1] != ':' && begin[-1] != ' ')
        begin--;
    library = keep("", begin, (size_t)(end - begin) + strlen(OWN_LIBRARY));
}

void ct_exec_init(void)
{
    loader_setting =
        keep_setting(LOADER_VARIABLE "=", getenv(LOADER_VARIABLE), LOADER_SETTING_SIZE);
    session_setting =
        keep_setting(CT_SESSION_VARIABLE "=", getenv(CT_SESSION_VARIABLE), SESSION_SETTING_SIZE);
    find_library();
}

/* ---- What will be executed. ---- */

/* A file that is to be executed, as far as we see it. */
struct image {
    enum ct_obstacle obstacle;
    char file_name[CT_UNSEEN_NAME_SIZE]; /* "": it is not there, or hooks have nothing to follow */
};

static bool has_hooks(void)
{
    return session_setting[0] != '\0' && loader_setting[0] != '\0' && ct_control != NULL;
}

/* To the next image, which has the real user, and none of the capabilities that we may have yet. */
static bool can_access(const char *path, int mode)
{
    return ct_syscall(SYS_faccessat, AT_FDCWD, path, mode) == 0;
}

static void set_name(struct image *image, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct ct_text name = ct_text_begin(image->file_name, sizeof(image->file_name));

    ct_text_string(&name, slash != NULL && slash[1] != '\0' ? slash + 1 : path);
}

/* Looks at an open file, which is closed; the kernel has read `path` before. */
static struct image look_at(int fd, const char *path)
{
    struct image image = {.obstacle = CT_OBSTACLE_NONE, .file_name = ""};

    set_name(&image, path);
    image.obstacle = ct_image_find_obstacle(fd, ct_control->loader);
    if (image.obstacle != CT_OBSTACLE_NONE)
        return image;
    if (!can_access(library, R_OK))
        image.obstacle = CT_OBSTACLE_NO_LIBRARY;
    else if (!can_access(session_setting + sizeof(CT_SESSION_VARIABLE), F_OK))
        image.obstacle = CT_OBSTACLE_NO_SESSION;
    return image;
}

static struct image find_nothing(void)
{
    return (struct image){.obstacle = CT_OBSTACLE_NONE, .file_name = ""};
}

static struct image find_descriptor(int fd);

/* Of a file that can be executed, but not read. */
static struct image look_at_unreadable(int at, const char *path, int flags)
{
    struct image image = find_nothing();
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

/* Relative to directory `at`, or that descriptor itself, as execveat(2) does. */
static struct image find_at(int at, const char *path, int flags)
{
    int saved_errno = errno;
    struct image image = find_nothing();

    if (has_hooks()) {
        int fd = (int)ct_syscall(SYS_openat, at, path,
                                 O_RDONLY | O_CLOEXEC | O_NONBLOCK |
                                     (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
        if (fd >= 0)
            image = look_at(fd, path);
        else if (flags & AT_EMPTY_PATH) /* the program's path may be none */
            image = find_descriptor(at);
        else
            image = look_at_unreadable(at, path, flags);
    }
    errno = saved_errno;
    return image;
}

static struct image find_path(const char *path)
{
    return find_at(AT_FDCWD, path, 0);
}

/* Opened anew: it may not be open for reading. */
static __attribute__((noinline)) struct image find_descriptor(int fd)
{
    int saved_errno = errno;
    char link[64];
    char path[PATH_MAX];
    struct ct_text text = ct_text_begin(link, sizeof(link));

    ct_text_string(&text, "/proc/self/fd/");
    ct_text_number(&text, (uint64_t)(unsigned)fd);
    struct image image = find_path(link);
    long length = image.file_name[0] != '\0'
                      ? ct_syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1)
                      : -1;
    if (length > 0) {
        path[length] = '\0';
        set_name(&image, path);
    }
    errno = saved_errno;
    return image;
}

#define DEFAULT_PATH "/bin:/usr/bin"

/* In the first folder of PATH in which it can be executed, as execvp(3) does. */
static __attribute__((noinline)) struct image find_in_path(const char *file)
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
            return find_path(path);
        if (at[length] == '\0')
            return find_nothing();
    }
}

static struct image find_file(const char *file)
{
    int saved_errno = errno;
    uintptr_t known_page = 0;
    struct image image;

    if (!has_hooks() || !ct_memory_is_string(file, PATH_MAX, &known_page))
        return find_nothing();
    image = strchr(file, '/') != NULL ? find_path(file) : find_in_path(file);
    errno = saved_errno;
    return image;
}

/* ---- Its environment. ---- */

static bool has_name(const char *setting, const char *name)
{
    size_t length = strlen(name);

    return strncmp(setting, name, length) == 0 && setting[length] == '=';
}

/* What is needed to follow an image with this environment, or to leave it alone. */
struct follow {
    size_t count;       /* strings in the environment */
    const char *loader; /* its own loader setting, or NULL */
    size_t size;        /* bytes of a changed environment; 0 if it can stay as it is */
    bool wants_library; /* in the loader setting */
    bool wants_session;
};

/* What a loader setting of ours loads besides: what the user had it load, or NULL. */
static const char *others_in(const char *setting)
{
    const char *own = strstr(setting, OWN_LIBRARY);

    if (own == NULL || own[strlen(OWN_LIBRARY)] != ':')
        return NULL;
    return own + strlen(OWN_LIBRARY) + 1;
}

static struct follow plan(char *const environment[], enum ct_obstacle obstacle)
{
    struct follow follow = {0};
    bool has_session = false;
    size_t readable = 0; /* of the array */
    uintptr_t known_page = 0;

    if (!has_hooks())
        return follow;
    follow.wants_session = ct_control->follows_children != 0 && obstacle != CT_OBSTACLE_PRIVILEGED;
    follow.wants_library = follow.wants_session && !ct_obstacle_is_left_out(obstacle);
    for (; environment != NULL; follow.count++) {
        char *const *next = &environment[follow.count];
        if (follow.count == readable)
            readable += ct_memory_readable(next, STRINGS_AT_ONCE * sizeof(*next)) / sizeof(*next);
        if (follow.count == readable)
            return follow;
        const char *setting = *next;
        if (setting == NULL)
            break;
        if (follow.count == MAX_STRINGS ||
            !ct_memory_is_string(setting, STRING_SIZE_MAX, &known_page))
            return follow;
        if (has_name(setting, LOADER_VARIABLE))
            follow.loader = setting;
        has_session = has_session || has_name(setting, CT_SESSION_VARIABLE);
    }
    bool has_library = follow.loader != NULL && strstr(follow.loader, OWN_LIBRARY) != NULL;
    if (follow.wants_session == has_session && follow.wants_library == has_library)
        return follow;
    follow.size = (follow.count + 3) * sizeof(char *) + strlen(loader_setting) + 2 +
                  (follow.loader != NULL ? strlen(follow.loader) : 0);
    return follow;
}

/* The new loader setting; "" if there is to be none. */
static void write_loader(const struct follow *follow, char *loader)
{
    bool has_library = follow->loader != NULL && strstr(follow->loader, OWN_LIBRARY) != NULL;
    const char *others = has_library              ? others_in(follow->loader)
                         : follow->loader != NULL ? follow->loader + sizeof(LOADER_VARIABLE)
                                                  : NULL;

    strcpy(loader, follow->wants_library ? loader_setting
                   : others != NULL      ? LOADER_VARIABLE "="
                                         : "");
    if (has_library && follow->wants_library) {
        strcpy(loader, follow->loader);
    } else if (others != NULL) {
        strcat(loader, follow->wants_library ? ":" : "");
        strcat(loader, others);
    }
}

/* The environment with our settings, or without them, in `room` of follow->size bytes. */
static char **change(const struct follow *follow, char *const environment[], void *room)
{
    char **changed = room;
    char *loader = (char *)(changed + follow->count + 3);
    size_t used = 0;

    for (size_t i = 0; i < follow->count; i++)
        if (!has_name(environment[i], LOADER_VARIABLE) &&
            !has_name(environment[i], CT_SESSION_VARIABLE))
            changed[used++] = environment[i];
    write_loader(follow, loader);
    if (loader[0] != '\0')
        changed[used++] = loader;
    if (follow->wants_session)
        changed[used++] = (char *)session_setting;
    changed[used] = NULL;
    return changed;
}

/* A larger environment is not copied to the stack. */
#define STACK_ROOM 256

/* Declares `followed`: `environment`, or a copy with which the image is followed. */
#define FOLLOW(environment, next_image)                                        \
    struct follow follow = plan(environment, (next_image)->obstacle);          \
    void *room = follow.size == 0            ? NULL                            \
                 : follow.size <= STACK_ROOM ? __builtin_alloca(follow.size)   \
                                             : ct_exec_room_take(follow.size); \
    char *const *followed = room == NULL ? (environment) : change(&follow, environment, room)

/* The call that it was for has come back. */
#define FOLLOWED()                                    \
    do {                                              \
        if (follow.size > STACK_ROOM && room != NULL) \
            ct_exec_room_give_back(room);             \
    } while (0)

/* ---- exec ---- */

#define CT_WRAP_EXEC(name, params, args, path, found)                   \
    CT_REAL(int, name, params)                                          \
    int name params                                                     \
    {                                                                   \
        CT_NEED_REAL(name);                                             \
        struct image next = found;                                      \
        FOLLOW(envp, &next);                                            \
        struct ct_board_unseen *noted =                                 \
            ct_process_exec_begin(path, next.file_name, next.obstacle); \
        int result = real_##name args;                                  \
        int saved_errno = errno;                                        \
        FOLLOWED();                                                     \
        ct_process_exec_failed(noted);                                  \
        errno = saved_errno;                                            \
        return result;                                                  \
    }

CT_WRAP_EXEC(execve, (const char *path, char *const argv[], char *const envp[]),
             (path, argv, (char **)followed), path, find_path(path))
CT_WRAP_EXEC(execvpe, (const char *file, char *const argv[], char *const envp[]),
             (file, argv, (char **)followed), file, find_file(file))
/* It alone refuses to go without an environment. */
CT_WRAP_EXEC(fexecve, (int fd, char *const argv[], char *const envp[]),
             (fd, argv, envp != NULL ? (char **)followed : NULL), "", find_descriptor(fd))
CT_WRAP_EXEC(execveat,
             (int at, const char *path, char *const argv[], char *const envp[], int flags),
             (at, path, argv, (char **)followed, flags), path, find_at(at, path, flags))

int execv(const char *path, char *const argv[]);
int execvp(const char *file, char *const argv[]);

CT_EXPORT int execv(const char *path, char *const argv[])
{
    return execve(path, argv, environ);
}

CT_EXPORT int execvp(const char *file, char *const argv[])
{
    return execvpe(file, argv, environ);
}

/* Gathers the arguments up to the NULL into `argv`; execle's environment follows it. */
#define GATHER(first, argv)                                       \
    va_list arguments;                                            \
    size_t count = 1;                                             \
    va_start(arguments, first);                                   \
    while (va_arg(arguments, const char *) != NULL)               \
        count++;                                                  \
    va_end(arguments);                                            \
    char **argv = __builtin_alloca((count + 1) * sizeof(char *)); \
    argv[0] = (char *)(first);                                    \
    va_start(arguments, first);                                   \
    for (size_t i = 1; i <= count; i++)                           \
    argv[i] = va_arg(arguments, char *)

CT_EXPORT int execl(const char *path, const char *first, ...)
{
    GATHER(first, argv);
    va_end(arguments);
    return execve(path, argv, environ);
}

CT_EXPORT int execlp(const char *file, const char *first, ...)
{
    GATHER(first, argv);
    va_end(arguments);
    return execvpe(file, argv, environ);
}

CT_EXPORT int execle(const char *path, const char *first, ...)
{
    GATHER(first, argv);
    char *const *environment = va_arg(arguments, char *const *);
    va_end(arguments);
    return execve(path, argv, environment);
}

/* ---- posix_spawn ---- */

#define SPAWN_VERSION     "GLIBC_2.15"
#define OLD_SPAWN_VERSION "GLIBC_2.2.5" /* gives what is no program to a shell */

#define SPAWN_PARAMS                                                           \
    (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions, \
     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])

/* Where the child will be when it executes the program, we do not know if it is to go elsewhere
 * first: what is not found is taken for an ordinary program. */
#define CT_SPAWN(name, found)                                                                 \
    int name SPAWN_PARAMS                                                                     \
    {                                                                                         \
        pid_t child = 0;                                                                      \
        CT_NEED_REAL(name);                                                                   \
        struct image next = found;                                                            \
        FOLLOW(envp, &next);                                                                  \
        int result = real_##name(&child, path, actions, attributes, argv, (char **)followed); \
        FOLLOWED();                                                                           \
        if (pid != NULL && result == 0)                                                       \
            *pid = child;                                                                     \
        if (result == 0 && next.obstacle != CT_OBSTACLE_NONE)                                 \
            ct_process_note_spawned(next.file_name, next.obstacle);                           \
        if (result == 0 && ct_self_enter() != NULL)                                           \
            ct_process_announce_fork(child);                                                  \
        return result;                                                                        \
    }

CT_REAL_VERSION(int, posix_spawn, SPAWN_PARAMS, SPAWN_VERSION)
CT_REAL_VERSION(int, posix_spawnp, SPAWN_PARAMS, SPAWN_VERSION)

CT_SPAWN(posix_spawn, find_path(path))
CT_SPAWN(posix_spawnp, find_file(path))

#if CT_HAS_OLD_VERSIONS
CT_REAL_OLD(int, old_posix_spawn, SPAWN_PARAMS, posix_spawn, OLD_SPAWN_VERSION)
CT_REAL_OLD(int, old_posix_spawnp, SPAWN_PARAMS, posix_spawnp, OLD_SPAWN_VERSION)

CT_SPAWN(old_posix_spawn, find_path(path))
CT_SPAWN(old_posix_spawnp, find_file(path))
#endif
