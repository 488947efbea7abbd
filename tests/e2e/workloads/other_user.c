/*
 * Becomes another user, and then, in a thread of whatever process, waits 80 ms for a lock.
 *
 *     other_user wait            does not become anybody
 *     other_user fork UID        a child after setuid: no exec
 *     other_user exec UID        executes itself after setuid
 *     other_user effective UID   the same after seteuid: the loader will not trust the environment
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the mutex, as glibc has it: somebody waits. */
#define CONTENDED 2

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *wait_for_lock(void *unused)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    return unused;
}

static int wait_in_thread(void)
{
    pthread_t thread;

    pthread_mutex_lock(&lock);
    if (pthread_create(&thread, NULL, wait_for_lock, NULL) != 0)
        return 1;
    while (*(volatile int *)&lock.__data.__lock < CONTENDED)
        usleep(1000);
    usleep(80000);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    printf("%d\n", (int)geteuid());
    return 0;
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    uid_t uid = argc > 2 ? (uid_t)atoi(argv[2]) : 0;
    int status;

    if (strcmp(way, "wait") == 0)
        return wait_in_thread();
    if ((strcmp(way, "effective") == 0 ? seteuid(uid) : setuid(uid)) != 0)
        return 1;
    if (strcmp(way, "fork") != 0) {
        execl(argv[0], argv[0], "wait", (char *)NULL);
        return 1;
    }
    pid_t child = fork();
    if (child == 0)
        return wait_in_thread();
    return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}
