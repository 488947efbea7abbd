#include "passes/requests.h"

#include <string.h>

/* Of more servers, nothing is told by server. */
#define SERVERS_MAX 1024

struct search {
    struct ct_requests *requests; /* borrowed */
    GHashTable *by_address;       /* owned; address -> struct ct_server *, both borrowed */
    struct ct_server *others;     /* borrowed; or NULL */
    struct ct_window window;
    guint slowest;
};

static void server_free(void *data)
{
    struct ct_server *server = data;

    ct_durations_clear(&server->requests);
    ct_durations_clear(&server->with_unread);
    g_hash_table_unref(server->processes);
    g_free(server->address);
    g_free(server);
}

void ct_requests_free(struct ct_requests *requests)
{
    if (!requests)
        return;
    g_ptr_array_unref(requests->servers);
    g_ptr_array_unref(requests->slowest);
    g_free(requests);
}

/* ---- Servers ---- */

static struct ct_server *add_server(struct search *search, const char *address,
                                    const struct ct_process *process)
{
    struct ct_server *server = g_new0(struct ct_server, 1);

    server->address = g_strdup(address);
    server->process = process;
    server->processes = g_hash_table_new(NULL, NULL);
    g_ptr_array_add(search->requests->servers, server);
    return server;
}

static struct ct_server *find_server(struct search *search, const struct ct_turn *turn)
{
    const struct ct_process *process = turn->thread->process;
    const char *address = turn->fd ? turn->fd->local : "";
    struct ct_server *server = g_hash_table_lookup(search->by_address, address);

    if (server)
        return server;
    if (g_hash_table_size(search->by_address) >= SERVERS_MAX) {
        if (!search->others) {
            search->others = add_server(search, "", process);
            search->others->is_others = TRUE;
        }
        return search->others;
    }
    server = add_server(search, address, process);
    g_hash_table_insert(search->by_address, server->address, server);
    return server;
}

/* ---- The slowest ---- */

static uint64_t length_ns(const struct ct_request *request)
{
    return request->end_ns - request->begin_ns + request->unread_ns;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* The slowest first, as who asked may have seen it; of those as slow, the first. */
static int compare_requests(const void *a, const void *b)
{
    const struct ct_request *first = *(struct ct_request *const *)a;
    const struct ct_request *second = *(struct ct_request *const *)b;
    int order = COMPARE(length_ns(second), length_ns(first));

    if (order == 0)
        order = COMPARE(first->begin_ns, second->begin_ns);
    return order != 0 ? order : COMPARE(first->fd_number, second->fd_number);
}

/* As many as are asked for, and as many again: then those that are too fast are dropped. */
static void keep_if_slow(struct search *search, const struct ct_turn *turn)
{
    GPtrArray *slowest = search->requests->slowest;

    if (search->slowest == 0)
        return;
    g_ptr_array_add(slowest, ct_request_new(turn));
    if (slowest->len < 2 * search->slowest)
        return;
    g_ptr_array_sort(slowest, compare_requests);
    g_ptr_array_set_size(slowest, (gint)search->slowest);
}

static void on_turn(void *user, const struct ct_turn *turn)
{
    struct search *search = user;

    if (turn->kind != CT_TURN_REQUEST || turn->end_ns < search->window.begin_ns ||
        turn->end_ns > search->window.end_ns)
        return;
    struct ct_server *server = find_server(search, turn);

    g_hash_table_add(server->processes, turn->thread->process);
    server->process_count = g_hash_table_size(server->processes);
    ct_durations_add(&server->requests, turn->end_ns - turn->begin_ns, turn->weight);
    ct_durations_add(&server->with_unread, turn->end_ns - turn->begin_ns + turn->lead_ns,
                     turn->weight);
    if (turn->begin_thread != turn->thread)
        server->handed_over += turn->weight;
    keep_if_slow(search, turn);
}

static int compare_servers(const void *a, const void *b)
{
    const struct ct_server *first = *(struct ct_server *const *)a;
    const struct ct_server *second = *(struct ct_server *const *)b;
    int order = COMPARE(first->is_others, second->is_others);

    if (order == 0)
        order = COMPARE(second->requests.total_ns, first->requests.total_ns);
    return order != 0 ? order : strcmp(first->address, second->address);
}

struct ct_requests *ct_requests_list(struct ct_store *store, const struct ct_store_scope *scope,
                                     guint slowest, GError **error)
{
    g_autoptr(ct_requests) requests = g_new0(struct ct_requests, 1);
    g_autoptr(GHashTable) by_address = g_hash_table_new(g_str_hash, g_str_equal);
    struct search search = {
        .requests = requests,
        .by_address = by_address,
        .window = {0, UINT64_MAX},
        .slowest = slowest,
    };
    const struct ct_sink sink = {.user = &search, .on_turn = on_turn};

    requests->servers = g_ptr_array_new_with_free_func(server_free);
    requests->slowest = g_ptr_array_new_with_free_func(ct_request_free);
    if (scope->window)
        search.window = *scope->window;
    if (!ct_store_replay(store, scope, &sink, error))
        return NULL;
    g_ptr_array_sort(requests->servers, compare_servers);
    g_ptr_array_sort(requests->slowest, compare_requests);
    if (requests->slowest->len > slowest)
        g_ptr_array_set_size(requests->slowest, (gint)slowest);
    return g_steal_pointer(&requests);
}

struct ct_requests *ct_requests_find(struct ct_store *store, const struct ct_store_scope *scope,
                                     guint slowest, GError **error)
{
    g_autoptr(ct_requests) requests = ct_requests_list(store, scope, slowest, error);

    for (guint i = 0; requests && i < requests->slowest->len; i++) {
        if (!ct_request_take_apart(requests->slowest->pdata[i], store, error))
            return NULL;
    }
    return g_steal_pointer(&requests);
}
