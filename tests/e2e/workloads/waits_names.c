/*
 * Waits that know the answer: name look-ups, which a server answers late. Each thread has a network
 * and an /etc of its own, so that the server can be at the usual place; that takes privileges.
 */
#include "scenario.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    require(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, path);
}

/* A name server's socket, which all look-ups of this thread ask; NULL if that is not allowed. */
static int *open_server(void)
{
    int *server = malloc(sizeof *server);
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/etc", "tmpfs", 0, NULL) != 0)
        return NULL;
    write_file("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    write_file("/etc/nsswitch.conf", "hosts: dns\n");
    *server = socket(AF_INET, SOCK_DGRAM, 0);
    require(ioctl(*server, SIOCSIFFLAGS, &loopback) == 0, "SIOCSIFFLAGS");
    require(bind(*server, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    return server;
}

/* RFC 1035, 4.1.1: the query itself, as a response that says that there is no such name. */
static void answer(void *server)
{
    unsigned char message[512];
    struct sockaddr_in client;
    socklen_t client_size = sizeof client;
    ssize_t size = recvfrom(*(int *)server, message, sizeof message, 0, (struct sockaddr *)&client,
                            &client_size);

    require(size > 12, "recvfrom");
    message[2] |= 0x80;
    message[3] = 3;
    require(sendto(*(int *)server, message, (size_t)size, 0, (struct sockaddr *)&client,
                   client_size) == size,
            "sendto");
}

static const char a_name[] = "nobody.example.";

static int look_up_info(void)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;

    return getaddrinfo(a_name, NULL, &hints, &found) == EAI_NONAME;
}

static int look_up_name_info(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(0xc0000201)};
    char name[64];

    return getnameinfo((const struct sockaddr *)&address, sizeof address, name, sizeof name, NULL,
                       0, NI_NAMEREQD) == EAI_NONAME;
}

static int look_up_host(void)
{
    return gethostbyname(a_name) == NULL && h_errno == HOST_NOT_FOUND;
}

static int look_up_host_r(void)
{
    struct hostent host, *found;
    char buffer[1024];
    int error;

    gethostbyname2_r(a_name, AF_INET, &host, buffer, sizeof buffer, &found, &error);
    return found == NULL && error == HOST_NOT_FOUND;
}

static int look_up_address(void)
{
    const uint32_t address = htonl(0xc0000201);

    return gethostbyaddr(&address, sizeof address, AF_INET) == NULL && h_errno == HOST_NOT_FOUND;
}

static int look_up_address_r(void)
{
    const uint32_t address = htonl(0xc0000201);
    struct hostent host, *found;
    char buffer[1024];
    int error;

    gethostbyaddr_r(&address, sizeof address, AF_INET, &host, buffer, sizeof buffer, &found,
                    &error);
    return found == NULL && error == HOST_NOT_FOUND;
}

#define LOOK_UP(function)                                     \
    static void run_##function(struct scenario *scenario)     \
    {                                                         \
        int *server = open_server();                          \
                                                              \
        for (int i = 0; server != NULL && i < REPEATS; i++) { \
            struct partner partner;                           \
                                                              \
            partner_start(&partner, answer, server);          \
            MEASURED(scenario, function());                   \
            partner_end(&partner);                            \
        }                                                     \
    }

LOOK_UP(look_up_info)
LOOK_UP(look_up_name_info)
LOOK_UP(look_up_host)
LOOK_UP(look_up_host_r)
LOOK_UP(look_up_address)
LOOK_UP(look_up_address_r)

static struct scenario scenarios[] = {
    {.name = "getaddrinfo", .op = "getaddrinfo", .class = "net", .run = run_look_up_info},
    {.name = "getnameinfo", .op = "getnameinfo", .class = "net", .run = run_look_up_name_info},
    {.name = "gethostbyname", .op = "gethostbyname", .class = "net", .run = run_look_up_host},
    {.name = "gethostbyname_r", .op = "gethostbyname", .class = "net", .run = run_look_up_host_r},
    {.name = "gethostbyaddr", .op = "gethostbyaddr", .class = "net", .run = run_look_up_address},
    {.name = "gethostbyaddr_r",
     .op = "gethostbyaddr",
     .class = "net",
     .run = run_look_up_address_r},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof scenarios / sizeof scenarios[0]);
}
