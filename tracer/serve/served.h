/* Which of the processes that run already an agent serves: found anew for each question, since
 * they come and go. */
#ifndef CTRACE_SERVE_SERVED_H
#define CTRACE_SERVE_SERVED_H

#include "system/running.h"

#include <glib.h>
#include <sys/types.h>

struct ct_served {
    GPtrArray *words; /* owned; char *: ids and names, as system/targets.h has them */
    char *cgroup;     /* owned; instead of them: all that is in it when somebody asks; or NULL */
    struct ct_running *group; /* owned; what that is; or NULL */
    pid_t launcher;           /* of a program, which is the only word once it has begun; or 0 */
};

void ct_served_clear(struct ct_served *served);

/* The words, as far as they are known now. Borrowed. */
const GPtrArray *ct_served_words(const struct ct_served *served);

struct ct_served_process {
    pid_t pid;
    char *name;    /* owned */
    char *command; /* owned; as one would type it */
    guint threads;
};

/* Does a process of that id run? */
gboolean ct_served_is_living(pid_t pid);

/* Those, with what they have started, in the order of their ids. Of struct ct_served_process. The
 * caller unrefs it. */
GArray *ct_served_list(const struct ct_served *served);

/* Of those the one that is named by its id, or those of a name; NULL: all. NULL: an error, see
 * status.h. The caller unrefs it. */
GArray *ct_served_choose(const struct ct_served *served, const char *process, GError **error);

/* What to record for a question. */
struct ct_served_targets {
    char **words; /* owned; ids and names; or the cgroup alone */
    gboolean is_cgroup;
    gboolean has_started; /* what they have started is recorded, too */
};

/* Of the same. FALSE: an error. */
gboolean ct_served_find(const struct ct_served *served, const char *process,
                        struct ct_served_targets *targets, GError **error);
void ct_served_targets_clear(struct ct_served_targets *targets);

/* Does it name processes by nothing but ids, all of which have ended? */
gboolean ct_served_has_ended(const struct ct_served *served);

#endif
