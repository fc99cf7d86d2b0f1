// Head lines: the rows, columns and windows of a head that the page has; others are asked of the server by head_reader.js.
const MOST_LINES = 64;

class HeadLines {
  constructor(header, arrays) {
    Object.assign(this, { header, arrays, lines: new Map(), tile: null });
    this.whole = tileOf(header.tile, arrays, header.peak);
  }

  get kind() {
    return this.header.direction === "attended by" ? "column" : "row";
  }

  // Another style of the same head.
  restyled(header) {
    this.header = header;
    return this;
  }

  // Row statistics and weights of a row or column, or undefined, and then it is asked for.
  line(index, kind = this.kind) {
    const { header, whole, arrays } = this;
    if (whole.weights) {
      const numbers = header.numbers.map((_, at) => arrays.rows[at * header.tokens.length + index]);
      return { weights: lineOfTile(whole, kind, index), numbers };
    }
    const line = this.lines.get(`${kind} ${index}`);
    if (!line) this.ask({ kind, index });
    return line;
  }

  weightAt(query, key) {
    for (const tile of [this.whole, this.tile]) {
      const weight = tile ? weightInTile(tile, query, key) : undefined;
      if (weight !== undefined) return weight;
    }
    const column = this.lines.get(`column ${key}`);
    return column ? column.weights[query] : this.line(query, "row")?.weights[key];
  }

  // The finest tile that holds a window; one of its own is asked for where that says more.
  tileFor(view) {
    const { whole, tile } = this;
    const own = tile && isWithin(view, tile) ? tile : null;
    const isFine = whole.weights || (whole.side === whole.size && view.size > this.header.exact);
    const isOwn = own && own.top === view.top && own.left === view.left && own.size === view.size;
    if (!isFine && !isOwn && view.size < whole.size && !own?.weights) this.ask({ kind: "tile", ...view });
    return own ?? whole;
  }

  ask(part) {
    const { key, run, name } = this.header;
    window.dispatchEvent(new CustomEvent("headscope-ask", { detail: { view: key, run, name, part } }));
  }

  // Takes what the server answered of this head; whether it was.
  hear(answer) {
    if (!answer || answer.run !== this.header.run || answer.name !== this.header.name) return false;
    const { lines, tile } = answer;
    for (const [id, line] of lines) {
      this.lines.delete(id);
      this.lines.set(id, line);
    }
    for (const id of [...this.lines.keys()].slice(0, -MOST_LINES)) this.lines.delete(id);
    if (tile) this.tile = tileOf(tile.place, tile.arrays, this.header.peak);
    return true;
  }
}
