/*
 * When the traced processes ended, to the moment: also those that are another process's children,
 * and are waited for late or never. Each has a board, and from then on a pidfd says when it ends.
 * Where many begin, they are looked for every 20 ms: of one that was killed before that, the end is
 * so much late; those that end by themselves say when.
 */
#ifndef CTRACE_RECORD_DEATHS_H
#define CTRACE_RECORD_DEATHS_H

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

struct ct_deaths;

struct ct_deaths *ct_deaths_new(void);

/* From now on, of the processes whose boards appear in this session directory. */
void ct_deaths_watch(struct ct_deaths *deaths, const char *directory);

/* Readable when ct_deaths_update has something to do; -1 if it never has. */
int ct_deaths_fd(const struct ct_deaths *deaths);

/* When it has, besides, by g_get_monotonic_time; 0: not. */
gint64 ct_deaths_due_us(const struct ct_deaths *deaths);

void ct_deaths_update(struct ct_deaths *deaths);

/* How many have ended so far, of those that are known. */
uint64_t ct_deaths_count(const struct ct_deaths *deaths);

/* And of one that has no board. */
void ct_deaths_watch_process(struct ct_deaths *deaths, pid_t pid);

/* A child of ours has just been waited for. */
void ct_deaths_add_child(struct ct_deaths *deaths, pid_t pid);

/* CLOCK_MONOTONIC ns when the last process with this id ended; 0 if that is not known. */
uint64_t ct_deaths_find(const struct ct_deaths *deaths, pid_t pid);

void ct_deaths_free(struct ct_deaths *deaths);

#endif
