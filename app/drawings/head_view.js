// Head view: joins heatmap, tokens and numbers around one chosen row. Only a choice of it talks to the server.
function fillNumbers(body, numbers, ofRow) {
  body.replaceChildren(
    ...numbers.map(({ label, meaning, mean }, index) => {
      const line = document.createElement("tr");
      line.title = meaning;
      for (const text of [label, plainNumber(ofRow[index]), plainNumber(mean)]) {
        const cell = document.createElement(line.children.length ? "td" : "th");
        cell.textContent = text;
        line.append(cell);
      }
      return line;
    }),
  );
}

function drawMarks(canvas, view, size, ink, shown, direction, drag) {
  const context = canvasOf(canvas, size + MARGIN.left + MARGIN.right, size + MARGIN.top + MARGIN.bottom);
  const cell = size / view.size;
  const thick = Math.max(cell, 3);
  context.strokeStyle = ink;
  context.lineWidth = 1.5;
  const at = (index, start) => Math.min(size - thick, Math.max(0, (index - start) * cell));
  if (direction === "attended by") context.strokeRect(MARGIN.left + at(shown, view.left), MARGIN.top - 1, thick, size + 2);
  else context.strokeRect(MARGIN.left - 1, MARGIN.top + at(shown, view.top), size + 2, thick);
  if (drag) context.strokeRect(drag.x, drag.y, drag.side, drag.side);
}

// The page may put a new element in the place of one that somebody looks at: what that showed is shown again.
function restore(memory, { above, ...shown }, list) {
  if (shown.run !== memory.run) return;
  Object.assign(memory, shown, { scrolled: shown.row });
  list.scrollTop = above ?? 0;
}

function headView({ data, parentElement, setStateValue }) {
  const { header, arrays } = readPayload(data);
  const { tokens, direction } = header;
  const count = tokens.length;
  const find = (name) => parentElement.querySelector(name);
  const [root, stage, marks, tip] = [".head", ".stage", ".marks", ".tip"].map(find);
  const memory = (root.memory ??= { stamp: 0 });
  const shownLast = ((window.headscopeKept ??= {})[header.key] ??= {});
  if (memory.run !== header.run) {
    memory.crops = header.grid ? patchCrops(header.grid, arrays.picture, header.arrays, count) : null;
    const cells = header.grid ? layPatches(find(".tokens"), tokens, header.grid, memory.crops) : layTokens(find(".tokens"), tokens);
    Object.assign(memory, { run: header.run, row: header.start, pointed: header.start, scrolled: undefined, view: wholeOf(count), cells });
    restore(memory, shownLast, find(".tokens"));
    if (header.grid) find(".hint").textContent = "Point at a patch, click to keep it. Blue adds, striped red subtracts.";
  }
  const dark = isDark(parentElement);
  const ink = getComputedStyle(root).color;
  root.style.setProperty("--masked", css(MASKED[dark ? "dark" : "light"]));
  find(".signs").hidden = !header.signs;
  find(".nothing").hidden = !arrays.nothing;
  find(".menu").hidden = !header.edits.length;
  const isSame = memory.lines?.header.run === header.run && memory.lines.header.name === header.name;
  const lines = isSame ? memory.lines.restyled(header) : new HeadLines(header, arrays);
  memory.lines = lines;
  lines.hear(window.headscopeAnswers?.[header.key]);
  const colours = { range: header.range, scale: header.scale, dark };
  let size = 0;
  let drag = null;

  const show = (index) => {
    memory.pointed = index;
    Object.assign(shownLast, { run: header.run, row: memory.row, pointed: index, view: memory.view });
    if (index === memory.row && index !== memory.scrolled) {
      memory.scrolled = index; // once: whoever scrolls on is not called back
      scrollWithin(find(".tokens"), memory.cells[index]);
    }
    drawMarks(marks, memory.view, size, ink, index, direction, drag);
    const line = lines.line(index);
    const token = `${index} “${clipped(shownToken(tokens[index]), 16)}”`;
    const kept = line ? (index === memory.row ? "" : " (pointing)") : " …";
    const asked = direction === "attended by" ? `Who attends to ${token}?` : `What does ${token} attend to?`;
    find(".question").textContent = `${asked}${kept}`;
    root.toggleAttribute("data-waiting", !line);
    fillNumbers(find(".numbers tbody"), header.numbers, line?.numbers ?? header.numbers.map(() => null));
    if (!line) return;
    (header.grid ? colourPatches : colourTokens)(memory.cells, line.weights, index, colours);
    root.dataset.shown = index;
  };
  const room = barRoom(marks.getContext("2d"), header.range, header.scale);
  const draw = () => {
    size = Math.max(120, Math.min(stage.clientWidth - MARGIN.left - room, 640, window.innerHeight - 240));
    drawHeatmap(find(".cells"), { header, tile: lines.tileFor(memory.view), nothing: arrays.nothing, view: memory.view, size, dark, ink, crops: memory.crops });
    drawColourBar(find(".bar"), { ...colours, size, ink, room });
    show(memory.pointed);
    Object.assign(root.dataset, memory.view);
  };
  const look = (view) => {
    memory.view = view;
    draw();
  };
  const moveTo = (row) => {
    memory.cells[memory.row].tabIndex = -1;
    memory.row = memory.pointed = Math.max(0, Math.min(count - 1, row));
    memory.cells[memory.row].tabIndex = 0;
    const view = windowWith(memory.view, memory.row, direction);
    if (view === memory.view) show(memory.row);
    else look(view);
  };
  const choose = (row) => {
    moveTo(row);
    memory.stamp = Date.now();
    setStateValue("row", { run: header.run, row: memory.row, stamp: memory.stamp });
  };
  // The page's row is followed once the page has heard of this view's own last choice.
  const follow = () => {
    const given = window.headscopeRows?.[header.key];
    if (given?.run === header.run && given.stamp >= memory.stamp && given.row !== memory.row) moveTo(given.row);
  };
  const pointAt = (event) => cellAt(event, marks, memory.view, size);
  const pointBeside = (event) => (arrays.nothing ? nothingAt(event, marks, memory.view, size) : null);
  const showTip = (event, { query, key }) => {
    const weight = key === undefined ? arrays.nothing[query] : lines.weightAt(query, key);
    memory.tip = { event, cell: { query, key } };
    const value = weight === undefined ? "…" : Number.isNaN(weight) ? "masked" : signedNumber(weight);
    const read = key === undefined ? "∅ nothing" : `${key} ${shownToken(tokens[key])}`;
    tip.textContent = `${value}\n${query} ${shownToken(tokens[query])}  →  ${read}`;
    tip.hidden = false;
    const box = stage.getBoundingClientRect();
    tip.style.left = `${Math.max(0, Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth))}px`;
    tip.style.top = `${event.clientY - box.top + 16}px`;
  };

  const offerEdits = ({ query, key }, { clientX, clientY }) => {
    if (!header.edits.length || query === undefined) return false;
    const [layer, head] = header.place;
    const cell = { name: `${query} → ${key}`, layer, head, query, key };
    const whole = [{ name: `L${layer}H${head}`, layer, head }, { name: `Layer ${layer}`, layer }];
    const places = [{ name: `Row ${query}`, layer, head, query }, ...whole];
    const choose = (change) => setStateValue("edit", change);
    openEditMenu(parentElement, { x: clientX, y: clientY }, header.edits, key === undefined ? places : [cell, ...places], choose);
    return true;
  };
  openOnRequest(marks, (event) => offerEdits(pointAt(event) ?? {}, event));

  const keysHelp = "Enter offers changes, arrow keys move the row, plus and minus zoom, Shift and arrow keys pan, Escape shows all";
  marks.setAttribute("aria-label", `Signed attention of ${header.name}, ${count} tokens; ${keysHelp}`);
  marks.onpointerdown = (event) => {
    const cell = pointAt(event);
    if (cell && event.button === 0) drag = { cell, startX: event.offsetX, startY: event.offsetY, side: 0 };
  };
  marks.onpointermove = (event) => {
    const cell = pointAt(event) ?? pointBeside(event);
    tip.hidden = true;
    if (drag) {
      const [across, down] = [event.offsetX - drag.startX, event.offsetY - drag.startY];
      drag.side = Math.max(Math.abs(across), Math.abs(down));
      drag.x = across < 0 ? drag.startX - drag.side : drag.startX;
      drag.y = down < 0 ? drag.startY - drag.side : drag.startY;
      drawMarks(marks, memory.view, size, ink, memory.row, direction, drag);
    } else if (cell) showTip(event, cell);
  };
  marks.onpointerup = (event) => {
    const [from, to] = [drag, pointAt(event)];
    drag = null;
    if (!from) return;
    if (from.side > 6) look(to ? windowBetween(from.cell, to, count) : memory.view);
    else if (to) choose(direction === "attended by" ? to.key : to.query);
  };
  marks.onpointerleave = () => {
    tip.hidden = true;
    drag = null;
    show(memory.row);
  };
  marks.ondblclick = () => look(wholeOf(count));
  const strongestCell = () => {
    const line = lines.line(memory.row);
    if (!line) return middleOf(memory.view);
    const strengths = line.weights.map((weight) => (Number.isFinite(weight) ? Math.abs(weight) : 0));
    const other = strengths.indexOf(strengths.reduce((most, strength) => Math.max(most, strength), 0));
    return direction === "attended by" ? { query: other, key: memory.row } : { query: memory.row, key: other };
  };
  const zoomed = { "+": 0.5, "=": 0.5, "-": 2, "−": 2, _: 2 };
  marks.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const factor = zoomed[event.key];
    const { view } = memory;
    const { left, top } = marks.getBoundingClientRect();
    if (event.key === "Enter") offerEdits(strongestCell(), { clientX: left + MARGIN.left, clientY: top + MARGIN.top });
    else if (event.key === "Escape") look(wholeOf(count));
    else if (factor) look(windowAround(factor < 1 ? strongestCell() : middleOf(view), view, factor, count));
    else if (step === undefined) return;
    else if (event.shiftKey) {
      const isDown = event.key === "ArrowDown" || event.key === "ArrowUp";
      look(windowMoved(view, isDown ? step : 0, isDown ? 0 : step, count));
    } else choose(memory.row + step);
    event.preventDefault();
  };
  const list = find(".tokens");
  const tokenOf = (event) => event.target.closest("button")?.dataset.at;
  memory.cells.forEach((cell, index) => {
    cell.tabIndex = index === memory.row ? 0 : -1;
    cell.onfocus = () => show(index);
    cell.onblur = () => show(memory.row);
  });
  list.onpointerover = (event) => {
    const at = tokenOf(event);
    if (at === undefined) return;
    show(Number(at));
    if (!header.grid) memory.cells[at].title = tokenTitle(memory.cells[at].weight, at);
  };
  list.onpointerleave = () => show(memory.row);
  list.onscroll = () => Object.assign(shownLast, { above: list.scrollTop });
  list.onclick = (event) => tokenOf(event) !== undefined && choose(Number(tokenOf(event)));
  const offerRow = (event) => offerEdits(tokenOf(event) === undefined ? {} : { query: Number(tokenOf(event)) }, event);
  openOnRequest(list, offerRow);
  list.onkeydown = (event) => {
    if (event.key === "Enter" && Number(tokenOf(event)) === memory.row) {
      const { left, bottom } = event.target.getBoundingClientRect();
      if (offerRow({ target: event.target, clientX: left, clientY: bottom })) event.preventDefault();
      return;
    }
    const across = header.grid?.[1] ?? 0;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across || undefined, ArrowUp: -across || undefined }[event.key];
    const next = memory.cells[Number(tokenOf(event)) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };
  memory.observer?.disconnect();
  memory.observer = new ResizeObserver(() => {
    if (stage.clientWidth !== memory.width) {
      memory.width = stage.clientWidth;
      draw();
    }
  });
  memory.observer.observe(stage);
  memory.width = stage.clientWidth;
  window.removeEventListener("headscope-row", memory.follow);
  memory.follow = (event) => event.detail === header.key && follow();
  window.addEventListener("headscope-row", memory.follow);
  window.removeEventListener("headscope-answer", memory.hear);
  memory.hear = (event) => {
    if (event.detail.view !== header.key || !lines.hear(event.detail)) return;
    if (event.detail.tile) draw();
    show(memory.pointed);
    if (!tip.hidden) showTip(memory.tip.event, memory.tip.cell);
  };
  window.addEventListener("headscope-answer", memory.hear);
  draw();
  follow();
  if (root.dataset.drawn && root.dataset.drawn !== header.name) stage.scrollIntoView({ block: "nearest" });
  root.dataset.drawn = `${header.name}`;
  return () => {
    memory.observer.disconnect();
    window.removeEventListener("headscope-row", memory.follow);
    window.removeEventListener("headscope-answer", memory.hear);
  };
}
