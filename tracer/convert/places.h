/* Where threads were as they left their CPUs: twice at the same place, by the same way. */
#ifndef CTRACE_CONVERT_PLACES_H
#define CTRACE_CONVERT_PLACES_H

#include "spool/off_cpu.h"

#include <glib.h>

struct ct_places;

struct ct_places *ct_places_new(void);
void ct_places_free(struct ct_places *places);

/* The record of that offset stands for all of its place from now on. */
void ct_places_note(struct ct_places *places, const struct ct_off_cpu *off, uint64_t offset);
/* FALSE: there is none of that place. */
gboolean ct_places_find(const struct ct_places *places, const struct ct_off_cpu *off,
                        uint64_t *offset);

#endif
