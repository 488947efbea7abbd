/*
 * stdio, which reads and writes inside the C library where nobody can interpose. Most calls only
 * copy to or from the stream's buffer: they are no waits, and pass with a look at the buffer. Of
 * the others it is known only afterwards whether they did.
 */
#include "preload/wait/fd.h"
#include "wrap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The headers have macros for these. */
#undef fread_unlocked
#undef fwrite_unlocked

/* glibc's, see libio.h: of FILE's flags. */
#define STREAM_UNBUFFERED    0x0002
#define STREAM_LINE_BUFFERED 0x0200

/* What formatted output is taken to need at most, before it is known. */
#define PRINTF_SIZE 1024

static bool begin_wait(struct ct_wait *wait, enum ct_op op, const FILE *stream, const void *site)
{
    int fd = stream->_fileno; /* negative: a stream that is in memory, or the program's own */

    if (fd < 0 || !ct_fd_may_wait(fd) || !ct_wait_begin(wait, op, site))
        return false;
    ct_wait_subject(wait, ct_fd_class(fd), (uint64_t)fd);
    return true;
}

/* ---- Reading. ---- */

/*
 * As far as the C library looks at the stream: with nothing to read, a call may be made without
 * one.
 */
static size_t readable(const FILE *stream)
{
    return (size_t)(stream->_IO_read_end - stream->_IO_read_ptr);
}

static bool has_bytes(const FILE *stream, size_t size)
{
    return size == 0 || readable(stream) >= size;
}

static bool has_delimiter(const FILE *stream, int delimiter)
{
    return readable(stream) > 0 &&
           memchr(stream->_IO_read_ptr, delimiter, readable(stream)) != NULL;
}

static bool has_line(const FILE *stream, int size)
{
    return size <= 1 || has_delimiter(stream, '\n') || has_bytes(stream, (size_t)size - 1);
}

static bool has_line_for(char *const *line, const size_t *size, int delimiter, const FILE *stream)
{
    return line == NULL || size == NULL || has_delimiter(stream, delimiter);
}

/* A call that reads `stream`: `is_there` means that its buffer holds what is asked for. */
#define CT_WRAP_STREAM_READ(type, name, params, args, op, stream, is_there, outcome)            \
    CT_REAL(type, name, params)                                                                 \
    type name params                                                                            \
    {                                                                                           \
        struct ct_wait wait;                                                                    \
        CT_NEED_REAL(name);                                                                     \
        if (CT_LIKELY(is_there) || !begin_wait(&wait, op, stream, __builtin_return_address(0))) \
            return real_##name args;                                                            \
        type result = real_##name args;                                                         \
        ct_wait_end(&wait, (int64_t)(outcome));                                                 \
        return result;                                                                          \
    }

#define CT_WRAP_FREAD(name, params, args)                                \
    CT_WRAP_STREAM_READ(size_t, name, params, args, CT_OP_FREAD, stream, \
                        has_bytes(stream, size *count), result)

size_t __fread_chk(void *restrict buffer, size_t buffer_size, size_t size, size_t count,
                   FILE *restrict stream);
size_t __fread_unlocked_chk(void *restrict buffer, size_t buffer_size, size_t size, size_t count,
                            FILE *restrict stream);

CT_WRAP_FREAD(fread, (void *restrict buffer, size_t size, size_t count, FILE *restrict stream),
              (buffer, size, count, stream))
CT_WRAP_FREAD(fread_unlocked,
              (void *restrict buffer, size_t size, size_t count, FILE *restrict stream),
              (buffer, size, count, stream))
CT_WRAP_FREAD(__fread_chk,
              (void *restrict buffer, size_t buffer_size, size_t size, size_t count,
               FILE *restrict stream),
              (buffer, buffer_size, size, count, stream))
CT_WRAP_FREAD(__fread_unlocked_chk,
              (void *restrict buffer, size_t buffer_size, size_t size, size_t count,
               FILE *restrict stream),
              (buffer, buffer_size, size, count, stream))

#define CT_WRAP_FGETS(name, params, args)                                                        \
    CT_WRAP_STREAM_READ(char *, name, params, args, CT_OP_FGETS, stream, has_line(stream, size), \
                        result != NULL)

char *__fgets_chk(char *restrict buffer, size_t buffer_size, int size, FILE *restrict stream);
char *__fgets_unlocked_chk(char *restrict buffer, size_t buffer_size, int size,
                           FILE *restrict stream);

CT_WRAP_FGETS(fgets, (char *restrict buffer, int size, FILE *restrict stream),
              (buffer, size, stream))
CT_WRAP_FGETS(fgets_unlocked, (char *restrict buffer, int size, FILE *restrict stream),
              (buffer, size, stream))
CT_WRAP_FGETS(__fgets_chk,
              (char *restrict buffer, size_t buffer_size, int size, FILE *restrict stream),
              (buffer, buffer_size, size, stream))
CT_WRAP_FGETS(__fgets_unlocked_chk,
              (char *restrict buffer, size_t buffer_size, int size, FILE *restrict stream),
              (buffer, buffer_size, size, stream))

ssize_t __getdelim(char **line, size_t *size, int delimiter, FILE *stream);

CT_WRAP_STREAM_READ(ssize_t, getline, (char **line, size_t *size, FILE *stream),
                    (line, size, stream), CT_OP_GETLINE, stream,
                    has_line_for(line, size, '\n', stream), CT_ERRNO_OUTCOME)
CT_WRAP_STREAM_READ(ssize_t, getdelim, (char **line, size_t *size, int delimiter, FILE *stream),
                    (line, size, delimiter, stream), CT_OP_GETLINE, stream,
                    has_line_for(line, size, delimiter, stream), CT_ERRNO_OUTCOME)
CT_WRAP_STREAM_READ(ssize_t, __getdelim, (char **line, size_t *size, int delimiter, FILE *stream),
                    (line, size, delimiter, stream), CT_OP_GETLINE, stream,
                    has_line_for(line, size, delimiter, stream), CT_ERRNO_OUTCOME)

#define CT_WRAP_FGETC(name, params, args, stream) \
    CT_WRAP_STREAM_READ(int, name, params, args, CT_OP_FGETC, stream, has_bytes(stream, 1), result)

CT_WRAP_FGETC(fgetc, (FILE * stream), (stream), stream)
CT_WRAP_FGETC(getc, (FILE * stream), (stream), stream)
CT_WRAP_FGETC(fgetc_unlocked, (FILE * stream), (stream), stream)
CT_WRAP_FGETC(getc_unlocked, (FILE * stream), (stream), stream)
CT_WRAP_FGETC(getchar, (void), (), stdin)
CT_WRAP_FGETC(getchar_unlocked, (void), (), stdin)
CT_WRAP_FGETC(__uflow, (FILE * stream), (stream), stream) /* in the macros of the others */
CT_WRAP_FGETC(__underflow, (FILE * stream), (stream), stream)

/*
 * scanf and its kin: a line in the buffer is taken to be enough. The C library has two families of
 * them, and its headers give the names of the one to the other: each is defined by its symbol here.
 */
#define CT_WRAP_SCANF(family, symbol)                                                            \
    CT_REAL_BY(int, family, (FILE * stream, const char *format, va_list list), symbol "vfscanf", \
               NULL)                                                                             \
    static int scan_##family(FILE *stream, const char *format, va_list list, const void *site)   \
    {                                                                                            \
        struct ct_wait wait;                                                                     \
        CT_NEED_REAL(family);                                                                    \
        if (has_delimiter(stream, '\n') || !begin_wait(&wait, CT_OP_FSCANF, stream, site))       \
            return real_##family(stream, format, list);                                          \
        int result = real_##family(stream, format, list);                                        \
        ct_wait_end(&wait, result);                                                              \
        return result;                                                                           \
    }                                                                                            \
    CT_EXPORT int family##_vfscanf(FILE *, const char *, va_list) __asm__(symbol "vfscanf");     \
    int family##_vfscanf(FILE *stream, const char *format, va_list list)                         \
    {                                                                                            \
        return scan_##family(stream, format, list, __builtin_return_address(0));                 \
    }                                                                                            \
    CT_EXPORT int family##_vscanf(const char *, va_list) __asm__(symbol "vscanf");               \
    int family##_vscanf(const char *format, va_list list)                                        \
    {                                                                                            \
        return scan_##family(stdin, format, list, __builtin_return_address(0));                  \
    }                                                                                            \
    CT_EXPORT int family##_fscanf(FILE *, const char *, ...) __asm__(symbol "fscanf");           \
    int family##_fscanf(FILE *stream, const char *format, ...)                                   \
    {                                                                                            \
        va_list list;                                                                            \
        va_start(list, format);                                                                  \
        int result = scan_##family(stream, format, list, __builtin_return_address(0));           \
        va_end(list);                                                                            \
        return result;                                                                           \
    }                                                                                            \
    CT_EXPORT int family##_scanf(const char *, ...) __asm__(symbol "scanf");                     \
    int family##_scanf(const char *format, ...)                                                  \
    {                                                                                            \
        va_list list;                                                                            \
        va_start(list, format);                                                                  \
        int result = scan_##family(stdin, format, list, __builtin_return_address(0));            \
        va_end(list);                                                                            \
        return result;                                                                           \
    }

CT_WRAP_SCANF(gnu, "")
CT_WRAP_SCANF(isoc99, "__isoc99_")

/* ---- Writing. ---- */

/* One call that writes. */
struct writing {
    struct ct_wait wait;
    const FILE *stream;
    const char *before; /* where the stream's buffer ended */
    bool is_recorded;
};

/* FALSE if `size` bytes only go to the buffer. */
static bool may_write(const FILE *stream, size_t size)
{
    return (stream->_flags & (STREAM_UNBUFFERED | STREAM_LINE_BUFFERED)) != 0 ||
           (size_t)(stream->_IO_write_end - stream->_IO_write_ptr) < size;
}

static bool begin_writing(struct writing *writing, enum ct_op op, const FILE *stream, size_t size,
                          const void *site)
{
    writing->is_recorded = false;
    if (size == 0)
        return false; /* nor does the C library look at the stream then */
    writing->stream = stream;
    writing->before = stream->_IO_write_ptr;
    writing->is_recorded = may_write(stream, size) && begin_wait(&writing->wait, op, stream, site);
    return writing->is_recorded;
}

/* `size` bytes were taken: if the buffer grew by as much, none was written. */
static void end_writing(struct writing *writing, int64_t size, int64_t outcome)
{
    if (!writing->is_recorded)
        return;
    if (size >= 0 && writing->stream->_IO_write_ptr - writing->before == size)
        ct_wait_cancel(&writing->wait);
    else
        ct_wait_end(&writing->wait, outcome);
}

#define CT_WRAP_STREAM_WRITE(type, name, params, args, op, stream, size, taken)      \
    CT_REAL(type, name, params)                                                      \
    type name params                                                                 \
    {                                                                                \
        struct writing writing;                                                      \
        CT_NEED_REAL(name);                                                          \
        if (!begin_writing(&writing, op, stream, size, __builtin_return_address(0))) \
            return real_##name args;                                                 \
        type result = real_##name args;                                              \
        end_writing(&writing, (int64_t)(taken), (int64_t)result);                    \
        return result;                                                               \
    }

#define CT_WRAP_FWRITE(name)                                                             \
    CT_WRAP_STREAM_WRITE(                                                                \
        size_t, name,                                                                    \
        (const void *restrict buffer, size_t size, size_t count, FILE *restrict stream), \
        (buffer, size, count, stream), CT_OP_FWRITE, stream, size *count, result *size)

CT_WRAP_FWRITE(fwrite)
CT_WRAP_FWRITE(fwrite_unlocked)

#define CT_WRAP_FPUTS(name, params, args, stream, size) \
    CT_WRAP_STREAM_WRITE(int, name, params, args, CT_OP_FPUTS, stream, size, size)

CT_WRAP_FPUTS(fputs, (const char *restrict text, FILE *restrict stream), (text, stream), stream,
              strlen(text))
CT_WRAP_FPUTS(fputs_unlocked, (const char *restrict text, FILE *restrict stream), (text, stream),
              stream, strlen(text))
CT_WRAP_FPUTS(puts, (const char *text), (text), stdout, strlen(text) + 1)

#define CT_WRAP_FPUTC(name, params, args, stream) \
    CT_WRAP_STREAM_WRITE(int, name, params, args, CT_OP_FPUTC, stream, 1, 1)

CT_WRAP_FPUTC(fputc, (int byte, FILE *stream), (byte, stream), stream)
CT_WRAP_FPUTC(putc, (int byte, FILE *stream), (byte, stream), stream)
CT_WRAP_FPUTC(fputc_unlocked, (int byte, FILE *stream), (byte, stream), stream)
CT_WRAP_FPUTC(putc_unlocked, (int byte, FILE *stream), (byte, stream), stream)
CT_WRAP_FPUTC(putchar, (int byte), (byte), stdout)
CT_WRAP_FPUTC(putchar_unlocked, (int byte), (byte), stdout)
CT_WRAP_FPUTC(__overflow, (FILE * stream, int byte), (stream, byte), stream) /* in the macros */

/* ---- Formatted writing: all of a kind end in one function. ---- */

CT_REAL(int, vfprintf, (FILE *restrict stream, const char *restrict format, va_list list))

static int print(FILE *stream, const char *format, va_list list, const void *site)
{
    struct writing writing;

    CT_NEED_REAL(vfprintf);
    if (!begin_writing(&writing, CT_OP_FPRINTF, stream, PRINTF_SIZE, site))
        return real_vfprintf(stream, format, list);
    int result = real_vfprintf(stream, format, list);
    end_writing(&writing, result, result);
    return result;
}

int __vfprintf_chk(FILE *restrict stream, int flag, const char *restrict format, va_list list);

CT_REAL(int, __vfprintf_chk,
        (FILE *restrict stream, int flag, const char *restrict format, va_list list))

static int print_checked(FILE *stream, int flag, const char *format, va_list list, const void *site)
{
    struct writing writing;

    CT_NEED_REAL(__vfprintf_chk);
    if (!begin_writing(&writing, CT_OP_FPRINTF, stream, PRINTF_SIZE, site))
        return real___vfprintf_chk(stream, flag, format, list);
    int result = real___vfprintf_chk(stream, flag, format, list);
    end_writing(&writing, result, result);
    return result;
}

CT_REAL(int, vdprintf, (int fd, const char *restrict format, va_list list))

static int print_to_fd(int fd, const char *format, va_list list, const void *site)
{
    struct ct_wait wait;

    CT_NEED_REAL(vdprintf);
    if (!ct_fd_may_wait(fd) || !ct_wait_begin(&wait, CT_OP_FPRINTF, site))
        return real_vdprintf(fd, format, list);
    ct_wait_subject(&wait, ct_fd_class(fd), (uint64_t)fd);
    int result = real_vdprintf(fd, format, list);
    ct_wait_end(&wait, CT_ERRNO_OUTCOME);
    return result;
}

/* A function that takes its values one by one, after `last`. */
#define CT_PRINT(name, params, last, call)              \
    CT_EXPORT int name params;                          \
    int name params                                     \
    {                                                   \
        const void *site = __builtin_return_address(0); \
        va_list list;                                   \
        va_start(list, last);                           \
        int result = call;                              \
        va_end(list);                                   \
        return result;                                  \
    }

/* One that takes a list. */
#define CT_PRINT_LIST(name, params, call)               \
    CT_EXPORT int name params;                          \
    int name params                                     \
    {                                                   \
        const void *site = __builtin_return_address(0); \
        return call;                                    \
    }

CT_PRINT(printf, (const char *restrict format, ...), format, print(stdout, format, list, site))
CT_PRINT(fprintf, (FILE *restrict stream, const char *restrict format, ...), format,
         print(stream, format, list, site))
CT_PRINT(dprintf, (int fd, const char *restrict format, ...), format,
         print_to_fd(fd, format, list, site))
CT_PRINT(__printf_chk, (int flag, const char *restrict format, ...), format,
         print_checked(stdout, flag, format, list, site))
CT_PRINT(__fprintf_chk, (FILE *restrict stream, int flag, const char *restrict format, ...), format,
         print_checked(stream, flag, format, list, site))
CT_PRINT_LIST(vprintf, (const char *restrict format, va_list list),
              print(stdout, format, list, site))
CT_PRINT_LIST(vfprintf, (FILE *restrict stream, const char *restrict format, va_list list),
              print(stream, format, list, site))
CT_PRINT_LIST(vdprintf, (int fd, const char *restrict format, va_list list),
              print_to_fd(fd, format, list, site))
CT_PRINT_LIST(__vprintf_chk, (int flag, const char *restrict format, va_list list),
              print_checked(stdout, flag, format, list, site))
CT_PRINT_LIST(__vfprintf_chk,
              (FILE *restrict stream, int flag, const char *restrict format, va_list list),
              print_checked(stream, flag, format, list, site))

/* ---- Flushing, opening and closing. ---- */

static bool has_unwritten_bytes(const FILE *stream)
{
    return stream->_IO_write_ptr > stream->_IO_write_base;
}

/* NULL is all streams. */
static bool begin_flush(struct ct_wait *wait, const FILE *stream, const void *site)
{
    if (stream != NULL)
        return has_unwritten_bytes(stream) && begin_wait(wait, CT_OP_FFLUSH, stream, site);
    if (!ct_wait_begin(wait, CT_OP_FFLUSH, site))
        return false;
    ct_wait_subject(wait, CT_CLASS_SYSCALL, (uint64_t)-1);
    return true;
}

#define CT_WRAP_FFLUSH(name)                                          \
    CT_REAL(int, name, (FILE * stream))                               \
    int name(FILE *stream)                                            \
    {                                                                 \
        struct ct_wait wait;                                          \
        CT_NEED_REAL(name);                                           \
        if (!begin_flush(&wait, stream, __builtin_return_address(0))) \
            return real_##name(stream);                               \
        int result = real_##name(stream);                             \
        ct_wait_end(&wait, CT_ERRNO_OUTCOME);                         \
        return result;                                                \
    }

CT_WRAP_FFLUSH(fflush)
CT_WRAP_FFLUSH(fflush_unlocked)

CT_REAL(int, fclose, (FILE * stream))

int fclose(FILE *stream)
{
    struct ct_wait wait;
    int fd = stream->_fileno;

    CT_NEED_REAL(fclose);
    bool is_recorded = has_unwritten_bytes(stream) &&
                       begin_wait(&wait, CT_OP_FCLOSE, stream, __builtin_return_address(0));
    if (is_recorded)
        ct_wait_announce(&wait, (uint64_t)fd); /* while it is there */
    if (fd >= 0) {
        ct_turn_closing(fd);
        ct_fd_forget(fd); /* before: the number may be another thread's at once */
    }
    int result = real_fclose(stream);
    if (is_recorded)
        ct_wait_end(&wait, CT_ERRNO_OUTCOME);
    return result;
}

/* A stream that was opened, or NULL: its descriptor is new. */
static FILE *opened(FILE *stream)
{
    if (stream != NULL && stream->_fileno >= 0)
        ct_fd_forget(stream->_fileno);
    return stream;
}

#define CT_WRAP_FOPEN(name, params, args)                                           \
    CT_WRAP_PASS(FILE *, name, params, args, CT_OP_OPEN, true, CT_CLASS_SYSCALL, 0, \
                 opened(result) != NULL ? result->_fileno : -errno, opened(real_##name args))

CT_WRAP_FOPEN(fopen, (const char *restrict path, const char *restrict mode), (path, mode))
CT_WRAP_FOPEN(fopen64, (const char *restrict path, const char *restrict mode), (path, mode))
CT_WRAP_FOPEN(freopen,
              (const char *restrict path, const char *restrict mode, FILE *restrict stream),
              (path, mode, stream))
CT_WRAP_FOPEN(freopen64,
              (const char *restrict path, const char *restrict mode, FILE *restrict stream),
              (path, mode, stream))
CT_WRAP_FOPEN(tmpfile, (void), ())
CT_WRAP_FOPEN(tmpfile64, (void), ())
