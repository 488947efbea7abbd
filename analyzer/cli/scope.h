/* What a program's options ask for of a recording: some of its threads, some of its time. */
#ifndef CTRACE_CLI_SCOPE_H
#define CTRACE_CLI_SCOPE_H

#include "model/selection.h"

struct ct_scope {
    char *from; /* owned, as are the next three; NULL: not given */
    char *to;
    char **processes;
    char **threads;
    char *misnamed; /* owned; of --threads, which is another program's option; or NULL */
};

/* --process, --thread, --from and --to. */
void ct_scope_add_options(struct ct_scope *scope, GOptionContext *context);

/* For programs that have no --threads: ct_scope_check() then says what it is here. */
void ct_scope_refuse_threads(struct ct_scope *scope, GOptionContext *context);

void ct_scope_clear(struct ct_scope *scope);

/* What is wrong with the options whatever the recording is. */
gboolean ct_scope_check(const struct ct_scope *scope, GError **error);

gboolean ct_scope_is_whole_time(const struct ct_scope *scope);

/* The options that ask for the same times, and for the same threads: "--from=1s"; "" where none
 * were given. Free with g_free(). */
char *ct_scope_time_options(const struct ct_scope *scope);
char *ct_scope_selection_options(const struct ct_scope *scope);

/* Borrows from the scope. */
struct ct_selection ct_scope_selection(const struct ct_scope *scope);

#endif
