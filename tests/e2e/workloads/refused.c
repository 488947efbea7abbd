/*
 * Calls that change a process's state for good when they are a success, and that fail here, or do
 * less than it seems; and one that is a success. Then it sleeps: prints {"sleep_ns": ...}
 *
 *   refused prctl | raw-prctl | seccomp | tsync | actions    asks for a filter that it does not get
 *   refused close-range | keep-open                          waits on an epoll that stays open
 *   refused exec                                             executes what is not there
 *   refused filtered                                         gets a filter that forbids a lot
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 50

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void require(int is_true, const char *what)
{
    if (is_true)
        return;
    perror(what);
    exit(1);
}

static void sleep_and_tell(void)
{
    uint64_t begin_ns = now_ns();

    usleep(WAIT_MS * 1000);
    printf("{\"sleep_ns\": %llu}\n", (unsigned long long)(now_ns() - begin_ns));
}

static void wait_on_epoll(int flags, int result)
{
    struct epoll_event event = {.events = EPOLLIN};
    int fds[2];

    require(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socketpair");
    int epoll = epoll_create1(0);
    require(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event) == 0, "epoll_ctl");
    require(close_range(STDERR_FILENO + 1, ~0u, flags) == result, "close_range");
    require(epoll_wait(epoll, &event, 1, WAIT_MS) == 0, "epoll_wait");
}

/* What ctrace would do for itself, and this program does not. */
static void get_filter(void)
{
    static const int forbidden[] = {SYS_getpid,    SYS_openat, SYS_readlinkat,
                                    SYS_ftruncate, SYS_mmap,   SYS_fallocate};
    enum { COUNT = sizeof(forbidden) / sizeof(forbidden[0]) };
    struct sock_filter filter[COUNT * 2 + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    struct sock_fprog program = {COUNT * 2 + 2, filter};

    for (size_t i = 0; i < COUNT; i++) {
        filter[1 + 2 * i] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)forbidden[i], 0, 1);
        filter[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    }
    filter[COUNT * 2 + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    printf("\n"); /* its buffer is there */
    require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0, "filter");
}

static void run_filtered(void)
{
    int status;

    sleep_and_tell();
    get_filter();
    pid_t child = fork();
    if (child == 0) {
        usleep(1000);
        _exit(0);
    }
    require(waitpid(child, &status, 0) == child && status == 0, "the child");
    usleep(WAIT_MS * 1000);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    uint32_t action = SECCOMP_RET_ALLOW;

    if (strcmp(what, "prctl") == 0)
        require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) < 0, what);
    else if (strcmp(what, "raw-prctl") == 0)
        require(syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) < 0, what);
    else if (strcmp(what, "seccomp") == 0)
        require(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) < 0, what);
    else if (strcmp(what, "tsync") == 0)
        require(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, NULL) < 0,
                what);
    else if (strcmp(what, "actions") == 0)
        require(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0, what);
    else if (strcmp(what, "close-range") == 0)
        wait_on_epoll(1 << 20, -1);
    else if (strcmp(what, "keep-open") == 0)
        wait_on_epoll(CLOSE_RANGE_CLOEXEC, 0);
    else if (strcmp(what, "exec") == 0)
        require(execl("/nowhere/true", "true", NULL) < 0, what);
    else if (strcmp(what, "filtered") == 0)
        run_filtered();
    else
        return 2;
    if (strcmp(what, "filtered") != 0)
        sleep_and_tell();
    return 0;
}
