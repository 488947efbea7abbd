#include "image_fixture.h"
#include "symbols/demangle.h"
#include "symbols/jvm_stack.h"
#include "symbols/short_name.h"
#include "symbols/stack_text.h"
#include "symbols/symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Symbols that the tests look up. */
int known_numbers[4] = {1, 2, 3, 4};
int mangled_function(int value) __asm__("_ZN5queue3popEi");
int monitor_wait(int value) __asm__("_ZN7Monitor4waitEl");
int compile_queue_get(int value) __asm__("_ZN12CompileQueue3getEv");

/* Of the C library's start files, which follow our code. */
void _start(void);

/* Of symbols_cplusplus.cpp: an address in a function of an anonymous namespace. */
uint64_t call_in_anonymous_namespace(void);

static volatile int sink;

__attribute__((noinline)) int mangled_function(int value)
{
    sink += value;
    return value;
}

__attribute__((noinline)) int monitor_wait(int value)
{
    sink += value + 1;
    return value;
}

__attribute__((noinline)) int compile_queue_get(int value)
{
    sink += value + 2;
    return value;
}

static __attribute__((noinline)) uint64_t return_address(void)
{
    sink++;
    return (uint64_t)__builtin_return_address(0);
}

static const int inlined_line = __LINE__ + 4;
static inline __attribute__((always_inline)) uint64_t inlined_function(void)
{
    sink++;
    uint64_t address = return_address();
    sink++; /* so that the call before is no jump */
    return address;
}

static const int caller_line = __LINE__ + 4;
static __attribute__((noinline)) uint64_t calling_function(void)
{
    sink++;
    return inlined_function();
}

struct fixture {
    struct ct_model *model;
    struct ct_process *process;
    struct ct_symbolizer *symbolizer;
};

static int set_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->model = ct_model_new();
    fixture->process = ct_model_add_process(fixture->model, 1, 0, 0);
    fixture_add_image(fixture->process);
    fixture->symbolizer = ct_symbolizer_new(fixture->model);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ct_symbolizer_free(fixture->symbolizer);
    ct_model_free(fixture->model);
    g_free(fixture);
    return 0;
}

static const struct ct_symbol *resolve(const struct fixture *fixture, uint64_t address)
{
    return ct_symbolizer_resolve(fixture->symbolizer, fixture->process, address, 0);
}

static guint warning_count(const struct fixture *fixture)
{
    return ct_symbolizer_warnings(fixture->symbolizer)->len;
}

static void inlined_functions_are_frames_of_their_own(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_symbol *symbol =
        ct_symbolizer_resolve_return(fixture->symbolizer, fixture->process, calling_function(), 0);

    assert_true(symbol->is_named);
    assert_false(symbol->is_own);
    assert_int_equal(symbol->frame_count, 2);
    const struct ct_symbol_frame *inner = &symbol->frames[0], *outer = &symbol->frames[1];
    assert_string_equal(inner->function, "inlined_function");
    assert_true(inner->is_inlined);
    assert_int_equal(inner->line, inlined_line);
    assert_int_equal(inner->start_line, inlined_line - 3);
    assert_true(g_str_has_suffix(inner->file, "/test_symbols.c"));
    assert_string_equal(outer->function, "calling_function");
    assert_false(outer->is_inlined);
    assert_int_equal(outer->line, caller_line);
    assert_int_equal(outer->start_line, caller_line - 3);
    assert_true(g_str_has_suffix(outer->file, "/test_symbols.c"));
    assert_int_equal(warning_count(fixture), 0);
}

static void the_first_instruction_is_the_functions_own(void **state)
{
    const struct ct_symbol *symbol = resolve(*state, (uint64_t)(uintptr_t)return_address);
    assert_string_equal(symbol->frames[symbol->frame_count - 1].function, "return_address");
}

static void functions_of_libraries_are_named(void **state)
{
    const struct ct_symbol *symbol = resolve(*state, (uint64_t)(uintptr_t)g_hash_table_lookup);
    assert_true(symbol->is_named);
    assert_string_equal(symbol->frames[symbol->frame_count - 1].function, "g_hash_table_lookup");
}

/* Whether its debug information is installed or not. */
static void functions_of_the_c_library_are_named_without_a_line(void **state)
{
    const struct ct_symbol *symbol = resolve(*state, (uint64_t)(uintptr_t)getenv);
    assert_true(symbol->is_named);
    assert_int_equal(symbol->frame_count, 1);
    assert_string_equal(symbol->frames[0].function, "getenv");
    assert_int_equal(symbol->frames[0].line, 0);
}

static void code_without_debug_information_has_no_line(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_symbol *symbol = resolve(fixture, (uint64_t)(uintptr_t)_start + 4);

    assert_string_equal(symbol->frames[0].function, "_start");
    assert_int_equal(symbol->frames[0].line, 0);
    assert_string_equal(symbol->frames[0].file, "");
}

static void names_are_demangled(void **state)
{
    const struct ct_symbol *symbol = resolve(*state, (uint64_t)(uintptr_t)mangled_function);
    const struct ct_symbol_frame *frame = &symbol->frames[symbol->frame_count - 1];
    assert_string_equal(frame->function, "queue::pop(int)");
    assert_string_equal(frame->system_name, "_ZN5queue3popEi");
}

/* Where it waits for anything else, as for a lock that another thread has, that is a delay. */
static void a_virtual_machines_thread_is_idle_where_it_waits_for_work(void **state)
{
    const struct fixture *fixture = *state;
    const uint64_t wait = (uint64_t)(uintptr_t)monitor_wait + 4;
    const uint64_t get = (uint64_t)(uintptr_t)compile_queue_get + 4;
    const uint64_t other = (uint64_t)(uintptr_t)mangled_function + 4;

    fixture_add_stack(fixture->process, 1, (const uint64_t[]){wait, get, other}, 3);
    fixture_add_stack(fixture->process, 2, (const uint64_t[]){wait, other, get}, 3);
    fixture_add_stack(fixture->process, 3, (const uint64_t[]){wait}, 1);
    assert_string_equal(ct_stack_idleness(fixture->symbolizer, fixture->process, 1), CT_JVM_IDLE);
    assert_null(ct_stack_idleness(fixture->symbolizer, fixture->process, 2));
    assert_null(ct_stack_idleness(fixture->symbolizer, fixture->process, 3));
}

static void functions_without_a_linker_name_keep_their_namespace(void **state)
{
    const struct fixture *fixture = *state;
    const struct ct_symbol *symbol = ct_symbolizer_resolve_return(
        fixture->symbolizer, fixture->process, call_in_anonymous_namespace(), 0);

    /* The compiler may give a name that is mangled, or none. */
    assert_true(g_str_has_prefix(symbol->frames[0].function, "(anonymous namespace)::count"));
}

static void check_demangled(const char *name, const char *expected)
{
    char *demangled = ct_demangle(name);
    assert_non_null(demangled);
    assert_string_equal(demangled, expected);
    free(demangled);
}

static void rust_names_lose_their_hash(void **state)
{
    (void)state;
    check_demangled("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
                    "core::fmt::Write::write_fmt");
    check_demangled("_RNvCs1234_7mycrate3foo", "mycrate::foo");
    check_demangled("_ZNSt5mutex4lockEv", "std::mutex::lock()");
    assert_null(ct_demangle("main"));
    assert_null(ct_demangle("_Zzzz"));
}

static void global_variables_are_named(void **state)
{
    const struct fixture *fixture = *state;
    int on_stack = 0;
    const uint64_t begin = (uint64_t)(uintptr_t)known_numbers;

    assert_string_equal(ct_symbolizer_resolve_data(fixture->symbolizer, fixture->process, begin, 0),
                        "known_numbers");
    assert_string_equal(
        ct_symbolizer_resolve_data(fixture->symbolizer, fixture->process, begin + 8, 0),
        "known_numbers+0x8");
    assert_null(ct_symbolizer_resolve_data(fixture->symbolizer, fixture->process,
                                           (uint64_t)(uintptr_t)&on_stack, 0));
    /* A function is no variable. */
    assert_null(ct_symbolizer_resolve_data(fixture->symbolizer, fixture->process,
                                           (uint64_t)(uintptr_t)return_address, 0));
}

static void addresses_in_no_module_are_shown_as_they_are(void **state)
{
    const struct ct_symbol *symbol = resolve(*state, 0x10);
    assert_false(symbol->is_named);
    assert_int_equal(symbol->frame_count, 1);
    assert_string_equal(symbol->frames[0].function, "0x10");
}

static void a_changed_file_gives_no_names_and_one_warning(void **state)
{
    const struct fixture *fixture = *state;
    struct ct_module *module =
        (void *)ct_process_module(fixture->process, (uint64_t)(uintptr_t)return_address, 0);
    g_autofree char *expected = g_strdup_printf("test_symbols+0x%" G_GINT64_MODIFIER "x",
                                                (uint64_t)(uintptr_t)return_address - module->bias);

    assert_true(strlen(module->build_id) > 0);
    module->build_id[0] = module->build_id[0] == '0' ? '1' : '0';
    const struct ct_symbol *symbol = resolve(fixture, (uint64_t)(uintptr_t)return_address);
    assert_false(symbol->is_named);
    assert_string_equal(symbol->frames[0].function, expected);
    resolve(fixture, (uint64_t)(uintptr_t)calling_function);
    assert_int_equal(warning_count(fixture), 1);
    assert_non_null(strstr(ct_symbolizer_warnings(fixture->symbolizer)->pdata[0],
                           "test_symbols changed since the recording"));
}

static void files_that_are_no_elf_files_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    g_autofree char *folder = g_dir_make_tmp("ctrace-symbols-XXXXXX", NULL);
    g_autofree char *pipe_path = g_build_filename(folder, "pipe", NULL);
    g_autofree char *text_path = g_build_filename(folder, "text", NULL);

    /* Opening the pipe would wait for a writer for ever. */
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_true(g_file_set_contents(text_path, "\177ELF, not", -1, NULL));
    g_ptr_array_set_size(fixture->process->modules, 0);
    fixture_add_module(fixture->process, pipe_path, "", 0x10000, 0x20000);
    fixture_add_module(fixture->process, text_path, "", 0x20000, 0x30000);
    fixture_add_module(fixture->process, "/no/such/file.so", "", 0x30000, 0x40000);
    fixture_add_module(fixture->process, "[vdso]", "", 0x40000, 0x50000);
    assert_string_equal(resolve(fixture, 0x10100)->frames[0].function, "pipe+0x100");
    assert_string_equal(resolve(fixture, 0x20100)->frames[0].function, "text+0x100");
    assert_string_equal(resolve(fixture, 0x30100)->frames[0].function, "file.so+0x100");
    assert_string_equal(resolve(fixture, 0x40100)->frames[0].function, "[vdso]+0x100");
    assert_int_equal(warning_count(fixture), 3);
    unlink(pipe_path);
    unlink(text_path);
    rmdir(folder);
}

static void a_program_is_called_what_was_run_of_its_file(void **state)
{
    const struct fixture *fixture = *state;
    const char *path = "/no/such/check-tool"; /* that server is a link to */
    struct ct_process *processes[] = {fixture->process,
                                      ct_model_add_process(fixture->model, 2, 0, 0)};
    static const char *const names[] = {"server", "check-tool"};

    for (size_t i = 0; i < 2; i++) {
        g_ptr_array_set_size(processes[i]->modules, 0);
        fixture_add_module(processes[i], path, "0123456789", 0x10000, 0x20000);
        fixture_add_module(processes[i], "/no/such/file.so", "", 0x30000, 0x40000);
        g_free(processes[i]->exe);
        processes[i]->exe = g_strdup(path);
        g_free(processes[i]->args);
        processes[i]->args = g_strdup(names[i]);
        g_free(processes[i]->name);
        processes[i]->name = g_strdup(names[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *place = g_strconcat(names[i], "+0x100", NULL);
        assert_string_equal(ct_symbolizer_resolve(fixture->symbolizer, processes[i], 0x10100, 0)
                                ->frames[0]
                                .function,
                            place);
        assert_string_equal(ct_symbolizer_resolve(fixture->symbolizer, processes[i], 0x30100, 0)
                                ->frames[0]
                                .function,
                            "file.so+0x100");
    }
    assert_int_equal(warning_count(fixture), 2); /* one for each file */
}

static void a_file_mapped_twice_is_looked_up_once(void **state)
{
    const struct fixture *fixture = *state;
    const uint64_t shift = UINT64_C(0x100000000000);
    const uint64_t address = (uint64_t)(uintptr_t)return_address;
    const struct ct_module *module = ct_process_module(fixture->process, address, 0);
    struct ct_process *other = ct_model_add_process(fixture->model, 2, 0, 0);

    fixture_add_module(other, module->path, module->build_id, module->begin + shift,
                       module->end + shift)
        ->bias = module->bias + shift;
    assert_ptr_equal(resolve(fixture, address),
                     ct_symbolizer_resolve(fixture->symbolizer, other, address + shift, 0));
}

static void frames_of_ctrace_are_marked(void **state)
{
    const struct fixture *fixture = *state;

    g_ptr_array_set_size(fixture->process->modules, 0);
    fixture_add_module(fixture->process, "/usr/lib/ctrace/libctrace-preload.so", "", 0x1000,
                       0x2000);
    fixture_add_module(fixture->process, "/usr/lib/liblttng-ust-common.so.1", "", 0x2000, 0x3000);
    fixture_add_module(fixture->process, "/usr/lib/liblttng-ctl.so.0", "", 0x3000, 0x4000);
    assert_true(resolve(fixture, 0x1100)->is_own);
    assert_true(resolve(fixture, 0x2100)->is_own);
    assert_false(resolve(fixture, 0x3100)->is_own);
}

static void long_names_lose_what_is_in_brackets_first(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *shown;
    } cases[] = {
        {"main", "main"},
        {"std::vector<int, std::allocator<int> >::push_back(int const&)",
         "std::vector<int, std::allocator<int> >::push_back(int const&)"},
        {"std::map<std::string, std::vector<std::string, std::allocator<std::string> >, "
         "std::less<std::string> >::find(std::string const&)",
         "std::map<...>::find(std::string const&)"},
        {"bool operator< <std::string, std::vector<std::string, std::allocator<std::string> "
         ">>(std::pair<a_type, b_type> const&, std::pair<a_type, b_type> const&)",
         "bool operator< <...>(std::pair<...> const&, std::pair<...> const&)"},
        {"a::very::long::name::of::a::name::space::function(first_type const&, second_type const&, "
         "third_type const&, fourth_type const&)",
         "a::very::long::name::of::a::name::space::function(...)"},
        {"(anonymous namespace)::callable<first_type, second_type>::operator()(int) "
         "const::{lambda(first_type const&, second_type const&)#1}::operator()<int>()",
         "(anonymous namespace)::callable<...>::operator()(int) const::{lambda(...)#1}::"
         "operator()<int>()"},
        /* Brackets that nothing closes, and no brackets at all. */
        {"std::less<std::less<std::less<std::less<std::less<std::less<std::less<std::less<std::"
         "less<"
         "std::less<std::less<std::less<",
         "std::less<std::less<std::less<std::less<std::les...d::less<std::less<std::less<std::less<"
         "std::less<"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = ct_short_name(cases[i].name);
        if (i + 1 < G_N_ELEMENTS(cases))
            assert_string_equal(shown, cases[i].shown);
        assert_true(g_utf8_strlen(shown, -1) <= CT_SHORT_NAME_CHARACTERS);
    }
    /* What a demangler may make of a template: pages. */
    GString *pages = g_string_new("f");
    for (int depth = 0; depth < 500; depth++)
        g_string_append(pages, "<std::tuple");
    for (int depth = 0; depth < 500; depth++)
        g_string_append(pages, ">");
    g_autofree char *shown = ct_short_name(pages->str);
    assert_string_equal(shown, "f<...>");
    g_string_free(pages, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_names_lose_what_is_in_brackets_first),
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(inlined_functions_are_frames_of_their_own),
        TEST(the_first_instruction_is_the_functions_own),
        TEST(a_virtual_machines_thread_is_idle_where_it_waits_for_work),
        TEST(functions_of_libraries_are_named),
        TEST(functions_of_the_c_library_are_named_without_a_line),
        TEST(code_without_debug_information_has_no_line),
        TEST(names_are_demangled),
        TEST(functions_without_a_linker_name_keep_their_namespace),
        TEST(rust_names_lose_their_hash),
        TEST(global_variables_are_named),
        TEST(addresses_in_no_module_are_shown_as_they_are),
        TEST(a_changed_file_gives_no_names_and_one_warning),
        TEST(files_that_are_no_elf_files_are_refused),
        TEST(a_program_is_called_what_was_run_of_its_file),
        TEST(a_file_mapped_twice_is_looked_up_once),
        TEST(frames_of_ctrace_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
