/* The capture event: what a recording is, and what is not in it. */
#ifndef CTRACE_RECORD_CAPTURE_EVENT_H
#define CTRACE_RECORD_CAPTURE_EVENT_H

#include "recording_state.h"

/* Writes the events of images without the preload. */
void ct_capture_event_write_unpreloaded(const struct ct_recording *recording);

/* The last event of all. `fault` is why waits were lost, or NULL. */
void ct_capture_event_write(const struct ct_recording *recording, int exit_status,
                            const char *fault);

#endif
