/* Looking at a program before it is run: can it be, and will the preload see it? */
#ifndef CTRACE_RECORD_PROGRAM_H
#define CTRACE_RECORD_PROGRAM_H

#include "options.h"
#include "schema/obstacles.h"

#include <glib.h>

/* Exit statuses of a shell that cannot run a command. */
#define CT_EXIT_NOT_EXECUTABLE 126
#define CT_EXIT_NOT_FOUND      127

/* What runs a script that does not say what does, as for execvp and every shell. */
#define CT_SHELL "/bin/sh"

struct ct_program {
    char *path;                /* owned; what is executed */
    char **argv;               /* owned; the program's arguments */
    char *why_unpreloaded;     /* owned; why the preload will see nothing of it, or NULL */
    enum ct_obstacle obstacle; /* what keeps it out; NONE: it is in there, if it sees something */
};

/* Finds argv[0] as execvp does. On failure `exit_status` is what a shell would exit with. */
gboolean ct_program_find(char **argv, struct ct_program *program, int *exit_status, GError **error);

/* The preload does not see it: says so, and asks the kernel for its system calls unless the options
 * say what that is to be asked. */
void ct_program_tell_unpreloaded(const struct ct_program *program,
                                 struct ct_record_options *options);

void ct_program_clear(struct ct_program *program);

#endif
