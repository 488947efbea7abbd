/*
 * Images of the recorded tree that did not load the preload library, and why: as the hooks that
 * began them say, as the kernel says, or since a board is missing.
 */
#ifndef CTRACE_RECORD_UNSEEN_H
#define CTRACE_RECORD_UNSEEN_H

#include "board_map.h"
#include "schema/obstacles.h"

#include <glib.h>
#include <sys/types.h>

struct ct_unseen;

/* So many of one name, and for one reason. */
struct ct_unseen_images {
    char *name; /* owned */
    enum ct_obstacle obstacle;
    uint32_t count;
};

struct ct_unseen *ct_unseen_new(void);
void ct_unseen_free(struct ct_unseen *unseen);

void ct_unseen_add(struct ct_unseen *unseen, const char *name, enum ct_obstacle obstacle,
                   uint32_t count);

/*
 * An image of process `pid` is to have a board with a start at or after `since_ns`, when it was
 * begun. `name` may be "": it is not known.
 */
void ct_unseen_expect(struct ct_unseen *unseen, pid_t pid, uint64_t since_ns, const char *name);

/* Process `pid` has begun to execute this image. */
void ct_unseen_add_successor(struct ct_unseen *unseen, pid_t pid, uint64_t when_ns,
                             const struct ct_board_noted *noted);

/* What the board of a process that is over, or of the cut, says. */
void ct_unseen_add_board(struct ct_unseen *unseen, const struct ct_board_map *map, uint64_t now_ns);

/*
 * All boards are known (`images`: struct ct_image_key), at `now_ns`: those that were expected and
 * are not among them are added. `told` are the names of all such images as the kernel tells them,
 * which then decides which there were, or NULL. Without `images`, nothing more is known.
 */
void ct_unseen_settle(struct ct_unseen *unseen, const GArray *images, char *const *told,
                      uint64_t now_ns);

/* struct ct_unseen_images; borrowed. */
const GArray *ct_unseen_list(const struct ct_unseen *unseen);

const char *ct_obstacle_words(enum ct_obstacle obstacle);

#endif
