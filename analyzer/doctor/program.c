#include "doctor/program.h"

#include "doctor/advice.h"
#include "doctor/capture.h"
#include "files/regular_file.h"
#include "schema/obstacles.h"
#include "symbols/elf_facts.h"
#include "symbols/lacks.h"
#include "symbols/symbol_file.h"
#include "system/own_loader.h"

#define CT_IMAGE_SYSCALL syscall
#include "schema/image.h"

#include <string.h>
#include <unistd.h>

/* What makes code while it runs, by the name of its program or of a library of it. */
static const struct {
    const char *program; /* a prefix */
    const char *library; /* likewise; NULL: none tells */
    const char *todo;
} runtimes[] = {
    {"java", "libjli",
     "run it with -XX:+DumpPerfMapAtExit, or an agent that writes "
     "/tmp/perf-PID.map; -XX:+PreserveFramePointer for whole CPU stacks"},
    {"node", "libnode", "run it with --perf-basic-prof --interpreted-frames-native-stack"},
    {"luajit", "libluajit",
     "its compiled functions have no names; run it with -joff to see C alone"},
    {"dotnet", "libcoreclr", "run it with DOTNET_PerfMapEnabled=1 in its environment"},
    {"php", "libphp", "turn its JIT off for the recording: -d opcache.jit=0"},
};

char *ct_doctor_find_program(const char *word)
{
    char *path = g_find_program_in_path(word);

    return path && ct_regular_file_is(path) ? path : (g_free(path), NULL);
}

int ct_doctor_find_obstacle(const char *path)
{
    char loader[CT_LOADER_SIZE];

    ct_own_loader(loader, sizeof(loader));
    return ct_image_find_obstacle(ct_regular_file_open(path), loader);
}

void ct_doctor_add_loading(GPtrArray *advices, const char *subject, int obstacle, gboolean is_root)
{
    if (obstacle == CT_OBSTACLE_NONE) {
        ct_advices_add(advices, CT_ADVICE_FINE, subject, "loading",
                       "ctrace's library can be loaded into it", NULL);
        return;
    }
    g_autofree char *text = g_strdup_printf(
        "ctrace's library cannot be loaded into it: %s%s", ct_doctor_obstacle_words(obstacle),
        is_root ? "; root records it through the kernel: its system calls, not "
                  "what its threads wait for of each other without one"
                : "");

    ct_advices_add(advices, is_root ? CT_ADVICE_LESS : CT_ADVICE_WRONG, subject, "loading", text,
                   is_root ? NULL : ct_doctor_obstacle_advice(obstacle));
}

static gboolean is_linked_with(const struct ct_elf_facts *facts, const char *library)
{
    for (char **name = facts->needed; *name; name++)
        if (g_str_has_prefix(*name, library))
            return TRUE;
    return FALSE;
}

static void add_runtime(GPtrArray *advices, const char *subject, const char *path,
                        const struct ct_elf_facts *facts)
{
    g_autofree char *name = g_path_get_basename(path);

    for (size_t i = 0; i < G_N_ELEMENTS(runtimes); i++) {
        if (g_str_has_prefix(name, runtimes[i].program) ||
            is_linked_with(facts, runtimes[i].library))
            ct_advices_add(advices, CT_ADVICE_LESS, subject, "run-time code",
                           "it makes code while it runs, which is in no file and has no names",
                           runtimes[i].todo);
    }
    if (facts->is_go)
        ct_advices_add(advices, CT_ADVICE_LESS, subject, "Go",
                       "the kernel sees its threads, not its goroutines",
                       "for locks and channels between goroutines, use net/http/pprof's block and "
                       "mutex profiles beside ctrace's");
}

static void add_tables(GPtrArray *advices, const char *subject, const struct ct_elf_facts *facts)
{
    if (facts->has_unwind_tables || facts->is_go)
        return;
    ct_advices_add(advices, CT_ADVICE_WRONG, subject, "stacks",
                   "it has no unwind tables: stacks end in it",
                   "build it without -fno-asynchronous-unwind-tables, and do not strip .eh_frame; "
                   "where that cannot be, with -fno-omit-frame-pointer");
}

/* Its own, or the debug file that is installed for it. */
static void add_names(GPtrArray *advices, const char *subject, const char *path,
                      const struct ct_elf_facts *facts)
{
    const struct ct_symbol_file_place place = {path, facts->build_id, ""};
    g_autoptr(GStringChunk) strings = g_string_chunk_new(256);
    enum ct_symbol_problem problem;
    struct ct_symbol_file *file = ct_symbol_file_open(&place, strings, &problem);
    gboolean has_debug_info =
        facts->has_debug_info || (file && ct_symbol_file_has_debug_info(file));
    const char *split = file ? ct_symbol_file_missing_split(file) : "";

    if (*split) {
        g_autofree char *text =
            g_strdup_printf("its debug information is in other files, such as %s, which is not "
                            "there",
                            split);

        ct_advices_add(advices, CT_ADVICE_LESS, subject, "lines", text,
                       "keep the .dwo files where it was built, or build without -gsplit-dwarf");
    }
    if (!facts->has_symbols && !has_debug_info && !facts->is_go)
        ct_advices_add(advices, CT_ADVICE_WRONG, subject, "functions",
                       "it is stripped, and no debug file of it is here: only functions that it "
                       "exports have names",
                       ct_symbols_lack_advice(CT_SYMBOLS_LACK_SYMBOLS));
    else if (!has_debug_info && !facts->is_go)
        ct_advices_add(advices, CT_ADVICE_LESS, subject, "lines",
                       "no debug information: no source lines, and functions that were inlined "
                       "count as those that they are in",
                       ct_symbols_lack_advice(CT_SYMBOLS_LACK_LINES));
    else
        ct_advices_add(advices, CT_ADVICE_FINE, subject, "functions",
                       "it has symbols and debug information", NULL);
    if (file)
        ct_symbol_file_free(file);
}

/* The interpreter that a script names; NULL: it is none. Caller frees. */
static char *find_interpreter(const char *path)
{
    union {
        char bytes[CT_IMAGE_HEAD_SIZE];
        ElfW(Ehdr) aligned;
    } head;
    int fd = ct_regular_file_open(path);

    if (fd < 0)
        return NULL;
    ct_image_read_head(fd, head.bytes);
    close(fd);
    return g_strdup(ct_image_interpreter(head.bytes));
}

/* "#!/usr/bin/env python3": what env finds is known to a shell only. */
static void add_script(GPtrArray *advices, const char *subject, const char *interpreter)
{
    g_autofree char *text = g_strdup_printf("it is a script: what is recorded is %s", interpreter);

    ct_advices_add(advices, CT_ADVICE_FINE, subject, "script", text,
                   strstr(interpreter, "/env") ? "see that program, too: ctrace doctor python3, as "
                                                 "its first line names it"
                                               : NULL);
}

void ct_doctor_add_code(GPtrArray *advices, const char *subject, const char *path)
{
    g_autofree char *interpreter = find_interpreter(path);
    struct ct_elf_facts facts;

    if (interpreter) {
        add_script(advices, subject, interpreter);
        path = interpreter;
    }
    if (ct_elf_facts_read(path, &facts)) {
        add_runtime(advices, subject, path, &facts);
        add_tables(advices, subject, &facts);
        add_names(advices, subject, path, &facts);
    } else {
        ct_advices_add(advices, CT_ADVICE_WRONG, subject, "program",
                       "it is no ELF file that can be read", "name the program itself");
    }
    ct_elf_facts_clear(&facts);
}
