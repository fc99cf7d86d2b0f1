// Head grid: thumbnails as buttons; one tab stop, arrow keys move, the chosen head goes to the server.
function headCell(index, side) {
  const cell = document.createElement("button");
  cell.type = "button";
  cell.setAttribute("role", "gridcell");
  cell.dataset.head = index;
  const picture = document.createElement("canvas");
  picture.width = picture.height = side;
  const bar = document.createElement("i");
  const label = document.createElement("span");
  cell.append(picture, bar, label, document.createElement("em"));
  return cell;
}

const OF_MARKS = { near: "within two spreads of chance", bound: "does not apply" };

function paintThumbnail(canvas, codes, table, masked) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = table[codes[i] - masked];
  context.putImageData(image, 0, 0);
}

// Rows of buttons: a layer per row, or all heads by their number.
function layOut(root, header) {
  const { layers, heads, side, order } = header;
  root.style.setProperty("--columns", heads);
  root.style.setProperty("--rows", layers.length);
  root.classList.toggle("sorted", order !== null);
  const places = order ?? layers.flatMap((layer) => Array.from({ length: heads }, (_, i) => layer * heads + i));
  root.replaceChildren(
    ...layers.map((layer, line) => {
      const row = document.createElement("div");
      row.setAttribute("role", "row");
      const name = document.createElement("b");
      name.setAttribute("role", "rowheader");
      name.textContent = order ? "" : `L${layer}`;
      row.append(name, ...places.slice(line * heads, (line + 1) * heads).map((index) => headCell(index, side)));
      return row;
    }),
  );
  return places;
}

function mark(cells, index) {
  for (const [at, cell] of cells) {
    cell.setAttribute("aria-selected", at === index);
    cell.tabIndex = at === index ? 0 : -1;
  }
}

// Scrolls the grid, and not the page.
function bringIntoView(root, cell) {
  if (!cell) return;
  const [box, own] = [root.getBoundingClientRect(), cell.getBoundingClientRect()];
  root.scrollTop += Math.min(0, own.top - box.top) + Math.max(0, own.bottom - box.bottom);
}

function headGrid({ data, parentElement, setStateValue }) {
  const { header, arrays } = readPayload(data);
  const { heads, side, peaks, ranges, values, label, labels, marks, order } = header;
  const root = parentElement.querySelector(".grid");
  const memory = (root.memory ??= { stamp: 0 });
  const fit = () => root.classList.toggle("dense", (root.clientWidth - 22) / heads < 34);
  memory.observer?.disconnect();
  memory.observer = new ResizeObserver(fit);
  memory.observer.observe(root);
  fit();
  const layout = JSON.stringify([header.layers, heads, side, order]);
  if (memory.layout !== layout) {
    const focused = root.contains(root.getRootNode().activeElement);
    Object.assign(memory, { layout, places: layOut(root, header) });
    memory.cells = new Map([...root.querySelectorAll("button")].map((cell) => [Number(cell.dataset.head), cell]));
    if (focused) memory.cells.get(memory.marked)?.focus();
  }
  const dark = isDark(parentElement);
  const { masked } = CODES.Int8Array;
  const largest = Math.max(...values.map((value) => Math.abs(value ?? 0))) || 1;
  for (const [index, cell] of memory.cells) {
    const name = `L${Math.floor(index / heads)} H${index % heads}`;
    const number = [labels[index], `${label} ${plainNumber(values[index])}`, OF_MARKS[marks[index]]].filter(Boolean).join(", ");
    const codes = arrays.codes.subarray(index * side * side, (index + 1) * side * side);
    const [picture, bar, text, job] = cell.children;
    paintThumbnail(picture, codes, pixelTable(codes, peaks[index], ranges[index] || 1, "square root", dark), masked);
    job.textContent = labels[index];
    job.classList.toggle("common", 2 * labels.filter((name) => name === labels[index]).length > labels.length);
    bar.style.width = `${(100 * Math.abs(values[index] ?? 0)) / largest}%`;
    bar.dataset.mark = marks[index];
    text.dataset.mark = marks[index];
    const value = values[index] === null || marks[index] === "bound" ? "—" : values[index].toFixed(2).replace("-", "−");
    text.textContent = order ? `${name.replace(" ", "")} ${value}` : value;
    cell.title = `${name}\n${number}`;
    cell.setAttribute("aria-label", `Layer ${Math.floor(index / heads)} head ${index % heads}, ${number}`);
  }
  const markAs = (index) => {
    if (memory.marked !== index) bringIntoView(root, memory.cells.get(index));
    memory.marked = index;
    mark(memory.cells, index);
  };
  const open = (index) => {
    markAs(index);
    memory.stamp = Date.now();
    setStateValue("head", { head: index, stamp: memory.stamp });
  };
  // The server answers every choice in turn: its answers to older choices must not move the mark back.
  const follow = () => {
    const given = window.headscopeMarks?.[header.key];
    if (given && given.stamp >= memory.stamp) markAs(given.selected);
  };
  root.onclick = (event) => {
    const cell = event.target.closest("button");
    if (cell) open(Number(cell.dataset.head));
  };
  const offerEdits = ({ target, clientX, clientY }) => {
    const cell = target.closest("button");
    if (!cell || !header.edits.length) return false;
    const at = Number(cell.dataset.head);
    const [layer, head] = [Math.floor(at / heads), at % heads];
    const places = [{ name: `Head L${layer}H${head}`, layer, head }, { name: `Layer ${layer}`, layer }];
    openEditMenu(parentElement, { x: clientX, y: clientY }, header.edits, places, (change) => setStateValue("edit", change));
    return true;
  };
  openOnRequest(root, offerEdits);
  root.onkeydown = (event) => {
    if (event.key === "Enter") {
      const box = event.target.getBoundingClientRect();
      if (offerEdits({ target: event.target, clientX: box.right, clientY: box.top })) event.preventDefault();
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: heads, ArrowUp: -heads }[event.key];
    const here = memory.places.indexOf(Number(event.target.closest("button")?.dataset.head));
    const next = memory.places[here + step];
    if (step === undefined || next === undefined) return;
    event.preventDefault();
    memory.cells.get(next).focus();
    open(next);
  };
  const heard = (event) => event.detail === header.key && follow();
  window.addEventListener("headscope-mark", heard);
  markAs(memory.marked);
  follow();
  return () => {
    memory.observer.disconnect();
    window.removeEventListener("headscope-mark", heard);
  };
}
