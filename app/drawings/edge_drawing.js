// Edge drawing: queries on the left, keys on the right, weights as lines, with the letter of its head where each begins.
const ROW = 19;
const WIDTH = 720;
const SIDES = { query: 190, key: 530 };
const LETTER = 9;
const FONT = "12.5px ui-monospace, Menlo, Consolas, monospace";
const SVG = "http://www.w3.org/2000/svg";

function svgElement(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// A, B … Z, a, b … z, then numbers: what tells heads apart, as the colour says the sign.
function letterOf(head) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return letters[head] ?? String(head);
}

// Where the edges of a head leave a query: the heads that have any there stand in a row.
function starts(edges, heads) {
  const present = new Map();
  for (const [query, , , head] of edges) present.set(query, (present.get(query) ?? new Set()).add(head));
  const step = Math.min(LETTER, 200 / heads);
  const places = new Map();
  for (const [query, some] of present) {
    [...some].sort((a, b) => a - b).forEach((head, at) => places.set(`${query} ${head}`, SIDES.query + 3 + at * step));
  }
  return places;
}

function edgeTitle({ tokens, first, heads }, [query, key, weight, head]) {
  const named = (place) => `${first + place} ${shownToken(tokens[place])}`;
  return `${heads[head]}: ${named(query)} → ${named(key)}  ${signedNumber(weight)}`;
}

function edgeLine(data, edge, start, middle, dark) {
  const [query, key, weight, head] = edge;
  const share = Math.sqrt(Math.abs(weight) / (data.peak || 1));
  const stroke = css(signedColour(Math.sign(weight) * Math.max(0.35, share), dark));
  const ends = { x1: start, y1: middle(query), x2: SIDES.key, y2: middle(key) };
  const line = svgElement("line", { ...ends, stroke, "stroke-width": 0.4 + 3.2 * share, "stroke-opacity": 0.25 + 0.7 * share });
  if (weight < 0) line.setAttribute("stroke-dasharray", "5 3");
  Object.assign(line.dataset, { query, key, head });
  line.append(svgElement("title", {}, edgeTitle(data, edge)));
  return line;
}

function tokenLabels(data, side, middle, ink) {
  const list = svgElement("g", { role: "listbox", "aria-label": side === "query" ? "Queries" : "Keys" });
  const place = side === "query" ? { x: SIDES.query - 8, "text-anchor": "end" } : { x: SIDES.key + 8, "text-anchor": "start" };
  const labels = data.tokens.map((token, at) => {
    const label = svgElement("text", { ...place, y: middle(at) + 4, fill: ink, role: "option" }, clipped(shownToken(token), 22));
    label.setAttribute("aria-label", `${side} ${data.first + at} ${shownToken(token)}`);
    Object.assign(label.dataset, { side, place: at });
    return label;
  });
  list.append(...labels);
  return list;
}

// The drawing as an svg; its lines carry query, key and head. top: pixels left free above it.
function edgeDrawing(data, { dark, ink, paper, top = 0 }) {
  const { tokens, edges, heads } = data;
  const middle = (place) => top + place * ROW + ROW / 2 + 4;
  const height = top + tokens.length * ROW + 8;
  const svg = svgElement("svg", { xmlns: SVG, viewBox: `0 0 ${WIDTH} ${height}`, style: `font: ${FONT}` });
  const many = heads.length > 1;
  const begin = starts(edges, heads.length);
  const startOf = (query, head) => begin.get(`${query} ${head}`);
  svg.append(...edges.map((edge) => edgeLine(data, edge, many ? startOf(edge[0], edge[3]) + LETTER - 1 : SIDES.query, middle, dark)));
  svg.append(tokenLabels(data, "query", middle, ink), tokenLabels(data, "key", middle, ink));
  if (!many) return svg;
  for (const pair of begin.keys()) {
    const [query, head] = pair.split(" ").map(Number);
    const place = { x: startOf(query, head), y: middle(query) + 3.5 };
    const letter = svgElement("text", { ...place, class: "letter", fill: ink, "font-size": 10, "aria-hidden": true }, letterOf(head));
    letter.style.cssText = `paint-order: stroke; stroke: ${paper}; stroke-width: 4px`; // keeps clear of the lines below
    Object.assign(letter.dataset, { query, head });
    svg.append(letter);
  }
  return svg;
}
