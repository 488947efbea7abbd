/* The colours of the classes, as eyes of every kind see them. */
#include "paint/palette.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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

/* Large areas differ visibly from 3 on; what is a pixel thin needs several times that. */
static void every_eye_can_tell_classes_apart(void **state)
{
    const double least_distance = 14;
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(visions); i++) {
        for (size_t first = 0; first < CT_CLASS_COUNT; first++) {
            for (size_t second = 0; second < first; second++) {
                struct lab a = see(&visions[i], ct_palette_class(first));
                struct lab b = see(&visions[i], ct_palette_class(second));
                if (distance(&a, &b) < least_distance)
                    fail_msg("classes %zu and %zu are %.0f apart to %s", first, second,
                             distance(&a, &b), visions[i].name);
            }
        }
    }
}

/* The commonest neighbours, often a pixel thin. */
static void locks_and_system_calls_are_far_apart(void **state)
{
    const double least_distance = 40;
    (void)state;

    for (size_t i = 0; i < G_N_ELEMENTS(visions); i++) {
        struct lab sync = see(&visions[i], ct_palette_class(CT_CLASS_SYNC));
        struct lab syscall = see(&visions[i], ct_palette_class(CT_CLASS_SYSCALL));
        if (distance(&sync, &syscall) < least_distance)
            fail_msg("they are %.0f apart to %s", distance(&sync, &syscall), visions[i].name);
    }
}

static double luminance(struct ct_colour colour)
{
    return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) +
           0.0722 * linear(colour.blue);
}

static void texts_can_be_read_on_their_class(void **state)
{
    const double least_contrast = 3;
    (void)state;

    for (size_t class = 0; class < CT_CLASS_COUNT; class ++) {
        double text = luminance(ct_palette_on_class(class));
        double fill = luminance(ct_palette_class(class));
        double contrast = (MAX(text, fill) + 0.05) / (MIN(text, fill) + 0.05);
        if (contrast < least_contrast)
            fail_msg("the text on class %zu has a contrast of %.1f", class, contrast);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_eye_can_tell_classes_apart),
        cmocka_unit_test(locks_and_system_calls_are_far_apart),
        cmocka_unit_test(texts_can_be_read_on_their_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
