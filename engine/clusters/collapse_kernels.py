"""The loops over all pixels, for machine code: counting colours, and painting with a palette."""

import numpy as np

from engine.compiled import native

BLOCK = 12  # bits of a code within a block of the table
CELLS = 1 << BLOCK


@native
def tabulate(pixels, bits, table, blocks):
    """Count every colour in the cell of its Morton code; returns how many colours there are."""
    found = 0
    for p in range(len(pixels)):
        code = bits[pixels[p, 0]] << 2 | bits[pixels[p, 1]] << 1 | bits[pixels[p, 2]]
        if table[code] == 0:
            found += 1
            blocks[code >> BLOCK] = True
        table[code] += 1
    return found


@native
def rank_colours(pixels, bits, table, blocks, codes, counts, index):
    """Fill codes and counts in rising order, and the place of every pixel's colour among them."""
    n = 0
    for block in range(len(blocks)):
        if blocks[block]:
            for code in range(block << BLOCK, (block + 1) << BLOCK):
                if table[code]:
                    codes[n], counts[n] = code, table[code]
                    table[code] = n
                    n += 1
    for p in range(len(pixels)):
        code = bits[pixels[p, 0]] << 2 | bits[pixels[p, 1]] << 1 | bits[pixels[p, 2]]
        index[p] = table[code]


@native
def sort_colours(pixels, bits, codes, counts, index):
    """The same as ``tabulate`` and ``rank_colours`` with a table of one block, which stays in the
    cache: the pixels are first sorted into blocks. Returns how many colours there are."""
    pixel = np.empty(len(pixels), np.uint32)
    code, cell = np.empty(len(pixels), np.uint32), np.empty(len(pixels), np.uint16)
    end, table = np.zeros(CELLS + 1, np.int64), np.zeros(CELLS, np.uint32)
    for p in range(len(pixels)):
        code[p] = bits[pixels[p, 0]] << 2 | bits[pixels[p, 1]] << 1 | bits[pixels[p, 2]]
        end[(code[p] >> BLOCK) + 1] += 1
    for block in range(CELLS):
        end[block + 1] += end[block]
    for p in range(len(pixels)):
        block = code[p] >> BLOCK
        q = end[block]
        pixel[q], cell[q], end[block] = p, code[p] & (CELLS - 1), q + 1
    n = first = 0
    for block in range(CELLS):
        if end[block] == first:
            continue
        for q in range(first, end[block]):
            table[cell[q]] += 1
        for c in range(CELLS):
            if table[c]:
                codes[n], counts[n] = block << BLOCK | c, table[c]
                table[c] = n
                n += 1
        for q in range(first, end[block]):
            index[pixel[q]] = table[cell[q]]
        for q in range(first, end[block]):
            table[cell[q]] = 0
        first = end[block]
    return n


@native
def count_grey(pixels, grey, counts):
    """Luma by Rec. 601 in whole numbers, which leaves greys as they are, and its histogram."""
    if pixels.shape[1] == 1:
        grey[:] = pixels[:, 0]
    else:
        for p in range(len(pixels)):
            r, g, b = np.uint32(pixels[p, 0]), np.uint32(pixels[p, 1]), np.uint32(pixels[p, 2])
            weighted = np.uint32(299) * r + np.uint32(587) * g + np.uint32(114) * b
            grey[p] = (weighted + np.uint32(500)) // np.uint32(1000)
    for p in range(len(pixels)):
        counts[grey[p]] += 1


@native
def paint(index, labels, palette, out):
    """Every pixel in the palette's colour of its colour's label."""
    if out.shape[1] == 1:
        for p in range(len(index)):
            out[p, 0] = palette[labels[index[p]], 0]
    else:
        for p in range(len(index)):
            label = labels[index[p]]
            out[p, 0], out[p, 1] = palette[label, 0], palette[label, 1]
            out[p, 2] = palette[label, 2]


@native
def label_pixels(index, labels, out):
    """The label of every pixel."""
    for p in range(len(index)):
        out[p] = labels[index[p]]


@native
def squares(rgb, counts, labels, palette):
    """The squared errors of all pixels and channels, summed in whole numbers."""
    total = 0
    for c in range(len(rgb)):
        error = 0
        for d in range(3):
            gap = int(rgb[c, d]) - int(palette[labels[c], d])
            error += gap * gap
        total += error * int(counts[c])
    return total
