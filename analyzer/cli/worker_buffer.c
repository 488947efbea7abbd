#include "cli/worker_buffer.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

FILE *ct_worker_buffer_new(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);

    return fd >= 0 ? fdopen(fd, "r+") : NULL;
}

GBytes *ct_worker_buffer_take(FILE *file, gint64 from, gint64 to)
{
    struct stat status;
    gsize size = fstat(fileno(file), &status) == 0 ? (gsize)status.st_size : 0;
    gsize begin = MIN((gsize)MAX(from, 0), size);
    gsize end = to < 0 ? size : MIN((gsize)to, size);
    char *bytes = g_malloc(MAX(size, 1));
    gsize got = 0;

    for (ssize_t more = 1; got < size && more > 0; got += (gsize)MAX(more, 0))
        more = pread(fileno(file), bytes + got, size - got, (off_t)got);
    g_autoptr(GBytes) all = g_bytes_new_take(bytes, got);

    begin = MIN(begin, got);
    return g_bytes_new_from_bytes(all, begin, MAX(begin, MIN(end, got)) - begin);
}
