/* What a program's help says of its options and arguments: what there is of them, as users see it.
 */
#ifndef CTRACE_OPTIONS_DESCRIBED_H
#define CTRACE_OPTIONS_DESCRIBED_H

#include <glib.h>

struct ct_described_option {
    char *name;     /* owned, as are the next two; "--output" */
    char *value;    /* "FILE"; NULL: it takes none */
    char *purpose;  /* "Write to FILE" */
    char letter[3]; /* "-o"; empty: it has none */
};

struct ct_described {
    GPtrArray *options; /* owned; struct ct_described_option *; hidden ones are not among them */
    char **arguments;   /* owned; "[SECTION]" and "[DIR]" */
};

/* Free with ct_described_free(). */
struct ct_described *ct_described_new(GOptionContext *context);
void ct_described_free(struct ct_described *described);

/* By "--output" or "-o". NULL: there is none. */
const struct ct_described_option *ct_described_find(const struct ct_described *described,
                                                    const char *word);

#endif
