/* How many files a recording needs to have open at once, and may. */
#ifndef CTRACE_RECORD_OPEN_FILES_H
#define CTRACE_RECORD_OPEN_FILES_H

#include <glib.h>

/* FALSE and an error if there may be too few for LTTng and the recorder. Opens none. */
gboolean ct_open_files_suffice(GError **error);

/* As many as are needed from now on, of those that we may have. */
void ct_open_files_raise(void);

#endif
