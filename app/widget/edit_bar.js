// Edit bar: one edit of the open head, its row or its layer, and the words of what the edits changed.
function layEditBar(root, { make, press }) {
  const find = (name) => root.querySelector(name);
  const [kind, scope, value] = [".kind", ".scope", ".value"].map(find);
  kind.replaceChildren(...EDIT_KINDS.map((item) => new Option(item.label, item.kind)));
  const fitValue = () => {
    const first = EDIT_KINDS[kind.selectedIndex].value;
    value.hidden = first === null;
    if (first !== null) value.value = first;
  };
  kind.value = "zero";
  kind.onchange = fitValue;
  fitValue();
  find(".make").onclick = () => {
    const edit = { kind: kind.value, ...(value.hidden ? {} : { value: Number(value.value) }) };
    make(edit, scope.value);
  };
  for (const name of ["undo", "redo", "clear", "untouched", "edges"]) find(`.${name}`).onclick = () => press(name);
}

function sayEdits(root, said, { untouched, edges }) {
  const find = (name) => root.querySelector(name);
  const { edits, change, refusal } = said;
  find(".title").textContent = said.title;
  find(".undo").disabled = !said.can_undo;
  find(".redo").disabled = !said.can_redo;
  find(".clear").disabled = find(".untouched").disabled = !edits.length;
  find(".untouched").setAttribute("aria-pressed", untouched);
  find(".edges").setAttribute("aria-pressed", edges);
  const words = edits.length ? `${untouched ? "Untouched; not shown: " : "After: "}${edits.join("; ")}.` : "";
  find(".words").textContent = words;
  find(".change").textContent = change;
  find(".refusal").textContent = refusal;
}
