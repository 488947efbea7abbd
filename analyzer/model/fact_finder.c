#include "model/fact_finder.h"

#include <stdlib.h>
#include <string.h>

/* Ports that the kernel gives to those who connect begin here, unless it is told otherwise. */
#define EPHEMERAL_PORT 32768

static unsigned long port_of(const char *address)
{
    const char *colon = address ? strrchr(address, ':') : NULL;

    return colon ? strtoul(colon + 1, NULL, 10) : 0;
}

static const char *text_or_null(const char *text)
{
    return text && text[0] ? text : NULL;
}

void ct_fd_find_ends(const struct ct_fd *fd, enum ct_fd_role role, const char **local,
                     const char **peer)
{
    *local = text_or_null(fd->local);
    *peer = NULL;
    if (ct_fd_kind_class(fd->kind) != CT_CLASS_NET)
        return;
    unsigned long own = port_of(fd->local), other = port_of(fd->peer);
    gboolean is_local_known = own > 0 && other > 0 && own < EPHEMERAL_PORT;
    gboolean is_peer_known = own > 0 && other > 0 && other < EPHEMERAL_PORT;

    /* Who opened it tells, too. */
    if (role != CT_FD_ROLE_UNKNOWN) {
        is_local_known = role == CT_FD_ROLE_ACCEPTED;
        is_peer_known = !is_local_known;
    }
    if (is_peer_known || !is_local_known)
        *peer = text_or_null(fd->peer);
    if (is_peer_known && !is_local_known)
        *local = NULL;
}

gboolean ct_op_is_sleep(enum ct_op op, enum ct_class class)
{
    return op == CT_OP_NANOSLEEP ||
           (class == CT_CLASS_SLEEP && (op == CT_OP_POLL || op == CT_OP_SELECT));
}

static void add_socket(struct ct_wait_facts *facts, const struct ct_interval *interval)
{
    const char *local, *peer;

    ct_fd_find_ends(interval->fd, interval->fd_role, &local, &peer);
    if (local && interval->op == CT_OP_ACCEPT)
        ct_wait_facts_add_server(facts, local);
    else if (local && peer)
        ct_wait_facts_add_connection(facts, local, peer);
}

/* Whatever may come ends it; or it did, where it was nothing that the thread had asked for. */
static gboolean is_unasked(const struct ct_interval *interval)
{
    switch (interval->op) {
    case CT_OP_ACCEPT:
        return TRUE;
    case CT_OP_EPOLL_WAIT:
    case CT_OP_POLL:
    case CT_OP_SELECT:
        return interval->fd_role != CT_FD_ROLE_AWAITED;
    default:
        return interval->class == CT_CLASS_SLEEP;
    }
}

void ct_fact_finder_add(struct ct_wait_facts *facts, const struct ct_interval *interval)
{
    double time_ns = interval->weight * (double)(interval->end_ns - interval->begin_ns);

    if (interval->begin_ns >= interval->end_ns || interval->class == CT_CLASS_RUNNABLE ||
        interval->is_outside)
        return;
    if (interval->fd && ct_fd_kind_class(interval->fd->kind) == CT_CLASS_NET)
        add_socket(facts, interval);
    if (is_unasked(interval)) {
        gboolean is_of_events = interval->class != CT_CLASS_SLEEP &&
                                ct_op_is_of_set(interval->op) &&
                                ct_interval_is_counted(interval, 0);
        const struct ct_wait_unasked more = {time_ns, is_of_events ? interval->weight : 0};

        ct_wait_facts_add_unasked(facts, interval->thread->number, &more);
    }
    if (ct_op_is_sleep(interval->op, interval->class)) {
        const struct ct_wait_sleeps sleeps = {
            .thread = interval->thread->number,
            .stack_id = interval->stack_id,
            .op = interval->op,
            .count = ct_interval_is_counted(interval, 0) ? interval->weight : 0,
            .total_ns = time_ns,
        };

        ct_wait_facts_add_sleeps(facts, &sleeps);
    }
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    ct_fact_finder_add(user, interval);
}

struct ct_sink ct_fact_finder_sink(struct ct_wait_facts *facts)
{
    return (struct ct_sink){.user = facts, .on_interval = on_interval, .is_early = TRUE};
}
