/* SQL over a recording: what a table is asked for in a query is what SQLite finds by looking at
 * every row, at no more cost than it has; and nothing but reading is possible. */
#include "query/query.h"
#include "query/tables.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define THREADS 5

static struct store_fixture fixture;

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture, 23, THREADS, 500);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_clear(&fixture);
    return 0;
}

/* ---- Asking ---- */

struct answer {
    char *text; /* owned; NULL: an error */
    GError *error;
    uint64_t visited;
};

static struct answer ask_as(const char *format, uint64_t bytes_max, const char *sql)
{
    struct answer answer = {0};
    size_t size = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);
    g_autoptr(ct_symbolizer) symbolizer = ct_symbolizer_new(fixture.loaded);
    g_autoptr(ct_query) query = ct_query_new(sql, &answer.error);
    const struct ct_query_run run = {
        .store = fixture.store,
        .model = fixture.loaded,
        .symbolizer = symbolizer,
        .format = ct_result_format_find(format),
        .out = out,
        .bytes_max = bytes_max,
    };

    if (query && ct_query_answer(query, &run, &answer.error))
        answer.text = g_strdup("");
    answer.visited = query ? ct_query_visited(query) : 0;
    fclose(out);
    if (answer.text) {
        g_free(answer.text);
        answer.text = g_strndup(text, size);
    }
    free(text);
    return answer;
}

static struct answer ask(const char *sql)
{
    return ask_as("csv", UINT64_MAX, sql);
}

static void answer_clear(struct answer *answer)
{
    g_free(answer->text);
    g_clear_error(&answer->error);
}

/* Rows, without the names of the columns. The caller frees it with g_free(). */
static char *rows_of(const char *sql)
{
    struct answer answer = ask(sql);

    if (answer.error)
        print_error("%s: %s\n", sql, answer.error->message);
    assert_null(answer.error);
    char *rows = g_strdup(strstr(answer.text, "\r\n") + 2);

    answer_clear(&answer);
    return rows;
}

static int64_t number_of(const char *sql)
{
    g_autofree char *rows = rows_of(sql);

    return g_ascii_strtoll(rows, NULL, 10);
}

/* ---- Conditions ---- */

/* Columns by which tables choose, and values for them. */
static const struct {
    const char *table;
    const char *column;
    const char *type;
    const char *values[6]; /* NULL: times of the recording */
} choosers[] = {
    {"intervals", "begin_ns", "INTEGER", {NULL}},
    {"intervals", "end_ns", "INTEGER", {NULL}},
    {"intervals", "thread_id", "INTEGER", {"0", "3", "4.0", "2.5", "-1", "NULL"}},
    {"intervals", "process_id", "INTEGER", {"0", "1", "'1'", "x'31'", "9e99", "-9e99"}},
    {"intervals", "class", "TEXT", {"'net'", "'sync'", "'NET'", "'none'", "3", "NULL"}},
    {"intervals",
     "operation",
     "TEXT",
     {"'read'", "'pthread_mutex_lock'", "''", "'Read'", "NULL", "1"}},
    {"intervals", "id", "INTEGER", {"17", "0", "'17'", "-3", "1e3", "NULL"}},
    {"runs", "begin_ns", "INTEGER", {NULL}},
    {"runs", "thread_id", "INTEGER", {"0", "3", "4.0", "2.5", "-1", "NULL"}},
    {"samples", "time_ns", "INTEGER", {NULL}},
    {"samples", "process_id", "INTEGER", {"0", "1", "'1'", "x'31'", "9e99", "-9e99"}},
    {"wakes", "time_ns", "INTEGER", {NULL}},
    {"wakes", "thread_id", "INTEGER", {"0", "3", "4.0", "2.5", "-1", "NULL"}},
    {"wakes", "interval_id", "INTEGER", {"17", "100", "'17'", "-3", "1e3", "NULL"}},
    {"turns", "begin_ns", "INTEGER", {NULL}},
    {"turns", "end_ns", "INTEGER", {NULL}},
    {"threads", "id", "INTEGER", {"0", "4", "'4'", "4.5", "99", "NULL"}},
    {"processes", "id", "INTEGER", {"0", "1", "'1'", "-1", "9223372036854775807", "NULL"}},
    {"objects", "id", "INTEGER", {"0", "7", "'7'", "-1", "9223372036854775807", "NULL"}},
};

static const char *const comparisons[] = {"=", "<", "<=", ">", ">=", "<>", "IS"};

static uint64_t some_time(void)
{
    guint at = (guint)g_rand_int_range(fixture.rand, 0, (gint32)fixture.told->len);
    const struct told *told = &g_array_index(fixture.told, struct told, at);
    uint64_t time_ns = g_rand_boolean(fixture.rand) ? told_begin_ns(told) : told_end_ns(told);

    return time_ns - fixture.loaded->begin_ns + (uint64_t)g_rand_int_range(fixture.rand, 0, 2);
}

static char *some_value(size_t chooser)
{
    if (!choosers[chooser].values[0])
        return g_strdup_printf("%" G_GINT64_FORMAT "%s", (int64_t)some_time(),
                               g_rand_int_range(fixture.rand, 0, 6) == 0 ? ".5" : "");
    return g_strdup(choosers[chooser].values[g_rand_int_range(fixture.rand, 0, 6)]);
}

/* The same twice: as it is, and so that the table is told nothing of it: what is cast compares as
 * the column does. */
static void add_condition(GString *seen, GString *hidden, const char *table)
{
    size_t chooser;

    do
        chooser = (size_t)g_rand_int_range(fixture.rand, 0, G_N_ELEMENTS(choosers));
    while (!g_str_equal(choosers[chooser].table, table));
    const char *column = choosers[chooser].column;
    g_autofree char *cast = g_strdup_printf("CAST(%s AS %s)", column, choosers[chooser].type);
    const char *comparison = comparisons[g_rand_int_range(fixture.rand, 0, 7)];
    g_autofree char *value = some_value(chooser);
    g_autofree char *other = some_value(chooser);

    switch (g_rand_int_range(fixture.rand, 0, 6)) {
    case 0:
        g_string_append_printf(seen, "%s BETWEEN %s AND %s", column, value, other);
        g_string_append_printf(hidden, "%s BETWEEN %s AND %s", cast, value, other);
        break;
    case 1:
        g_string_append_printf(seen, "%s IN (%s, %s)", column, value, other);
        g_string_append_printf(hidden, "%s IN (%s, %s)", cast, value, other);
        break;
    case 2:
        g_string_append_printf(seen, "%s %s %s COLLATE NOCASE", column, comparison, value);
        g_string_append_printf(hidden, "%s %s %s COLLATE NOCASE", cast, comparison, value);
        break;
    default:
        g_string_append_printf(seen, "%s %s %s", column, comparison, value);
        g_string_append_printf(hidden, "%s %s %s", cast, comparison, value);
    }
}

static void conditions_find_what_a_look_at_every_row_finds(void **state)
{
    guint found = 0;

    (void)state;
    for (guint i = 0; i < 1500; i++) {
        const char *table = choosers[i % G_N_ELEMENTS(choosers)].table;
        g_autoptr(GString) seen = g_string_new("(");
        g_autoptr(GString) hidden = g_string_new("(");

        for (guint more = 0; more <= i % 3; more++) {
            if (more > 0) {
                const char *word = i % 5 == 0 ? ") OR (" : ") AND (";

                g_string_append(seen, word);
                g_string_append(hidden, word);
            }
            add_condition(seen, hidden, table);
        }
        g_autofree char *sql =
            g_strdup_printf("SELECT rowid FROM %s WHERE %s) ORDER BY 1", table, seen->str);
        g_autofree char *hidden_sql =
            g_strdup_printf("SELECT rowid FROM %s WHERE %s) ORDER BY 1", table, hidden->str);
        g_autofree char *rows = rows_of(sql);
        g_autofree char *expected = rows_of(hidden_sql);

        if (strcmp(rows, expected) != 0)
            print_error("%s\n", sql);
        assert_string_equal(rows, expected);
        found += rows[0] != '\0';
    }
    assert_true(found > 300);
    assert_int_equal(
        number_of("SELECT count(*) FROM intervals WHERE class = 'SYNC' COLLATE NOCASE"),
        number_of("SELECT count(*) FROM intervals WHERE class = 'sync'"));
}

static void rows_are_ordered_without_sorting(void **state)
{
    static const char *const tables[] = {"intervals", "runs", "turns"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *sql =
            g_strdup_printf("SELECT begin_ns FROM %s ORDER BY begin_ns", tables[i]);
        g_autofree char *hidden_sql =
            g_strdup_printf("SELECT begin_ns FROM %s ORDER BY +begin_ns", tables[i]);
        g_autofree char *plan_sql = g_strconcat("EXPLAIN QUERY PLAN ", sql, NULL);
        g_autofree char *rows = rows_of(sql);
        g_autofree char *expected = rows_of(hidden_sql);
        g_autofree char *plan = rows_of(plan_sql);

        assert_string_equal(rows, expected);
        assert_null(strstr(plan, "B-TREE"));
    }
}

/* How many of the thread touch what is between. */
static guint count_touching(guint number, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t begin_ns = fixture.loaded->begin_ns;
    const struct ct_thread *thread = fixture.loaded->all_threads->pdata[number];
    guint count = 0;

    for (guint i = 0; i < fixture.told->len; i++) {
        const struct told *told = &g_array_index(fixture.told, struct told, i);

        count += told->kind == TOLD_INTERVAL && told->interval.thread->tid == thread->tid &&
                 told->interval.begin_ns <= begin_ns + to_ns &&
                 told->interval.end_ns >= begin_ns + from_ns;
    }
    return count;
}

static void a_query_looks_at_what_it_asks_for_alone(void **state)
{
    (void)state;
    for (guint i = 0; i < 200; i++) {
        uint64_t a = some_time(), b = some_time();
        uint64_t from_ns = MIN(a, b), to_ns = MAX(a, b);
        g_autofree char *sql = g_strdup_printf(
            "SELECT count(*) FROM intervals WHERE thread_id = %u AND begin_ns BETWEEN "
            "%" G_GUINT64_FORMAT " AND %" G_GUINT64_FORMAT,
            i % THREADS, from_ns, to_ns);
        struct answer answer = ask(sql);

        assert_int_equal(answer.visited, count_touching(i % THREADS, from_ns, to_ns));
        answer_clear(&answer);
    }
    struct answer answer = ask("SELECT * FROM intervals ORDER BY begin_ns LIMIT 3");

    assert_int_equal(answer.visited, 3);
    answer_clear(&answer);
    answer = ask("SELECT * FROM stacks WHERE id = 5");
    assert_true(answer.visited <= 1);
    answer_clear(&answer);
}

static void sums_are_those_of_what_was_told(void **state)
{
    (void)state;
    for (guint class = 0; class < CT_CLASS_COUNT; class ++) {
        int64_t expected_ns = 0, count = 0;
        g_autofree char *condition = g_strdup_printf(" FROM intervals WHERE class = '%s'",
                                                     ct_class_name((enum ct_class) class));
        g_autofree char *sum = g_strconcat("SELECT coalesce(sum(duration_ns), 0)", condition, NULL);
        g_autofree char *rows = g_strconcat("SELECT count(*)", condition, NULL);

        for (guint i = 0; i < fixture.told->len; i++) {
            const struct told *told = &g_array_index(fixture.told, struct told, i);

            if (told->kind != TOLD_INTERVAL || told->interval.class != class)
                continue;
            expected_ns += (int64_t)(told->interval.end_ns - told->interval.begin_ns);
            count++;
        }
        assert_int_equal(number_of(sum), expected_ns);
        assert_int_equal(number_of(rows), count);
    }
}

/* ---- Tables ---- */

static void every_column_of_every_table_can_be_read(void **state)
{
    const struct ct_query_table *table;

    (void)state;
    for (guint i = 0; (table = ct_query_table_at(i)) != NULL; i++) {
        g_autofree char *sql = g_strdup_printf("SELECT * FROM %s LIMIT 50", table->name);
        struct answer answer = ask(sql);
        g_auto(GStrv) names = NULL;

        assert_null(answer.error);
        *strstr(answer.text, "\r\n") = '\0';
        names = g_strsplit(answer.text, ",", -1);
        assert_int_equal(g_strv_length(names), table->column_count);
        for (size_t k = 0; k < table->column_count; k++)
            assert_string_equal(names[k], table->columns[k].name);
        answer_clear(&answer);
    }
}

static void ids_lead_from_table_to_table(void **state)
{
    (void)state;
    assert_int_equal(number_of("SELECT count(*) FROM threads"), THREADS);
    assert_int_equal(
        number_of("SELECT count(*) FROM intervals LEFT JOIN threads ON threads.id = thread_id "
                  "LEFT JOIN processes ON processes.id = intervals.process_id WHERE "
                  "threads.tid IS NOT intervals.tid OR processes.pid IS NOT intervals.pid"),
        0);
    assert_int_equal(number_of("SELECT count(*) FROM intervals JOIN objects ON "
                               "objects.id = object_id WHERE objects.process_id <> "
                               "intervals.process_id"),
                     0);
    assert_true(number_of("SELECT count(*) FROM intervals JOIN objects ON objects.id = object_id") >
                0);
    /* A wake is of one interval, which says the same of it. */
    assert_int_equal(number_of("SELECT count(*) FROM wakes"),
                     number_of("SELECT count(*) FROM wakes JOIN intervals ON "
                               "intervals.thread_id = woken_id AND begin_ns = interval_begin_ns "
                               "AND intervals.id = interval_id WHERE waker_id = wakes.thread_id "
                               "AND wake_ns = time_ns"));
    assert_int_equal(number_of("SELECT count(*) FROM wakes"),
                     number_of("SELECT count(*) FROM intervals WHERE waker_id IS NOT NULL"));
}

/* ---- What a query may ---- */

static void expect_refused(const char *sql, const char *words)
{
    struct answer answer = ask(sql);

    const char *message = answer.error ? answer.error->message : "no error";

    if (!strstr(message, words))
        print_error("%s: %s\n", sql, message);
    assert_true(g_error_matches(answer.error, CT_QUERY_ERROR, CT_QUERY_ERROR_SQL) ||
                g_error_matches(answer.error, CT_QUERY_ERROR, CT_QUERY_ERROR_TOO_MUCH));
    assert_non_null(strstr(message, words));
    answer_clear(&answer);
}

static void a_query_only_reads(void **state)
{
    (void)state;
    expect_refused("ATTACH '/tmp/x' AS x", "ATTACH is not allowed");
    expect_refused("DETACH main", "DETACH is not allowed");
    expect_refused("VACUUM INTO '/tmp/x'", "not allowed");
    expect_refused("VACUUM", "not allowed");
    expect_refused("PRAGMA table_list", "PRAGMA is not allowed");
    expect_refused("SELECT * FROM pragma_table_list", "not allowed");
    expect_refused("SELECT load_extension('/tmp/x.so')", "load_extension is not allowed");
    expect_refused("CREATE TABLE x(y)", "not allowed");
    expect_refused("CREATE TEMP TABLE x(y)", "not allowed");
    expect_refused("CREATE VIRTUAL TABLE x USING intervals", "not allowed");
    expect_refused("CREATE VIEW x AS SELECT 1", "not allowed");
    expect_refused("BEGIN", "a transaction is not allowed");
    expect_refused("SAVEPOINT x", "a transaction is not allowed");
    expect_refused("ANALYZE", "not allowed");
    expect_refused("REINDEX", "not allowed");
    expect_refused("INSERT INTO threads(id) VALUES (1)", "");
    expect_refused("UPDATE threads SET tid = 1", "");
    expect_refused("DELETE FROM threads", "");
    expect_refused("WITH x AS (SELECT 1) DELETE FROM intervals", "");
    expect_refused("SELECT writefile('/tmp/x', 'y')", "no such function");
    expect_refused("SELECT readfile('/etc/passwd')", "no such function");
}

static void what_takes_too_much_ends(void **state)
{
    (void)state;
    expect_refused("SELECT length(zeroblob(1000000000))", "too big");
    expect_refused("SELECT length(group_concat(hex(zeroblob(1000000)))) FROM intervals", "too big");
    for (const char *const *format = (const char *const[]){"csv", "json", "table", NULL}; *format;
         format++) {
        struct answer answer =
            ask_as(*format, 1 << 20,
                   "WITH RECURSIVE a(b) AS (SELECT 1 UNION ALL SELECT b + 1 FROM a) "
                   "SELECT b FROM a");

        assert_true(g_error_matches(answer.error, CT_QUERY_ERROR, CT_QUERY_ERROR_TOO_MUCH));
        assert_non_null(strstr(answer.error->message, "has more than 1.0"));
        answer_clear(&answer);
    }
}

/* Rows of a table wait in a file in memory. */
static void a_table_that_lost_rows_is_none(void **state)
{
    struct rlimit usual, small;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
    small = usual;
    small.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct answer answer = ask_as("table", UINT64_MAX,
                                  "WITH RECURSIVE a(b) AS (SELECT 1 UNION ALL SELECT b + 1 FROM a "
                                  "LIMIT 5000) SELECT b FROM a");

    setrlimit(RLIMIT_FSIZE, &usual);
    (void)signal(SIGXFSZ, handler);
    assert_true(g_error_matches(answer.error, CT_QUERY_ERROR, CT_QUERY_ERROR_TOO_MUCH));
    assert_null(answer.text);
    answer_clear(&answer);
}

static void errors_say_where_they_are(void **state)
{
    (void)state;
    expect_refused("SELECT thred\n  FROM threads", "no such column: thred\n  SELECT thred\n  "
                                                   "       ^");
    expect_refused("SELECT 1;\nSELECT 'ä', nme FROM threads", "\n  SELECT 'ä', nme FROM threads\n"
                                                              "              ^");
    expect_refused("SELEC 1", "\n  SELEC 1\n  ^");
    expect_refused("SELECT * FROM interval", "did you mean intervals?");
    expect_refused("SELECT ?1", "'?1' is a parameter");
    expect_refused("-- nothing", "there is no query");
    expect_refused("SELECT at('soon')", "is no time");
    expect_refused("SELECT at(x'')", "is no time");
    expect_refused("SELECT at('')", "is no time");
    expect_refused("SELECT 1 UNION SELECT 1, 2", "");
}

/* ---- Formats ---- */

static void expect_answer(const char *format, const char *sql, const char *expected)
{
    struct answer answer = ask_as(format, UINT64_MAX, sql);

    assert_null(answer.error);
    assert_string_equal(answer.text, expected);
    answer_clear(&answer);
}

#define ODD                                                                                    \
    "SELECT 1 AS n, NULL AS n, 0.1 AS r, 9007199254740993 AS big, 1e999 AS inf, "              \
    "'=1+1' AS formula, 'a,\"b\"' AS quoted, x'00ff' AS bytes, 'a' || char(0) || 'b' AS nul, " \
    "-1 AS less, CAST(x'fe41' AS TEXT) AS bad, 'é' || char(27) || '[1m' AS esc"

static void values_are_what_they_are_in_every_format(void **state)
{
    (void)state;
    expect_answer("csv", ODD,
                  "n,n:2,r,big,inf,formula,quoted,bytes,nul,less,bad,esc\r\n"
                  "1,,0.1,9007199254740993,Infinity,\"'=1+1\",\"a,\"\"b\"\"\",x'00ff',a\uFFFDb,-1,"
                  "\uFFFDA,é?[1m\r\n");
    expect_answer("json", ODD,
                  "{\n  \"schema\" : \"ctrace-query-1\",\n"
                  "  \"columns\" : [\"n\", \"n:2\", \"r\", \"big\", \"inf\", \"formula\", "
                  "\"quoted\", \"bytes\", \"nul\", \"less\", \"bad\", \"esc\"],\n"
                  "  \"rows\" : [\n"
                  "    {\"n\" : 1, \"n:2\" : null, \"r\" : 0.1, \"big\" : \"9007199254740993\", "
                  "\"inf\" : \"Infinity\", \"formula\" : \"=1+1\", \"quoted\" : \"a,\\\"b\\\"\", "
                  "\"bytes\" : \"x'00ff'\", \"nul\" : \"a\uFFFDb\", \"less\" : -1, "
                  "\"bad\" : \"\uFFFDA\", \"esc\" : \"é\\u001b[1m\"}\n  ]\n}\n");
    expect_answer("table",
                  "SELECT 12 AS n, 'é' AS t, NULL AS missing UNION ALL SELECT 3, 'abc', 2.0",
                  "n   t    missing\n"
                  "--  ---  -------\n"
                  "12  é    NULL\n"
                  " 3  abc        2\n");
    expect_answer("csv", "SELECT 1 AS \"\xfe\", 2 AS \"\xfe\"", "\uFFFD,\uFFFD:2\r\n1,2\r\n");
    expect_answer("csv",
                  "SELECT duration(1e999) <> '' AS d, "
                  "duration(-9223372036854775808) <> '' AS e, duration(-1500) AS f",
                  "d,e,f\r\n1,1,\"'-1.50 us\"\r\n");
    expect_answer("json", "SELECT 1 AS x WHERE 0",
                  "{\n  \"schema\" : \"ctrace-query-1\",\n  \"columns\" : [\"x\"],\n"
                  "  \"rows\" : []\n}\n");
    expect_answer("table", "SELECT 1 AS x; SELECT 2 AS y", "x\n-\n1\n\ny\n-\n2\n");
}

static void a_time_that_no_clock_shows_is_unknown(void **state)
{
    int64_t usual_ns = fixture.loaded->epoch_offset_ns;

    (void)state;
    fixture.loaded->epoch_offset_ns = INT64_C(1700000000000000000);
    expect_answer(
        "csv",
        "SELECT clock(8000000000000000000) AS late, clock(-9000000000000000000) AS early, "
        "clock(0) LIKE '2023-11-%' AS usual",
        "late,early,usual\r\nunknown,unknown,1\r\n");
    fixture.loaded->epoch_offset_ns = usual_ns;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_find_what_a_look_at_every_row_finds),
        cmocka_unit_test(rows_are_ordered_without_sorting),
        cmocka_unit_test(a_query_looks_at_what_it_asks_for_alone),
        cmocka_unit_test(sums_are_those_of_what_was_told),
        cmocka_unit_test(every_column_of_every_table_can_be_read),
        cmocka_unit_test(ids_lead_from_table_to_table),
        cmocka_unit_test(a_query_only_reads),
        cmocka_unit_test(what_takes_too_much_ends),
        cmocka_unit_test(a_table_that_lost_rows_is_none),
        cmocka_unit_test(errors_say_where_they_are),
        cmocka_unit_test(values_are_what_they_are_in_every_format),
        cmocka_unit_test(a_time_that_no_clock_shows_is_unknown),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
