/*
 * exec and posix_spawn: the new image is followed, also when the program gives it an environment
 * of its own; or left alone, without a trace of us.
 */
#include "preload/life/exec_environment.h"
#include "preload/life/exec_image.h"
#include "preload/life/exec_room.h"
#include "preload/life/process.h"
#include "wrap.h"

#include <spawn.h>
#include <stdarg.h>
#include <unistd.h>

/* A larger environment is not copied to the stack. */
#define STACK_ROOM 256

/* Declares `followed`: `environment`, or a copy with which the image is followed. */
#define FOLLOW(environment, next_image)                                          \
    struct ct_follow follow = ct_exec_plan(environment, (next_image)->obstacle); \
    void *room = follow.size == 0            ? NULL                              \
                 : follow.size <= STACK_ROOM ? __builtin_alloca(follow.size)     \
                                             : ct_exec_room_take(follow.size);   \
    char *const *followed =                                                      \
        room == NULL ? (environment) : ct_exec_change(&follow, environment, room)

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
        struct ct_image next = found;                                   \
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
             (path, argv, (char **)followed), path, ct_exec_find_path(path))
CT_FIND_AHEAD(execve)
CT_WRAP_EXEC(execvpe, (const char *file, char *const argv[], char *const envp[]),
             (file, argv, (char **)followed), file, ct_exec_find_file(file))
/* It alone refuses to go without an environment. */
CT_WRAP_EXEC(fexecve, (int fd, char *const argv[], char *const envp[]),
             (fd, argv, envp != NULL ? (char **)followed : NULL), "", ct_exec_find_descriptor(fd))
CT_WRAP_EXEC(execveat,
             (int at, const char *path, char *const argv[], char *const envp[], int flags),
             (at, path, argv, (char **)followed, flags), path, ct_exec_find_at(at, path, flags))

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
        struct ct_image next = found;                                                         \
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

CT_SPAWN(posix_spawn, ct_exec_find_path(path))
CT_SPAWN(posix_spawnp, ct_exec_find_file(path))

#if CT_HAS_OLD_VERSIONS
CT_REAL_OLD(int, old_posix_spawn, SPAWN_PARAMS, posix_spawn, OLD_SPAWN_VERSION)
CT_REAL_OLD(int, old_posix_spawnp, SPAWN_PARAMS, posix_spawnp, OLD_SPAWN_VERSION)

CT_SPAWN(old_posix_spawn, ct_exec_find_path(path))
CT_SPAWN(old_posix_spawnp, ct_exec_find_file(path))
#endif
