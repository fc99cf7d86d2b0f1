// Heatmap: a square window of a signed pattern on a canvas, with token labels and a colour bar.
const MARGIN = { left: 92, top: 6, right: 62, bottom: 74 };

function canvasOf(element, width, height) {
  const ratio = window.devicePixelRatio || 1;
  Object.assign(element, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  Object.assign(element.style, { width: `${width}px`, height: `${height}px` });
  const context = element.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

// The window as pixels: one per cell, or, where cells are smaller than pixels, the strongest cell of each pixel.
function windowImage(codes, count, view, most, table, masked) {
  const side = Math.min(view.size, most);
  const image = new ImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  const edge = (at) => Math.floor((at * view.size) / side);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      let best = masked;
      for (let q = view.top + edge(y); q < view.top + edge(y + 1); q += 1) {
        for (let k = view.left + edge(x); k < view.left + edge(x + 1); k += 1) {
          const code = codes[q * count + k];
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

function drawLabels(context, tokens, view, size) {
  const cell = size / view.size;
  const step = Math.max(1, Math.ceil(13 / cell));
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.font = "11px ui-monospace, Menlo, Consolas, monospace";
  for (let i = 0; i < view.size; i += step) {
    const middle = (i + 0.5) * cell;
    context.fillText(clipped(shownToken(tokens[view.top + i]), 12), MARGIN.left - 7, MARGIN.top + middle);
    context.save();
    context.translate(MARGIN.left + middle, MARGIN.top + size + 7);
    context.rotate(-Math.PI / 2.8);
    context.fillText(clipped(shownToken(tokens[view.left + i]), 12), 0, 0);
    context.restore();
  }
}

function drawColourBar(context, range, scale, size, dark) {
  const [left, width, height] = [MARGIN.left + size + 14, 11, Math.min(size, 240)];
  for (let y = 0; y < height; y += 1) {
    context.fillStyle = css(signedColour(1 - (2 * y) / (height - 1), dark));
    context.fillRect(left, MARGIN.top + y, width, 1.5);
  }
  context.fillStyle = context.strokeStyle;
  context.textAlign = "left";
  context.font = "11px ui-monospace, Menlo, Consolas, monospace";
  for (const share of [1, 0.5, 0, -0.5, -1]) {
    const weight = scale === "square root" ? Math.sign(share) * share * share * range : share * range;
    const text = share === 0 ? "0" : `${share < 0 ? "−" : "+"}${Math.abs(weight).toPrecision(2)}`;
    context.fillText(text, left + width + 5, MARGIN.top + ((1 - share) / 2) * (height - 12) + 6);
  }
}

function drawHeatmap(canvas, { header, codes, view, size, dark, ink }) {
  const context = canvasOf(canvas, size + MARGIN.left + MARGIN.right, size + MARGIN.top + MARGIN.bottom);
  const { masked } = CODES[codes.constructor.name];
  const table = pixelTable(codes, header.peak, header.range, header.scale, dark);
  const most = Math.round(size * (window.devicePixelRatio || 1));
  drawCells(context, windowImage(codes, header.tokens.length, view, most, table, masked), size);
  context.fillStyle = context.strokeStyle = ink;
  context.globalAlpha = 0.3;
  context.strokeRect(MARGIN.left - 0.5, MARGIN.top - 0.5, size + 1, size + 1);
  context.globalAlpha = 1;
  drawLabels(context, header.tokens, view, size);
  drawColourBar(context, header.range, header.scale, size, dark);
}

// The cell under a pointer, or null beside the cells.
function cellAt(event, canvas, view, size) {
  const box = canvas.getBoundingClientRect();
  const place = (at) => Math.floor((at / size) * view.size);
  const [y, x] = [place(event.clientY - box.top - MARGIN.top), place(event.clientX - box.left - MARGIN.left)];
  return x < 0 || y < 0 || x >= view.size || y >= view.size ? null : { query: view.top + y, key: view.left + x };
}
