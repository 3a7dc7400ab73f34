/* NPY: the header of NumPy's array files, versions 1.0, 2.0 and 3.0, as numpy.lib.format describes
 * them. Knows nothing of what arrays are for. */
#ifndef CORE_NPY_H
#define CORE_NPY_H

#include "core/stream.h"

enum { NPY_DIMS_MAX = 8, NPY_HEADER_ROOM = 256 };

enum npy_kind { NPY_UNSIGNED, NPY_SIGNED, NPY_REAL };

struct npy_header {
    enum npy_kind kind;
    int item;        /* bytes of a number: 1, 2, 4, 8 */
    bool big_endian; /* false where item is 1 */
    int dims;
    int64_t size[NPY_DIMS_MAX];
};

/* Reads the header; the stream then gives the numbers, last dimension fastest. ERROR_CORRUPT when
 * it is not exactly what the format allows, ERROR_UNSUPPORTED for other types of numbers and for
 * Fortran order. */
bool npy_read_header(struct stream *stream, struct npy_header *out, struct error *error) MUST_CHECK;

/* Writes a version 1.0 header for numbers in C order and this machine's byte order (whatever
 * big_endian says) to `out`; returns its size, a multiple of 64. */
size_t npy_write_header(const struct npy_header *header, uint8_t out[NPY_HEADER_ROOM]);

/* "uint8", "float32", … */
const char *npy_type_name(const struct npy_header *header);

/* Turns numbers of another byte order than this machine's, in place. */
void npy_order(const struct npy_header *header, void *numbers, int64_t count);

#endif
