#include "model/wait_facts.h"

#include <string.h>

#define SERVERS_MAX (1U << 16)
#define SLEEPS_MAX  (1U << 16)

static guint sleeps_hash(const void *data)
{
    const struct ct_wait_sleeps *sleeps = data;
    uint64_t mixed =
        ((uint64_t)sleeps->thread << 40) + ((uint64_t)sleeps->stack_id << 8) + (uint64_t)sleeps->op;

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean sleeps_equal(const void *a, const void *b)
{
    const struct ct_wait_sleeps *first = a, *second = b;

    return first->thread == second->thread && first->op == second->op &&
           first->stack_id == second->stack_id;
}

struct ct_wait_facts *ct_wait_facts_new(void)
{
    struct ct_wait_facts *facts = g_new0(struct ct_wait_facts, 1);

    facts->servers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    facts->peers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    facts->sleeps = g_ptr_array_new_with_free_func(g_free);
    facts->sleeps_of = g_hash_table_new(sleeps_hash, sleeps_equal);
    facts->unasked = g_array_new(FALSE, TRUE, sizeof(struct ct_wait_unasked));
    return facts;
}

void ct_wait_facts_free(struct ct_wait_facts *facts)
{
    if (!facts)
        return;
    g_hash_table_unref(facts->servers);
    g_hash_table_unref(facts->peers);
    g_hash_table_unref(facts->sleeps_of);
    g_ptr_array_unref(facts->sleeps);
    g_array_unref(facts->unasked);
    g_free(facts);
}

/* ---- Sockets ---- */

/* Ports are the same, where addresses may be those of all interfaces. */
static const char *port_in(const char *address)
{
    const char *colon = strrchr(address, ':');

    return colon ? colon + 1 : address;
}

void ct_wait_facts_add_server(struct ct_wait_facts *facts, const char *local)
{
    const char *port = port_in(local);

    if (!g_hash_table_contains(facts->servers, port) &&
        g_hash_table_size(facts->servers) < SERVERS_MAX)
        g_hash_table_add(facts->servers, g_strdup(port));
}

/* Who has several connections at one number did not open them. */
void ct_wait_facts_add_connection(struct ct_wait_facts *facts, const char *local, const char *peer)
{
    const char *other = g_hash_table_lookup(facts->peers, local);

    if (other && strcmp(other, peer) != 0)
        ct_wait_facts_add_server(facts, local);
    else if (!other && g_hash_table_size(facts->peers) < SERVERS_MAX)
        g_hash_table_insert(facts->peers, g_strdup(local), g_strdup(peer));
}

gboolean ct_wait_facts_is_server(const struct ct_wait_facts *facts, const char *local)
{
    return g_hash_table_contains(facts->servers, port_in(local));
}

/* ---- Sleeps ---- */

void ct_wait_facts_add_sleeps(struct ct_wait_facts *facts, const struct ct_wait_sleeps *sleeps)
{
    struct ct_wait_sleeps *known = g_hash_table_lookup(facts->sleeps_of, sleeps);

    if (known) {
        known->count += sleeps->count;
        known->total_ns += sleeps->total_ns;
    } else if (facts->sleeps->len < SLEEPS_MAX) {
        known = g_memdup2(sleeps, sizeof(*sleeps));
        g_ptr_array_add(facts->sleeps, known);
        g_hash_table_add(facts->sleeps_of, known);
    }
}

const struct ct_wait_sleeps *ct_wait_facts_sleeps(const struct ct_wait_facts *facts, guint thread,
                                                  enum ct_op op, uint32_t stack_id)
{
    const struct ct_wait_sleeps key = {.thread = thread, .stack_id = stack_id, .op = op};

    return g_hash_table_lookup(facts->sleeps_of, &key);
}

/* ---- Waits for whatever may come ---- */

void ct_wait_facts_add_unasked(struct ct_wait_facts *facts, guint thread,
                               const struct ct_wait_unasked *more)
{
    if (thread >= facts->unasked->len)
        g_array_set_size(facts->unasked, thread + 1);
    struct ct_wait_unasked *unasked =
        &g_array_index(facts->unasked, struct ct_wait_unasked, thread);

    unasked->ns += more->ns;
    unasked->events += more->events;
}

struct ct_wait_unasked ct_wait_facts_unasked(const struct ct_wait_facts *facts, guint thread)
{
    return thread < facts->unasked->len
               ? g_array_index(facts->unasked, struct ct_wait_unasked, thread)
               : (struct ct_wait_unasked){0};
}
