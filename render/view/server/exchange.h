/*
 * A request that is answered later, by a reader or a command, while the server goes on. When its
 * client hangs up, what is done for it ends.
 */
#ifndef CTRACE_VIEW_EXCHANGE_H
#define CTRACE_VIEW_EXCHANGE_H

#include "view/server/asker.h"
#include "view/server/job.h"

#include <libsoup/soup.h>

/* `is_for_ever`: the answer to the same question is the same. */
void ct_view_exchange_ask(SoupServerMessage *message, struct ct_view_asker *asker,
                          const char *question, gboolean is_for_ever);

/* All but the threads is set; `tids` is a question for the asker that tells them, or NULL: all. */
void ct_view_exchange_run(SoupServerMessage *message, struct ct_view_jobs *jobs,
                          const struct ct_view_job_request *request, struct ct_view_asker *asker,
                          const char *tids);

#endif
