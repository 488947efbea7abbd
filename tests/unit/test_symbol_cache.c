/* What is kept of the symbols that were found: it answers when the files are gone, gives way when
 * there is more to be found, and is not believed when it is damaged. */
#include "image_fixture.h"
#include "symbols/symbol_cache.h"
#include "symbols/symbols.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int kept_variable = 1;

static volatile int sink;

static __attribute__((noinline)) uint64_t some_function(void)
{
    sink++;
    return (uint64_t)(uintptr_t)some_function;
}

static __attribute__((noinline)) uint64_t other_function(void)
{
    sink += 2;
    return (uint64_t)(uintptr_t)other_function;
}

/* A command: a model of this program, and what was kept before. */
struct command {
    struct ct_activity activity;
    struct ct_model *model;
    struct ct_process *process;
    struct ct_symbolizer *symbolizer;
};

static void begin(struct command *command, int kept_fd)
{
    *command = (struct command){.model = ct_model_new()};
    for (size_t i = 0; i < CT_SYMBOLS_PLACES; i++)
        command->activity.symbols_fds[i] = i == 0 ? kept_fd : -1;
    command->activity.new_symbols_fd = memfd_create("symbols", MFD_CLOEXEC);
    command->model->activity = &command->activity;
    command->process = ct_model_add_process(command->model, 1, 0, 0);
    fixture_add_image(command->process);
    command->symbolizer = ct_symbolizer_new(command->model);
}

/* What it kept; -1: nothing new. */
static int end(struct command *command)
{
    int kept_fd = command->activity.new_symbols_fd;

    assert_true(ct_symbolizer_keep(command->symbolizer));
    if (!command->activity.is_symbols_new) {
        close(kept_fd);
        kept_fd = -1;
    }
    ct_symbolizer_free(command->symbolizer);
    ct_model_free(command->model);
    return kept_fd;
}

static struct ct_module *own_module(const struct command *command)
{
    return (struct ct_module *)ct_process_module(command->process, some_function(), 0);
}

static void move_module(const struct command *command, const char *path)
{
    struct ct_module *module = own_module(command);

    g_free(module->path);
    module->path = g_strdup(path);
}

static const struct ct_symbol *resolve(const struct command *command, uint64_t address)
{
    return ct_symbolizer_resolve(command->symbolizer, command->process, address, 0);
}

static const char *variable(const struct command *command)
{
    return ct_symbolizer_resolve_data(command->symbolizer, command->process,
                                      (uint64_t)(uintptr_t)&kept_variable, 0);
}

static void assert_function(const struct ct_symbol *symbol, const char *name)
{
    const struct ct_symbol_frame *frame = &symbol->frames[symbol->frame_count - 1];

    assert_true(symbol->is_named);
    assert_string_equal(frame->function, name);
    assert_true(frame->line > 0 && frame->start_line > 0);
    assert_true(g_str_has_suffix(frame->file, "test_symbol_cache.c"));
}

/* A command that has found what some_function and the variable are. */
static int keep_some(void)
{
    struct command command;

    begin(&command, -1);
    assert_function(resolve(&command, some_function()), "some_function");
    assert_string_equal(variable(&command), "kept_variable");
    return end(&command);
}

static void what_was_found_is_known_without_the_file(void **state)
{
    int kept_fd = keep_some();
    struct command command;
    struct ct_code_segment code;

    (void)state;
    begin(&command, kept_fd);
    move_module(&command, "/no/such/program");
    assert_function(resolve(&command, some_function()), "some_function");
    assert_string_equal(variable(&command), "kept_variable");
    assert_true(ct_symbolizer_find_code(command.symbolizer, own_module(&command), &code));
    assert_true(code.begin <= some_function() && some_function() < code.end);
    assert_int_equal(ct_symbolizer_warnings(command.symbolizer)->len, 0);
    assert_int_equal(end(&command), -1);
    close(kept_fd);
}

static void what_was_not_found_then_is_said_to_be_missing(void **state)
{
    int kept_fd = keep_some();
    struct command command;

    (void)state;
    begin(&command, kept_fd);
    move_module(&command, "/no/such/program");
    assert_false(resolve(&command, other_function())->is_named);
    assert_function(resolve(&command, some_function()), "some_function");
    assert_int_equal(ct_symbolizer_warnings(command.symbolizer)->len, 1);
    assert_non_null(strstr(ct_symbolizer_warnings(command.symbolizer)->pdata[0],
                           "/no/such/program cannot be read here"));
    assert_int_equal(end(&command), -1);
    close(kept_fd);
}

static void a_new_address_is_added_to_what_is_known(void **state)
{
    int first_fd = keep_some();
    struct command command;

    (void)state;
    begin(&command, first_fd);
    assert_function(resolve(&command, other_function()), "other_function");
    int second_fd = end(&command);

    assert_true(second_fd >= 0);
    begin(&command, second_fd);
    move_module(&command, "/no/such/program");
    assert_function(resolve(&command, other_function()), "other_function");
    assert_function(resolve(&command, some_function()), "some_function");
    assert_string_equal(variable(&command), "kept_variable");
    end(&command);
    close(first_fd);
    close(second_fd);
}

static void a_file_that_was_missing_is_found_when_it_comes(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ctrace-cache-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "program", NULL);
    struct command command;

    (void)state;
    begin(&command, -1);
    g_autofree char *program = g_strdup(own_module(&command)->path);

    move_module(&command, path);
    assert_false(resolve(&command, some_function())->is_named);
    int kept_fd = end(&command);

    assert_true(kept_fd >= 0);
    begin(&command, kept_fd); /* it says so again, and nothing is new */
    move_module(&command, path);
    assert_false(resolve(&command, some_function())->is_named);
    assert_int_equal(ct_symbolizer_warnings(command.symbolizer)->len, 1);
    assert_int_equal(end(&command), -1);

    assert_int_equal(symlink(program, path), 0);
    begin(&command, kept_fd);
    move_module(&command, path);
    assert_function(resolve(&command, some_function()), "some_function");
    close(end(&command));
    close(kept_fd);
    unlink(path);
    rmdir(folder);
}

static void copy_file(const char *from, const char *to)
{
    g_autofree char *bytes = NULL;
    gsize size;

    assert_true(g_file_get_contents(from, &bytes, &size, NULL));
    assert_true(g_file_set_contents(to, bytes, (gssize)size, NULL));
}

/* Nothing but when it was written tells it from the one that was looked at. */
static void a_changed_file_without_build_id_is_not_asked(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ctrace-cache-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "program", NULL);
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct command command;
    int kept_fd = -1;

    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        begin(&command, kept_fd);
        if (turn == 0)
            copy_file(own_module(&command)->path, path);
        else
            assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
        own_module(&command)->build_id[0] = '\0';
        move_module(&command, path);
        assert_function(resolve(&command, some_function()), "some_function");
        if (turn == 1) {
            assert_false(resolve(&command, other_function())->is_named);
            assert_non_null(strstr(ct_symbolizer_warnings(command.symbolizer)->pdata[0],
                                   "changed since the recording"));
        }
        int fd = end(&command);

        if (turn == 0)
            kept_fd = fd;
    }
    close(kept_fd);
    unlink(path);
    rmdir(folder);
}

static void functions_made_at_run_time_are_kept_alike(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ctrace-cache-XXXXXX", NULL);
    g_autofree char *jit = g_build_filename(folder, "jit", NULL);
    g_autofree char *path = g_build_filename(jit, "1.map", NULL);
    struct command command;
    int kept_fd = -1;

    (void)state;
    assert_int_equal(mkdir(jit, 0700), 0);
    assert_true(g_file_set_contents(path, "1000 100 made\n", -1, NULL));
    for (int turn = 0; turn < 2; turn++) {
        begin(&command, kept_fd);
        command.model->directory = g_strdup(folder);
        g_ptr_array_set_size(command.process->modules, 0);
        assert_string_equal(resolve(&command, 0x1010)->frames[0].function, "made");
        assert_string_equal(resolve(&command, 0x2010)->frames[0].function, "0x2010");
        int fd = end(&command);

        if (turn == 0) {
            kept_fd = fd;
            unlink(path);
        }
    }
    close(kept_fd);
    rmdir(jit);
    rmdir(folder);
}

static void a_damaged_file_is_made_anew(void **state)
{
    int kept_fd = keep_some();
    off_t size = lseek(kept_fd, 0, SEEK_END);

    (void)state;
    assert_true(size > 100);
    for (off_t at = 0; at < size; at += 1 + size / 40) {
        struct command command;
        uint8_t byte;

        assert_int_equal(pread(kept_fd, &byte, 1, at), 1);
        byte ^= 0x20;
        assert_int_equal(pwrite(kept_fd, &byte, 1, at), 1);
        begin(&command, kept_fd);
        assert_function(resolve(&command, some_function()), "some_function");
        int anew_fd = end(&command);

        assert_true(anew_fd >= 0);
        begin(&command, anew_fd);
        move_module(&command, "/no/such/program");
        assert_function(resolve(&command, some_function()), "some_function");
        end(&command);
        close(anew_fd);
        byte ^= 0x20;
        assert_int_equal(pwrite(kept_fd, &byte, 1, at), 1);
    }
    assert_int_equal(ftruncate(kept_fd, size / 2), 0);
    g_autoptr(ct_symbol_cache) cache = ct_symbol_cache_new();
    assert_false(ct_symbol_cache_load(cache, kept_fd));
    assert_int_equal(g_hash_table_size(cache->modules), 0);
    close(kept_fd);
}

/* Of what the recording and the user's cache say of one module. */
static void the_better_of_two_is_taken(void **state)
{
    int kept_fd = keep_some();
    struct command command;

    (void)state;
    begin(&command, -1);
    move_module(&command, "/no/such/program");
    resolve(&command, some_function());
    int poor_fd = end(&command);

    for (int turn = 0; turn < 2; turn++) {
        begin(&command, turn == 0 ? kept_fd : poor_fd);
        command.activity.symbols_fds[1] = turn == 0 ? poor_fd : kept_fd;
        move_module(&command, "/no/such/program");
        assert_function(resolve(&command, some_function()), "some_function");
        end(&command);
    }
    close(kept_fd);
    close(poor_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_found_is_known_without_the_file),
        cmocka_unit_test(what_was_not_found_then_is_said_to_be_missing),
        cmocka_unit_test(a_new_address_is_added_to_what_is_known),
        cmocka_unit_test(a_file_that_was_missing_is_found_when_it_comes),
        cmocka_unit_test(a_changed_file_without_build_id_is_not_asked),
        cmocka_unit_test(functions_made_at_run_time_are_kept_alike),
        cmocka_unit_test(a_damaged_file_is_made_anew),
        cmocka_unit_test(the_better_of_two_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
