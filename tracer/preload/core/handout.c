#include "handout.h"

#include "raw.h"
#include "schema/board.h"
#include "text.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* A recorder that lives answers in less than a millisecond. */
#define PATIENCE_S 1

/* Signals of the program may interrupt us. */
#define MAX_INTERRUPTS 16

static int connect_to(const char *directory)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ct_text path = ct_text_begin(address.sun_path, sizeof(address.sun_path));
    long result = -EINTR;

    ct_text_string(&path, directory);
    ct_text_string(&path, "/" CT_HANDOUT_SOCKET);
    int fd = (int)ct_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    ct_syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    ct_syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    for (int i = 0; i < MAX_INTERRUPTS && result == -EINTR; i++)
        result = ct_syscall(SYS_connect, fd, &address, sizeof(address));
    if (result == 0)
        return fd;
    ct_syscall(SYS_close, fd);
    return -1;
}

static bool receive(int fd, struct ct_handout *handout)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(*handout))];
    } control;
    char byte;
    struct iovec data = {.iov_base = &byte, .iov_len = sizeof(byte)};
    struct msghdr message;
    long size = -EINTR;

    for (int i = 0; i < MAX_INTERRUPTS && size == -EINTR; i++) {
        message = (struct msghdr){.msg_iov = &data,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = sizeof(control)};
        size = ct_syscall(SYS_recvmsg, fd, &message, MSG_CMSG_CLOEXEC);
    }
    const struct cmsghdr *rights = size == sizeof(byte) ? CMSG_FIRSTHDR(&message) : NULL;
    if (rights == NULL || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)
        return false;
    if (rights->cmsg_len == CMSG_LEN(sizeof(*handout))) {
        memcpy(handout, CMSG_DATA(rights), sizeof(*handout));
        return true;
    }
    /* There was room for fewer in our table. */
    for (size_t at = CMSG_LEN(0); at + sizeof(int) <= rights->cmsg_len; at += sizeof(int)) {
        int only;
        memcpy(&only, (const char *)rights + at, sizeof(only));
        ct_syscall(SYS_close, only);
    }
    return false;
}

bool ct_handout_ask(const char *directory, struct ct_handout *handout)
{
    int fd = connect_to(directory);

    if (fd < 0)
        return false;
    bool is_given = receive(fd, handout);
    ct_syscall(SYS_close, fd);
    return is_given;
}
