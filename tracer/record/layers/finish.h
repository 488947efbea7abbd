/*
 * The end of a recording's kernel layer, in a program of its own: babeltrace2 ends the program that
 * it runs in where a disk is full.
 */
#ifndef CTRACE_RECORD_LAYERS_FINISH_H
#define CTRACE_RECORD_LAYERS_FINISH_H

#include "spool/conversion.h"

#include <glib.h>

/*
 * Has kernel/ written below `path` from the spool there, and removes the spool. `preloaded` are the
 * images that the preload tells of, beside those noted before: struct ct_image_key. FALSE and an
 * error if there is no such trace now; TRUE without a trace if there was no spool.
 */
gboolean ct_kernel_finish(const char *path, const struct ct_kernel_scope *scope,
                          const GArray *preloaded, struct ct_kernel_totals *totals, GError **error);

/* Keeps that list beside the spool of a recording that goes on, for whoever has to finish it. */
void ct_kernel_note_preloaded(const char *path, const GArray *preloaded);

#endif
