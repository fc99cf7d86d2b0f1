// Heatmap: a square window of a signed pattern on a canvas with token labels, and its colour bar on one beside it.
const MARGIN = { left: 92, top: 6, right: 62, bottom: 74 };
const NOTHING = { gap: 3, width: 8 }; // beside the cells: what a row gives to no token
const BAR = { gap: 14, width: 11, height: 240 };
const LABELS = "11px ui-monospace, Menlo, Consolas, monospace";
const SMALLEST_MARKED = 5; // pixels of a cell in which a stroke can still be told from the colour

function canvasOf(element, width, height) {
  const ratio = window.devicePixelRatio || 1;
  Object.assign(element, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  Object.assign(element.style, { width: `${width}px`, height: `${height}px` });
  const context = element.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

// The window as pixels: one per cell of the tile, or, where those are smaller than pixels, the strongest of each pixel.
function windowImage({ codes, side: stride, size, top, left }, view, most, table, masked) {
  const inTile = (at) => Math.min(stride - 1, Math.floor((at * stride) / size));
  const [firstRow, firstColumn] = [inTile(view.top - top), inTile(view.left - left)];
  const span = Math.max(1, Math.min(stride - Math.max(firstRow, firstColumn), Math.round((view.size * stride) / size)));
  const side = Math.min(span, most);
  const image = new ImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  const edge = (at) => Math.floor((at * span) / side);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      let best = masked;
      for (let q = firstRow + edge(y); q < firstRow + edge(y + 1); q += 1) {
        for (let k = firstColumn + edge(x); k < firstColumn + edge(x + 1); k += 1) {
          const code = codes[q * stride + k];
          if (code !== masked && (best === masked || Math.abs(code) > Math.abs(best))) best = code;
        }
      }
      pixels[y * side + x] = table[best - masked];
    }
  }
  return image;
}

function drawCells(context, image, size) {
  const small = document.createElement("canvas");
  Object.assign(small, { width: image.width, height: image.height });
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, MARGIN.left, MARGIN.top, size, size);
}

// A token after its position, in the room that a label has.
const placed = (tokens, at) => clipped(`${at} ${shownToken(tokens[at])}`, 12);

function drawLabels(context, tokens, view, size, crops) {
  const cell = size / view.size;
  const step = Math.max(1, Math.ceil(13 / cell));
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.font = LABELS;
  const side = crops ? Math.max(9, Math.min(22, Math.floor(cell * step) - 3)) : -4;
  const aside = side + 4; // room that the crop of a patch takes
  for (let i = 0; i < view.size; i += step) {
    const middle = (i + 0.5) * cell;
    const [left, below] = [MARGIN.left - 7 - aside, MARGIN.top + size + 7 + aside];
    context.fillText(placed(tokens, view.top + i), left, MARGIN.top + middle);
    if (crops) {
      drawCrop(context, crops[view.top + i], MARGIN.left - 5 - side, MARGIN.top + middle - side / 2, side);
      drawCrop(context, crops[view.left + i], MARGIN.left + middle - side / 2, MARGIN.top + size + 5, side);
    }
    context.save();
    context.translate(MARGIN.left + middle, below);
    context.rotate(-Math.PI / 2.8);
    context.fillText(placed(tokens, view.left + i), 0, 0);
    context.restore();
  }
}

// A thin diagonal in every negative cell whose colour is strong enough to be read as one: a sign without colours.
function drawSigns(context, { tile, view, size, shareOf, dark }) {
  const cell = size / view.size;
  if (cell < SMALLEST_MARKED || tile.side !== tile.size) return;
  context.lineWidth = 1;
  for (let q = 0; q < view.size; q += 1) {
    for (let k = 0; k < view.size; k += 1) {
      const share = shareOf(tile.codes[(view.top - tile.top + q) * tile.side + view.left - tile.left + k]);
      if (!isNegative(share)) continue;
      context.strokeStyle = readable(signedColour(share, dark));
      context.beginPath();
      context.moveTo(MARGIN.left + (k + 0.15) * cell, MARGIN.top + (q + 0.85) * cell);
      context.lineTo(MARGIN.left + (k + 0.85) * cell, MARGIN.top + (q + 0.15) * cell);
      context.stroke();
    }
  }
}

function barLabels(range, scale) {
  return [1, 0.5, 0, -0.5, -1].map((share) => {
    const weight = scale === "square root" ? Math.sign(share) * share * share * range : share * range;
    return [share, share === 0 ? "0" : `${share < 0 ? "−" : "+"}${Math.abs(weight).toPrecision(2)}`];
  });
}

// Pixels right of the cells that the colour bar and its widest label take.
function barRoom(context, range, scale) {
  context.font = LABELS;
  const widest = Math.max(...barLabels(range, scale).map(([, text]) => context.measureText(text).width));
  return Math.max(MARGIN.right, BAR.gap + BAR.width + 5 + Math.ceil(widest) + 2);
}

function drawColourBar(canvas, { range, scale, size, dark, ink, room }) {
  const height = Math.min(size, BAR.height);
  const context = canvasOf(canvas, room - BAR.gap, height + 2 * MARGIN.top);
  canvas.style.left = `${MARGIN.left + size + BAR.gap}px`;
  for (let y = 0; y < height; y += 1) {
    context.fillStyle = css(signedColour(1 - (2 * y) / (height - 1), dark));
    context.fillRect(0, MARGIN.top + y, BAR.width, 1.5);
  }
  Object.assign(context, { fillStyle: ink, textBaseline: "middle", font: LABELS });
  for (const [share, text] of barLabels(range, scale)) {
    context.fillText(text, BAR.width + 5, MARGIN.top + ((1 - share) / 2) * (height - 12) + 6);
  }
}

// The strongest of the rows that share a pixel, as in the cells, under the sign of the empty set.
function drawNothing(context, nothing, { view, size, range, scale, dark, ink }) {
  const left = MARGIN.left + size + NOTHING.gap;
  const lines = Math.min(view.size, Math.round(size));
  const edge = (at) => view.top + Math.floor((at * view.size) / lines);
  for (let y = 0; y < lines; y += 1) {
    const share = colourShare(Math.max(...nothing.subarray(edge(y), edge(y + 1))), range, scale);
    context.fillStyle = css(signedColour(share, dark));
    context.fillRect(left, MARGIN.top + (y * size) / lines, NOTHING.width, size / lines + 0.5);
  }
  context.fillStyle = ink;
  context.textAlign = "center";
  context.font = LABELS;
  context.fillText("∅", left + NOTHING.width / 2, MARGIN.top + size + 9);
}

function drawHeatmap(canvas, { header, tile, nothing, view, size, dark, ink, crops }) {
  const { range, scale, peak, tokens } = header;
  const { codes } = tile;
  const context = canvasOf(canvas, size + MARGIN.left + MARGIN.right, size + MARGIN.top + MARGIN.bottom);
  const { top, masked } = CODES[codes.constructor.name];
  const most = Math.round(size * (window.devicePixelRatio || 1));
  drawCells(context, windowImage(tile, view, most, pixelTable(codes, peak, range, scale, dark), masked), size);
  const shareOf = (code) => (code === masked ? 0 : colourShare(decoded(code, top, peak), range, scale));
  if (header.signs) drawSigns(context, { tile, view, size, shareOf, dark });
  context.fillStyle = context.strokeStyle = ink;
  context.lineWidth = 1;
  context.globalAlpha = 0.3;
  context.strokeRect(MARGIN.left - 0.5, MARGIN.top - 0.5, size + 1, size + 1);
  if (nothing) context.strokeRect(MARGIN.left + size + NOTHING.gap - 0.5, MARGIN.top - 0.5, NOTHING.width + 1, size + 1);
  context.globalAlpha = 1;
  if (nothing) drawNothing(context, nothing, { view, size, range, scale, dark, ink });
  drawLabels(context, tokens, view, size, crops);
}

// The cell under a pointer, or null beside the cells.
function cellAt(event, canvas, view, size) {
  const box = canvas.getBoundingClientRect();
  const place = (at) => Math.floor((at / size) * view.size);
  const [y, x] = [place(event.clientY - box.top - MARGIN.top), place(event.clientX - box.left - MARGIN.left)];
  return x < 0 || y < 0 || x >= view.size || y >= view.size ? null : { query: view.top + y, key: view.left + x };
}

// The row whose share into nothing is under a pointer, as a cell without a key, or null.
function nothingAt(event, canvas, view, size) {
  const box = canvas.getBoundingClientRect();
  const aside = event.clientX - box.left - MARGIN.left - size - NOTHING.gap;
  const y = Math.floor(((event.clientY - box.top - MARGIN.top) / size) * view.size);
  return aside < 0 || aside >= NOTHING.width || y < 0 || y >= view.size ? null : { query: view.top + y };
}
