/*
 * Waits for known times, and measures them by the kernel's clock, past what any library makes of
 * it. Prints {"sleep_ns": ..., "read_ns": ..., "lock_ns": ...}
 *
 *   clocks [fork | setns]    in a time namespace of its own: in a child, or by moving there
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define TURNS    5
#define WAIT_MS  30
#define NO_RIGHT 77

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t held;
static int fds[2];

static uint64_t now_ns(void)
{
    struct timespec now;

    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* By no call that a library might shorten. */
static void pass_ms(int ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000L};

    syscall(SYS_nanosleep, &time, NULL);
}

static void *make_wait(void *argument)
{
    for (int i = 0; i < TURNS; i++) {
        pass_ms(WAIT_MS);
        if (write(fds[1], "x", 1) != 1)
            exit(1);
        pthread_mutex_lock(&mutex);
        pthread_barrier_wait(&held);
        pass_ms(WAIT_MS);
        pthread_mutex_unlock(&mutex);
        pthread_barrier_wait(&held);
    }
    return argument;
}

static int run(void)
{
    const struct timespec time = {.tv_nsec = WAIT_MS * 1000000L};
    uint64_t sleep_ns = 0, read_ns = 0, lock_ns = 0;
    pthread_t thread;
    char byte;

    if (pipe(fds) != 0 || pthread_barrier_init(&held, NULL, 2) != 0 ||
        pthread_create(&thread, NULL, make_wait, NULL) != 0)
        return 1;
    for (int i = 0; i < TURNS; i++) {
        uint64_t begin_ns = now_ns();
        if (read(fds[0], &byte, 1) != 1)
            return 1;
        read_ns += now_ns() - begin_ns;
        pthread_barrier_wait(&held);
        begin_ns = now_ns();
        pthread_mutex_lock(&mutex);
        lock_ns += now_ns() - begin_ns;
        pthread_mutex_unlock(&mutex);
        pthread_barrier_wait(&held);
    }
    pthread_join(thread, NULL);
    for (int i = 0; i < TURNS; i++) {
        uint64_t begin_ns = now_ns();
        nanosleep(&time, NULL);
        sleep_ns += now_ns() - begin_ns;
    }
    printf("{\"sleep_ns\": %llu, \"read_ns\": %llu, \"lock_ns\": %llu}\n",
           (unsigned long long)sleep_ns, (unsigned long long)read_ns, (unsigned long long)lock_ns);
    return 0;
}

/* For the children, and whoever moves there. */
static void make_namespace(void)
{
    static const char offset[] = "monotonic 1000000 0";
    int fd;

    if (unshare(CLONE_NEWTIME) != 0 || (fd = open("/proc/self/timens_offsets", O_WRONLY)) < 0 ||
        write(fd, offset, strlen(offset)) != (ssize_t)strlen(offset))
        exit(NO_RIGHT);
    close(fd);
}

int main(int argc, char **argv)
{
    int status;

    if (argc == 1)
        return run();
    make_namespace();
    if (strcmp(argv[1], "setns") == 0) {
        if (setns(open("/proc/self/ns/time_for_children", O_RDONLY), CLONE_NEWTIME) != 0)
            return NO_RIGHT;
        return run();
    }
    pid_t child = fork();
    if (child == 0) {
        status = run();
        exit(status);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
               ? WEXITSTATUS(status)
               : 1;
}
