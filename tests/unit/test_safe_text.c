/* Hostile names through each kind of output. */
#include "text/safe_text.h"
#include "text/shell_word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define REPLACED "\357\277\275" /* U+FFFD */

static const struct {
    const char *name, *line, *csv, *json, *xml;
} cases[] = {
    {"worker-1", "worker-1", "worker-1", "worker-1", "worker-1"},
    {"", "", "", "", ""},
    /* Letters of any script stay. */
    {"\345\267\245\344\272\272 \303\274", "\345\267\245\344\272\272 \303\274",
     "\345\267\245\344\272\272 \303\274", "\345\267\245\344\272\272 \303\274",
     "\345\267\245\344\272\272 \303\274"},
    /* What a terminal obeys: ESC, BEL, DEL, and CSI and OSC in one byte, U+009B and U+009D. */
    {"\033[31m\007", "?[31m?", "?[31m?", "\033[31m\007", "?[31m?"},
    {"a\177b", "a?b", "a?b", "a\\u007fb", "a?b"},
    {"\302\233A\302\235", "?A?", "?A?", "\\u009bA\\u009d", "?A?"},
    /* Lines. */
    {"a\nb", "a b", "a b", "a\nb", "a\nb"},
    {"a \r\n\t b", "a b", "a b", "a \r\n\t b", "a \n  b"},
    {"a\tb\tc", "a b c", "a b c", "a\tb\tc", "a b c"},
    {"a\342\200\250b\302\205c", "a b c", "a b c", "a\\u2028b\\u0085c", "a b c"},
    /* Directions: override, isolate, marks. */
    {"\342\200\256exe", "?exe", "?exe", "\\u202eexe", "?exe"},
    {"\342\201\246a\342\201\251", "?a?", "?a?", "\\u2066a\\u2069", "?a?"},
    {"\342\200\216\342\200\217\330\234", "???", "???", "\\u200e\\u200f\\u061c", "???"},
    /* Not seen: zero width, byte order mark, soft hyphen, Hangul filler, tags. */
    {"a\342\200\213\357\273\277b", "a??b", "a??b", "a\\u200b\\ufeffb", "a??b"},
    {"a\302\255b\343\205\244", "a?b?", "a?b?", "a\\u00adb\\u3164", "a?b?"},
    {"\363\240\200\201", "?", "?", "\\udb40\\udc01", "?"},
    /* No characters. */
    {"\357\277\276\357\277\277\357\267\220", "???", "???", "\\ufffe\\uffff\\ufdd0", "???"},
    {"\360\237\277\276", "?", "?", "\\ud83f\\udffe", "?"},
    /* Not UTF-8: overlong, a surrogate, beyond the last character, cut off. */
    {"\300\257", REPLACED REPLACED, REPLACED REPLACED, REPLACED REPLACED, REPLACED REPLACED},
    {"\355\240\200", REPLACED REPLACED REPLACED, REPLACED REPLACED REPLACED,
     REPLACED REPLACED REPLACED, REPLACED REPLACED REPLACED},
    {"\364\220\200\200", REPLACED REPLACED REPLACED REPLACED, REPLACED REPLACED REPLACED REPLACED,
     REPLACED REPLACED REPLACED REPLACED, REPLACED REPLACED REPLACED REPLACED},
    {"a\303", "a" REPLACED, "a" REPLACED, "a" REPLACED, "a" REPLACED},
    /* Markup. */
    {"<b>&'\"", "<b>&'\"", "\"<b>&'\"\"\"", "<b>&'\"", "&lt;b&gt;&amp;&apos;&quot;"},
    /* Formulas, also behind blanks, and with full-width signs. */
    {"=1+1", "=1+1", "\"'=1+1\"", "=1+1", "=1+1"},
    {"+1", "+1", "\"'+1\"", "+1", "+1"},
    {"-2", "-2", "\"'-2\"", "-2", "-2"},
    {"@SUM(A1)", "@SUM(A1)", "\"'@SUM(A1)\"", "@SUM(A1)", "@SUM(A1)"},
    {"\t=1", " =1", "\"' =1\"", "\t=1", " =1"},
    {"\r=1", " =1", "\"' =1\"", "\r=1", " =1"},
    {"\357\274\2351", "\357\274\2351", "\"'\357\274\2351\"", "\357\274\2351", "\357\274\2351"},
    {"a=1", "a=1", "a=1", "a=1", "a=1"},
    /* Cells. */
    {"a,b", "a,b", "\"a,b\"", "a,b", "a,b"},
    {"say \"hi\"", "say \"hi\"", "\"say \"\"hi\"\"\"", "say \"hi\"", "say &quot;hi&quot;"},
    {"=\",\"", "=\",\"", "\"'=\"\",\"\"\"", "=\",\"", "=&quot;,&quot;"},
};

static void names_are_harmless_in_every_output(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = ct_safe_line(cases[i].name);
        g_autofree char *csv = ct_safe_csv(cases[i].name);
        g_autofree char *json = ct_safe_json(cases[i].name);
        g_autofree char *xml = ct_safe_xml(cases[i].name);

        assert_string_equal(line, cases[i].line);
        assert_string_equal(csv, cases[i].csv);
        assert_string_equal(json, cases[i].json);
        assert_string_equal(xml, cases[i].xml);
    }
}

static void what_is_safe_is_known_to_be_so(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = ct_safe_line(cases[i].name);

        assert_int_equal(ct_is_safe_line(cases[i].name), g_str_equal(line, cases[i].name));
        assert_true(ct_is_safe_line(line));
    }
}

static void lines_stay_lines(void **state)
{
    g_autofree char *safe = ct_safe_lines("one\033\n\n  two\342\200\256\n");

    (void)state;
    assert_string_equal(safe, "one?\n\n  two?\n");
}

static void words_come_out_of_a_shell_as_they_were(void **state)
{
    static const struct {
        const char *text, *word, *path;
    } words[] = {
        {"worker-1", "worker-1", "worker-1"},
        {"--from=10%", "--from=10%", "./--from=10%"},
        {"worker-*", "'worker-*'", "'worker-*'"},
        {"it's $HOME", "'it'\\''s $HOME'", "'it'\\''s $HOME'"},
        {"a\nb;c", "'a\nb;c'", "'a\nb;c'"},
        {"~", "'~'", "'~'"},
        {"", "''", "''"},
        {"s\303\251rie", "s\303\251rie", "s\303\251rie"},
    };

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autofree char *word = ct_shell_word(words[i].text);
        g_autofree char *path = ct_shell_path(words[i].text);

        assert_string_equal(word, words[i].word);
        assert_string_equal(path, words[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_harmless_in_every_output),
        cmocka_unit_test(what_is_safe_is_known_to_be_so),
        cmocka_unit_test(lines_stay_lines),
        cmocka_unit_test(words_come_out_of_a_shell_as_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
