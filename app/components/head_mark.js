// Head mark: tells the grid of that key which head is open; kept apart from the grid's own large data.
export default function ({ data }) {
  (window.headscopeMarks ??= {})[data.grid] = data;
  window.dispatchEvent(new CustomEvent("headscope-mark", { detail: data.grid }));
}
