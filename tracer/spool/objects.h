/*
 * Copies of programs and libraries, below a recording: of those that its processes have mapped, but
 * that whoever reads it will not find by their names, as they are in another mount namespace, or
 * deleted. They are copied as they are: nothing in them is believed before they are read.
 */
#ifndef CTRACE_SPOOL_OBJECTS_H
#define CTRACE_SPOOL_OBJECTS_H

#include <glib.h>
#include <stdint.h>

struct ct_objects;

/* Below a recording's `path`. */
struct ct_objects *ct_objects_new(const char *path);
void ct_objects_free(struct ct_objects *objects);

/* Copies the file that `place` opens, unless it is what `name` opens, too, or is too large. */
void ct_objects_keep(struct ct_objects *objects, const char *key, const char *place,
                     const char *name);

/* What a file is known by: its build id, or, without one, its device and inode. Caller frees. */
char *ct_object_key(const char *build_id, uint32_t major, uint32_t minor, uint64_t inode);

#endif
