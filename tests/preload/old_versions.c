/*
 * A program linked to the oldest posix_spawn: that gives a file which the kernel cannot execute to
 * a shell, as the newer one does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

typedef int (*spawn_function)(pid_t *pid, const char *path,
                              const posix_spawn_file_actions_t *actions,
                              const posix_spawnattr_t *attributes, char *const argv[],
                              char *const envp[]);

__asm__(".symver old_posix_spawn, posix_spawn@GLIBC_2.2.5");
__asm__(".symver old_posix_spawnp, posix_spawnp@GLIBC_2.2.5");

int old_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                    const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int old_posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);

extern char **environ;

/* Returns the error, or minus the status with which the child ended. */
static int spawn(spawn_function function, const char *path)
{
    char *argv[] = {(char *)path, NULL};
    pid_t child;
    int status;
    int result = function(&child, path, NULL, NULL, argv, environ);

    if (result != 0)
        return result;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return -WEXITSTATUS(status);
}

int main(void)
{
    static const char script[] = "exit 7\n"; /* which says nothing of a shell */
    char path[] = "/tmp/ctrace-script-XXXXXX";
    int fd = mkstemp(path);

    CHECK(fd >= 0 && write(fd, script, strlen(script)) == (ssize_t)strlen(script));
    CHECK(fchmod(fd, 0700) == 0 && close(fd) == 0);
    CHECK(spawn(posix_spawn, path) == ENOEXEC);
    CHECK(spawn(posix_spawnp, path) == ENOEXEC);
    CHECK(spawn(old_posix_spawn, path) == -7);
    CHECK(spawn(old_posix_spawnp, path) == -7);
    CHECK(unlink(path) == 0);
    printf("behaves\n");
    return 0;
}
