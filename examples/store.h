/* A store of values, as a server would have it: asked over a socket, for up to so many at once. */
#ifndef CTRACE_EXAMPLES_STORE_H
#define CTRACE_EXAMPLES_STORE_H

#include <stdint.h>

enum { STORE_KEYS_MAX = 100 };

struct store_question {
    uint32_t count;
    uint32_t keys[STORE_KEYS_MAX];
};

struct store_answer {
    uint32_t values[STORE_KEYS_MAX];
};

/* A connection to it; it ends when that is closed. -1: there is none. */
int store_connect(void);

#endif
