/* Calls to a peer that never got their answer: it closed the connection, or the program gave up. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"

#include "model/format.h"

#include <math.h>

static char *describe(const struct ct_peer *peer)
{
    const struct ct_durations *failures = &peer->failures;
    g_autofree char *count = ct_format_count((uint64_t)llround(failures->count));
    g_autofree char *half = ct_format_duration(ct_durations_quantile_ns(failures, 0.5));
    g_autofree char *longest = ct_format_duration(failures->longest_ns);
    g_autofree char *closed = ct_format_count((uint64_t)llround(peer->closed));
    g_autofree char *answered = ct_format_count((uint64_t)llround(peer->answers.count));
    const char *name = peer->caller->name;

    return g_strdup_printf("%s of the calls of %s%s to %s got no answer, after %s for half of them "
                           "and %s at most: the peer closed the connection on %s, and the others "
                           "were given up. It answered %s.",
                           count, peer->caller_count > 1 ? "processes such as " : "", name,
                           peer->address[0] ? peer->address : "a peer without an address", half,
                           longest, closed, answered);
}

void ct_findings_unanswered(const struct ct_findings_case *a_case, const char *name,
                            GPtrArray *findings)
{
    const GPtrArray *peers = a_case->input->peers;

    for (guint i = 0; peers && i < peers->len; i++) {
        const struct ct_peer *peer = peers->pdata[i];
        const struct ct_gathering gathering = {.total_ns = peer->failures.total_ns};

        if (peer->failures.count > 0 && !peer->is_others)
            ct_finding_add(findings, name, &gathering, describe(peer), "report peers", NULL);
    }
}
