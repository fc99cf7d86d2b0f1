// Heatmap window: the square part of a pattern that is shown, as the keys move it.
const SMALLEST_WINDOW = 8;
const wholeOf = (count) => ({ top: 0, left: 0, size: count });

function insideOf(count, top, left, size) {
  const inside = (start) => Math.max(0, Math.min(count - size, Math.round(start)));
  return { top: inside(top), left: inside(left), size };
}

// The window between two cells, at least 8 cells wide.
function windowBetween(from, to, count) {
  const span = Math.max(SMALLEST_WINDOW, Math.abs(to.query - from.query) + 1, Math.abs(to.key - from.key) + 1);
  return insideOf(count, Math.min(from.query, to.query), Math.min(from.key, to.key), Math.min(count, span));
}

// The window grown or shrunk by a factor, with a cell in its middle.
function windowAround({ query, key }, view, factor, count) {
  const size = Math.min(count, Math.max(SMALLEST_WINDOW, Math.round(view.size * factor)));
  return insideOf(count, query - (size - 1) / 2, key - (size - 1) / 2, size);
}

const middleOf = (view) => ({ query: view.top + (view.size - 1) / 2, key: view.left + (view.size - 1) / 2 });

// A quarter of the window further, down and to the right.
function windowMoved(view, down, right, count) {
  const step = Math.max(1, Math.round(view.size / 4));
  return insideOf(count, view.top + down * step, view.left + right * step, view.size);
}

// The window moved just so far that a row (or, read as "attended by", a column) lies in it.
function windowWith(view, index, direction) {
  const side = direction === "attended by" ? "left" : "top";
  const start = Math.max(index - view.size + 1, Math.min(index, view[side]));
  return start === view[side] ? view : { ...view, [side]: start };
}
