// Edges: which of the drawn lines are shown, by row, size, and the token and head that are pointed at; what they say.
const MOST_SAID = 6;

// In words: the strongest weights of a token, a head after the other.
function saidOf({ tokens, first, heads, edges }, side, place, isShown) {
  const other = side === "query" ? 1 : 0;
  const named = (at) => `${first + at} ${shownToken(tokens[at])}`;
  const own = edges.filter((edge) => edge[1 - other] === place && isShown(edge));
  const verb = side === "query" ? "attends to" : "is attended by";
  if (!own.length) return `${named(place)} ${verb} nothing among the weights that are drawn`;
  const lists = heads.flatMap((name, head) => {
    const strongest = own.filter((edge) => edge[3] === head).slice(-MOST_SAID).reverse();
    const said = strongest.map((edge) => `${named(edge[other])} ${signedHundredths(edge[2])}`).join(", ");
    return said ? [heads.length > 1 ? `${name}: ${said}` : said] : [];
  });
  return `${named(place)} ${verb}: ${lists.join("; ")}`;
}

const signedHundredths = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value) < 0.005 ? magnitude(Math.abs(value)) : Math.abs(value).toFixed(2)}`;

function headChip(name, head) {
  const chip = document.createElement("button");
  chip.type = "button";
  chip.dataset.head = head;
  const letter = document.createElement("b");
  letter.textContent = letterOf(head);
  chip.append(letter, name);
  return chip;
}

function edgeView({ data, parentElement }) {
  const { tokens, heads, edges, name } = data;
  const find = (selector) => parentElement.querySelector(selector);
  const [root, chips, drawing, said] = [".edges", ".chips", ".drawing", ".said"].map(find);
  const memory = (root.memory ??= {});
  const [rowOnly, least, leastSaid] = [".row-only", ".least", "output"].map(find);
  // The page may put a new element in the place of one that somebody looks at.
  const limits = (window.headscopeEdges ??= { rowOnly: rowOnly.checked, least: least.value, heads: {} });
  if (!memory.name) [rowOnly.checked, least.value] = [limits.rowOnly, limits.least];
  if (memory.name !== name) Object.assign(memory, { name, kept: (limits.heads[name] ??= new Set()) });
  const hadFocus = drawing.contains(root.getRootNode().activeElement);
  const svg = edgeDrawing(data, { dark: isDark(parentElement), ink: "currentColor", paper: "var(--st-background-color)" });
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", `Attention of ${heads.join(", ")} as edges`);
  drawing.replaceChildren(svg);
  const [lines, letters] = ["line", ".letter"].map((kind) => [...svg.querySelectorAll(kind)]);
  const labels = { query: [...svg.querySelectorAll("[data-side=query]")], key: [...svg.querySelectorAll("[data-side=key]")] };
  const options = [...labels.query, ...labels.key];
  labels.query[data.row].style.fontWeight = 700;
  if (memory.row !== data.first + data.row) drawing.scrollTop = (svg.clientHeight * data.row) / tokens.length - drawing.clientHeight / 2;
  memory.row = data.first + data.row;
  let [token, alone] = [null, null];

  const isShown = (head) => (alone === null ? !memory.kept.size || memory.kept.has(head) : head === alone);
  const isLarge = (edge) => isShown(edge[3]) && Math.abs(edge[2]) >= (data.peak * least.value) / 100;
  const isOfPlace = (edge, { side, place }) => edge[side === "query" ? 0 : 1] === place;
  // Of a token that is pointed at, all that are known; else those of the row, or the strongest.
  const isDrawn = (edge) => isLarge(edge) && (token ? isOfPlace(edge, token) : rowOnly.checked ? edge[0] === data.row : edge[4]);
  const show = () => {
    const begun = new Set();
    for (const [at, line] of lines.entries()) {
      const [query, , , head] = edges[at];
      const shown = isDrawn(edges[at]);
      line.style.display = shown ? "" : "none";
      if (shown) begun.add(`${query} ${head}`);
    }
    for (const { dataset, style } of letters) style.display = begun.has(`${dataset.query} ${dataset.head}`) ? "" : "none";
    leastSaid.textContent = magnitude((data.peak * least.value) / 100);
    Object.assign(limits, { rowOnly: rowOnly.checked, least: least.value });
    const at = token ?? (rowOnly.checked ? { side: "query", place: data.row } : null);
    said.textContent = at ? saidOf(data, at.side, at.place, isLarge) : "";
  };
  rowOnly.onchange = least.oninput = show;
  const pointed = (event) => {
    const { side, place } = event.target.dataset ?? {};
    return side && { side, place: Number(place) };
  };
  const pointAt = (next) => {
    token = next;
    show();
  };
  const focused = () => pointed({ target: root.getRootNode().activeElement ?? {} }) ?? null;
  svg.onpointerover = (event) => pointAt(pointed(event) ?? focused());
  svg.onpointerleave = () => pointAt(focused());
  for (const option of options) {
    option.onfocus = (event) => {
      memory.at = pointed(event);
      pointAt(memory.at);
      for (const other of options) other.setAttribute("aria-selected", other === option);
    };
    option.onblur = () => pointAt(null);
  }
  svg.onkeydown = (event) => {
    const from = pointed(event);
    const place = { ArrowUp: from.place - 1, ArrowDown: from.place + 1, Home: 0, End: tokens.length - 1 }[event.key] ?? from.place;
    const side = { ArrowLeft: "query", ArrowRight: "key" }[event.key] ?? from.side;
    const next = labels[side][place];
    if (!next || (side === from.side && place === from.place)) return;
    event.preventDefault();
    focusOn(options, next);
  };
  const last = { side: "query", place: tokens.length - 1 };
  const stop = memory.at && memory.at.place < tokens.length ? memory.at : last;
  makeTabStop(options, labels[stop.side][stop.place]);

  const buttons = heads.length > 1 ? heads.map(headChip) : [];
  chips.replaceChildren(...buttons);
  if (buttons.length) makeTabStop(buttons, buttons[0]);
  const headOf = (event) => event.target.closest("button")?.dataset.head;
  const isolate = (head) => {
    alone = head === undefined ? null : Number(head);
    show();
  };
  chips.onpointerover = (event) => isolate(headOf(event));
  chips.onpointerleave = () => isolate();
  buttons.forEach((button, head) => Object.assign(button, { onfocus: () => isolate(head), onblur: () => isolate() }));
  const press = () => buttons.forEach((button, head) => button.setAttribute("aria-pressed", memory.kept.has(head)));
  chips.onclick = (event) => {
    if (headOf(event) === undefined) return;
    const head = Number(headOf(event));
    if (!memory.kept.delete(head)) memory.kept.add(head);
    press();
    isolate();
  };
  chips.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = buttons[Number(headOf(event)) + step];
    if (!next) return;
    event.preventDefault();
    focusOn(buttons, next);
  };
  find(".saves").onclick = (event) => {
    const kind = event.target.closest("button")?.dataset.kind;
    if (kind) saveEdges(kind, { ...data, edges: edges.filter(isDrawn) }, isShown);
  };
  press();
  show();
  if (hadFocus) labels[stop.side][stop.place].focus();
  root.dataset.drawn = name;
}
