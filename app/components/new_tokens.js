// New tokens: the text that was written, and below it each new token with what the open head looks at from there.
function strip(cells, range, dark) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [cells.length, 1];
  const pen = canvas.getContext("2d");
  cells.forEach((weight, at) => {
    pen.fillStyle = css(signedColour(colourShare(weight, range, "square root"), dark));
    pen.fillRect(at, 0, 1, 1);
  });
  return canvas;
}

function part(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

function tokenLine(line, number, data, dark, choose) {
  const item = document.createElement("li");
  const token = document.createElement("button");
  token.type = "button";
  token.textContent = clipped(shownToken(line.token), 18);
  token.dataset.at = line.at;
  token.title = `position ${line.at}: its row in the text`;
  token.setAttribute("aria-pressed", line.at === data.chosen);
  token.addEventListener("click", () => choose(line.at));
  const looks = `${clipped(shownToken(line.looks), 14)} at ${line.key}: ${signedNumber(line.weight)}`;
  item.append(token, part("share", `${(100 * line.probability).toFixed(0)} %`), strip(line.cells, data.range, dark), part("looks", looks));
  item.classList.toggle("parts", number === data.differs);
  if (number === data.differs) item.title = "The two texts part here.";
  return item;
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".written");
  const dark = isDark(parentElement);
  const choose = (at) => setStateValue("token", { at, stamp: Date.now() });
  const text = data.lines.map((line, number) => part(number === data.differs ? "parts" : "new", line.token));
  root.querySelector("p").replaceChildren(part("before", data.before), ...text, ...(data.ends ? [part("before", " (the text ends)")] : []));
  root.querySelector("ol").replaceChildren(...data.lines.map((line, number) => tokenLine(line, number, data, dark, choose)));
  root.dataset.drawn = data.lines.length;
}
