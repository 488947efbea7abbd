#include "query/plan.h"

#include <math.h>
#include <string.h>

/* How a constraint is written, and by how much it lessens the rows, as a guess. */
struct comparison {
    unsigned char op; /* SQLite's */
    const char *text;
    gboolean is_of_order; /* only what has an order can be compared so */
};

static const struct comparison comparisons[] = {
    {SQLITE_INDEX_CONSTRAINT_EQ, "=", FALSE}, {SQLITE_INDEX_CONSTRAINT_GT, ">", TRUE},
    {SQLITE_INDEX_CONSTRAINT_GE, ">=", TRUE}, {SQLITE_INDEX_CONSTRAINT_LT, "<", TRUE},
    {SQLITE_INDEX_CONSTRAINT_LE, "<=", TRUE},
};

/* Of so many rows one is left, where a value is given. */
static const double shares[CT_QUERY_ROLE_COUNT] = {
    [CT_QUERY_ANY] = 1,      [CT_QUERY_ID] = 1e9,   [CT_QUERY_PROCESS] = 4, [CT_QUERY_THREAD] = 50,
    [CT_QUERY_BEGIN] = 1000, [CT_QUERY_END] = 1000, [CT_QUERY_CLASS] = 3,   [CT_QUERY_OP] = 6,
    [CT_QUERY_OBJECT] = 100, [CT_QUERY_STACK] = 50,
};
#define RANGE_SHARE 4

static gboolean has_order(enum ct_query_role role)
{
    return role != CT_QUERY_ANY && role != CT_QUERY_CLASS && role != CT_QUERY_OP;
}

static const struct comparison *find_comparison(const struct ct_query_column *column,
                                                unsigned char op)
{
    for (size_t i = 0; i < G_N_ELEMENTS(comparisons); i++)
        if (comparisons[i].op == op)
            return comparisons[i].is_of_order && !has_order(column->role) ? NULL : &comparisons[i];
    return NULL;
}

/* What the table can use of a constraint; NULL: nothing. */
static const struct comparison *usable(const struct ct_query_table *table, sqlite3_index_info *info,
                                       int index)
{
    const struct sqlite3_index_constraint *constraint = &info->aConstraint[index];

    if (!constraint->usable || constraint->iColumn < 0 ||
        (size_t)constraint->iColumn >= table->column_count)
        return NULL;
    const struct ct_query_column *column = &table->columns[constraint->iColumn];

    /* Another collation finds more to be equal. */
    if (column->role == CT_QUERY_ANY ||
        (!has_order(column->role) &&
         sqlite3_stricmp(sqlite3_vtab_collation(info, index), "BINARY") != 0))
        return NULL;
    return find_comparison(column, constraint->op);
}

/* Lists have no begin to be ordered by; what has a begin comes thread by thread else. */
static gboolean is_ordered(const struct ct_query_table *table, const sqlite3_index_info *info)
{
    const struct sqlite3_index_orderby *order = info->aOrderBy;

    return info->nOrderBy == 1 && !order[0].desc && order[0].iColumn >= 0 &&
           (size_t)order[0].iColumn < table->column_count && !table->at &&
           table->columns[order[0].iColumn].role == CT_QUERY_BEGIN;
}

int ct_query_plan_choose(const struct ct_query_table *table, sqlite3_index_info *info)
{
    GString *text = g_string_new("");
    double rows = table->usual_rows;
    int count = 0;

    for (int i = 0; i < info->nConstraint; i++) {
        const struct comparison *comparison = usable(table, info, i);

        if (!comparison)
            continue;
        const struct ct_query_column *column = &table->columns[info->aConstraint[i].iColumn];

        g_string_append_printf(text, "%s%s%s", count > 0 ? " " : "", column->name,
                               comparison->text);
        info->aConstraintUsage[i].argvIndex = ++count;
        rows /= comparison->op == SQLITE_INDEX_CONSTRAINT_EQ ? shares[column->role] : RANGE_SHARE;
    }
    info->idxNum = is_ordered(table, info);
    info->orderByConsumed = info->idxNum;
    info->idxStr = sqlite3_mprintf("%s", text->str);
    info->needToFreeIdxStr = 1;
    info->estimatedRows = (sqlite3_int64)MAX(rows, 1);
    info->estimatedCost = MAX(rows, 1);
    g_string_free(text, TRUE);
    return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- Values ---- */

/* Numbers that are equal to no integer leave the range empty, or as it is. */
static void narrow_by_integers(struct ct_query_asked *asked, enum ct_query_role role,
                               const char *comparison, int64_t least, int64_t most)
{
    if (comparison[0] != '<')
        asked->least[role] = MAX(asked->least[role], least);
    if (comparison[0] != '>')
        asked->most[role] = MIN(asked->most[role], most);
}

static int64_t to_integer(double number)
{
    if (number >= 9.2e18)
        return INT64_MAX;
    return number <= -9.2e18 ? INT64_MIN : (int64_t)number;
}

static void narrow_by_name(struct ct_query_asked *asked, enum ct_query_role role, const char *name)
{
    int64_t least = INT64_MAX, most = INT64_MIN; /* there is none */
    enum ct_class class;

    if (role == CT_QUERY_CLASS && ct_class_from_name(name, &class))
        least = most = class;
    for (int op = CT_OP_COUNT - 1; role == CT_QUERY_OP && op >= 0; op--) {
        if (strcmp(ct_op_name((enum ct_op)op), name) == 0) {
            least = op;
            most = MAX(most, op);
        }
    }
    narrow_by_integers(asked, role, "=", least, most);
}

/* What SQLite would make another value of before it compares is left to SQLite. */
static void narrow(struct ct_query_asked *asked, enum ct_query_role role, const char *comparison,
                   sqlite3_value *value)
{
    int type = sqlite3_value_type(value);

    if (type == SQLITE_NULL) {
        asked->is_nothing = TRUE;
    } else if (!has_order(role)) {
        if (type == SQLITE_TEXT)
            narrow_by_name(asked, role, (const char *)sqlite3_value_text(value));
    } else if (type == SQLITE_INTEGER) {
        int64_t number = sqlite3_value_int64(value);

        narrow_by_integers(asked, role, comparison, number, number);
    } else if (type == SQLITE_FLOAT) {
        double number = sqlite3_value_double(value);

        /* One beyond, since a double stands for what is near it. */
        narrow_by_integers(asked, role, comparison, to_integer(floor(number)),
                           to_integer(ceil(number)));
    }
}

static const struct ct_query_column *find_column(const struct ct_query_table *table,
                                                 const char *name, size_t length)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strncmp(table->columns[i].name, name, length) == 0 &&
            table->columns[i].name[length] == '\0')
            return &table->columns[i];
    return NULL;
}

void ct_query_plan_read(const struct ct_query_table *table, const char *text, int is_by_begin,
                        sqlite3_value **values, int value_count, struct ct_query_asked *asked)
{
    asked->is_nothing = FALSE;
    asked->is_by_begin = is_by_begin != 0;
    for (size_t role = 0; role < CT_QUERY_ROLE_COUNT; role++) {
        asked->least[role] = INT64_MIN;
        asked->most[role] = INT64_MAX;
    }
    for (int i = 0; i < value_count && text; i++) {
        size_t length = strcspn(text, "=<>");
        const struct ct_query_column *column = find_column(table, text, length);

        if (column)
            narrow(asked, column->role, text + length, values[i]);
        text += strcspn(text, " ");
        text += *text == ' ';
    }
    for (size_t role = 0; role < CT_QUERY_ROLE_COUNT; role++)
        asked->is_nothing |= asked->least[role] > asked->most[role];
}
