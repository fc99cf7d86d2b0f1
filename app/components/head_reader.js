// Head reader: asks the server for rows, columns and windows that a head view has not, one question at a time.
export default function ({ data, parentElement, setTriggerValue }) {
  const { header, arrays } = readPayload(data);
  const root = parentElement.querySelector(".reader");
  const memory = (root.memory ??= { wanted: new Map() });
  const count = arrays.lines ? arrays.lines.length / header.lines.length : 0;
  const lines = header.lines.map(({ kind, index }, at) => {
    const line = { weights: arrays.lines.slice(at * count, (at + 1) * count), numbers: header.numbers[at] };
    return [`${kind} ${index}`, line];
  });
  const tile = header.tile ? { place: header.tile, arrays } : null;
  const answer = { view: header.view, run: header.run, name: header.name, lines, tile };
  (window.headscopeAnswers ??= {})[header.view] = answer;
  memory.isBusy = false;
  const send = () => {
    if (memory.isBusy) return;
    for (const [kind, { run, name, part }] of memory.wanted) {
      memory.wanted.delete(kind);
      if (run !== header.run || name !== header.name) continue;
      memory.isBusy = true;
      setTriggerValue("ask", { run, name, part, stamp: Date.now() });
      return;
    }
  };
  const want = ({ detail }) => {
    if (detail.view !== header.view) return;
    memory.wanted.set(detail.part.kind === "tile" ? "tile" : "line", detail); // the last one of each is what is looked at
    send();
  };
  window.addEventListener("headscope-ask", want);
  window.dispatchEvent(new CustomEvent("headscope-answer", { detail: answer }));
  send();
  return () => window.removeEventListener("headscope-ask", want);
}
