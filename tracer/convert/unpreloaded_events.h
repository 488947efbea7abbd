/*
 * Processes that no preload is in, as they come up among the kernel's records: what a trace must
 * say of them so that a reader knows them as it does others.
 */
#ifndef CTRACE_CONVERT_UNPRELOADED_EVENTS_H
#define CTRACE_CONVERT_UNPRELOADED_EVENTS_H

#include "callers.h"
#include "schema/kernel_events.h"
#include "system/syscall_names.h"

struct ct_unpreloaded_events;

/* Of the recording at `path`, whose spool files (struct ct_spool *) are at their beginning.
 * `callers` is borrowed. */
struct ct_unpreloaded_events *ct_unpreloaded_events_new(const char *path, const GPtrArray *spools,
                                                        struct ct_callers *callers);
void ct_unpreloaded_events_free(struct ct_unpreloaded_events *unpreloaded);

/*
 * Takes a record that concerns the program, in the order of time; `was_present`: it tells of what
 * was there before. Its strings must stay until what follows from it was taken.
 */
void ct_unpreloaded_events_add(struct ct_unpreloaded_events *unpreloaded,
                               const struct ct_raw_record *raw, gboolean was_present);

/* The system call of this number, as the process makes them now. */
struct ct_named_syscall ct_unpreloaded_events_syscall(struct ct_unpreloaded_events *unpreloaded,
                                                      int32_t pid, int64_t number);

/* What any process of the program has mapped now. FALSE if nothing is known of it. */
gboolean ct_unpreloaded_events_address_space(const struct ct_unpreloaded_events *unpreloaded,
                                             int32_t pid, struct ct_address_space *space);

/* An event that follows from the last record: all but its time and context. FALSE: there is none
 * (any more). */
gboolean ct_unpreloaded_events_take(struct ct_unpreloaded_events *unpreloaded,
                                    struct ct_kernel_record *record);

/* How many there were so far: images, and threads of them. */
uint64_t ct_unpreloaded_events_image_count(const struct ct_unpreloaded_events *unpreloaded);
uint64_t ct_unpreloaded_events_thread_count(const struct ct_unpreloaded_events *unpreloaded);

/* What the kernel calls those that have loaded a program; "(others)" for one that was there before.
 * Not those that a fork made, which have their parent's. Free with g_strfreev(). */
char **ct_unpreloaded_events_image_names(const struct ct_unpreloaded_events *unpreloaded);

#endif
