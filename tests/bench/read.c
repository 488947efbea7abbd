/* Nanoseconds for one read() of one byte that is there already. */
#include "timing.h"

#include <fcntl.h>
#include <unistd.h>

int main(void)
{
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    char byte;

    if (fd < 0)
        return 1;
    BENCH(if (read(fd, &byte, 1) != 1) return 1);
    return 0;
}
