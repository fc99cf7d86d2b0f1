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

// Scrolls a list so that one of its parts is seen, and not the page.
function scrollWithin(list, part) {
  const [box, own] = [list.getBoundingClientRect(), part.getBoundingClientRect()];
  if (own.top < box.top || own.bottom > box.bottom) list.scrollTop += own.top - box.top - box.height / 2;
}

function tokenTitle(weight, index) {
  return Number.isNaN(weight) ? `${index}: masked` : `${index}: ${signedNumber(weight)}`;
}

// A token whose look stays is not touched: of thousands of tokens most do.
function colourTokens(cells, weights, chosen, { range, scale, dark }) {
  cells.forEach((cell, index) => {
    const weight = weights[index];
    const masked = Number.isNaN(weight);
    const share = masked || !Number.isFinite(weight) ? 0 : colourShare(weight, range, scale);
    const colour = signedColour(share, dark);
    const look = `${masked} ${colour} ${isNegative(share)} ${index === chosen}`;
    cell.weight = weight;
    if (cell.look === look) return;
    cell.look = look;
    cell.style.backgroundColor = masked ? "transparent" : css(colour);
    cell.style.color = masked ? "" : readable(colour);
    cell.classList.toggle("masked", masked);
    cell.classList.toggle("negative", isNegative(share));
    cell.classList.toggle("chosen", index === chosen);
    cell.setAttribute("aria-selected", index === chosen);
  });
}
