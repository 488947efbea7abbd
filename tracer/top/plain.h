/* The table as text, for scripts. */
#ifndef CTRACE_TOP_PLAIN_H
#define CTRACE_TOP_PLAIN_H

#include "cells.h"

struct ct_plain {
    const struct ct_cell_context *context; /* borrowed */
    const struct ct_rows_view *view;       /* borrowed */
    const struct ct_accounts *accounts;    /* borrowed */
    guint lines_max;                       /* 0: all */
};

/* What all threads did, as the table's head says it. Caller frees. */
char *ct_plain_heading(const struct ct_accounts *accounts, const struct ct_rows *rows);

/* Of processes whose waits are not told, and why. NULL: there are none. Caller frees. */
char *ct_plain_refused(const struct ct_accounts *accounts);

/* Appends the whole table. */
void ct_plain_write(GString *text, const struct ct_plain *plain, struct ct_rows *rows);

/* The same as CSV (RFC 4180), in seconds of each second. */
void ct_plain_write_csv(GString *text, const struct ct_plain *plain, struct ct_rows *rows);

#endif
