// Token view: the prompt as coloured tokens; the colours are one row of the pattern, or one column.
function layTokens(root, tokens) {
  root.replaceChildren(
    ...tokens.flatMap((text, index) => {
      const token = document.createElement("button");
      token.type = "button";
      token.setAttribute("role", "option");
      token.dataset.at = index;
      token.textContent = shownToken(text);
      return text.includes("\n") ? [token, document.createElement("br")] : [token];
    }),
  );
  return [...root.querySelectorAll("button")];
}

// Weights of all tokens as read from one: NaN where the pair is masked.
function weightsFrom(index, count, direction, weightAt) {
  const pair = direction === "attended by" ? (other) => weightAt(other, index) : (other) => weightAt(index, other);
  return Float32Array.from({ length: count }, (_, other) => pair(other));
}

function colourTokens(cells, weights, chosen, { range, scale, dark }) {
  cells.forEach((cell, index) => {
    const weight = weights[index];
    const masked = Number.isNaN(weight);
    const share = masked ? 0 : colourShare(weight, range, scale);
    const colour = signedColour(share, dark);
    cell.style.backgroundColor = masked ? "transparent" : css(colour);
    cell.style.color = masked ? "" : readable(colour);
    cell.classList.toggle("masked", masked);
    cell.classList.toggle("negative", isNegative(share));
    cell.classList.toggle("chosen", index === chosen);
    cell.setAttribute("aria-selected", index === chosen);
    cell.title = masked ? `${index}: masked` : `${index}: ${signedNumber(weight)}`;
  });
}
