// Page scheme: tells the server when the page has turned light or dark since its figures were made.
export default function ({ data, parentElement, setStateValue }) {
  const scheme = isDark(parentElement) ? "dark" : "light";
  if (scheme !== data.made_for && document.querySelector(".js-plotly-plot")) setStateValue("scheme", scheme);
}
