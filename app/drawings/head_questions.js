// Head questions: what a head view asks for while somebody points at it, one question at a time, and the answers.
// The view says "headscope-ask" to its window, and hears "headscope-answer"; send(question) carries a question away.
class HeadQuestions {
  constructor(send) {
    Object.assign(this, { send, wanted: new Map(), isBusy: false });
  }

  // The last one of each kind is what is looked at, of the head that was asked about last.
  want({ run, name, part }) {
    for (const [kind, other] of this.wanted) {
      if (other.run !== run || other.name !== name) this.wanted.delete(kind);
    }
    this.wanted.set(part.kind === "tile" ? "tile" : "line", { run, name, part });
    this.next();
  }

  // Takes an answer to the view, and asks what came up meanwhile.
  answered(data) {
    const answer = headAnswer(data);
    (window.headscopeAnswers ??= {})[answer.view] = answer;
    window.dispatchEvent(new CustomEvent("headscope-answer", { detail: answer }));
    this.isBusy = false;
    this.next();
  }

  next() {
    if (this.isBusy || !this.wanted.size) return;
    const [kind, question] = this.wanted.entries().next().value;
    this.wanted.delete(kind);
    this.isBusy = true;
    this.send({ ...question, stamp: Date.now() });
  }
}

// Lines by kind and index, and a tile where one was asked for, of a payload that components and widgets send.
function headAnswer(data) {
  const { header, arrays } = readPayload(data);
  const count = arrays.lines ? arrays.lines.length / header.lines.length : 0;
  const lines = header.lines.map(({ kind, index }, at) => {
    const line = { weights: arrays.lines.slice(at * count, (at + 1) * count), numbers: header.numbers[at] };
    return [`${kind} ${index}`, line];
  });
  const tile = header.tile ? { place: header.tile, arrays } : null;
  return { view: header.view, run: header.run, name: header.name, lines, tile };
}
