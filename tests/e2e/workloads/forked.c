/*
 * Children of fork that wait late, or never. The first argument says what the child does; what is
 * printed is its id.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_US = 20000, MS = 1000000, STATUS = 7, MANY = 60 };

/* Without a call that may wait. */
static void run_for(long ms)
{
    struct timespec begin, now;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / MS < ms);
}

static void *wait_in_thread(void *argument)
{
    usleep(WAIT_US);
    return argument;
}

static void stop(void)
{
    raise(SIGSTOP);
}

static void early(void)
{
    usleep(WAIT_US);
}

static void silent(void)
{
    run_for(30);
}

static void late(void)
{
    run_for(300);
    usleep(WAIT_US);
}

static void thread(void)
{
    pthread_t other;

    if (pthread_create(&other, NULL, wait_in_thread, NULL) == 0)
        run_for(100);
}

static void exec(void)
{
    execl("/bin/true", "true", (char *)NULL);
}

static void no_exec(void)
{
    execl("/nonexistent", "nonexistent", (char *)NULL);
    usleep(WAIT_US);
}

/* The first call is one of those that we look into before. */
static void semaphore(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf down = {.sem_op = -1};
    struct timespec timeout = {.tv_nsec = WAIT_US * 1000};

    semtimedop(id, &down, 1, &timeout);
    semctl(id, 0, IPC_RMID);
}

static void socket_read(void)
{
    int ends[2];
    struct timeval timeout = {.tv_usec = WAIT_US};
    char byte;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 &&
        setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0)
        _exit(read(ends[0], &byte, 1) < 0 ? STATUS : EXIT_FAILURE);
}

static void limited(void)
{
    struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_FSIZE, &none) == 0)
        usleep(WAIT_US);
}

static void jailed(void)
{
    if (chroot("/proc") == 0 && setuid(65534) == 0)
        usleep(WAIT_US);
}

static void grandchild(void)
{
    pid_t child = fork();

    if (child == 0) {
        run_for(30);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

/* Its parent ends first. */
static void orphan(void)
{
    if (fork() == 0) {
        run_for(1500);
        usleep(WAIT_US);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} kinds[] = {
    {"early", early},
    {"silent", silent},
    {"late", late},
    {"thread", thread},
    {"exec", exec},
    {"no_exec", no_exec},
    {"limited", limited},
    {"jailed", jailed},
    {"semaphore", semaphore},
    {"socket_read", socket_read},
    {"stopped", stop},
    {"orphan", orphan},
    {"grandchild", grandchild},
};

static pid_t start(void (*run)(void))
{
    pid_t child = fork();

    if (child == 0) {
        run();
        _exit(STATUS);
    }
    return child;
}

static int run_one(void (*run)(void))
{
    int status;
    pid_t child = start(run);

    printf("%d\n", child);
    fflush(stdout);
    if (waitpid(child, &status, WUNTRACED) != child)
        return EXIT_FAILURE;
    if (WIFSTOPPED(status)) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    if (run == orphan)
        sleep(2);
    return EXIT_SUCCESS;
}

/* More at once than any first part of a table holds. */
static int run_many(void)
{
    pid_t children[MANY];

    for (int i = 0; i < MANY; i++)
        children[i] = start(stop);
    for (int i = 0; i < MANY; i++)
        waitpid(children[i], NULL, WUNTRACED);
    for (int i = 0; i < MANY; i++) {
        printf("%d\n", children[i]);
        kill(children[i], SIGCONT);
        waitpid(children[i], NULL, 0);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";

    if (strcmp(kind, "many") == 0)
        return run_many();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, kind) == 0)
            return run_one(kinds[i].run);
    return EXIT_FAILURE;
}
