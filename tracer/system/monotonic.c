#include "monotonic.h"

#include "schema/time_namespace.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

/* State of a whole process: where its clock stands is the same for all who ask. */
static pthread_once_t is_found = PTHREAD_ONCE_INIT;

/* How much this process's clock is ahead of the machine's: a constant, once it is found. */
static int64_t offset_ns;

/* Where /proc does not say, it is not. */
static void find_offset(void)
{
    char text[CT_TIME_NAMESPACE_SIZE];
    ssize_t size = readlink(CT_TIME_NAMESPACE_LINK, text, sizeof(text) - 1);

    text[size > 0 ? size : 0] = '\0';
    if (size <= 0 || ct_time_namespace_is_first(text))
        return;
    int fd = open(CT_TIME_OFFSETS_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    size = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    offset_ns = ct_time_offset_ns(text);
}

bool ct_monotonic_is_shifted(void)
{
    pthread_once(&is_found, find_offset);
    return offset_ns != 0;
}

uint64_t ct_monotonic_ns(void)
{
    struct timespec now;

    pthread_once(&is_found, find_offset);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec - (uint64_t)offset_ns;
}
