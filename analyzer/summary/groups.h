/* Threads and processes of which a program has many alike: one row of a table each group. */
#ifndef CTRACE_GROUPS_H
#define CTRACE_GROUPS_H

#include "summary/report.h"

/* Of one program, parent, start routine and name, but for numbers in them; the state that ends a
 * title, as in "postgres: anna shop [local] idle", does not count either. */
struct ct_group {
    char *name;         /* owned; of all of them, with * for what differs */
    GPtrArray *members; /* owned; the members are borrowed; at least one, in the model's order */
};

/* Each group once, in the order of their first members. Fewer than three are a group each, as are
 * all in a report about each process. Owned by the caller, as GPtrArrays of struct ct_group *. */
GPtrArray *ct_groups_of_threads(const struct ct_report *report); /* of struct ct_report_thread */
GPtrArray *ct_groups_of_processes(const struct ct_report *report);

#endif
