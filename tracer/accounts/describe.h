/* What threads wait for, in words. */
#ifndef CTRACE_ACCOUNTS_DESCRIBE_H
#define CTRACE_ACCOUNTS_DESCRIBE_H

#include "thread.h"

/* What is asked for once only. */
struct ct_describer;

struct ct_describer *ct_describer_new(void);
void ct_describer_free(struct ct_describer *describer);

/* "read on fd 7, inet socket 10.0.0.1:80 -> 10.0.0.2:4711", "running". Names in it are as they
 * came: make them safe. Caller frees. */
char *ct_describe_wait(struct ct_describer *describer, const struct ct_seen_thread *thread);

#endif
