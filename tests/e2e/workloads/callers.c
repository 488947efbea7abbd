/* Functions that make a system call, each through a wrapper that keeps no frame pointer: by frame
 * pointers alone they are skipped. One has a small frame, the other a large one. */
#include <sys/socket.h>
#include <unistd.h>

#define KEPT          __attribute__((noinline, noclone)) static
#define STAY(pointer) __asm__ volatile("" : : "r"(pointer) : "memory")

KEPT void read_little(int fd)
{
    char byte;

    (void)!read(fd, &byte, 1);
    STAY(&byte);
}

KEPT void read_much(int fd)
{
    char bytes[8192];

    (void)!read(fd, bytes, 1);
    STAY(bytes);
}

KEPT void serve(int fd)
{
    for (;;) {
        read_little(fd);
        read_much(fd);
        STAY(&fd);
    }
}

int main(void)
{
    int pair[2];

    (void)!socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    if (fork() == 0) {
        close(pair[0]);
        do
            usleep(20000);
        while (write(pair[1], "x", 1) == 1);
        _exit(0);
    }
    close(pair[1]);
    serve(pair[0]);
}
