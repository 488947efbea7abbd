#include "fd.h"

#include "fd_peers.h"
#include "preload/core/board.h"
#include "preload/core/clock.h"
#include "preload/core/emit.h"
#include "preload/core/raw.h"
#include "preload/core/storage.h"
#include "preload/core/text.h"
#include "preload/core/work_stack.h"
#include "ready.h"
#include "schema/descriptors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

_Static_assert(CT_CLASS_COUNT <= 8, "a class is a bit of a byte");

const uint8_t ct_fd_kind_class[CT_FD_KIND_COUNT] = {
#define KIND_CLASS(symbol, name, class) [CT_FD_KIND_##symbol] = CT_CLASS_##class,
    CT_FD_KINDS(KIND_CLASS)
#undef KIND_CLASS
};

/* Where /proc says that the descriptor leads; empty if it does not say. */
static void read_link(int fd, char *target, size_t size)
{
    char link[32];
    struct ct_text text = ct_text_begin(link, sizeof(link));

    ct_text_string(&text, "/proc/self/fd/");
    ct_text_number(&text, (unsigned)fd);
    ssize_t length = ct_syscall(SYS_readlinkat, AT_FDCWD, link, target, size - 1);
    target[length > 0 ? length : 0] = '\0';
}

static enum ct_fd_kind anonymous_kind(int fd)
{
    char target[64];

    read_link(fd, target, sizeof(target));
    return ct_anonymous_fd_kind(target);
}

static enum ct_fd_kind socket_kind(int fd)
{
    int domain = 0;
    socklen_t size = sizeof(domain);

    if (ct_syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
        return CT_FD_KIND_SOCKET_OTHER;
    if (domain == AF_INET || domain == AF_INET6)
        return CT_FD_KIND_SOCKET_INET;
    return domain == AF_UNIX ? CT_FD_KIND_SOCKET_UNIX : CT_FD_KIND_SOCKET_OTHER;
}

static bool is_message_queue(int fd)
{
    struct statfs system;

    return ct_syscall(SYS_fstatfs, fd, &system) == 0 && system.f_type == CT_MQUEUE_MAGIC;
}

static enum ct_fd_kind look(int fd)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return CT_FD_KIND_UNKNOWN;
    switch (status.st_mode & S_IFMT) {
    case S_IFSOCK:
        return socket_kind(fd);
    case S_IFIFO:
        return CT_FD_KIND_PIPE;
    case S_IFREG:
        return is_message_queue(fd) ? CT_FD_KIND_MQUEUE : CT_FD_KIND_FILE;
    case S_IFDIR:
        return CT_FD_KIND_DIRECTORY;
    case S_IFCHR:
        return ct_device_fd_kind(major(status.st_rdev));
    case S_IFBLK:
        return CT_FD_KIND_DEVICE;
    default:
        return anonymous_kind(fd);
    }
}

static void note_kind(int fd, enum ct_fd_kind kind, bool is_nonblocking)
{
    uint8_t flags = (uint8_t)(CT_FD_KNOWN | kind | (is_nonblocking ? CT_FD_NONBLOCKING : 0));
    uint8_t known = ct_fds[fd].known;

    while (!atomic_compare_exchange_weak(&ct_fds[fd].known, &known,
                                         (uint8_t)((known & CT_FD_LASTING) | flags)))
        ;
}

/* The kernel minds O_NONBLOCK for these. A terminal's is shared with other programs: not kept. */
static bool is_nonblocking(int fd, enum ct_fd_kind kind)
{
    switch (kind) {
    case CT_FD_KIND_PIPE:
    case CT_FD_KIND_SOCKET_INET:
    case CT_FD_KIND_SOCKET_UNIX:
    case CT_FD_KIND_SOCKET_OTHER:
    case CT_FD_KIND_EVENTFD:
    case CT_FD_KIND_TIMERFD:
    case CT_FD_KIND_SIGNALFD:
    case CT_FD_KIND_INOTIFY:
        return (ct_syscall(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) != 0;
    default:
        return false;
    }
}

enum ct_fd_kind ct_fd_look(int fd)
{
    if (fd < 0 || (!*ct_is_ours && !ct_self_settle()))
        return CT_FD_KIND_UNKNOWN;
    int saved_errno = errno;
    enum ct_fd_kind kind = look(fd);

    if ((unsigned)fd < CT_FD_CACHE) {
        ct_fds_begin(fd);
        note_kind(fd, kind, is_nonblocking(fd, kind));
    }
    errno = saved_errno;
    return kind;
}

void ct_fd_recheck(int fd)
{
    if ((unsigned)fd < CT_FD_CACHE)
        ct_fds[fd].known &= CT_FD_LASTING;
}

/* That of who called vfork. */
static bool is_parents_memory(void)
{
    return ct_board != NULL && *ct_is_ours != 0 && !ct_process_is_own();
}

void ct_fd_forget(int fd)
{
    if ((unsigned)fd >= CT_FD_CACHE)
        return;
    /* A child of vfork closes what it shares the number of, but not the descriptor. */
    if (ct_fd_has_turns(fd) && is_parents_memory()) {
        ct_fds[fd].known &= CT_FD_HAS_TURNS;
        return;
    }
    if (ct_fds[fd].known != 0) /* a child of fork shares the page */
        ct_fds[fd].known = 0;  /* what it is can be looked up again */
    if ((ct_fds[fd].epoll_classes != 0 || ct_fds[fd].has_peer || ct_ready_knows(fd)) &&
        ct_process_is_own()) {
        ct_fds[fd].epoll_classes = 0;
        ct_fd_peers_forget(fd);
        ct_ready_forget(fd);
    }
}

void ct_fd_forget_range(unsigned first, unsigned last)
{
    if (last < first || !ct_process_is_own())
        return;
    uint32_t end = atomic_load(&ct_fds_end);
    for (unsigned fd = first; fd < end && fd <= last; fd++) {
        ct_fds[fd].known = 0;
        ct_fds[fd].epoll_classes = 0;
        if (ct_fds[fd].has_peer)
            ct_fd_peers_forget((int)fd);
    }
    ct_ready_forget_range(first, last);
}

void ct_fd_epoll_add(int epoll_fd, int fd, uint64_t data)
{
    if ((unsigned)epoll_fd < CT_FD_CACHE) {
        ct_fds_begin(epoll_fd);
        ct_fds[epoll_fd].epoll_classes |= (uint8_t)(1u << ct_fd_class(fd));
    }
    ct_fd_peers_watch(epoll_fd, fd);
    ct_ready_watch(epoll_fd, fd, data);
}

enum ct_class ct_fd_epoll_class(int epoll_fd)
{
    if ((unsigned)epoll_fd >= CT_FD_CACHE)
        return CT_CLASS_NET;
    return ct_class_of_set(ct_fds[epoll_fd].epoll_classes);
}

void ct_fd_connected(int fd)
{
    if ((unsigned)fd < CT_FD_CACHE)
        ct_fds[fd].known &= (uint8_t)~CT_FD_ANNOUNCED;
}

void ct_fds_forked(void)
{
    for (uint32_t fd = atomic_load(&ct_fds_end); fd-- > 0;)
        if (ct_fds[fd].known & CT_FD_ANNOUNCED)
            ct_fds[fd].known &= (uint8_t)~CT_FD_ANNOUNCED;
}

/* "10.0.0.1:80", "[::1]:80", a unix socket's path; empty if it has none. */
static void format_address(const struct sockaddr_storage *address, socklen_t size, char *buffer,
                           size_t buffer_size)
{
    char host[INET6_ADDRSTRLEN] = "";
    struct ct_text text = ct_text_begin(buffer, buffer_size);

    if (size < sizeof(sa_family_t))
        return;
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        ct_text_string(&text, inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)));
        ct_text_byte(&text, ':');
        ct_text_number(&text, ntohs(in->sin_port));
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        ct_text_byte(&text, '[');
        ct_text_string(&text, inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)));
        ct_text_string(&text, "]:");
        ct_text_number(&text, ntohs(in6->sin6_port));
    } else if (address->ss_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path)) {
        const struct sockaddr_un *un = (const void *)address;
        size_t used = size - offsetof(struct sockaddr_un, sun_path);
        bool is_abstract = un->sun_path[0] == '\0' && used > 1;
        if (is_abstract)
            ct_text_byte(&text, '@');
        ct_text_bytes(&text, un->sun_path + is_abstract, used - is_abstract);
    }
}

static void announce(void *argument)
{
    int fd = *(const int *)argument;
    enum ct_fd_kind kind = ct_fd_kind(fd);
    char local[256];
    char peer[128] = "";

    if (kind >= CT_FD_KIND_SOCKET_INET && kind <= CT_FD_KIND_SOCKET_OTHER) {
        struct sockaddr_storage address;
        socklen_t size = sizeof(address);
        local[0] = '\0';
        if (ct_syscall(SYS_getsockname, fd, &address, &size) == 0)
            format_address(&address, size, local, sizeof(local));
        size = sizeof(address);
        if (ct_syscall(SYS_getpeername, fd, &address, &size) == 0)
            format_address(&address, size, peer, sizeof(peer));
    } else {
        read_link(fd, local, sizeof(local));
    }
    struct ct_event_fd event = {.fd = fd, .kind = (uint8_t)kind, .local = local, .peer = peer};
    ct_emit_fd(&ct_self, ct_ticks(), &event);
}

void ct_fd_announce(int fd)
{
    if ((unsigned)fd >= CT_FD_CACHE || ct_fds[fd].known & CT_FD_ANNOUNCED)
        return;
    if (ct_with_room(&ct_self, announce, &fd))
        ct_fds[fd].known |= CT_FD_ANNOUNCED;
}
