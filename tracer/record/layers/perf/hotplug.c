#include "hotplug.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The group of the kernel's own messages. */
#define KERNEL_GROUP 1

/* The kernel's messages have no more. */
#define MESSAGE_SIZE_MAX 4096

static const char came[] = "online@/devices/system/cpu/cpu";

int ct_hotplug_open(void)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

gboolean ct_hotplug_parse(const char *message, size_t size, uint32_t *cpu)
{
    const size_t lead = sizeof(came) - 1;
    g_autofree char *line = g_strndup(message, size); /* of several, each with its zero */
    guint64 number;

    if (!g_str_has_prefix(line, came) ||
        !g_ascii_string_to_unsigned(line + lead, 10, 0, UINT32_MAX, &number, NULL))
        return FALSE;
    *cpu = (uint32_t)number;
    return TRUE;
}

gboolean ct_hotplug_read(int fd, uint32_t *cpu)
{
    char message[MESSAGE_SIZE_MAX];

    for (;;) {
        struct sockaddr_nl sender = {0};
        socklen_t length = sizeof(sender);
        ssize_t size =
            recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&sender, &length);

        if (size < 0 && (errno == EINTR || errno == ENOBUFS)) /* others' messages overflowed */
            continue;
        if (size <= 0)
            return FALSE;
        if (sender.nl_pid == 0 && ct_hotplug_parse(message, (size_t)size, cpu))
            return TRUE;
    }
}
