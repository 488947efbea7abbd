/* The commands that show more of what a finding is about, in what was asked for. */
#ifndef CTRACE_FINDINGS_COMMAND_H
#define CTRACE_FINDINGS_COMMAND_H

#include "passes/findings/findings.h"

/* Of which recording, and of what part of it: options as they are typed into a shell. All are
 * borrowed, and "" or NULL where they say nothing. */
struct ct_finding_context {
    const char *directory; /* as it is */
    const char *processes; /* --process=... */
    const char *threads;   /* --thread=... */
    const char *waits;     /* --class=... and all others */
    const char *times;     /* --from=... --to=... */
};

/* "ctrace report waits --thread=worker --from=1s DIR". Free with g_free(). */
char *ct_finding_command(const struct ct_finding *finding,
                         const struct ct_finding_context *context);

/* "ctrace whatif function:compress -50% DIR"; NULL: it tells of no change. Free with g_free(). */
char *ct_finding_what_if(const struct ct_finding *finding,
                         const struct ct_finding_context *context);

#endif
