#include "serve/ready.h"

#include <glib.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_VARIABLE "NOTIFY_SOCKET"

/* FALSE: it is none. */
static gboolean take_address(struct sockaddr_un *address, socklen_t *size, const char *name)
{
    size_t length = strlen(name);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((*name != '/' && *name != '@') || length >= sizeof(address->sun_path))
        return FALSE;
    memcpy(address->sun_path, name, length);
    if (*name == '@')
        address->sun_path[0] = '\0';
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return TRUE;
}

static void tell(const char *name, const char *text)
{
    struct sockaddr_un address;
    socklen_t size;

    if (!take_address(&address, &size, name))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    close(fd);
}

void ct_ready_tell(void)
{
    const char *name = g_getenv(SOCKET_VARIABLE);

    if (name)
        tell(name, "READY=1\nSTATUS=Profiles can be asked for");
    g_unsetenv(SOCKET_VARIABLE);
}
