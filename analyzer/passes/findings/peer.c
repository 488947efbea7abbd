/* The other end of a connection, which took its time to answer, to accept or to read. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

#include "model/format.h"

#include <math.h>
#include <string.h>

static const char *target_of(const struct ct_evidence_wait *wait)
{
    return wait->peer ? wait->peer : wait->local;
}

static char *key_of(const struct ct_findings_case *a_case, const struct ct_evidence_wait *wait)
{
    const char *exe = wait->thread->process->exe;
    const char *target = target_of(wait);

    (void)a_case;
    return g_strdup_printf("%s %s %d", exe ? exe : "", target ? target : "",
                           target ? -1 : (int)wait->op);
}

/* Of those that were not on a descriptor, the operation says what for: a name to be looked up. */
static char *name_target(const struct ct_gathering *gathering)
{
    const struct ct_evidence_wait *wait = gathering->first;
    const char *target = target_of(wait);

    if (target)
        return g_strdup_printf("for %s peer %s", gathering->threads->len == 1 ? "its" : "their",
                               target);
    return wait->fd_kind == CT_FD_KIND_PIPE ? g_strdup("for the reader of a pipe")
                                            : g_strdup_printf("in %s", ct_op_name(wait->op));
}

/* How long its answers took; "" where none is known. */
static char *describe_calls(const struct ct_findings_case *a_case, const char *address)
{
    const GPtrArray *peers = a_case->input->peers;

    for (guint i = 0; address && peers && i < peers->len; i++) {
        const struct ct_peer *peer = peers->pdata[i];

        if (peer->is_others || strcmp(peer->address, address) != 0 || peer->answers.count < 2)
            continue;
        g_autofree char *count = ct_format_count((uint64_t)llround(peer->answers.count));
        g_autofree char *half = ct_format_duration(ct_durations_quantile_ns(&peer->answers, 0.5));
        g_autofree char *longest = ct_format_duration(peer->answers.longest_ns);

        return g_strdup_printf(" It answered %s calls, half of them within %s, the slowest within "
                               "%s.",
                               count, half, longest);
    }
    return g_strdup("");
}

void ct_findings_peer(const struct ct_findings_case *a_case, const char *name, GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings = ct_gather(a_case, CT_CAUSE_PEER, key_of);

    for (guint i = 0; i < gatherings->len; i++) {
        const struct ct_gathering *gathering = gatherings->pdata[i];
        g_autofree char *who = ct_words_threads(gathering->threads);
        g_autofree char *time = ct_words_time_of(a_case, gathering);
        g_autofree char *target = name_target(gathering);
        g_autofree char *count = ct_words_count(gathering);
        g_autofree char *where = ct_words_where(gathering);
        g_autofree char *calls = describe_calls(a_case, gathering->first->peer);

        ct_finding_add(
            findings, name, gathering,
            g_strdup_printf("%s waited %s %s: %s%s.%s", who, time, target, count, where, calls),
            /* In an event loop, the place of all waits is the loop. */
            gathering->first->is_ended_by_fd ? "report peers" : "report waits", gathering->threads);
    }
}
