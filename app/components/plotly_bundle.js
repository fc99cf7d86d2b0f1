// Hands the bundle above to the component that draws with it.
export default function () {
  window.headscopePlotly ??= Plotly;
  window.dispatchEvent(new Event("headscope-plotly"));
}
