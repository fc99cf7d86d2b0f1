// Edge files: the drawing as SVG, PNG, numbers, or a page of its own; always on white, with its heads named.
const TOP = 88;
const WORDS = 104; // letters of a line of words
const INK = "#1f2430";
const PAPER = "#ffffff";

// data: with the edges that are shown, under the letters that their heads have on the page.
function drawingForPaper(data, isShown) {
  const svg = edgeDrawing(data, { dark: false, ink: INK, paper: PAPER, top: TOP });
  const [, , width, height] = svg.getAttribute("viewBox").split(" ");
  const names = data.heads.flatMap((name, head) => (isShown(head) ? [data.heads.length > 1 ? `${letterOf(head)} ${name}` : name] : []));
  const title = svgElement("text", { x: 12, y: 20, fill: INK, "font-size": 14, "font-weight": 700 }, `Attention of ${clipped(names.join(", "), 70)}`);
  const said = "Queries on the left, keys on the right; blue adds, red and dashed subtracts.";
  const words = inLines(data.origin.words).map((line, at) => svgElement("text", { x: 12, y: 57 + 14 * at, fill: INK, "font-size": 11 }, line));
  svg.prepend(svgElement("rect", { width, height, fill: PAPER }), title, svgElement("text", { x: 12, y: 39, fill: INK }, said), ...words);
  for (const [name, value] of Object.entries({ width, height })) svg.setAttribute(name, value);
  return svg;
}

// Two lines; what is longer is clipped.
function inLines(words) {
  const letters = [...words];
  return [letters.slice(0, WORDS).join(""), clipped(letters.slice(WORDS).join(""), WORDS)].filter(Boolean);
}

const asText = (svg) => new XMLSerializer().serializeToString(svg);

async function asPicture(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(asText(svg))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 2 * image.width, height: 2 * image.height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

const EDGE_COLUMNS = ["query", "query_token", "key", "key_token", "head", "weight"];

// The strongest first.
function edgeRows({ tokens, first, heads, edges }) {
  return [...edges].reverse().map(([query, key, weight, head]) => [first + query, tokens[query], first + key, tokens[key], heads[head], weight]);
}

function asTable(rows) {
  const quoted = (value) => (/[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value);
  return [EDGE_COLUMNS, ...rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

// A page that needs nothing else; tokens go in as text.
function asPage(svg, rows, title, origin) {
  const page = document.implementation.createHTMLDocument(title);
  const charset = page.createElement("meta");
  charset.setAttribute("charset", "utf-8");
  page.head.prepend(charset);
  const style = page.createElement("style");
  style.textContent = `body { font: 14px sans-serif; color: ${INK}; background: ${PAPER}; } td, th { padding: 1px 10px; text-align: left; font-family: monospace; }`;
  page.head.append(style);
  const table = page.createElement("table");
  for (const row of [EDGE_COLUMNS, ...rows]) {
    const line = table.insertRow();
    for (const value of row) line.insertCell().textContent = typeof value === "string" ? shownToken(value) : value;
  }
  const words = page.createElement("p");
  words.textContent = origin;
  page.body.append(page.importNode(svg, true), words, table);
  return `<!doctype html>\n${page.documentElement.outerHTML}\n`;
}

// Makes and offers one of the four files.
async function saveEdges(kind, data, isShown) {
  const name = `${data.origin.name}-of-${clipped(data.heads.filter((_, head) => isShown(head)).join("-"), 60)}.${kind}`;
  const [svg, rows] = [drawingForPaper(data, isShown), edgeRows(data)];
  if (kind === "svg") download(asText(svg), "image/svg+xml", name);
  if (kind === "png") download(await asPicture(svg), "image/png", name);
  if (kind === "csv") download(asTable(rows), "text/csv", name);
  if (kind === "html") download(asPage(svg, rows, `Attention of ${data.name}`, data.origin.words), "text/html", name);
}
