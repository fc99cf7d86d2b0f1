// Passages: a line for each, its number beside that of other heads; the token that is read is blue or red, its reader boxed.
function passageText(pieces, weight) {
  const text = document.createElement("span");
  text.className = "text";
  for (const [token, kind] of pieces) {
    const part = document.createElement("span");
    part.textContent = kind === "row" || kind === "key" || kind === "both" ? shownToken(token) : token.replace(/\s*\n\s*/g, " ↵ ");
    part.className = kind === "both" ? "row key" : kind;
    if (part.classList.contains("key")) part.classList.add(weight < 0 ? "negative" : "positive");
    text.append(part);
  }
  return text;
}

export default function ({ data, parentElement, setStateValue }) {
  const line = (passage, number) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.title = `Open ${passage.where} as the prompt: row ${passage.row}, weight ${signedNumber(passage.weight)} on token ${passage.key}`;
    const value = document.createElement("b");
    value.textContent = plainNumber(passage.value);
    value.classList.toggle("pale", passage.is_pale);
    const null_ = document.createElement("i");
    null_.textContent = passage.null;
    button.append(value, null_, passageText(passage.pieces, passage.weight));
    button.addEventListener("click", () => {
      setStateValue("passage", { number, stamp: Date.now() });
      document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0 }); // where the prompt's heads are
    });
    item.append(button);
    return item;
  };
  const root = parentElement.querySelector(".passages");
  root.replaceChildren(...data.map(line));
  root.dataset.drawn = data.length;
}
