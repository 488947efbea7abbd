/* Threads and processes of which a program has many alike: one row of a table each kind. */
#ifndef CTRACE_KINDS_H
#define CTRACE_KINDS_H

#include "summary/report.h"

/* Of one program, parent, start routine and name, but for numbers in them; the state that ends a
 * title, as in "postgres: anna shop [local] idle", does not count either. */
struct ct_kind {
    char *name;         /* owned; of all of them, with * for what differs */
    GPtrArray *members; /* owned; the members are borrowed; at least one, in the model's order */
};

/* Each kind once, in the order of their first members. Fewer than three are a kind each, as are all
 * in a report about each process. Owned by the caller, as GPtrArrays of struct ct_kind *. */
GPtrArray *ct_kinds_of_threads(const struct ct_report *report); /* of struct ct_report_thread */
GPtrArray *ct_kinds_of_processes(const struct ct_report *report);

#endif
