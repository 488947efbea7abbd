/*
 * CPython: what of it is in the program, and the frames of the calling thread. All is read in its
 * own memory, by copies that cannot fault, and believed only where the types of objects are what
 * they are to be: in the middle of a change, or in a damaged interpreter, frames are missing.
 */
#ifndef CTRACE_PRELOAD_STACK_PYTHON_H
#define CTRACE_PRELOAD_STACK_PYTHON_H

#include "python_layout.h"

#include <stddef.h>

struct ct_python {
    struct ct_python_layout layout;
    void *(*thread_state)(void); /* the calling thread's, by its pthread key: it takes no lock */
    uint64_t code_type, text_type, bytes_type; /* addresses of type objects */
    uint64_t eval_begin, eval_end;             /* of the function that evaluates */
};

/*
 * The program's; NULL: it is no CPython, or none whose layout is known, or the calling thread is
 * none that the interpreter knows. It is looked for when that is first asked, in the program and in
 * the libraries called python that it began with.
 */
const struct ct_python *ct_python_find(void);

/* In a child of fork: a thread that was looking for it is not there. */
void ct_python_begin(void);

#define CT_PYTHON_WINDOW 1024

/* The interpreter has a limit of 1,000 frames, unless it is told otherwise. */
#define CT_PYTHON_FRAMES_MAX 4096

/* A walk over the frames of the calling thread, the innermost first. */
struct ct_python_walk {
    const struct ct_python *python;
    uint64_t frame; /* the next one; 0: none */
    uint64_t mark;  /* of the call that evaluates it; 0: none */
    uint32_t left;  /* so many are looked at: what changes meanwhile may lead in circles */
    uint64_t begin; /* of what was copied */
    size_t size;
    uint8_t window[CT_PYTHON_WINDOW];
};

struct ct_python_frame {
    uint64_t code; /* 0: it is no function's */
    uint64_t instruction;
    bool ends_call; /* it is the outermost of those that one call evaluates */
    uint64_t mark;  /* then: an address in the C frame of that call; 0: it is not known */
};

/* FALSE: the thread has none. */
bool ct_python_walk_begin(struct ct_python_walk *walk, const struct ct_python *python);

/* Once more, from that frame on, without marks. */
void ct_python_walk_again(struct ct_python_walk *walk, uint64_t frame);

/* FALSE: there is none more. */
bool ct_python_walk_next(struct ct_python_walk *walk, struct ct_python_frame *frame);

#endif
