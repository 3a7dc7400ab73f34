/* Support for tests: NPY files. All of these fail the test when they cannot do what they say. */
#ifndef TESTS_CORE_SUPPORT_NPY_H
#define TESTS_CORE_SUPPORT_NPY_H

#include <stddef.h>
#include <stdint.h>

/* A header as NumPy writes it, of the version (1, 2 or 3), with the dictionary `text`. */
void write_npy(const char *path, int version, const char *text, const void *numbers, size_t size);
/* {'descr': type, 'fortran_order': False, 'shape': shape, } in version 1. */
void write_array(const char *path, const char *type, const char *shape, const void *numbers,
                 size_t size);

/* A whole set in `dir` (made when missing): 4 images of 2×3, uint8 and float32 alike 0, 1, 2 …,
 * labels 0, 1, 2, 1, and a test split of the last 2 of them. */
enum npy_pixels { NPY_PIXELS_BYTES, NPY_PIXELS_REALS };
void make_npy_dataset(const char *dir, enum npy_pixels pixels);

#endif
