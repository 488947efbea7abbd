#include "sockets.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ct_sockets {
    GHashTable *by_inode; /* owned; uint64_t * -> struct ct_socket_addresses * */
};

static void free_addresses(void *data)
{
    struct ct_socket_addresses *addresses = data;

    g_free(addresses->local);
    g_free(addresses->peer);
    g_free(addresses);
}

static void add(struct ct_sockets *sockets, uint64_t inode, char *local, char *peer)
{
    struct ct_socket_addresses *addresses = g_new(struct ct_socket_addresses, 1);
    uint64_t *key = g_new(uint64_t, 1);

    *key = inode;
    *addresses = (struct ct_socket_addresses){local, peer};
    g_hash_table_insert(sockets->by_inode, key, addresses);
}

/*
 * "0100007F:0050", an IPv4 address as a hexadecimal number of this machine's, an IPv6 address as
 * four of them; and the port. Caller frees; NULL if it is nothing of the kind.
 */
static char *parse_address(const char *text, gboolean *has_port)
{
    uint32_t words[4];
    char host[INET6_ADDRSTRLEN];
    size_t count = 0;

    for (; count < G_N_ELEMENTS(words) && *text != ':'; count++, text += 8) {
        if (sscanf(text, "%8" SCNx32, &words[count]) != 1 || strlen(text) <= 8)
            return NULL;
    }
    if (*text != ':' || (count != 1 && count != G_N_ELEMENTS(words)))
        return NULL;
    unsigned long port = strtoul(text + 1, NULL, 16);
    gboolean is_inet6 = count > 1;

    *has_port = port != 0;
    if (inet_ntop(is_inet6 ? AF_INET6 : AF_INET, words, host, sizeof(host)) == NULL)
        return NULL;
    return g_strdup_printf(is_inet6 ? "[%s]:%lu" : "%s:%lu", host, port);
}

static void add_inet(struct ct_sockets *sockets, const char *line)
{
    char local[48], peer[48];
    uint64_t inode;
    gboolean has_port;

    /* sl, local, remote, state, queues, timer, retransmissions, uid, timeout, inode */
    if (sscanf(line, "%*s %47s %47s %*s %*s %*s %*s %*s %*s %" SCNu64, local, peer, &inode) != 3 ||
        inode == 0)
        return;
    g_autofree char *local_text = parse_address(local, &has_port);
    g_autofree char *peer_text = parse_address(peer, &has_port);
    if (local_text == NULL || peer_text == NULL)
        return;
    add(sockets, inode, g_steal_pointer(&local_text),
        has_port ? g_steal_pointer(&peer_text) : g_strdup(""));
}

static void add_unix(struct ct_sockets *sockets, const char *line)
{
    uint64_t inode;
    int end = 0;

    /* Num, reference count, protocol, flags, type, state, inode, path */
    if (sscanf(line, "%*s %*s %*s %*s %*s %*s %" SCNu64 "%n", &inode, &end) != 1 || end == 0)
        return;
    add(sockets, inode, g_strdup(line[end] == ' ' ? line + end + 1 : ""), g_strdup(""));
}

static void read_table(struct ct_sockets *sockets, pid_t pid, const char *table,
                       void (*add_line)(struct ct_sockets *, const char *))
{
    g_autofree char *path = g_strdup_printf("/proc/%d/net/%s", pid, table);
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    while (file != NULL && (length = getline(&line, &size, file)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        add_line(sockets, line); /* what the head says is no number, and is passed over */
    }
    free(line);
    if (file != NULL)
        fclose(file);
}

struct ct_sockets *ct_sockets_read(pid_t pid)
{
    static const char *const inet_tables[] = {"tcp",  "tcp6",    "udp",      "udp6", "raw",
                                              "raw6", "udplite", "udplite6", "icmp", "icmp6"};
    struct ct_sockets *sockets = g_new0(struct ct_sockets, 1);

    sockets->by_inode = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_addresses);
    for (size_t i = 0; i < G_N_ELEMENTS(inet_tables); i++)
        read_table(sockets, pid, inet_tables[i], add_inet);
    read_table(sockets, pid, "unix", add_unix);
    return sockets;
}

const struct ct_socket_addresses *ct_sockets_find(const struct ct_sockets *sockets, uint64_t inode)
{
    return g_hash_table_lookup(sockets->by_inode, &inode);
}

void ct_sockets_free(struct ct_sockets *sockets)
{
    if (sockets == NULL)
        return;
    g_hash_table_unref(sockets->by_inode);
    g_free(sockets);
}
