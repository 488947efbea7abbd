/* What --flight and the options that go with it say. */
#ifndef CTRACE_SERVE_FLIGHT_OPTIONS_H
#define CTRACE_SERVE_FLIGHT_OPTIONS_H

#include "serve/flight.h"

#define CT_FLIGHT_FOLDER "ctrace.flight"

/* As they were typed; each is owned, or NULL. */
struct ct_flight_given {
    char *flight; /* "30s,64MB" */
    char *folder;
    char *gap;
    char *count;
};

/* FALSE: an error. Nothing is set if there is no --flight. */
gboolean ct_flight_given_read(const struct ct_flight_given *given, struct ct_flight_limits *limits,
                              GError **error);

/* The same, for another command line. */
void ct_flight_given_add_words(const struct ct_flight_given *given, GStrvBuilder *words);

void ct_flight_given_clear(struct ct_flight_given *given);

#endif
