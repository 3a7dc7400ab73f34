/* Support for tests: variants and networks from a few words, such as "conv2d out_channels=6
 * kernel_size=5,3". A word is a field of the core's tables. Pairs are written 5 or 5,3, lists of
 * numbers 1,2,3, variants inside options "init=(normal std=0.1)", layers that hold layers "residual
 * body=(conv2d … | relu) shortcut=()" and "concat branches=(relu)(conv2d …)". Everything fails the
 * test when it cannot do what it says. */
#ifndef TESTS_CORE_SUPPORT_WORDS_H
#define TESTS_CORE_SUPPORT_WORDS_H

#include "core/arena.h"
#include "core/field.h"

/* A variant of a family from its words, its blocks in `arena`. */
void variant_from_words(struct arena *arena, const struct kinds *kinds, const char *words,
                        struct variant *out);

/* Variants with " | " between them; "" is none. */
void variants_from_words(struct arena *arena, const struct kinds *kinds, const char *words,
                         struct variants *out);
/* The same of layers. */
void layers_from_words(struct arena *arena, const char *words, struct variants *out);

#endif
