/* A copy of a recording with changes in it that a number decides. */
#ifndef CTRACE_TESTS_MUTATE_H
#define CTRACE_TESTS_MUTATE_H

#include <glib.h>

struct mutation;

/* Copies the recording. NULL if it has no streams. */
struct mutation *mutation_new(const char *directory);
const char *mutation_directory(const struct mutation *mutation);
/* Changes the copy, which is as the recording was before. Describes it; borrowed. */
const char *mutation_apply(struct mutation *mutation, guint32 seed);
void mutation_undo(struct mutation *mutation);
/* Removes the copy. */
void mutation_free(struct mutation *mutation);

#endif
