/* What the holders of locks did while others waited for these, as sentences of a finding. */
#ifndef CTRACE_FINDINGS_HOLDERS_H
#define CTRACE_FINDINGS_HOLDERS_H

#include "passes/findings/findings.h"

/* " Its holder was running 97 % of that, in serve_page (convoy.c:33)."; "" where it is not known.
 * Of these locks (struct ct_lock_key), by what is known of all (struct ct_lock_holding *). Free
 * with g_free(). */
char *ct_words_holders(const struct ct_findings_input *input, const GArray *keys,
                       const GPtrArray *holdings);

/* " For 99 % of that, ...": that is priority inversion. NULL: there was none to speak of. */
char *ct_words_inversion(const GArray *keys, const GPtrArray *holdings);

#endif
