// Edges: attention as lines from every query on the left to the keys on the right; pointing at a token keeps its own.
const ROW = 19;
const NS = "http://www.w3.org/2000/svg";

function svgElement(name, attributes, text) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

export default function ({ data, parentElement }) {
  const { tokens, edges, heads, peak, name } = data;
  const root = parentElement.querySelector(".edges");
  const dark = isDark(parentElement);
  const [width, left, right] = [720, 190, 530];
  const middle = (place) => place * ROW + ROW / 2 + 4;
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${tokens.length * ROW + 8}`, role: "img", "aria-label": `attention of ${heads.join(", ")} as edges` });
  const lines = edges.map(([query, key, weight, head]) => {
    const share = Math.sqrt(Math.abs(weight) / (peak || 1));
    const colour = css(signedColour(Math.sign(weight) * Math.max(0.35, share), dark));
    const line = svgElement("line", { x1: left, y1: middle(query), x2: right, y2: middle(key), stroke: colour, "stroke-width": 0.4 + 3.2 * share, "stroke-opacity": 0.25 + 0.7 * share });
    if (weight < 0) line.setAttribute("stroke-dasharray", "5 3");
    line.append(svgElement("title", {}, `${heads[head]}: ${query} ${shownToken(tokens[query])} → ${key} ${shownToken(tokens[key])}  ${signedNumber(weight)}`));
    line.query = query;
    line.key = key;
    svg.append(line);
    return line;
  });
  const show = (side, place) => lines.forEach((line) => { line.style.display = side && line[side] !== place ? "none" : ""; });
  const label = (place, side) => {
    const isQuery = side === "query";
    const text = svgElement("text", { x: isQuery ? left - 8 : right + 8, y: middle(place) + 4, "text-anchor": isQuery ? "end" : "start", tabindex: 0 }, clipped(shownToken(tokens[place]), 22));
    text.onmouseenter = text.onfocus = () => show(side, place);
    text.onmouseleave = text.onblur = () => show(null);
    svg.append(text);
  };
  tokens.forEach((_, place) => ["query", "key"].forEach((side) => label(place, side)));
  root.replaceChildren(svg);
  root.dataset.drawn = name;
}
