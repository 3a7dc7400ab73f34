/* PNG by libpng, read and written. Knows nothing of other kinds of image. */
#include "core/image_codec.h"

#include "core/text.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum {
    INFLATE_MOST = 1032, /* a deflated byte gives at most so many */
    CHUNK_BYTES_MAX = 1 << 20
};

struct decoding {
    const struct image_file *file;
    size_t at;
    png_structp png;
    png_infop info;
    struct image *image;
    uint8_t *rows; /* interleaved, of the whole image: an interlaced one comes in passes */
    png_bytep *row_list;
    bool alpha;
    int64_t numbers; /* of one pixel in rows */
    struct error *error;
};

/* libpng calls this and must not come back. */
static void fail(png_structp png, png_const_charp text)
{
    struct decoding *decoding = png_get_error_ptr(png);
    char shown[128];

    text_show(shown, sizeof(shown), text);
    error_set(decoding->error, ERROR_CORRUPT, decoding->file->name,
              "the PNG image cannot be decoded: %s", shown);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t size)
{
    struct decoding *decoding = png_get_io_ptr(png);

    if (size > decoding->file->size - decoding->at)
        png_error(png, "the file is cut off");
    memcpy(out, decoding->file->bytes + decoding->at, size);
    decoding->at += size;
}

/* What is not needed for the pixels is not even unpacked: texts and profiles are where bombs hide.
 */
static void keep_pixels_only(png_structp png)
{
    static const png_byte others[] = "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0"
                                     "pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0zTXt";

    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, others, (int)(sizeof(others) / 5));
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* image_begin says it better */
    png_set_chunk_malloc_max(png, CHUNK_BYTES_MAX);
}

static bool claims_too_much(const struct decoding *decoding)
{
    uint64_t row = png_get_rowbytes(decoding->png, decoding->info);
    uint64_t height = png_get_image_height(decoding->png, decoding->info);

    return row * height / INFLATE_MOST > decoding->file->size;
}

/* From the header: shape, limits, conversions, memory. */
static bool begin(struct decoding *decoding)
{
    png_structp png = decoding->png;
    png_infop info = decoding->info;
    struct image shape;
    int colour;

    png_read_info(png, info);
    colour = png_get_color_type(png, info);
    decoding->alpha =
        (colour & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png, info, PNG_INFO_tRNS) != 0;
    shape = (struct image){.channels = (colour & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1,
                           .height = png_get_image_height(png, info),
                           .width = png_get_image_width(png, info)};
    if (shape.width <= IMAGE_SIDE_MAX && shape.height <= IMAGE_SIDE_MAX &&
        claims_too_much(decoding))
        return error_set(decoding->error, ERROR_CORRUPT, decoding->file->name,
                         "the PNG header claims %" PRId64 "×%" PRId64
                         " pixels, more than the file's bytes can hold",
                         shape.width, shape.height);
    if (!image_begin(decoding->image, &shape, decoding->file->name, decoding->error))
        return false;
    png_set_expand(png); /* palettes, small samples, and tRNS as alpha */
    png_set_scale_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    decoding->numbers = shape.channels + (decoding->alpha ? 1 : 0);
    if (png_get_rowbytes(png, info) != (size_t)(shape.width * decoding->numbers))
        png_error(png, "unexpected size of a row");
    decoding->rows = malloc((size_t)(shape.height * shape.width * decoding->numbers));
    decoding->row_list = calloc((size_t)shape.height, sizeof(*decoding->row_list));
    return (decoding->rows != NULL && decoding->row_list != NULL) ||
           error_set(decoding->error, ERROR_MEMORY, decoding->file->name, "no memory for an image");
}

/* Takes the alpha out of a row. False when a pixel is not opaque. */
static bool drop_alpha(const struct decoding *decoding, uint8_t *row)
{
    int64_t numbers = decoding->numbers, colours = numbers - 1;

    for (int64_t x = 0; x < decoding->image->width; x++) {
        if (row[x * numbers + colours] != 255)
            return false;
        memmove(row + x * colours, row + x * numbers, (size_t)colours);
    }
    return true;
}

static bool read_rows(struct decoding *decoding)
{
    struct image *image = decoding->image;

    for (int64_t y = 0; y < image->height; y++)
        decoding->row_list[y] = decoding->rows + y * image->width * decoding->numbers;
    png_read_image(decoding->png, decoding->row_list);
    png_read_end(decoding->png, NULL);
    for (int64_t y = 0; y < image->height; y++) {
        if (decoding->alpha && !drop_alpha(decoding, decoding->row_list[y]))
            return error_set(decoding->error, ERROR_UNSUPPORTED, decoding->file->name,
                             "the image has transparent pixels, which have no colour; put it on a "
                             "background first");
        image_put_row(image, y, decoding->row_list[y]);
    }
    return true;
}

/* Apart from the cleaning up, because longjmp may spoil what a function with setjmp keeps. */
static bool decode_guarded(struct decoding *decoding)
{
    if (setjmp(png_jmpbuf(decoding->png)) != 0)
        return false;
    keep_pixels_only(decoding->png);
    png_set_read_fn(decoding->png, decoding, read_bytes);
    return begin(decoding) && read_rows(decoding);
}

static bool decode(const struct image_file *file, struct image *out, struct error *error)
{
    struct error own = {0};
    struct decoding decoding = {.file = file, .image = out, .error = &own};
    bool good = false;

    decoding.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoding, fail, ignore);
    if (decoding.png != NULL)
        decoding.info = png_create_info_struct(decoding.png);
    if (decoding.info == NULL)
        error_set(&own, ERROR_MEMORY, file->name, "no memory to read an image");
    else
        good = decode_guarded(&decoding);
    png_destroy_read_struct(&decoding.png, &decoding.info, NULL);
    free(decoding.rows);
    free(decoding.row_list);
    return good || error_set(error, own.kind, own.where, "%s", own.text);
}

const struct image_codec image_png = {"\x89PNG\r\n\x1a\n", 8, decode};

/* ---- writing ---- */

struct encoding {
    const struct image *image;
    png_structp png;
    png_infop info;
    uint8_t *bytes, *row;
    size_t size, room;
};

/* The one thing that can go wrong is memory. libpng calls this and must not come back. */
static void give_up(png_structp png, png_const_charp text)
{
    (void)text;
    png_longjmp(png, 1);
}

static void write_bytes(png_structp png, png_bytep bytes, size_t size)
{
    struct encoding *encoding = png_get_io_ptr(png);
    size_t room = encoding->room > 0 ? encoding->room : 4096;
    uint8_t *grown;

    while (room - encoding->size < size)
        room *= 2;
    if (room != encoding->room) {
        grown = realloc(encoding->bytes, room);
        if (grown == NULL)
            png_error(png, "memory");
        encoding->bytes = grown;
        encoding->room = room;
    }
    memcpy(encoding->bytes + encoding->size, bytes, size);
    encoding->size += size;
}

static void flush(png_structp png)
{
    (void)png;
}

static void gather_row(const struct encoding *encoding, int64_t y)
{
    const struct image *image = encoding->image;

    for (int64_t channel = 0; channel < image->channels; channel++) {
        const uint8_t *from = image->planes + (channel * image->height + y) * image->width;

        for (int64_t x = 0; x < image->width; x++)
            encoding->row[x * image->channels + channel] = from[x];
    }
}

static bool encode_guarded(struct encoding *encoding)
{
    const struct image *image = encoding->image;

    if (setjmp(png_jmpbuf(encoding->png)) != 0)
        return false;
    png_set_write_fn(encoding->png, encoding, write_bytes, flush);
    png_set_IHDR(encoding->png, encoding->info, (png_uint_32)image->width,
                 (png_uint_32)image->height, 8,
                 image->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(encoding->png, encoding->info);
    for (int64_t y = 0; y < image->height; y++) {
        gather_row(encoding, y);
        png_write_row(encoding->png, encoding->row);
    }
    png_write_end(encoding->png, NULL);
    return true;
}

bool image_encode_png(const struct image *image, uint8_t **out, size_t *size, struct error *error)
{
    struct encoding encoding = {.image = image};
    bool good;

    encoding.row = malloc((size_t)(image->width * image->channels));
    encoding.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, give_up, ignore);
    if (encoding.png != NULL)
        encoding.info = png_create_info_struct(encoding.png);
    good = encoding.row != NULL && encoding.info != NULL && encode_guarded(&encoding);
    png_destroy_write_struct(&encoding.png, &encoding.info);
    free(encoding.row);
    if (!good) {
        free(encoding.bytes);
        return error_set(error, ERROR_MEMORY, "", "no memory to write an image");
    }
    *out = encoding.bytes;
    *size = encoding.size;
    return true;
}
