#include "passes/peers.h"

#include <string.h>

/* Of more peers, nothing is told by peer. */
#define PEERS_MAX 4096

/* Of the time of a call, over which several messages of it may be written. */
#define SCATTERED_SHARE 10

struct search {
    GPtrArray *peers;       /* owned; struct ct_peer * */
    GHashTable *by_address; /* owned; address -> struct ct_peer *, both borrowed */
    struct ct_peer *others; /* borrowed; or NULL */
    struct ct_window window;
};

static void peer_free(void *data)
{
    struct ct_peer *peer = data;

    ct_durations_clear(&peer->answers);
    ct_durations_clear(&peer->failures);
    g_hash_table_unref(peer->callers);
    g_free(peer->address);
    g_free(peer);
}

static struct ct_peer *add_peer(struct search *search, const char *address,
                                const struct ct_turn *turn)
{
    struct ct_peer *peer = g_new0(struct ct_peer, 1);

    peer->address = g_strdup(address);
    peer->kind = turn->fd ? turn->fd->kind : CT_FD_KIND_UNKNOWN;
    peer->caller = turn->thread->process;
    peer->callers = g_hash_table_new(NULL, NULL);
    g_ptr_array_add(search->peers, peer);
    return peer;
}

static struct ct_peer *find_peer(struct search *search, const struct ct_turn *turn)
{
    const char *address = turn->fd ? turn->fd->peer : "";
    struct ct_peer *peer = g_hash_table_lookup(search->by_address, address);

    if (peer)
        return peer;
    if (g_hash_table_size(search->by_address) >= PEERS_MAX) {
        if (!search->others) {
            search->others = add_peer(search, "", turn);
            search->others->is_others = TRUE;
        }
        return search->others;
    }
    peer = add_peer(search, address, turn);
    g_hash_table_insert(search->by_address, peer->address, peer);
    return peer;
}

static void on_turn(void *user, const struct ct_turn *turn)
{
    struct search *search = user;

    if (turn->kind != CT_TURN_CALL || turn->end_ns < search->window.begin_ns ||
        turn->end_ns > search->window.end_ns)
        return;
    struct ct_peer *peer = find_peer(search, turn);

    g_hash_table_add(peer->callers, turn->thread->process);
    peer->caller_count = g_hash_table_size(peer->callers);
    if (turn->outcome == CT_TURN_OPEN) {
        peer->open += turn->weight;
    } else if (turn->outcome != CT_TURN_ANSWERED) {
        *(turn->outcome == CT_TURN_CLOSED ? &peer->closed : &peer->given_up) += turn->weight;
        ct_durations_add(&peer->failures, turn->end_ns - turn->last_ns, turn->weight);
    } else {
        if (turn->last_ns - turn->begin_ns > (turn->end_ns - turn->begin_ns) / SCATTERED_SHARE)
            peer->scattered += turn->weight;
        ct_durations_add(&peer->answers, turn->end_ns - turn->last_ns, turn->weight);
    }
}

static double unanswered(const struct ct_peer *peer)
{
    return peer->closed + peer->given_up + peer->open;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare(const void *a, const void *b)
{
    const struct ct_peer *first = *(struct ct_peer *const *)a;
    const struct ct_peer *second = *(struct ct_peer *const *)b;
    int order = COMPARE(first->is_others, second->is_others);

    if (order == 0)
        order = COMPARE(second->answers.total_ns, first->answers.total_ns);
    if (order == 0)
        order = COMPARE(unanswered(second), unanswered(first));
    return order != 0 ? order : strcmp(first->address, second->address);
}

GPtrArray *ct_peers_find(struct ct_store *store, const struct ct_store_scope *scope, GError **error)
{
    g_autoptr(GPtrArray) peers = g_ptr_array_new_with_free_func(peer_free);
    g_autoptr(GHashTable) by_address = g_hash_table_new(g_str_hash, g_str_equal);
    struct search search = {.peers = peers, .by_address = by_address, .window = {0, UINT64_MAX}};
    const struct ct_sink sink = {.user = &search, .on_turn = on_turn};

    if (scope->window)
        search.window = *scope->window;
    if (!ct_store_replay(store, scope, &sink, error))
        return NULL;
    g_ptr_array_sort(peers, compare);
    return g_steal_pointer(&peers);
}
