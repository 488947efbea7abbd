#include "asked.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* More wait until one of them has hung up. */
#define MAX_PEERS 16

/* A word, and a path. */
#define MAX_LINE (PATH_MAX + 64)

#define ANSWER_OK    "ok"
#define ANSWER_ERROR "error "

/* How long an answer may take that is an error by then: a large recording is copied meanwhile. */
#define ASK_TIMEOUT_S 600

struct peer {
    guint64 number;
    int fd;
    GString *read;        /* owned; what has come, and was not taken yet */
    gboolean is_waiting;  /* for an answer */
    gboolean has_hung_up; /* and says no more */
};

struct ct_asked {
    char *path;       /* owned */
    int fd;           /* that listens */
    int spare_fd;     /* there is a number for who is turned away, where there are no more */
    int epoll_fd;     /* of that, while there is room, and of the peers that may speak */
    GPtrArray *peers; /* owned; struct peer */
    guint64 count;    /* of all that ever were */
};

static void peer_free(void *data)
{
    struct peer *peer = data;

    close(peer->fd);
    g_string_free(peer->read, TRUE);
    g_free(peer);
}

static gboolean set_address(struct sockaddr_un *address, const char *path, GError **error)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (g_strlcpy(address->sun_path, path, sizeof(address->sun_path)) < sizeof(address->sun_path))
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NAMETOOLONG,
                "%s is too long for a socket's name: it may have %zu bytes", path,
                sizeof(address->sun_path) - 1);
    return FALSE;
}

/* What comes from there wakes who polls, or not any more. */
static void listen_to(const struct ct_asked *asked, int fd, gboolean is_heard)
{
    struct epoll_event event = {.events = EPOLLIN};

    epoll_ctl(asked->epoll_fd, is_heard ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event);
}

/* Where one that was killed left its socket, that takes its place. FALSE and errno. */
static gboolean bind_to(int fd, const struct sockaddr_un *address)
{
    const struct sockaddr *at = (const void *)address;
    struct stat status;

    if (bind(fd, at, sizeof(*address)) == 0)
        return TRUE;
    if (errno != EADDRINUSE)
        return FALSE;
    int probe_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gboolean is_left =
        probe_fd >= 0 && connect(probe_fd, at, sizeof(*address)) != 0 && errno == ECONNREFUSED;
    if (probe_fd >= 0)
        close(probe_fd);
    errno = EADDRINUSE;
    is_left = is_left && lstat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode);
    return is_left && unlink(address->sun_path) == 0 && bind(fd, at, sizeof(*address)) == 0;
}

struct ct_asked *ct_asked_new(const char *path, GError **error)
{
    struct sockaddr_un address;

    if (!set_address(&address, path, error))
        return NULL;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The file gets the mode that the socket has. */
    if (fd < 0 || fchmod(fd, 0600) != 0 || !bind_to(fd, &address) || listen(fd, MAX_PEERS) != 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot listen at %s: %s", path, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct ct_asked *asked = g_new0(struct ct_asked, 1);
    asked->path = g_strdup(path);
    asked->fd = fd;
    asked->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    asked->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    asked->peers = g_ptr_array_new_with_free_func(peer_free);
    listen_to(asked, fd, TRUE);
    return asked;
}

int ct_asked_fd(const struct ct_asked *asked)
{
    return asked->epoll_fd;
}

/* ---- What comes ---- */

static gboolean is_same_user(int fd)
{
    struct ucred who;
    socklen_t size = sizeof(who);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

/* Who connects while there are no descriptors would wake us again and again: it is let go. */
static gboolean turn_away(struct ct_asked *asked)
{
    if ((errno != EMFILE && errno != ENFILE) || asked->spare_fd < 0)
        return FALSE;
    close(asked->spare_fd);
    int fd = accept4(asked->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    asked->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void accept_peers(struct ct_asked *asked)
{
    while (asked->peers->len < MAX_PEERS) {
        int fd = accept4(asked->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0 && turn_away(asked))
            continue;
        if (fd < 0)
            break;
        if (!is_same_user(fd)) {
            close(fd);
            continue;
        }
        struct peer *peer = g_new0(struct peer, 1);
        peer->fd = fd;
        peer->number = ++asked->count;
        peer->read = g_string_new(NULL);
        g_ptr_array_add(asked->peers, peer);
        listen_to(asked, fd, TRUE);
    }
    if (asked->peers->len == MAX_PEERS)
        listen_to(asked, asked->fd, FALSE);
}

static void read_more(struct peer *peer)
{
    char bytes[1024];
    ssize_t size;

    while (peer->read->len <= MAX_LINE &&
           (size = recv(peer->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) != 0) {
        if (size < 0) {
            peer->has_hung_up = errno != EAGAIN && errno != EINTR;
            return;
        }
        g_string_append_len(peer->read, bytes, size);
    }
    peer->has_hung_up = TRUE; /* or it says more than anybody has to say */
}

/* The next line, without its end. Caller frees; NULL: there is none yet. */
static char *take_line(struct peer *peer)
{
    const char *end = memchr(peer->read->str, '\n', peer->read->len);

    if (end == NULL)
        return NULL;
    gssize length = end - peer->read->str;
    char *line = g_strndup(peer->read->str, (gsize)length);
    g_string_erase(peer->read, 0, length + 1);
    return line;
}

static struct peer *find_peer(const struct ct_asked *asked, guint64 number)
{
    for (guint i = 0; i < asked->peers->len; i++) {
        struct peer *peer = asked->peers->pdata[i];
        if (peer->number == number)
            return peer;
    }
    return NULL;
}

void ct_asked_serve(struct ct_asked *asked,
                    void (*answer)(void *user, struct ct_asked *asked, guint64 peer, char *line),
                    void *user)
{
    accept_peers(asked);
    for (guint i = asked->peers->len; i-- > 0;) {
        struct peer *peer = asked->peers->pdata[i];
        g_autofree char *line = NULL;

        if (peer->is_waiting)
            continue;
        if (!peer->has_hung_up)
            read_more(peer);
        while (!peer->is_waiting && (line = take_line(peer)) != NULL) {
            peer->is_waiting = TRUE;
            listen_to(asked, peer->fd, FALSE);
            answer(user, asked, peer->number, line);
            g_clear_pointer(&line, g_free);
        }
        if (!peer->is_waiting && peer->has_hung_up)
            g_ptr_array_remove_index(asked->peers, i);
    }
    if (asked->peers->len < MAX_PEERS) /* it may be heard already */
        listen_to(asked, asked->fd, TRUE);
}

void ct_asked_answer(struct ct_asked *asked, guint64 number, const GError *error)
{
    struct peer *peer = find_peer(asked, number);

    if (peer == NULL)
        return;
    g_autofree char *words = error != NULL ? g_strdup(error->message) : NULL;
    g_autofree char *line =
        words != NULL ? g_strconcat(ANSWER_ERROR, g_strdelimit(words, "\r\n", ' '), "\n", NULL)
                      : g_strdup(ANSWER_OK "\n");
    peer->is_waiting = FALSE;
    listen_to(asked, peer->fd, TRUE);
    if (send(peer->fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)strlen(line))
        peer->has_hung_up = TRUE;
}

void ct_asked_free(struct ct_asked *asked)
{
    if (asked == NULL)
        return;
    g_unlink(asked->path);
    close(asked->fd);
    if (asked->spare_fd >= 0)
        close(asked->spare_fd);
    close(asked->epoll_fd);
    g_ptr_array_unref(asked->peers);
    g_free(asked->path);
    g_free(asked);
}

/* ---- The other side ---- */

static gboolean fail(GError **error, int code, const char *what)
{
    g_set_error(error, G_FILE_ERROR,
                code == ENOENT || code == ECONNREFUSED ? (gint)G_FILE_ERROR_NOENT
                                                       : (gint)g_file_error_from_errno(code),
                "cannot %s: %s", what, g_strerror(code));
    return FALSE;
}

static gboolean read_answer(int fd, GString *answer, GError **error)
{
    char byte;
    ssize_t size;

    while ((size = recv(fd, &byte, 1, 0)) != 0) {
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == ECONNRESET)
            break;
        if (size < 0)
            return fail(error, errno, "read what the recorder answers");
        if (byte == '\n')
            return TRUE;
        g_string_append_c(answer, byte);
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_PIPE, "the recorder ended before it answered");
    return FALSE;
}

int ct_asked_connect(const char *path, GError **error)
{
    const struct timeval timeout = {.tv_sec = ASK_TIMEOUT_S};
    struct sockaddr_un address;

    if (!set_address(&address, path, error))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    fail(error, errno, "ask the recorder");
    if (fd >= 0)
        close(fd);
    return -1;
}

gboolean ct_asked_order(int fd, const char *line, GError **error)
{
    g_autoptr(GString) answer = g_string_new(NULL);
    g_autofree char *asked = g_strconcat(line, "\n", NULL);

    if (send(fd, asked, strlen(asked), MSG_NOSIGNAL) != (ssize_t)strlen(asked))
        return fail(error, errno, "ask the recorder");
    if (!read_answer(fd, answer, error))
        return FALSE;
    if (strcmp(answer->str, ANSWER_OK) == 0)
        return TRUE;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s",
                g_str_has_prefix(answer->str, ANSWER_ERROR) ? answer->str + strlen(ANSWER_ERROR)
                                                            : answer->str);
    return FALSE;
}

gboolean ct_asked_ask(const char *path, const char *line, GError **error)
{
    int fd = ct_asked_connect(path, error);

    if (fd < 0)
        return FALSE;
    gboolean is_answered = ct_asked_order(fd, line, error);
    close(fd);
    return is_answered;
}
