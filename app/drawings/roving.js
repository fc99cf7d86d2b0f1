// Roving focus: of many elements one is a tab stop, the one that had the focus last.
function makeTabStop(elements, chosen) {
  for (const element of elements) element.setAttribute("tabindex", element === chosen ? 0 : -1);
}

function focusOn(elements, chosen) {
  makeTabStop(elements, chosen);
  chosen.focus();
}
