/* The table in a terminal, and its keys. */
#ifndef CTRACE_TOP_SCREEN_H
#define CTRACE_TOP_SCREEN_H

#include "cells.h"
#include "options.h"

/* Until the user leaves. Returns the exit status, and an error where the terminal cannot do it. */
int ct_screen_run(struct ct_accounts *accounts, const struct ct_top_options *options,
                  const struct ct_cell_context *context, GError **error);

#endif
