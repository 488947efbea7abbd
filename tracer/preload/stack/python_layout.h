/*
 * Where CPython keeps what a thread of it is doing. Of 3.8 to 3.12 it is known how they are built
 * for 64 bits, the same in all releases of a version; 3.13 says itself where what is.
 *
 * How a thread's frames hang together differs: until 3.10 each one is an object, and evaluated by a
 * C function's call of its own. From 3.11 on one call of that evaluates many of them; then each
 * such call has a mark on the C stack, from which it is told which C frame it is.
 */
#ifndef CTRACE_PRELOAD_STACK_PYTHON_LAYOUT_H
#define CTRACE_PRELOAD_STACK_PYTHON_LAYOUT_H

#include "python_lines.h"

#include <stdbool.h>

enum ct_python_kind {
    CT_PYTHON_OBJECTS,        /* 3.8, 3.9: a chain of objects */
    CT_PYTHON_MARKED_OBJECTS, /* 3.10: that, and a chain of marks (CFrame), one for each */
    CT_PYTHON_ENTRY_FRAMES,   /* 3.11: a chain of marks, and of frames, some of which end a call */
    CT_PYTHON_SHIMS, /* 3.12, 3.13: frames on the C stack, which are no code's, end calls */
};

/* Offsets, of PyThreadState first. */
struct ct_python_layout {
    enum ct_python_kind kind;
    enum ct_python_lines lines;
    uint16_t thread_id;
    uint16_t thread_frame; /* the innermost; 0: see the next */
    uint16_t thread_mark;  /* 0: there are none */
    uint16_t mark_frame, mark_previous;
    uint16_t frame_size; /* of what is read of it, as is that of a code */
    uint16_t frame_previous, frame_code, frame_instruction;
    uint16_t frame_owner; /* or whether it is an entry */
    uint16_t code_size;
    uint16_t code_file, code_name, code_first_line, code_lines;
    uint16_t code_instructions;     /* 0: a frame has the number of its instruction, */
    uint16_t instruction_size;      /* which are so long */
    uint16_t text_ascii, text_wide; /* where the characters of a string begin */
};

/* The largest that they may be. */
#define CT_PYTHON_THREAD_SIZE 208
#define CT_PYTHON_CODE_SIZE   152

/* Of the owners of frames. */
#define CT_PYTHON_OWNED_BY_C_STACK 3

/*
 * That of version 3.`minor`. `runtime` is its _PyRuntime, of so many bytes. FALSE: it is not known.
 */
bool ct_python_layout_find(unsigned minor, const void *runtime, uint64_t runtime_size,
                           struct ct_python_layout *layout);

#endif
