/* Threads of which there are many alike, by the names of their processes and their own. */
#ifndef CTRACE_ACCOUNTS_KINDS_H
#define CTRACE_ACCOUNTS_KINDS_H

#include "schema/operations.h"

#include <glib.h>
#include <stdint.h>

/* Names that programs make up without end become one kind: so many kinds has one name of a process,
 * and so many there are in all. */
#define CT_KINDS_OF_PROCESS_MAX 64
#define CT_KINDS_MAX            4096
#define CT_KIND_OTHER           "other"

struct ct_kind {
    guint number;                /* in the order of their coming, from 0 */
    char *process;               /* owned; the name that its processes have */
    char *name;                  /* owned; of its threads, with * for numbers */
    uint64_t ns[CT_CLASS_COUNT]; /* of all its threads, also those that have ended */
    uint64_t turns;              /* so often they got a CPU */
    uint64_t waits;              /* and left it to wait for something */
    uint64_t ended;              /* so many of them have ended */
    guint alive;
};

struct ct_kinds;

struct ct_kinds *ct_kinds_new(void);
void ct_kinds_free(struct ct_kinds *kinds);

/* That of a thread. Borrowed; it stays as long as the kinds do. */
struct ct_kind *ct_kinds_find(struct ct_kinds *kinds, const char *process, const char *thread);

/* struct ct_kind *, by number. Borrowed. */
const GPtrArray *ct_kinds_all(const struct ct_kinds *kinds);

/* "worker-*" of "worker-12"; a thread that is called as its process is keeps its numbers. Caller
 * frees. */
char *ct_kind_name(const char *process, const char *thread);

#endif
