/* A recording that is made to see if it can be: of a shell that runs, waits and ends. */
#ifndef CTRACE_DOCTOR_TRIAL_H
#define CTRACE_DOCTOR_TRIAL_H

#include <glib.h>

struct ct_trial {
    char *folder;    /* owned; NULL: there is none */
    char *directory; /* owned; in it the recording, if it was made */
    gboolean is_recorded;
    char *said; /* owned; what the recorder said where it was not */
};

/* `recorder` is the path of ctrace-record. */
void ct_trial_run(struct ct_trial *trial, const char *recorder);
/* And removes what it left. */
void ct_trial_clear(struct ct_trial *trial);

#endif
