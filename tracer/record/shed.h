/*
 * What the user has LD_PRELOADed is for the program. The recorder runs without: libfaketime, for
 * one, would give it times that are none.
 */
#ifndef CTRACE_RECORD_SHED_H
#define CTRACE_RECORD_SHED_H

/*
 * First in main: executes this program anew without the libraries, and returns only if there were
 * none, or the second time.
 */
void ct_shed_preloads(char **argv);

/* The environment as it was the first time. Caller frees, as with g_strfreev. */
char **ct_shed_environment(void);

#endif
