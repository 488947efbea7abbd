/*
 * CPUs that come on-line while recording, as the kernel tells udev of them: those that come back
 * have lost their events, and those that were not there before had none.
 */
#ifndef CTRACE_RECORD_LAYERS_PERF_HOTPLUG_H
#define CTRACE_RECORD_LAYERS_PERF_HOTPLUG_H

#include <glib.h>
#include <stdint.h>

/* A descriptor that is readable once there is something to tell. -1: the kernel does not tell. */
int ct_hotplug_open(void);

/* The next CPU that came on-line. FALSE: there is none (any more) for now. */
gboolean ct_hotplug_read(int fd, uint32_t *cpu);

/* The CPU of which the kernel's message says that it came on-line. FALSE: it says something else.
 */
gboolean ct_hotplug_parse(const char *message, size_t size, uint32_t *cpu);

#endif
