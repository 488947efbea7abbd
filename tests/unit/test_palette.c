/* The colours of the classes, as eyes of every kind see them. */
#include "paint/palette.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const themes[] = {"light", "dark"};

/* What is seen of linear red, green and blue: after Machado, Oliveira and Fernandes (2009), of eyes
 * that lack one kind of cone altogether. */
static const struct vision {
    const char *name;
    double matrix[3][3];
} visions[] = {
    {"full", {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
    {"protanopia",
     {{0.152286, 1.052583, -0.204868},
      {0.114503, 0.786281, 0.099216},
      {-0.003882, -0.048116, 1.051998}}},
    {"deuteranopia",
     {{0.367322, 0.860646, -0.227968},
      {0.280085, 0.672501, 0.047413},
      {-0.011820, 0.042940, 0.968881}}},
    {"tritanopia",
     {{1.255528, -0.076749, -0.178779},
      {-0.078411, 0.930809, 0.147602},
      {0.004733, 0.691367, 0.303900}}},
};

static double linear(double value)
{
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double lab_part(double value)
{
    return value > 0.008856 ? cbrt(value) : 7.787 * value + 16.0 / 116;
}

struct lab {
    double lightness;
    double a;
    double b;
};

/* CIE L*a*b*, where equal distances look about equally large. */
static struct lab see(const struct vision *vision, struct ct_colour colour)
{
    const double light[] = {linear(colour.red), linear(colour.green), linear(colour.blue)};
    double seen[3];

    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (int j = 0; j < 3; j++)
            sum += vision->matrix[i][j] * light[j];
        seen[i] = CLAMP(sum, 0, 1);
    }
    double x = lab_part((0.4124 * seen[0] + 0.3576 * seen[1] + 0.1805 * seen[2]) / 0.95047);
    double y = lab_part(0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2]);
    double z = lab_part((0.0193 * seen[0] + 0.1192 * seen[1] + 0.9505 * seen[2]) / 1.08883);

    return (struct lab){116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

static double distance(const struct lab *first, const struct lab *second)
{
    double lightness = first->lightness - second->lightness;

    return sqrt(lightness * lightness + (first->a - second->a) * (first->a - second->a) +
                (first->b - second->b) * (first->b - second->b));
}

static struct ct_colour fill_of(const struct ct_palette *palette, size_t class)
{
    return palette->classes[class].fill;
}

static void tell_apart(const struct ct_palette *palette, const struct vision *vision)
{
    /* Large areas differ visibly from 3 on; what is a pixel thin needs several times that. */
    const double least_distance = 14;

    for (size_t first = 0; first < CT_CLASS_COUNT; first++) {
        struct lab paper = see(vision, palette->shades[CT_SHADE_PAPER]);
        struct lab a = see(vision, fill_of(palette, first));

        if (distance(&a, &paper) < least_distance)
            fail_msg("class %zu is %.0f from %s paper to %s", first, distance(&a, &paper),
                     palette->name, vision->name);
        for (size_t second = 0; second < first; second++) {
            struct lab b = see(vision, fill_of(palette, second));
            if (distance(&a, &b) < least_distance)
                fail_msg("classes %zu and %zu are %.0f apart on %s paper to %s", first, second,
                         distance(&a, &b), palette->name, vision->name);
        }
    }
}

static void every_eye_can_tell_classes_apart(void **state)
{
    (void)state;
    for (size_t theme = 0; theme < G_N_ELEMENTS(themes); theme++)
        for (size_t i = 0; i < G_N_ELEMENTS(visions); i++)
            tell_apart(ct_palette_find(themes[theme]), &visions[i]);
}

/* The commonest neighbours, often a pixel thin. */
static void locks_and_system_calls_are_far_apart(void **state)
{
    const double least_distance[] = {40, 30};
    (void)state;

    for (size_t theme = 0; theme < G_N_ELEMENTS(themes); theme++) {
        const struct ct_palette *palette = ct_palette_find(themes[theme]);

        for (size_t i = 0; i < G_N_ELEMENTS(visions); i++) {
            struct lab sync = see(&visions[i], fill_of(palette, CT_CLASS_SYNC));
            struct lab syscall = see(&visions[i], fill_of(palette, CT_CLASS_SYSCALL));
            if (distance(&sync, &syscall) < least_distance[theme])
                fail_msg("they are %.0f apart on %s paper to %s", distance(&sync, &syscall),
                         palette->name, visions[i].name);
        }
    }
}

static double luminance(struct ct_colour colour)
{
    return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) +
           0.0722 * linear(colour.blue);
}

static double contrast(struct ct_colour first, struct ct_colour second)
{
    double a = luminance(first), b = luminance(second);

    return (MAX(a, b) + 0.05) / (MIN(a, b) + 0.05);
}

static void texts_can_be_read_on_their_class(void **state)
{
    const double least_contrast = 3;
    (void)state;

    for (size_t theme = 0; theme < G_N_ELEMENTS(themes); theme++) {
        const struct ct_palette *palette = ct_palette_find(themes[theme]);

        for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
            const struct ct_colour_pair *pair = &palette->classes[class];
            if (contrast(pair->text, pair->fill) < least_contrast)
                fail_msg("the text on class %zu has a contrast of %.1f on %s paper", class,
                         contrast(pair->text, pair->fill), palette->name);
        }
        const struct ct_colour *shades = palette->shades;
        assert_true(contrast(shades[CT_SHADE_TEXT], shades[CT_SHADE_PAPER]) > 7);
        assert_true(contrast(shades[CT_SHADE_MUTED_TEXT], shades[CT_SHADE_PROCESS_BAND]) > 4.4);
        assert_true(contrast(shades[CT_SHADE_WARNING], shades[CT_SHADE_PAPER]) > 4.5);
    }
}

/* A lane must not vanish in the paper. */
static void every_cpu_can_be_seen_on_its_paper(void **state)
{
    (void)state;
    for (size_t theme = 0; theme < G_N_ELEMENTS(themes); theme++) {
        const struct ct_palette *palette = ct_palette_find(themes[theme]);

        for (size_t tint = 0; tint <= CT_SCENE_CPU_TINTS; tint++)
            if (contrast(palette->cpus[tint].fill, palette->shades[CT_SHADE_PAPER]) < 1.55)
                fail_msg("CPU %zu is lost on %s paper", tint, palette->name);
    }
    assert_null(ct_palette_find("grey"));
}

static void assert_page_has(const char *page, const char *list, const struct ct_palette *palette)
{
    const char *at = strstr(page, list);

    assert_non_null(at);
    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        struct ct_colour fill = fill_of(palette, class);
        g_autofree char *expected =
            g_strdup_printf("\"#%02x%02x%02x\"", (unsigned)lround(fill.red * 255),
                            (unsigned)lround(fill.green * 255), (unsigned)lround(fill.blue * 255));

        at = strchr(at, '"');
        assert_non_null(at);
        if (!g_str_has_prefix(at, expected))
            fail_msg("class %zu is %s, but on the page %.9s", class, expected, at);
        at += strlen(expected);
    }
}

/* Who knows the one can read the other. */
static void the_page_has_the_same_colours(void **state)
{
    g_autofree char *page = NULL;

    (void)state;
    assert_true(g_file_get_contents(PAGE_COLOURS, &page, NULL, NULL));
    assert_page_has(page, "const LIGHT = [", ct_palette_find("light"));
    assert_page_has(page, "const DARK = [", ct_palette_find("dark"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_eye_can_tell_classes_apart),
        cmocka_unit_test(locks_and_system_calls_are_far_apart),
        cmocka_unit_test(texts_can_be_read_on_their_class),
        cmocka_unit_test(every_cpu_can_be_seen_on_its_paper),
        cmocka_unit_test(the_page_has_the_same_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
