/* The file that exec or posix_spawn is to execute, and what keeps us out of it. */
#ifndef CTRACE_PRELOAD_LIFE_EXEC_IMAGE_H
#define CTRACE_PRELOAD_LIFE_EXEC_IMAGE_H

#include "schema/board.h"
#include "schema/obstacles.h"

/* A file that is to be executed, as far as we see it. */
struct ct_image {
    enum ct_obstacle obstacle;
    char file_name[CT_UNSEEN_NAME_SIZE]; /* "": it is not there, or hooks have nothing to follow */
};

/* Relative to directory `at`, or that descriptor itself, as execveat(2) does. */
struct ct_image ct_exec_find_at(int at, const char *path, int flags);

struct ct_image ct_exec_find_path(const char *path);
struct ct_image ct_exec_find_descriptor(int fd);

/* As execvp(3) looks for it. */
struct ct_image ct_exec_find_file(const char *file);

#endif
