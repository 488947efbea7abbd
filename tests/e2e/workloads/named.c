/*
 * Waits under whatever names it is given: named FIFO THREAD. A thread that calls itself THREAD
 * opens FIFO, reads from it and locks a mutex: each time it waits for the first thread, which looks
 * whether it does.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *thread_name;
static atomic_int tid;
static atomic_int step; /* what it does next, or now */

/* Renamed in the binary. */
__attribute__((noinline)) void wait_in_named_function(const char *path);

__attribute__((noinline)) void wait_in_named_function(const char *path)
{
    char byte;

    step = 1;
    int fd = open(path, O_RDONLY);
    step = 2;
    if (fd < 0 || read(fd, &byte, 1) != 1)
        exit(1);
    step = 3;
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    close(fd);
}

static void *wait_for_all(void *path)
{
    prctl(PR_SET_NAME, thread_name);
    tid = gettid();
    wait_in_named_function(path);
    return NULL;
}

static int is_asleep(void)
{
    char path[64], text[512];

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    FILE *file = fopen(path, "r");
    size_t length = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;

    if (file != NULL)
        fclose(file);
    text[length] = '\0';
    const char *end = strrchr(text, ')'); /* of its name */
    return end != NULL && end[1] == ' ' && end[2] == 'S';
}

/* Until it does this, and so is asleep; and for a while. */
static void await(int number)
{
    while (step != number || !is_asleep())
        usleep(1000);
    usleep(10000);
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
    await(1);
    int fd = open(argv[1], O_WRONLY);

    await(2);
    if (fd < 0 || write(fd, "x", 1) != 1)
        return 1;
    await(3);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    close(fd);
    return 0;
}
