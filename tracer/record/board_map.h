/*
 * A mapped board: the recorder's only way to what is on one. The traced program can write to all of
 * it at any moment, so each question is answered by a copy that was checked against the bounds of
 * the board and of the time that has passed.
 */
#ifndef CTRACE_RECORD_BOARD_MAP_H
#define CTRACE_RECORD_BOARD_MAP_H

#include "schema/board.h"
#include "schema/obstacles.h"

#include <glib.h>

struct ct_board_map;

/* Which process image it is of; read once, when it is mapped. */
struct ct_board_identity {
    int32_t pid; /* > 0 */
    int32_t ppid;
    uint64_t start_ns; /* no later than when it was mapped */
    uint64_t rate_ns;
};

enum ct_board_state {
    CT_BOARD_COMPLETE,
    CT_BOARD_INCOMPLETE, /* its program has not got that far, or it is no board */
    CT_BOARD_NONSENSE,   /* its program says that it is complete, but it makes no sense */
};

/* NULL if the file is not a complete board, with the cause in *state. It may be closed then. */
struct ct_board_map *ct_board_map_new(int fd, enum ct_board_state *state);
void ct_board_map_free(struct ct_board_map *map);

/* All of those, struct ct_board_map *, for less than one by one. */
void ct_board_map_free_all(const GPtrArray *maps);

const struct ct_board_identity *ct_board_map_identity(const struct ct_board_map *map);

/* Maps what of the file has come into use. */
void ct_board_map_grow(struct ct_board_map *map);
size_t ct_board_map_size(const struct ct_board_map *map);

/* The file was cut short, or there was no memory for a part of it, and that read as zeros. */
gboolean ct_board_map_is_broken(const struct ct_board_map *map);

/* Then: maps the file again. FALSE if it is too short: the board is lost. */
gboolean ct_board_map_mend(struct ct_board_map *map, int fd);

/* ---- The header. ---- */

struct ct_board_head {
    enum ct_process_state state;
    uint64_t end_ns; /* from the image's start until now; 0: it does not say, or that is not so */
    uint64_t stacks_lost;
    uint64_t threads_lost;
    uint64_t modules_lost;
    uint64_t events_lost;
    uint64_t held_up_ns; /* over all threads */
    uint64_t threads_started;
    uint64_t waits_recorded; /* of threads that have exited */
    /* How many there are to be asked for. */
    uint32_t slots;
    uint32_t modules;
    uint32_t lives;
    uint32_t words;
    gboolean is_damaged; /* there were impossible counts: they are 0 here */
};

void ct_board_map_read_head(const struct ct_board_map *map, uint64_t now_ns,
                            struct ct_board_head *head);

/* Only how many thread slots have ever been used. */
uint32_t ct_board_map_slots(const struct ct_board_map *map);

/* How many entries of a table are there, at most `count`. */
uint32_t ct_board_map_entries(const struct ct_board_map *map, enum ct_table table, uint32_t count);

/* Caller frees. */
char *ct_board_map_exe(const struct ct_board_map *map);
char *ct_board_map_args(const struct ct_board_map *map);
char *ct_board_map_cwd(const struct ct_board_map *map);

/* Images that a process has begun, and that the library is not in. */
struct ct_board_noted {
    uint32_t count;
    enum ct_obstacle obstacle;
    char name[CT_UNSEEN_NAME_SIZE + 1];
};

/* The `index`th of CT_BOARD_MAX_UNSEEN kinds of children; FALSE: there are none of it. */
gboolean ct_board_map_read_children(const struct ct_board_map *map, uint32_t index, uint64_t now_ns,
                                    struct ct_board_noted *noted);

/* Of an image that is EXECED: the one that took its place. FALSE: what it says makes no sense. */
gboolean ct_board_map_read_successor(const struct ct_board_map *map, uint64_t now_ns,
                                     struct ct_board_noted *noted);

/* ---- Threads, and what they wait for. ---- */

struct ct_board_wait_copy {
    enum ct_wait_state state;
    uint32_t stack; /* 0: not taken, or none of the board's */
    uint64_t begin_ticks;
    uint64_t end_ticks;
    uint64_t object;
    uint64_t site;
    int32_t owner;
    int16_t result;
    uint8_t op;    /* < CT_OP_COUNT */
    uint8_t class; /* < CT_CLASS_COUNT */
};

struct ct_board_thread_copy {
    int32_t tid; /* > 0 */
    uint64_t start_ns;
    uint64_t entry;
    char name[CT_THREAD_NAME_SIZE + 1];
    struct ct_board_wait_copy wait;
    uint64_t waits_recorded;
    uint64_t class_ns[CT_CLASS_COUNT];
    struct ct_board_counters counters[CT_OP_COUNT];
    gboolean is_damaged; /* there were impossible counts or times: they are 0 here */
};

/* `index` is less than the number of slots. FALSE: no thread has it now. */
gboolean ct_board_map_read_thread(const struct ct_board_map *map, uint32_t index, uint64_t now_ns,
                                  struct ct_board_thread_copy *thread);

/* Only its wait, of whoever had the slot last. */
void ct_board_map_read_wait(const struct ct_board_map *map, uint32_t index,
                            struct ct_board_wait_copy *wait);

/* ---- Modules and stacks. ---- */

struct ct_board_module_copy {
    uint64_t begin; /* < end */
    uint64_t end;
    uint64_t bias;
    uint64_t until_ns;
    char build_id[2 * CT_BUILD_ID_MAX + 1]; /* hexadecimal */
    char path[CT_MODULE_PATH_SIZE + 1];
};

/* The module of a life. FALSE: it is not there yet, or makes no sense. */
gboolean ct_board_map_read_module(const struct ct_board_map *map, const struct ct_board_head *head,
                                  uint32_t life, struct ct_board_module_copy *module);

struct ct_board_stack_copy {
    uint32_t id;
    gboolean is_code;   /* it is no stack: see ct_board_stack_code */
    uint32_t count;     /* of its addresses, > 0 */
    uint16_t outermost; /* <= count */
    uint32_t omitted;   /* at least so many frames */
    uint64_t taken_ns;
    uint64_t addresses[CT_STACK_MAX_FRAMES];
};

/* The first stack at or behind the word `id`; FALSE: there is none more. */
gboolean ct_board_map_read_stack(const struct ct_board_map *map, const struct ct_board_head *head,
                                 uint32_t id, struct ct_board_stack_copy *stack);

/* A function of the program's interpreter; both strings are in what it was read from. */
struct ct_board_code {
    const char *function;
    const char *file;
    uint32_t first_line;
};

/* FALSE: it makes no sense. */
gboolean ct_board_stack_code(const struct ct_board_stack_copy *stack, struct ct_board_code *code);

/* The id behind it. */
uint32_t ct_board_stack_next(const struct ct_board_stack_copy *stack);

#endif
