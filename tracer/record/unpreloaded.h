/*
 * Images of the recorded tree that did not load the preload library, and why: as the hooks that
 * began them say, as the kernel says, or since a board is missing.
 */
#ifndef CTRACE_RECORD_UNPRELOADED_H
#define CTRACE_RECORD_UNPRELOADED_H

#include "board_map.h"
#include "schema/obstacles.h"

#include <glib.h>
#include <sys/types.h>

struct ct_unpreloaded;

/* So many of one name, and for one reason. */
struct ct_unpreloaded_images {
    char *name; /* owned */
    enum ct_obstacle obstacle;
    uint32_t count;
};

struct ct_unpreloaded *ct_unpreloaded_new(void);
void ct_unpreloaded_free(struct ct_unpreloaded *unpreloaded);

void ct_unpreloaded_add(struct ct_unpreloaded *unpreloaded, const char *name,
                        enum ct_obstacle obstacle, uint32_t count);

/*
 * An image of process `pid` is to have a board with a start at or after `since_ns`, when it was
 * begun. `name` may be "": it is not known.
 */
void ct_unpreloaded_expect(struct ct_unpreloaded *unpreloaded, pid_t pid, uint64_t since_ns,
                           const char *name);

/* Process `pid` has begun to execute this image. */
void ct_unpreloaded_add_successor(struct ct_unpreloaded *unpreloaded, pid_t pid, uint64_t when_ns,
                                  const struct ct_board_noted *noted);

/* What the board of a process that is over, or of the cut, says. */
void ct_unpreloaded_add_board(struct ct_unpreloaded *unpreloaded, const struct ct_board_map *map,
                              uint64_t now_ns);

/* So many images say that they have no board since we had not run for long; as far as others are
 * missing for no known reason, they are taken for those. To be settled. */
void ct_unpreloaded_note_deserted(struct ct_unpreloaded *unpreloaded, uint64_t count);

/*
 * All boards are known (`images`: struct ct_image_key), at `now_ns`: those that were expected and
 * are not among them are added. `told` are the names of all such images as the kernel tells them,
 * which then decides which there were, or NULL. Without `images`, nothing more is known.
 */
void ct_unpreloaded_settle(struct ct_unpreloaded *unpreloaded, const GArray *images,
                           char *const *told, uint64_t now_ns);

/* All that it holds before it is settled, for another process. Floating. */
GVariant *ct_unpreloaded_save(const struct ct_unpreloaded *unpreloaded);
/* Adds that, as far as it makes sense. */
void ct_unpreloaded_load(struct ct_unpreloaded *unpreloaded, GVariant *saved);

/* What ct_unpreloaded_save() gives. */
#define CT_UNPRELOADED_TYPE "(a(suu)a(its))"

/* struct ct_unpreloaded_images; borrowed. */
const GArray *ct_unpreloaded_list(const struct ct_unpreloaded *unpreloaded);

const char *ct_obstacle_words(enum ct_obstacle obstacle);

#endif
