/* What systemd is told to run an agent. No I/O. */
#ifndef CTRACE_SERVE_UNIT_H
#define CTRACE_SERVE_UNIT_H

#include <glib.h>

struct ct_unit_request {
    const char *ctrace;         /* the front door's path */
    const char *const *options; /* of the agent, but for what it serves */
    const char *const *program; /* that it starts; or NULL */
    const char *const *words;   /* ids and names that it serves; or NULL */
    gboolean wants_profiles;    /* collects them, into no folder that was named: it is given one */
    gboolean wants_flight;      /* the same of a flight recorder */
    gboolean has_folder;        /* that was named, and may be in anybody's home */
};

/* With a program, a drop-in for its service, which is started by the agent then; else a unit of the
 * agent's own. A comment says where it belongs. The caller frees it. */
char *ct_unit_text(const struct ct_unit_request *request);

#endif
