/* Why the preload library is not in a process image. */
#ifndef CTRACE_SCHEMA_OBSTACLES_H
#define CTRACE_SCHEMA_OBSTACLES_H

#include <stdbool.h>

/*
 * OBSTACLE(symbol, is_left_out, words): what keeps the library out of an image. If is_left_out, the
 * image is not told of it: a loader would complain, or load it and fail; or it is no business of
 * what has more rights than who starts it.
 */
#define CT_OBSTACLES(OBSTACLE)                                                                    \
    OBSTACLE(NONE, false, "for an unknown reason")                                                \
    OBSTACLE(STATIC, false, "statically linked")                                                  \
    OBSTACLE(OTHER_LOADER, true,                                                                  \
             "built for another C library, and what it starts is not followed")                   \
    OBSTACLE(OTHER_MACHINE, true,                                                                 \
             "built for another word size or machine, and what it starts is not followed")        \
    OBSTACLE(PRIVILEGED, true, "privileged, as by setuid, so that LD_PRELOAD is ignored")         \
    OBSTACLE(NO_LIBRARY, true, "its user cannot read ctrace's library, or it is not in its root") \
    OBSTACLE(NO_SESSION, false, "/dev/shm is not the recorder's in its root")                     \
    OBSTACLE(DESERTED, false, "it did, but the recorder had not run for 15 seconds")

enum ct_obstacle {
#define CT_OBSTACLE_SYMBOL(symbol, is_left_out, words) CT_OBSTACLE_##symbol,
    CT_OBSTACLES(CT_OBSTACLE_SYMBOL)
#undef CT_OBSTACLE_SYMBOL
        CT_OBSTACLE_COUNT
};

static inline bool ct_obstacle_is_left_out(enum ct_obstacle obstacle)
{
    static const bool is_left_out[] = {
#define CT_OBSTACLE_FACT(symbol, is_left_out, words) is_left_out,
        CT_OBSTACLES(CT_OBSTACLE_FACT)
#undef CT_OBSTACLE_FACT
    };

    return is_left_out[obstacle];
}

#endif
