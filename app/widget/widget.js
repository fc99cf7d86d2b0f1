// Widget: grid, edits, open head and edges in one cell of a notebook, or in a saved page; anywidget calls render.
const bytesOf = (value) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength);

function shadowOf(place, { html, css }) {
  const root = place.attachShadow({ mode: "open" });
  root.innerHTML = `<style>${css}</style>${html}`;
  return root;
}

// Tells a drawing what the model says now, as its own component would on a page of Streamlit.
function tell(kind, key, news) {
  (window[`headscope${kind}s`] ??= {})[key] = { ...news, stamp: Date.now() };
  window.dispatchEvent(new CustomEvent(`headscope-${kind.toLowerCase()}`, { detail: key }));
}

function render({ model, el }) {
  const place = document.createElement("div");
  el.append(place);
  const root = shadowOf(place, WIDGET);
  const frame = root.querySelector(".widget");
  const key = model.get("_key");
  const parts = Object.fromEntries(Object.keys(PARTS).map((name) => [name, shadowOf(root.querySelector(`.of-${name}`), PARTS[name])]));
  const ends = {};
  let heads = 1;
  const write = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const choices = {
    head: ({ head }) => write("head", [Math.floor(head / heads), head % heads]),
    row: ({ row }) => write("row", row),
    edit: ({ stamp, ...edit }) => model.send({ edit }),
  };
  const draw = (name, data) => {
    ends[name]?.();
    ends[name] = DRAWINGS[name]({ data, parentElement: parts[name], setStateValue: (choice, value) => choices[choice](value) });
  };
  const tellHead = () => {
    const [layer, head] = model.get("head");
    tell("Mark", key, { grid: key, selected: layer * heads + head });
  };
  const tellRow = () => tell("Row", key, { view: key, run: key, row: model.get("row") });
  const shows = {
    _grid: () => {
      const grid = bytesOf(model.get("_grid"));
      heads = readPayload(grid).header.heads;
      draw("grid", grid);
      tellHead();
    },
    _view: () => {
      draw("view", bytesOf(model.get("_view")));
      tellRow();
    },
    _edges: () => {
      const edges = model.get("_edges");
      root.querySelector(".of-edges").toggleAttribute("data-shown", Boolean(edges?.tokens));
      if (edges?.tokens) draw("edges", edges);
    },
    _said: () => {
      const said = model.get("_said");
      frame.toggleAttribute("data-saved", Boolean(said.saved));
      sayEdits(root, said, { untouched: Boolean(model.get("untouched")), edges: Boolean(model.get("edges")) });
    },
    head: tellHead,
    row: tellRow,
  };
  shows.untouched = shows.edges = shows._said;

  layEditBar(root, {
    make: (edit, scope) => {
      const [layer, head] = model.get("head");
      const places = { layer: {}, head: { head }, row: { head, query: model.get("row") } };
      model.send({ edit: { ...edit, layer, ...places[scope] } });
    },
    press: (name) => (["undo", "redo", "clear"].includes(name) ? model.send({ [name]: true }) : write(name, !model.get(name))),
  });
  const questions = new HeadQuestions((question) => model.send({ ask: question }));
  const want = ({ detail }) => detail.view === key && questions.want(detail);
  const hear = (content, buffers) => content.answer && questions.answered(bytesOf(buffers[0]));
  window.addEventListener("headscope-ask", want);
  model.on("msg:custom", hear);
  const endTheme = followTheme(place, () => ["_grid", "_view", "_edges", "_said"].forEach((name) => shows[name]()));
  for (const [name, shown] of Object.entries(shows)) model.on(`change:${name}`, shown);
  return () => {
    endTheme();
    window.removeEventListener("headscope-ask", want);
    model.off("msg:custom", hear);
    for (const [name, shown] of Object.entries(shows)) model.off(`change:${name}`, shown);
    for (const end of Object.values(ends)) end?.();
  };
}
