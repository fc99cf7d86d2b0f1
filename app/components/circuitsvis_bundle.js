// Hands the bundle above to the component that draws with it.
export default function () {
  window.CircuitsVis ??= CircuitsVis;
  window.dispatchEvent(new Event("headscope-circuitsvis"));
}
