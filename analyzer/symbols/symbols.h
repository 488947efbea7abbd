/*
 * Address -> function, file and line: what an earlier command has found, else from the ELF files
 * and separate debug files on this machine's disk. A file is opened once however many processes map
 * it, and not at all where all that is asked of it was kept.
 *
 * A file that is not the one that was recorded (its build id differs) is never used for names:
 * its frames are called "libfoo.so+0x1234", as those of a file that is gone or has no symbols,
 * and one warning says so.
 */
#ifndef CTRACE_SYMBOLS_H
#define CTRACE_SYMBOLS_H

#include "model/model.h"

/* One function at an address. All strings live as long as the symbolizer; none is NULL. */
struct ct_symbol_frame {
    const char *function;    /* as a programmer writes it: demangled */
    const char *system_name; /* as the linker knows it */
    const char *file;        /* source file; "" if unknown */
    uint32_t line;           /* 0 if unknown */
    uint32_t start_line;     /* where the function begins; 0 if unknown */
    gboolean is_inlined;     /* into the frame after it */
    gboolean is_interpreted; /* it is no machine code: its name is in another language */
};

/* What stands at an address: the innermost inlined function first, the real one last. */
struct ct_symbol {
    gboolean is_named;  /* FALSE: no symbol is known, the only frame is called module+offset */
    gboolean is_own;    /* a frame of ctrace's preload or of LTTng: reports leave it out */
    size_t frame_count; /* at least 1 */
    struct ct_symbol_frame frames[];
};

/* Why a file cannot be used. */
enum ct_symbol_problem {
    CT_SYMBOL_PROBLEM_NONE,
    CT_SYMBOL_PROBLEM_UNREADABLE,
    CT_SYMBOL_PROBLEM_NO_ELF,
    CT_SYMBOL_PROBLEM_CHANGED,
    CT_SYMBOL_PROBLEM_COUNT
};

/* As the rest of a sentence that begins with the file's name. */
const char *ct_symbol_problem_words(enum ct_symbol_problem problem);

struct ct_symbolizer;
typedef struct ct_symbolizer ct_symbolizer; /* for g_autoptr(ct_symbolizer) */

/*
 * `model` is borrowed: its directory has the names of code that was made at run time, and its
 * activity the debug files that servers had, and takes the build ids of those that are lacking.
 * libdwfl asks the network itself where DEBUGINFOD_URLS says so: it is up to the program to have no
 * such variable.
 */
struct ct_symbolizer *ct_symbolizer_new(const struct ct_model *model);
void ct_symbolizer_free(struct ct_symbolizer *symbolizer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_symbolizer, ct_symbolizer_free)

/*
 * The symbol of the call that returns to `return_address`, as all addresses in a struct ct_stack
 * do, in the module that was there at that time. Never NULL; borrowed from the symbolizer. Call it
 * when the model is complete, since modules come late in a trace.
 */
const struct ct_symbol *ct_symbolizer_resolve_return(struct ct_symbolizer *symbolizer,
                                                     const struct ct_process *process,
                                                     uint64_t return_address, uint64_t time_ns);

/* The same for the address of an instruction itself, such as a thread's start routine. */
const struct ct_symbol *ct_symbolizer_resolve(struct ct_symbolizer *symbolizer,
                                              const struct ct_process *process, uint64_t address,
                                              uint64_t time_ns);

/*
 * The name of the global variable at `address` ("queue_lock", "state+0x18"), or NULL if there is
 * none: heap, stack, or no symbols. Borrowed.
 */
const char *ct_symbolizer_resolve_data(struct ct_symbolizer *symbolizer,
                                       const struct ct_process *process, uint64_t address,
                                       uint64_t time_ns);

/* The part of a module that holds its code, as the process mapped it. */
struct ct_code_segment {
    uint64_t begin; /* first address */
    uint64_t end;   /* one past the last */
    uint64_t file_offset;
};

/* FALSE if the file cannot be used. */
gboolean ct_symbolizer_find_code(struct ct_symbolizer *symbolizer, const struct ct_module *module,
                                 struct ct_code_segment *segment);

/* Whether the module is a program that Go's compiler made. */
gboolean ct_symbolizer_is_go(struct ct_symbolizer *symbolizer, const struct ct_module *module);

/* What could not be used and why: one line each, in the order found. Strings are borrowed. */
const GPtrArray *ct_symbolizer_warnings(const struct ct_symbolizer *symbolizer);

/*
 * What was found goes to where the next command finds it, by way of the model's activity. FALSE: it
 * cannot be kept.
 */
gboolean ct_symbolizer_keep(struct ct_symbolizer *symbolizer);

/* A module in which addresses were looked up: how many, and what was found. */
struct ct_symbolizer_module {
    const char *path;          /* "": code that is in no file */
    const char *build_id;      /* borrowed from the model; "" if it has none */
    const char *problem;       /* its file could not be used; NULL: it could */
    guint address_count;       /* distinct ones */
    guint named_count;         /* of those */
    guint with_line_count;     /* of those: the source line is known, too */
    gboolean is_own;           /* part of ctrace */
    gboolean is_vdso;          /* part of the kernel */
    gboolean is_without_lines; /* its lines are left out on purpose */
};

/* struct ct_symbolizer_module, by path; those asked for nothing are left out. The caller owns it.
 */
GArray *ct_symbolizer_modules(const struct ct_symbolizer *symbolizer);

/* Is this module part of ctrace itself, inside the traced program? */
gboolean ct_module_is_own(const struct ct_module *module);

#endif
