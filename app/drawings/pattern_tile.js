// Pattern tile: a square window of a pattern in memory, a code for each cell or for the strongest cell of a block.
// Codes of 16 bits stand for the weights themselves: saved pages have them.
function tileOf(place, { codes, weights: exact, reach }, peak) {
  const { side } = place;
  const weights = exact ?? (codes instanceof Int16Array ? decodedWeights(codes, peak) : undefined);
  const packed = weights ?? codes;
  const { top, masked } = CODES.Int16Array;
  const cells = weights ? new Float32Array(side * side).fill(NaN) : new Int8Array(side * side).fill(CODES.Int8Array.masked);
  let at = 0;
  reach.forEach((length, row) => {
    cells.set(packed.subarray(at, at + length), row * side);
    at += length;
  });
  if (!weights) return { ...place, codes: cells };
  return { ...place, weights: cells, codes: Int16Array.from(cells, (weight) => coded(weight, peak, top, masked)) };
}

function decodedWeights(codes, peak) {
  const { top, masked } = CODES.Int16Array;
  return Float32Array.from(codes, (code) => (code === masked ? NaN : decoded(code, top, peak)));
}

function coded(weight, peak, top, masked) {
  if (Number.isNaN(weight)) return masked;
  if (weight === 0 || !Number.isFinite(weight)) return 0;
  return Math.sign(weight) * Math.max(1, Math.round(Math.sqrt(Math.min(1, Math.abs(weight) / (peak || 1))) * top));
}

const isWithin = (view, tile) =>
  view.top >= tile.top &&
  view.left >= tile.left &&
  view.top + view.size <= tile.top + tile.size &&
  view.left + view.size <= tile.left + tile.size;

// The weight of a cell, as far as a tile has weights.
function weightInTile(tile, query, key) {
  const [down, right] = [query - tile.top, key - tile.left];
  const isInside = down >= 0 && right >= 0 && down < tile.size && right < tile.size;
  return tile.weights && isInside ? tile.weights[down * tile.side + right] : undefined;
}

// A row of a tile of all weights, or a column.
function lineOfTile(tile, kind, index) {
  const { weights, size } = tile;
  if (kind === "row") return weights.subarray(index * size, (index + 1) * size);
  return Float32Array.from({ length: size }, (_, query) => weights[query * size + index]);
}
