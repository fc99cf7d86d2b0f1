// Saved model: what a widget asks of its model in a notebook, answered from a page.
class SavedModel {
  constructor({ shown, grid, views, titles }) {
    Object.assign(this, { values: { edges: false, ...shown }, views, titles, listeners: [] });
    this.values._grid = bytesOfText(grid);
    this.open();
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    this.values[name] = value;
    this.changed = name;
  }

  save_changes() {
    if (this.changed !== "head") return;
    this.open();
    for (const [event, answer] of this.listeners) if (["change:head", "change:_view", "change:_said"].includes(event)) answer();
  }

  on(event, answer) {
    this.listeners.push([event, answer]);
  }

  off() {}

  send() {}

  // Puts what is known of the open head where the widget looks for it.
  open() {
    const head = this.values.head.join(",");
    this.values._view = bytesOfText(this.views[head]);
    this.values._said = { ...this.values._said, title: this.titles[head] };
  }
}

function bytesOfText(text) {
  return new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

const saved = JSON.parse(document.querySelector("script[type='application/json']").textContent);
render({ model: new SavedModel(saved), el: document.querySelector("main") });
