/* What --standby asks for, and what makes no sense with it. */
#ifndef CTRACE_RECORD_STANDBY_WISH_H
#define CTRACE_RECORD_STANDBY_WISH_H

#include "options.h"

/* `path` is of the socket, or NULL: it is not wished for. FALSE and an error. */
gboolean ct_standby_wish_check(const char *path, const char *attaching,
                               struct ct_record_options *options, GError **error);

#endif
