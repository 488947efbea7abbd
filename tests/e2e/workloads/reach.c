/*
 * Goes where the recording's folder is out of reach, and then makes more events than a ring holds.
 *
 *   reach setns    to another mount namespace; prints how many of its mappings are of a doorbell
 *   reach chroot   to another root, behind the back of whoever hooks the call
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TURNS = 30000 };

static void require(int is_true, const char *what)
{
    if (is_true)
        return;
    perror(what);
    exit(1);
}

static long change_root(const char *path)
{
#if defined(__x86_64__)
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_chroot), "D"(path)
                     : "rcx", "r11", "memory");
    return result;
#else
    return syscall(SYS_chroot, path);
#endif
}

/* Of a child, in which nothing is at /dev/shm. */
static int other_namespace(void)
{
    int is_ready[2];
    char path[64], byte;

    require(pipe(is_ready) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        require(
            unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                mount("none", "/dev/shm", "tmpfs", 0, NULL) == 0 && write(is_ready[1], "", 1) == 1,
            "namespace");
        pause();
        _exit(0);
    }
    require(child > 0 && read(is_ready[0], &byte, 1) == 1, "fork");
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", child);
    int fd = open(path, O_RDONLY);
    require(fd >= 0, path);
    return fd;
}

static void print_doorbells(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    unsigned count = 0;

    require(maps != NULL, "maps");
    while (fgets(line, sizeof(line), maps) != NULL)
        count += strstr(line, "/doorbell") != NULL;
    fclose(maps);
    printf("%u\n", count);
}

int main(int argc, char **argv)
{
    int fds[2];
    char byte = 0;

    require(argc == 2 && pipe(fds) == 0, "usage: reach setns|chroot");
    if (strcmp(argv[1], "setns") == 0) {
        require(setns(other_namespace(), CLONE_NEWNS) == 0, "setns");
        print_doorbells();
    } else {
        require(change_root("/proc/self/fdinfo") == 0, "chroot");
    }
    for (int i = 0; i < TURNS; i++)
        require(write(fds[1], &byte, 1) == 1 && read(fds[0], &byte, 1) == 1, "pipe");
    return 0;
}
