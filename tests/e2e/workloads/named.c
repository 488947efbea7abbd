/*
 * Waits under whatever names it is given: named FIFO THREAD. One thread, which calls itself THREAD,
 * opens FIFO and reads from it; another holds a lock for which a third waits.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *thread_name;

/* Renamed in the binary. */
__attribute__((noinline)) void wait_in_named_function(const char *path);

__attribute__((noinline)) void wait_in_named_function(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || read(fd, &byte, 1) != 1)
        exit(1);
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    close(fd);
}

static void *wait_for_all(void *path)
{
    prctl(PR_SET_NAME, thread_name);
    wait_in_named_function(path);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;

    if (argc < 3)
        return 2;
    thread_name = argv[2];
    pthread_mutex_lock(&lock);
    if (pthread_create(&thread, NULL, wait_for_all, argv[1]) != 0)
        return 1;
    usleep(30000);
    int fd = open(argv[1], O_WRONLY);

    usleep(30000);
    if (fd < 0 || write(fd, "x", 1) != 1)
        return 1;
    usleep(30000);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    close(fd);
    return 0;
}
