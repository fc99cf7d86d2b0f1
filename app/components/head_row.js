// Head row: tells the head view of that key which row the page shows; kept apart from the view's own large data.
export default function ({ data }) {
  const rows = (window.headscopeRows ??= {});
  rows[data.view] = data;
  window.dispatchEvent(new CustomEvent("headscope-row", { detail: data.view }));
  return () => delete rows[data.view];
}
