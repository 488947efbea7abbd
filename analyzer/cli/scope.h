/*
 * What a program's options ask for of a recording: some of its threads, its time and its waits. The
 * options are a table, and the same for every program that has them.
 */
#ifndef CTRACE_CLI_SCOPE_H
#define CTRACE_CLI_SCOPE_H

#include "model/selection.h"

struct ct_scope {
    char *from; /* owned, as are the next; NULL: not given */
    char *to;
    char *min;
    char *place;
    char **processes;
    char **threads;
    char **classes;
    char **operations;
    char **objects;
    char *misnamed; /* of --threads, which is another program's option; or NULL */
    gboolean is_without_idle;

    /* What ct_scope_check() made of them. */
    struct ct_selection selection; /* borrows from the above */
    GRegex *regex;                 /* owned */
    char **operation_list;         /* owned; each by itself */
};

/* --process, --thread, --from and --to. */
void ct_scope_add_part_options(struct ct_scope *scope, GOptionContext *context);

/* These, and --class, --op, --object, --place, --min and --no-idle. */
void ct_scope_add_options(struct ct_scope *scope, GOptionContext *context);

/* How times are written, and what DIR is, for the end of the help. */
#define CT_SCOPE_HELP                                                                        \
    "DIR is ctrace.data unless named. TIME counts from the recording's begin, as in 1.5s,\n" \
    "200ms or 10us, is a part of the whole, as in 25%, or a time of day here, as in\n"       \
    "14:03:22.5 or \"2026-11-29 14:03:22\". Names may hold * and ?, and such options be\n"   \
    "repeated: then it is any of them. What is of several options is of all of them at once."

/* For programs that have no --threads: ct_scope_check() then says what it is here. */
void ct_scope_refuse_threads(struct ct_scope *scope, GOptionContext *context);

void ct_scope_clear(struct ct_scope *scope);

/* What is wrong with the options whatever the recording is; else the selection is there. */
gboolean ct_scope_check(struct ct_scope *scope, GError **error);

/* For what follows from all waits: `what` is not of some. */
gboolean ct_scope_check_all_waits(const struct ct_scope *scope, const char *what, GError **error);

gboolean ct_scope_is_whole_time(const struct ct_scope *scope);

/* Which options ask for what. */
enum ct_scope_part {
    CT_SCOPE_PROCESSES, /* --process */
    CT_SCOPE_THREADS,   /* --thread */
    CT_SCOPE_WAITS,     /* all others */
    CT_SCOPE_TIMES      /* --from and --to */
};

/* The options of that part that ask for the same, as they are typed into a shell: "--from=1s"; ""
 * where none were given. Free with g_free(). */
char *ct_scope_words(const struct ct_scope *scope, enum ct_scope_part part);

#endif
